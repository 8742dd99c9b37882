"""How right predictions are, in every figure the field uses, so that none can flatter alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carbonscaling.arrays import Array
from carbonscaling.record import dataclass

__all__ = ["COUNTED", "Score", "by_group", "left_out", "score", "source_medians", "spreads", "student"]


SHARES = (0.7, 0.8, 0.9)
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
    half_width : float
        Median factor by which intervals reach to either side, the root of high over low; NaN where none was given.
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
    half_width: float = float("nan")


def _r2(predicted: Array, measured: Array) -> float:
    spread = float(np.sum((measured - measured.mean()) ** 2))
    return (
        1.0 - float(np.sum((predicted - measured) ** 2)) / spread if len(measured) > 1 and spread > 0 else float("nan")
    )


def score(predicted: Array, measured: Array, low: Array | None = None, high: Array | None = None) -> Score:
    """Score positive predictions against positive measurements; at least one."""
    ratio = predicted / measured
    error = np.abs(ratio - 1.0)
    inside = half_width = np.nan
    if low is not None and high is not None:
        inside = float(np.mean((low <= measured) & (measured <= high)))
        half_width = float(np.median(np.sqrt(high / low)))
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
        half_width=half_width,
    )


def by_group(
    groups: Sequence[str], predicted: Array, measured: Array, low: Array | None = None, high: Array | None = None
) -> dict[str, Score]:
    """Score every group apart, by name."""
    columns = [column for column in (predicted, measured, low, high) if column is not None]
    names, place = np.unique(list(groups), return_inverse=True)
    return {str(name): score(*(column[place == i] for column in columns)) for i, name in enumerate(names)}


def left_out(groups: NDArray[Any], predict: Callable[[NDArray[np.bool_]], Array]) -> Array:
    """Return every group's rows as predicted from the others; `predict` takes which rows are the group's own."""
    found = np.empty(len(groups))
    for own in (groups == group for group in np.unique(groups)):
        found[own] = predict(own)
    return found


def _quantiles(values: Array, weights: Array, shares: Sequence[float]) -> Array:
    """Return the values below which shares of the weight lie, half of each value's own weight below it."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) - weights[order] / 2.0
    return np.interp(shares, reached / weights.sum(), values[order])


def spreads(groups: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """Return the median of values in groups, and the standard deviations of the groups' means and within a group.

    A value counts by the mean of both views, every group once and every value once. Each spread is the mean of those of the
    normal distributions of which `SHARES` lie as near the median, or the group's own median, as these shares of the values
    do: a few far off widen it, and do not set it.
    """

    def weights(among: Sequence[Array]) -> Array:
        n, n_groups = sum(map(len, among)), len(among)
        return np.concatenate([np.full(len(own), 0.5 / n + 0.5 / (n_groups * len(own))) for own in among])

    every = [np.asarray(group, dtype=float) for group in groups]
    several = [own for own in every if len(own) > 1]
    values, w = np.concatenate(every), weights(every)
    middle = float(_quantiles(values, w, [0.5])[0])
    apart = np.concatenate([(own - np.median(own)) * np.sqrt(len(own) / (len(own) - 1)) for own in several])
    normal = [NormalDist().inv_cdf(0.5 + share / 2.0) for share in SHARES]
    whole = float(np.mean(_quantiles(np.abs(values - middle), w, SHARES) / normal))
    within = float(np.mean(_quantiles(np.abs(apart), weights(several), SHARES) / normal))
    return middle, max(0.0, whole**2 - within**2) ** 0.5, within


def student(degrees: float) -> float:
    """Return how many standard deviations on either side hold 90 % of Student's distribution (Abramowitz and Stegun 26.7.5).

    >>> [round(student(degrees), 3) for degrees in (12, 22, 1e9)]
    [1.782, 1.717, 1.645]
    """
    z = NormalDist().inv_cdf(0.95)
    return z + (z**3 + z) / (4.0 * degrees) + (5.0 * z**5 + 16.0 * z**3 + 3.0 * z) / (96.0 * degrees**2)


def source_medians(sources: Sequence[str], predicted: Array, measured: Array) -> Array:
    """Return the median error of each source, ascending: every source counts once."""
    return np.sort([s.median for s in by_group(sources, predicted, measured).values()])
