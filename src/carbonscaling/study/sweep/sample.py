"""Samples over uncertain factors: Latin hypercube or Sobol points, each factor in its own range."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

import numpy as np

from carbonscaling.errors import InputError
from carbonscaling.platform import need
from carbonscaling.record import dataclass
from carbonscaling.study.sweep.axes import MOST_VALUES, Block

__all__ = ["Factor", "Samples", "sample_block"]


@dataclass(frozen=True)
class Factor:
    """Range of an uncertain factor.

    Attributes
    ----------
    low, high : float
    log : bool
        Equal ratios are equally likely, instead of equal distances.
    whole : bool
        Round to whole numbers.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Samples:
    """Points over the ranges of uncertain factors; every point is crossed with the axes.

    Attributes
    ----------
    n : int
        Points; a power of two for Sobol.
    method : {"lhs", "sobol"}
        Latin hypercube, or scrambled Sobol sequence (needs SciPy).
    seed : int
        The same seed gives the same points.
    factors : table
        Field of the scenario to its range: ``pue = {low = 1.05, high = 1.4}``.
    """

    n: int
    method: Literal["lhs", "sobol"] = "lhs"
    seed: int = 1
    factors: Mapping[str, Factor] = field(default_factory=dict)


def _unit_points(s: Samples) -> Any:
    d = len(s.factors)
    if s.method == "sobol":
        qmc = need("scipy.stats.qmc", "sweep")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a count that is no power of two is allowed, only less even
            return qmc.Sobol(d, rng=np.random.default_rng(s.seed)).random(s.n)
    rng = np.random.default_rng(s.seed)
    places = np.stack([rng.permutation(s.n) for _ in range(d)], axis=1)
    return (places + rng.random((s.n, d))) / s.n


def sample_block(s: Samples, where: str) -> Block:
    """Return the points of a sample, a column for each factor.

    Raises
    ------
    InputError
        No factor, no point, or an empty range.
    """
    if not 1 <= s.n <= MOST_VALUES or s.seed < 0 or not s.factors:
        raise InputError(
            "a sample needs points and factors", where=where, key="samples", value=s.n,
            allowed=f"1 to {MOST_VALUES:,} points, a seed from 0",
            remedy='for instance n = 1024 and [samples.factors] pue = {low = 1.05, high = 1.4}',
        )  # fmt: skip
    points = _unit_points(s)
    columns = {}
    for column, (key, f) in enumerate(s.factors.items()):
        if not -math.inf < f.low < f.high < math.inf or (f.log and f.low <= 0):
            raise InputError(
                "an empty range", where=where, key=f"samples.factors.{key}", value=f"{f.low} to {f.high}",
                allowed="low below high; both above 0 with log", remedy="correct the ends",
            )  # fmt: skip
        u = points[:, column]
        v = f.low * (f.high / f.low) ** u if f.log else f.low + (f.high - f.low) * u
        columns[key] = tuple(int(x) for x in np.rint(v)) if f.whole else tuple(float(x) for x in v)
    return Block(columns)
