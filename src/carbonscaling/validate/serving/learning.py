"""What measured servings teach: factors of time and heat, and how wide intervals have to be on rows that no fit has seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from carbonscaling.calibration.interval import conformal
from carbonscaling.serving.cycle import TERMS
from carbonscaling.serving.effects import (
    HOST_BOUND,
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
from carbonscaling.serving.width import KINDS, QUANTITIES, kind_of
from carbonscaling.validate.serving.fit import learn
from carbonscaling.validate.serving.table import Servings

__all__ = ["Told", "fitted", "left_out", "widths"]

Array = NDArray[np.float64]
Kinds = dict[str, NDArray[np.str_]]
"""Kind of each row's interval by quantity."""
Told = dict[str, tuple[Predicted, Kinds]]
"""Predictions by what was left out, with the kinds of intervals then."""

LEAST_HEAT = 0.02
FEW = 20
"""Rows of a kind that an interval can be learnt from."""


def fitted(s: Servings, which: NDArray[np.bool_]) -> ServingFactors:
    """Return the factors that some rows teach."""
    rows = np.flatnonzero(which & np.isfinite(s.speed))
    work = s.work.some(rows)
    own = [effects(q) for q in work.questions]
    cycle = np.broadcast_to(work.cycle.batch, len(rows)) / (work.tp * s.speed[rows])
    time = learn(TERMS, work.terms, cycle, own, s.sources[rows].tolist(), PRIORS, SPREAD, HOST_BOUND)
    warm = np.flatnonzero(which & np.isfinite(s.speed) & np.isfinite(s.watts) & (s.beside == 0.0))
    if not len(warm):
        return ServingFactors(time, unfitted().heat)
    work = s.work.some(warm)
    seconds = work.terms * time.factors([effects(q) for q in work.questions])
    heat = np.maximum((s.watts[warm] - work.idle) / (work.tdp - work.idle), LEAST_HEAT)
    names = [heat_effects(q) for q in work.questions]
    return ServingFactors(
        time, learn(POWER, heat_of(work, seconds), heat, names, s.sources[warm].tolist(), POWER_PRIORS, POWER_SPREAD)
    )


def left_out(s: Servings, groups: NDArray[np.str_]) -> tuple[Predicted, Kinds]:
    """Return every row as predicted from the groups that it is not in, and the kinds of its intervals there."""
    n = len(s.rows)
    found = {name: np.full(n, np.nan) for name in ("speed", "tpot_s", "ttft_s", "watts", "joules", "batch")}
    kinds = {quantity: np.full(n, "", dtype="U24") for quantity in QUANTITIES}
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        factors, work = fitted(s, groups != group), s.work.some(rows)
        told = predict(work, factors)
        for quantity, own in kinds.items():
            own[rows] = [kind_of(q, factors, quantity) for q in work.questions]
        for name, values in found.items():
            values[rows] = getattr(told, name)
    return Predicted(**found, seconds=np.empty((0, n))), kinds


def widths(s: Servings, told: Told) -> dict[str, dict[str, float]]:
    """Return how far from a prediction 90 % of left-out rows lie, by quantity and kind of row, as a logarithm.

    A kind with too few rows takes the widest of those that know more.
    """
    found: dict[str, dict[str, float]] = {}
    for quantity in QUANTITIES:
        measured: Array = getattr(s, quantity)
        off = {fold: np.abs(np.log(getattr(p, quantity) / measured)) for fold, (p, _) in told.items()}
        found[quantity], widest = {}, 0.0
        for kind in KINDS:
            parts = {fold: (kinds[quantity] == kind) & np.isfinite(off[fold]) for fold, (_, kinds) in told.items()}
            values = np.concatenate([off[fold][own] for fold, own in parts.items()])
            # What was left out of a source counts as much as the source left out.
            sources = [f"{fold} {source}" for fold, own in parts.items() for source in s.sources[own]]
            if len(values) >= FEW:
                widest = max(widest, conformal(values, sources)) if kind != KINDS[0] else conformal(values, sources)
            found[quantity][kind] = round(widest, 4)
    return found
