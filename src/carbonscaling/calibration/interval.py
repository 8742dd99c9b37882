"""Intervals that are right as often as they say: scaled conformal prediction on rows whose whole source was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEATURES", "bounds", "conformal", "fit_interval", "widen_for_new_architectures"]

Array = NDArray[np.float64]

COVERAGE = 0.90
FLOOR = 0.02
"""Residual (in the logarithm) below which rows count as equally good."""
SMOOTHING = 1e-3
ITERATIONS = 200
"""Of the quantile regression: the kink of its loss is rounded by this much of a logarithm, and the steps suffice for it."""

FEATURES = ("base", *(
    "whole_run", "inferred_layout", "kernels_untold", "experts", "low_precision", "new_stack", "new_architecture", "large",
))  # fmt: skip
"""What the width of an interval depends on (`study.accuracy.features`), after the width of a run without any of it."""


def _weights(sources: Sequence[str]) -> Array:
    """Each source counts once."""
    counts = Counter(sources)
    return np.array([1.0 / counts[s] for s in sources])


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


def _quantile_regression(a: Array, target: Array, w: Array) -> Array:
    """Coefficients below which `COVERAGE` of the target lies, by majorising the check loss (Hunter and Lange 2000)."""
    ridge = 1e-4 * np.diag([0.0] + [1.0] * (a.shape[1] - 1))
    solution: Array = np.zeros(a.shape[1])
    for _ in range(ITERATIONS):
        curve = w / (SMOOTHING + np.abs(target - a @ solution))
        pull = a.T @ (curve * target) + (2.0 * COVERAGE - 1.0) * (a.T @ w)
        solution = np.asarray(np.linalg.solve(a.T @ (curve[:, None] * a) + ridge, pull), dtype=np.float64)
    return solution


def fit_interval(x: Array, residuals: Array, sources: Sequence[str]) -> dict[str, float]:
    """Return coefficients of the residual scale by feature, and the quantile of scaled residuals.

    Parameters
    ----------
    x : array, shape (rows, features)
        As `features` returns them, with respect to the calibration that did not see the row's source.
    residuals : array
        log(predicted / measured) of left-out rows.
    sources : sequence of str

    Notes
    -----
    The scale is the 90 % quantile regression of log|residual| on the features (Koenker and Bassett 1978), so that the rows
    with a feature are covered as often as those without; coefficients other than the base are not below 0: what is less
    known is never narrower. The conformal quantile of scaled residuals on top is the larger of the one over sources and
    the one over rows.
    """
    target = np.log(np.maximum(np.abs(residuals), FLOOR))
    # A row counts by the mean of both views: every source once, and every row once.
    w = 0.5 * _weights(sources) / len(set(sources)) + 0.5 / len(residuals)
    active = list(range(x.shape[1]))
    coefficients = np.zeros(x.shape[1])
    while True:
        solution = _quantile_regression(x[:, active], target, w)
        negative = [k for k, c in zip(active, solution, strict=True) if k != 0 and c < 0]
        if not negative:
            break
        active = [k for k in active if k not in negative]
    coefficients[active] = solution
    quantile = conformal(np.abs(residuals) / np.exp(x @ coefficients), sources)
    found = {name: round(float(c), 6) for name, c in zip(FEATURES, coefficients, strict=True)}
    return {**found, "quantile": round(quantile, 6)}


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
    if not new.any():
        return dict(interval)
    others = x[new].copy()
    others[:, k] = 0.0
    scale = np.exp(others @ np.array([interval[name] for name in FEATURES]))
    needed = conformal(np.abs(residuals[new]) / scale, [s for s, n in zip(sources, new, strict=True) if n])
    return {**interval, "new_architecture": round(max(0.0, float(np.log(needed / interval["quantile"]))), 6)}


def bounds(speed: Array, x: Array, interval: Mapping[str, float]) -> tuple[Array, Array]:
    """Return the 90 % interval of predicted speeds."""
    scale = np.exp(x @ np.array([interval.get(name, 0.0) for name in FEATURES])) * interval.get("quantile", 1.0)
    return speed * np.exp(-scale), speed * np.exp(scale)
