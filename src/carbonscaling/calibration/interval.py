"""Intervals that are right as often as they say, on sources that no fit has seen: each end a quantile of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from carbonscaling.arrays import Array

__all__ = [
    "FEATURES", "SIDES", "bounds", "conformal", "distances", "fit_interval", "widen_for_new_architectures",
]  # fmt: skip


COVERAGE = 0.90
TAIL = 0.945
"""Share below each end, a little more than half of what is left: an end is learnt from some sources and used for others."""
FLOOR = 0.02
"""Residual (in the logarithm) below which rows count as equally good."""
SMOOTHING = 1e-3
ITERATIONS = 200
"""Of the quantile regression: the kink of its loss is rounded by this much of a logarithm, and the steps suffice for it."""
RIDGE = 1e-2
"""Pull of what a feature adds towards nothing: some are those of few sources."""
GROUPS = 10
"""Parts of the sources, each of which is scaled by ends that were learnt without it."""
COPIES = 0.35
"""Weight of a source's rows with fields left out, of all that it counts."""

SIDES = {"fast": 1.0, "slow": -1.0}
"""Predictions faster than what was measured set the lower end of a speed, slower ones the upper end."""

FEATURES = (
    "base", "whole_run", "inferred_layout", "kernels_untold", "recompute_untold", "zero_untold", "batch_untold",
    "slower_choices", "faster_choices", "experts", "low_precision", "shared_stack", "sharded", "long", "scarce",
    "new_architecture",
)  # fmt: skip
"""What an end depends on (`study.accuracy.features`), after the distance of a run without any of it."""


def _numbered(groups: Sequence[str]) -> NDArray[np.int64]:
    return np.asarray(np.unique(np.asarray(groups), return_inverse=True)[1], dtype=np.int64)


def _weights(sources: Sequence[str], copies: NDArray[np.bool_] | None = None) -> Array:
    """Each source counts once, its rows as they are and its copies with their own share of it."""
    number = _numbered(sources)
    if copies is None or not copies.any():
        return np.asarray(1.0 / np.bincount(number)[number], dtype=float)
    kind = 2 * number + copies
    each = 1.0 / np.bincount(kind)[kind]
    return np.asarray(each * np.where(copies, COPIES, 1.0 - COPIES), dtype=float)


def _weighted_quantile(values: Array, weights: Array, share: float) -> float:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][min(int(np.searchsorted(reached, share)), len(values) - 1)])


def conformal(scaled: Array, sources: Sequence[str]) -> float:
    """Return the 90 % quantile of scaled residuals: over rows or with every source counting once, whichever is larger."""
    return max(
        _weighted_quantile(scaled, _weights(sources), COVERAGE),
        _weighted_quantile(scaled, np.ones(len(scaled)), COVERAGE),
    )


def _quantile_regression(a: Array, target: Array, w: Array, share: float) -> Array:
    """Coefficients below which `share` of the target lies, by majorising the check loss (Hunter and Lange 2000)."""
    ridge = RIDGE * np.diag([0.0] + [1.0] * (a.shape[1] - 1))
    solution: Array = np.zeros(a.shape[1])
    for _ in range(ITERATIONS):
        curve = w / (SMOOTHING + np.abs(target - a @ solution))
        pull = a.T @ (curve * target) + (2.0 * share - 1.0) * (a.T @ w)
        solution = np.asarray(np.linalg.solve(a.T @ (curve[:, None] * a) + ridge, pull), dtype=np.float64)
    return solution


def _end(x: Array, residuals: Array, w: Array, share: float) -> Array:
    """Return how far an end lies by feature, on the logarithm of the distance; what is less known is never nearer."""
    target = np.log(np.maximum(residuals, FLOOR))
    active = list(range(x.shape[1]))
    while True:
        solution = _quantile_regression(x[:, active], target, w / w.sum(), share)
        negative = [k for k, c in zip(active, solution, strict=True) if k != 0 and c < 0]
        if not negative:
            break
        active = [k for k in active if k not in negative]
    coefficients = np.zeros(x.shape[1])
    coefficients[active] = solution
    return coefficients


