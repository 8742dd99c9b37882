"""What measured servings teach: factors of time and heat, with and without some of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from carbonscaling.serving.cycle import TERMS
from carbonscaling.serving.effects import (
    BELIEVED,
    POWER,
    POWER_PRIORS,
    POWER_SPREAD,
    PRIORS,
    SPREAD,
    effects,
    heat_effects,
)
from carbonscaling.serving.factors import ServingFactors, unfitted
from carbonscaling.serving.predict import Predicted, heat_of, predict
from carbonscaling.serving.width import kind_of
from carbonscaling.validate.serving.fit import learn
from carbonscaling.validate.serving.table import Servings

__all__ = ["Kinds", "Told", "fitted", "left_out"]

Kinds = NDArray[np.str_]
"""Kind of each row's intervals."""
Told = dict[str, tuple[Predicted, Kinds]]
"""Predictions by what was left out, with the kinds of intervals then."""

LEAST_HEAT = 0.02
MOST = 400
"""Rows of a source that factors are learnt from."""


def spaced(s: Servings, which: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return rows to learn from: of a source with more than `MOST`, evenly many of each software, device and format in it.

    Neighbours of one sweep repeat each other, and a source counts once however many rows it has.
    """
    found: list[int] = []
    for source in np.unique(s.sources[which]):
        rows = np.flatnonzero(which & (s.sources == source))
        kinds = [effects(s.work.questions[i]) for i in rows]
        order = np.array(sorted(range(len(rows)), key=lambda i: kinds[i]))
        first = [i for n, i in enumerate(order) if n == 0 or kinds[i] != kinds[order[n - 1]]]
        even = order[np.unique(np.linspace(0, len(order) - 1, min(MOST, len(order))).astype(int))]
        found += rows[np.union1d(even, first)].tolist()
    return np.array(sorted(found))


def fitted(s: Servings, which: NDArray[np.bool_], start: ServingFactors | None = None) -> ServingFactors:
    """Return the factors that some rows teach, with what each source and machine has of its own.

    Parameters
    ----------
    start : ServingFactors, optional
        Where to begin.
    """
    rows = spaced(s, which & s.teaching)
    work = s.work.some(rows)
    own = [effects(q) for q in work.questions]
    cycle = np.broadcast_to(work.cycle.batch * work.cycle.gained, len(rows)) / (work.cycle.ranks * s.speed[rows])
    time = learn(
        TERMS, work.terms, cycle, own, s.sources[rows].tolist(), PRIORS, SPREAD, BELIEVED,
        None if start is None else start.time,
    )  # fmt: skip
    warm = spaced(s, which & s.teaching & np.isfinite(s.watts) & (s.beside == 0.0))
    if not len(warm):
        return ServingFactors(time, unfitted().heat)
    work = s.work.some(warm)
    seconds = work.terms * time.factors([effects(q) for q in work.questions])
    heat = np.maximum((s.watts[warm] - work.idle) / (work.chip - work.idle), LEAST_HEAT)
    names = [heat_effects(q) for q in work.questions]
    warmth = learn(
        POWER, heat_of(work, seconds), heat, names, s.sources[warm].tolist(), POWER_PRIORS, POWER_SPREAD,
        start=None if start is None else start.heat,
    )  # fmt: skip
    return ServingFactors(time, warmth)


def left_out(s: Servings, groups: NDArray[np.str_], start: ServingFactors | None = None) -> tuple[Predicted, Kinds]:
    """Return every row as predicted from the groups that it is not in, and the kind of its interval there.

    Parameters
    ----------
    start : ServingFactors, optional
        Where each search begins (what all rows teach: the optimum of nearly the same rows is near); at the priors if not given.
    """
    n = len(s.rows)
    found = {name: np.full(n, np.nan) for name in ("speed", "tpot_s", "ttft_s", "watts", "joules", "batch")}
    kinds = np.full(n, "", dtype="U24")
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        factors, work = fitted(s, groups != group, start), s.work.some(rows)
        told = predict(work, factors)
        kinds[rows] = [kind_of(q, factors) for q in work.questions]
        for name, values in found.items():
            values[rows] = getattr(told, name)
    return Predicted(**found, seconds=np.empty((0, n))), kinds
