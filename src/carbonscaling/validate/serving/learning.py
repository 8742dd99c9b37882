"""What measured servings teach: factors of time and heat, and how wide intervals have to be on rows that no fit has seen."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from carbonscaling.calibration.interval import conformal, distances
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
from carbonscaling.serving.width import EXPERTS, KINDS, KNOWN, NEW, QUANTITIES, kind_of
from carbonscaling.validate.serving.fit import learn
from carbonscaling.validate.serving.table import Servings

__all__ = ["Told", "fitted", "left_out", "widths"]

Array = NDArray[np.float64]
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
    rows = spaced(s, which & np.isfinite(s.speed))
    work = s.work.some(rows)
    own = [effects(q) for q in work.questions]
    cycle = np.broadcast_to(work.cycle.batch * work.cycle.gained, len(rows)) / (work.cycle.ranks * s.speed[rows])
    time = learn(
        TERMS, work.terms, cycle, own, s.sources[rows].tolist(), PRIORS, SPREAD, BELIEVED,
        None if start is None else start.time,
    )  # fmt: skip
    warm = spaced(s, which & np.isfinite(s.speed) & np.isfinite(s.watts) & (s.beside == 0.0))
    if not len(warm):
        return ServingFactors(time, unfitted().heat)
    work = s.work.some(warm)
    seconds = work.terms * time.factors([effects(q) for q in work.questions])
    heat = np.maximum((s.watts[warm] - work.idle) / (work.tdp - work.idle), LEAST_HEAT)
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


def _wider(off: Array, kinds: Kinds, sources: NDArray[np.str_]) -> tuple[float, dict[str, float]]:
    """Return how far 90 % of logarithms of speeds lie, and by which factor farther where devices or software are new.

    Neither holds less than 90 % of its own rows, nor of its sources, each counted once.
    """
    new = {name: np.isin(kinds, those) for name, those in NEW.items()}
    first, *moved = distances(np.column_stack([np.ones(len(off)), *new.values()]), off, sources.tolist())
    base, found = float(np.exp(first)), {}
    for (name, own), more in zip(new.items(), moved, strict=True):
        found[name] = max(float(np.exp(more)), conformal(np.abs(off[own]) / base, sources[own].tolist()))
    return base, found


def _alike(off: Mapping[str, Array], told: Told, sources: NDArray[np.str_], kind: str) -> float:
    """Return how far 90 % of what a known source measured lies, each thing that was left out of a source counting once."""
    ours = {fold: (told[fold][1] == kind) & np.isfinite(x) for fold, x in off.items()}
    values = np.concatenate([np.abs(off[fold][which]) for fold, which in ours.items()])
    return conformal(values, [f"{fold} {source}" for fold, which in ours.items() for source in sources[which]])


def widths(s: Servings, told: Told) -> dict[str, dict[str, float]]:
    """Return how far from a prediction 90 % of left-out rows lie, by quantity and kind of row, as a logarithm.

    What a known source measured is judged by rows without their model or device, all else by rows without their source.
    What widens a speed widens J a token, which it divides. Watts lie between idle and the rating whoever runs it; of what no
    row has, they take the widest. Experts widen watts and energy, and speed only of a known source.
    """
    found: dict[str, dict[str, float]] = {}
    wider: dict[str, float] = {}
    for quantity in QUANTITIES:
        off = {fold: np.log(getattr(p, quantity) / getattr(s, quantity)) for fold, (p, _) in told.items()}
        known = np.isfinite(off["source"])
        lone, kinds, sources = off["source"][known], told["source"][1][known], s.sources[known]
        if quantity == "speed":
            base, wider = _wider(lone, kinds, sources)
            ends = {"": base, EXPERTS: base}
        else:
            more = _more(kinds, wider) if quantity == "joules" else np.ones(len(kinds))
            experts = np.char.endswith(kinds, EXPERTS)
            base, apart = (conformal(np.abs(lone / more)[m], sources[m].tolist()) for m in (~experts, experts))
            ends = {"": base, EXPERTS: max(base, apart)}
        own = {known + end: width for known in KNOWN for end, width in ends.items()}
        if quantity == "watts":
            own |= {kind: ends[EXPERTS] for kind in KINDS if kind not in kinds}
        else:
            own = {kind: width * float(_more(np.array([kind]), wider)[0]) for kind, width in own.items()}
        own |= {KNOWN[0] + end: _alike(off, told, s.sources, KNOWN[0] + end) for end in ends}
        found[quantity] = {kind: round(own[kind], 4) for kind in KINDS}
    return found


def _more(kinds: Kinds, wider: Mapping[str, float]) -> Array:
    """Return by which factor the intervals of kinds are wider."""
    each = [np.where(np.isin(kinds, NEW[name]), factor, 1.0) for name, factor in wider.items()]
    return np.asarray(np.prod(each, axis=0), dtype=float)
