"""Intervals that are right as often as they say: scaled conformal prediction on rows whose whole source was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from carbonscaling.calibration.profile import Calibration, family
from carbonscaling.validate.record import Replay

__all__ = ["FEATURES", "bounds", "features", "fit_interval"]

Array = NDArray[np.float64]

COVERAGE = 0.90
FLOOR = 0.02
"""Residual (in the logarithm) below which rows count as equally good."""

FEATURES = (
    "base",
    "whole_run",
    "inferred_layout",
    "experts",
    "low_precision",
    "new_stack",
    "new_architecture",
    "large",
)


def features(replays: Sequence[Replay], seen: Calibration) -> Array:
    """Return what the width of an interval depends on, one row each.

    A whole run; a layout that had to be inferred; experts; 8 or 4 bit; a stack or an architecture that `seen` was not
    fitted on; more than 1,024 devices.
    """

    def row(r: Replay) -> list[float]:
        return [
            1.0,
            float(r.row.calendar),
            float(r.row.untold),
            float(r.work.n_experts > 0),
            float(r.machine.peak > 1.5 * r.machine.peak_attention),
            float(not seen.seen(r.row.stack)),
            float(not seen.seen(family(r.cluster.device))),
            float(r.setting.n_devices > 1024),
        ]

    return np.array([row(r) for r in replays])


def _weights(sources: Sequence[str]) -> Array:
    """Each source counts once."""
    counts = Counter(sources)
    return np.array([1.0 / counts[s] for s in sources])


def _weighted_quantile(values: Array, weights: Array, share: float) -> float:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][min(int(np.searchsorted(reached, share)), len(values) - 1)])


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
    The scale is a ridge regression of log|residual| (sources counting once, coefficients other than the base not below
    0: what is less known is never narrower). The quantile is the larger of the one over sources and the one over rows.
    """
    target = np.log(np.maximum(np.abs(residuals), FLOOR))
    # A row counts by the mean of both views: every source once, and every row once.
    w = 0.5 * _weights(sources) / len(set(sources)) + 0.5 / len(residuals)
    active = list(range(x.shape[1]))
    coefficients = np.zeros(x.shape[1])
    while True:
        a = x[:, active]
        ridge = 0.01 * np.diag([0.0 if k == 0 else 1.0 for k in active])
        solution = np.linalg.solve(a.T @ (w[:, None] * a) + ridge, a.T @ (w * target))
        negative = [k for k, c in zip(active, solution, strict=True) if k != 0 and c < 0]
        if not negative:
            break
        active = [k for k in active if k not in negative]
    coefficients[active] = solution
    scaled = np.abs(residuals) / np.exp(x @ coefficients)
    quantile = max(
        _weighted_quantile(scaled, _weights(sources), COVERAGE),
        _weighted_quantile(scaled, np.ones(len(scaled)), COVERAGE),
    )
    found = {name: round(float(c), 6) for name, c in zip(FEATURES, coefficients, strict=True)}
    return {**found, "quantile": round(quantile, 6)}


def bounds(speed: Array, x: Array, interval: Mapping[str, float]) -> tuple[Array, Array]:
    """Return the 90 % interval of predicted speeds."""
    scale = np.exp(x @ np.array([interval.get(name, 0.0) for name in FEATURES])) * interval.get("quantile", 1.0)
    return speed * np.exp(-scale), speed * np.exp(scale)