def fit_interval(
    x: Array, residuals: Array, sources: Sequence[str], copies: NDArray[np.bool_] | None = None
) -> dict[str, float]:
    """Return both ends by feature.

    Parameters
    ----------
    x : array, shape (rows, features)
        With respect to the calibration that did not see the row's source.
    residuals : array
        log(predicted / measured) of left-out rows.
    sources : sequence of str
        Publication or repository of each row, all its tables as one.
    copies : array of bool, optional
        Rows that are others once more with some fields left out.

    Notes
    -----
    Each end is a quantile regression of the residual's logarithm on the features (Koenker and Bassett 1978), every source
    counting once. What is between sources sets how far the ends move together: each part of the sources is scaled by ends
    that were learnt on the others, and the quantile of what remains is added to the base.
    """
    w = _weights(sources, copies)
    found: dict[str, float] = {}
    for side, sign in SIDES.items():
        coefficients = _held(x, sign * residuals, w, sources, TAIL)
        found |= {f"{side}_{name}": round(float(c), 6) for name, c in zip(FEATURES, coefficients, strict=True)}
    return found


def _held(x: Array, distance: Array, w: Array, sources: Sequence[str], share: float) -> Array:
    """Return an end by feature, its base moved to where it holds for sources that it was not learnt on."""
    part = _numbered(sources) % GROUPS
    coefficients, others = _end(x, distance, w, share), np.zeros(len(distance))
    for k in range(GROUPS):
        held = part == k
        if held.any():
            learnt = coefficients if held.all() else _end(x[~held], distance[~held], w[~held], share)
            others[held] = x[held] @ learnt
    beyond = np.log(np.maximum(distance, FLOOR)) - others
    coefficients[0] += max(0.0, _weighted_quantile(beyond, w, share))
    return coefficients


def distances(x: Array, residuals: Array, sources: Sequence[str]) -> Array:
    """Return how far 90 % of residuals lie either way, by feature, on the logarithm of the distance.

    Parameters
    ----------
    x : array, shape (rows, features)
        The first is 1 everywhere.
    residuals : array
        log(predicted / measured) of left-out rows.
    sources : sequence of str
        Of each row; every one counts once.
    """
    return _held(x, np.abs(residuals), _weights(sources), sources, COVERAGE)


def _distance(x: Array, interval: Mapping[str, float], side: str) -> Array:
    coefficients = np.array([interval.get(f"{side}_{name}", 0.0) for name in FEATURES])
    return np.asarray(np.exp(x @ coefficients), dtype=float)


def widen_for_new_architectures(
    interval: Mapping[str, float], x: Array, residuals: Array, sources: Sequence[str]
) -> dict[str, float]:
    """Return the interval with the width that architectures never fitted on need.

    Parameters
    ----------
    interval : as `fit_interval` returns it.
    x, residuals, sources : rows of whole device generations that were left out, as there.

    Notes
    -----
    No source is alone with its architecture, so leaving sources out says nothing of a new one; leaving generations out does.
    """
    k = FEATURES.index("new_architecture")
    new = x[:, k] > 0
    found = dict(interval)
    if not new.any():
        return found
    others = x[new].copy()
    others[:, k] = 0.0
    names = [s for s, n in zip(sources, new, strict=True) if n]
    for side, sign in SIDES.items():
        scaled = np.maximum(sign * residuals[new], FLOOR) / _distance(others, interval, side)
        needed = max(_weighted_quantile(scaled, w, TAIL) for w in (_weights(names), np.ones(len(names))))
        found[f"{side}_new_architecture"] = round(max(0.0, float(np.log(needed))), 6)
    return found


def bounds(speed: Array, x: Array, interval: Mapping[str, float]) -> tuple[Array, Array]:
    """Return the 90 % interval of predicted speeds."""
    return speed * np.exp(-_distance(x, interval, "fast")), speed * np.exp(_distance(x, interval, "slow"))
