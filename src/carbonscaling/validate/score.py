"""How right predictions are, in every figure the field uses, so that none can flatter alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["COUNTED", "Score", "by_group", "score", "source_medians"]

Array = NDArray[np.float64]

COUNTED = ("gpu", "tpu")
"""Kinds of devices that headline figures count; rows of others stay listed by device."""


@dataclass(frozen=True)
class Score:
    """Error figures of predictions against measurements.

    Attributes
    ----------
    n : int
    mape, median, p90 : float
        Mean, median and 90th percentile of the error without its sign, ``predicted / measured - 1``.
    bias : float
        Median of ``predicted / measured - 1``.
    r2, log_r2 : float
        Coefficient of determination of the values, and of their logarithms (NaN for fewer than two rows).
    rmse, mae : float
        In the unit of the values.
    coverage : float
        Share of measurements inside their interval; NaN where none was given.
    """

    n: int
    mape: float
    median: float
    p90: float
    bias: float
    r2: float
    log_r2: float
    rmse: float
    mae: float
    coverage: float


def _r2(predicted: Array, measured: Array) -> float:
    spread = float(np.sum((measured - measured.mean()) ** 2))
    return (
        1.0 - float(np.sum((predicted - measured) ** 2)) / spread if len(measured) > 1 and spread > 0 else float("nan")
    )


def score(predicted: Array, measured: Array, low: Array | None = None, high: Array | None = None) -> Score:
    """Score positive predictions against positive measurements; at least one."""
    ratio = predicted / measured
    error = np.abs(ratio - 1.0)
    inside = float("nan")
    if low is not None and high is not None:
        inside = float(np.mean((low <= measured) & (measured <= high)))
    return Score(
        n=len(measured),
        mape=float(error.mean()),
        median=float(np.median(error)),
        p90=float(np.quantile(error, 0.9)),
        bias=float(np.median(ratio)) - 1.0,
        r2=_r2(predicted, measured),
        log_r2=_r2(np.log(predicted), np.log(measured)),
        rmse=float(np.sqrt(np.mean((predicted - measured) ** 2))),
        mae=float(np.mean(np.abs(predicted - measured))),
        coverage=inside,
    )


def by_group(
    groups: Sequence[str], predicted: Array, measured: Array, low: Array | None = None, high: Array | None = None
) -> dict[str, Score]:
    """Score every group apart, by name."""
    members: dict[str, list[int]] = defaultdict(list)
    for i, group in enumerate(groups):
        members[group].append(i)
    return {
        name: score(
            predicted[index],
            measured[index],
            None if low is None else low[index],
            None if high is None else high[index],
        )
        for name, index in sorted(members.items())
    }


def source_medians(sources: Sequence[str], predicted: Array, measured: Array) -> Array:
    """Return the median error of each source, ascending: every source counts once."""
    return np.sort([s.median for s in by_group(sources, predicted, measured).values()])
