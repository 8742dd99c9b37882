"""How wide intervals have to be on rows that no fit has seen: by what is new, what nobody states, and how long answers are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from carbonscaling.arrays import Array
from carbonscaling.calibration.interval import conformal, distances
from carbonscaling.record import dataclass
from carbonscaling.serving.width import EXPERTS, KINDS, KNOWN, LONG, LONG_ANSWERS, NEW, QUANTITIES, UNTOLD
from carbonscaling.validate.serving.learning import Kinds, Told
from carbonscaling.validate.serving.table import Servings

__all__ = ["widths"]

Mask = NDArray[np.bool_]
Wider = dict[str, float]
"""By which factor an interval is wider, by what widens it."""

LEAST = 0.85
"""Share of a source's rows that widths hold at least, where its devices and software are known."""
FEW = 20
"""Rows of a source below which they say nothing of a distance that a tenth of them lies beyond."""


@dataclass(frozen=True)
class Missed:
    """How far rows were missed without their source, model or device.

    Attributes
    ----------
    size : array
        Logarithms of what was said over what was measured, without their signs.
    kinds : array of str
        What was known of each row, one of `KINDS`.
    long : array of bool
        Whether answers are long.
    sources : array of str
    """

    size: Array
    kinds: Kinds
    long: Mask
    sources: NDArray[np.str_]

    def of(self, *kinds: str) -> Mask:
        """Whether rows are of these kinds."""
        return np.isin(self.kinds, kinds)

    @property
    def known(self) -> Mask:
        """Whether neither devices nor software are new."""
        return ~self.of(*(kind for those in NEW.values() for kind in those))

    @property
    def experts(self) -> Mask:
        """Whether a model has experts."""
        return np.char.endswith(self.kinds, EXPERTS)

    def held(self, size: Array, which: Mask) -> float:
        """Return the distance that holds 90 % of some rows, and of their sources that have `FEW` of them."""
        names, n = np.unique(self.sources[which], return_counts=True)
        told = which & np.isin(self.sources, names[n >= min(FEW, n.max())])
        return conformal(size[told], self.sources[told].tolist())

    def least(self, size: Array, which: Mask) -> float:
        """Return the distance that holds `LEAST` of every source that has `FEW` rows; 0 without any."""
        each = [size[which & (self.sources == one)] for one in np.unique(self.sources[which])]
        return max((float(np.quantile(x, LEAST, method="higher")) for x in each if len(x) >= FEW), default=0.0)


def _more(kinds: Kinds, long: Mask, wider: Mapping[str, float]) -> Array:
    """Return by which factor intervals are wider: by their kinds, and where answers are long.

    New devices and new software err apart, so that what they add is added by squares.
    """
    added = [np.where(np.isin(kinds, those), wider.get(name, 1.0) ** 2 - 1.0, 0.0) for name, those in NEW.items()]
    untold = np.prod([np.where(np.isin(kinds, those), wider[name], 1.0) for name, those in UNTOLD.items()], axis=0)
    return np.asarray(np.sqrt(1.0 + np.sum(added, axis=0)) * untold * np.where(long, wider[LONG_ANSWERS], 1.0))


def _speed(m: Missed, folds: Collection[Missed]) -> tuple[dict[str, float], Wider]:
    """Return how far 90 % of logarithms of speeds lie, dense and with experts, and how much farther by what is less sure.

    Long answers and what nobody states of the load are learnt on what rows have, each source counting once.
    """
    x = np.column_stack([np.ones(len(m.size)), m.long, m.of(*chain(*UNTOLD.values()))]).astype(float)
    c = distances(x[m.known], m.size[m.known], m.sources[m.known].tolist())
    scaled = m.size / np.exp(x @ c)
    short = max(1.0, m.least(scaled, m.known))
    base, wider = float(np.exp(c[0])) * short, {LONG_ANSWERS: float(np.exp(c[1]))}
    for name, those in UNTOLD.items():
        least = (f.least(f.size / base / np.where(f.long, wider[LONG_ANSWERS], 1.0), f.of(*those)) for f in folds)
        wider[name] = max(float(np.exp(c[2])), *least)
    return dict.fromkeys(("", EXPERTS), base), wider | {
        name: m.held(scaled / short, m.of(*those)) for name, those in NEW.items()
    }


def _energy(m: Missed, faster: Wider) -> tuple[dict[str, float], Wider]:
    """Return the same of J a token, which a speed divides: long answers and an untold number in flight widen it alike.

    Prompts that nobody states widen it no more: those are what most rows have, and what all widths are learnt on.
    """
    prompts = faster["prompts untold"]
    wider = {LONG_ANSWERS: faster[LONG_ANSWERS], **{name: faster[name] / prompts for name in UNTOLD}}
    size = m.size / _more(m.kinds, m.long, wider)
    base, apart = (m.held(size, m.known & rows) for rows in (~m.experts, m.experts))
    scaled = size / np.where(m.experts, max(base, apart), base)
    short = max(1.0, m.least(scaled, m.known))
    new = {name: m.of(*those) for name, those in NEW.items()}
    wider |= {name: max(1.0, m.held(scaled / short, rows)) for name, rows in new.items() if rows.any()}
    return {"": base * short, EXPERTS: max(base, apart) * short}, wider


def _watts(m: Missed) -> tuple[dict[str, float], Wider]:
    """Return the same of watts, which lie between idle and the rating whoever runs it."""
    base, apart = (m.held(m.size, rows) for rows in (~m.experts, m.experts))
    return {"": base, EXPERTS: max(base, apart)}, dict.fromkeys((LONG_ANSWERS, *UNTOLD, *NEW), 1.0)


def _alike(folds: Mapping[str, Missed], longer: float) -> dict[str, float]:
    """Return how far 90 % of what a known source measured lies, each thing that was left out of a source counting once.

    Parameters
    ----------
    longer : float
        What long answers widen; 1 of watts, which have no source held for `LEAST`.
    """
    ends: dict[str, float] = {}
    sizes = {fold: m.size / np.where(m.long, longer, 1.0) for fold, m in folds.items()}
    for end in ("", EXPERTS):
        which = {fold: m.of(KNOWN[0] + end) for fold, m in folds.items()}
        values = np.concatenate([sizes[fold][rows] for fold, rows in which.items()])
        ends[end] = conformal(values, [f"{f} {one}" for f, rows in which.items() for one in folds[f].sources[rows]])
    if longer == 1.0:
        return {KNOWN[0] + end: width for end, width in ends.items()}
    scaled = {fold: sizes[fold] / np.where(m.experts, ends[EXPERTS], ends[""]) for fold, m in folds.items()}
    short = max(1.0, *(m.least(scaled[fold], m.of(KNOWN[0], KNOWN[0] + EXPERTS)) for fold, m in folds.items()))
    return {KNOWN[0] + end: width * short for end, width in ends.items()}


def widths(s: Servings, told: Told) -> dict[str, dict[str, float]]:
    """Return how far from a prediction 90 % of left-out rows lie, by quantity and kind of row, as a logarithm.

    What a known source measured is judged by rows without their model or device, all else by rows without their source. Of
    what no row has, watts take the widest, and J a token what watts and speed come to. Experts widen watts and energy, and
    speed only of a known source.
    """
    found: dict[str, dict[str, float]] = {}
    faster: Wider = {}
    long, kinds = np.array([q.output >= LONG for q in s.work.questions]), np.array(KINDS)
    for quantity in QUANTITIES:
        folds: dict[str, Missed] = {}
        for fold, (p, known) in told.items():
            off = np.abs(np.log(getattr(p, quantity) / getattr(s, quantity)))
            rows = np.isfinite(off)
            folds[fold] = Missed(off[rows], known[rows], long[rows], s.sources[rows])
        m = folds["source"]
        if quantity == "speed":
            ends, wider = _speed(m, folds.values())
            faster = wider
        else:
            ends, wider = _watts(m) if quantity == "watts" else _energy(m, faster)
        each = np.where(np.char.endswith(kinds, EXPERTS), ends[EXPERTS], ends[""])
        if quantity == "watts":
            each = np.where(np.isin(kinds, m.kinds), each, ends[EXPERTS])
        own = dict(zip(KINDS, each * _more(kinds, np.zeros(len(kinds), dtype=bool), wider), strict=True))
        if quantity == "joules":
            unseen = {kind for those in NEW.values() if not m.of(*those).any() for kind in those}
            own |= {kind: np.hypot(found["speed"][kind], found["watts"][kind]) for kind in unseen}
        closer = _alike(folds, wider[LONG_ANSWERS])
        own |= {kind: min(width, own[kind]) for kind, width in closer.items()}  # who knows a source knows no less
        found[quantity] = {kind: float(np.ceil(1e4 * width)) / 1e4 for kind, width in own.items()}
        if quantity != "watts":
            found[quantity][LONG_ANSWERS] = round(wider[LONG_ANSWERS], 4)
    return found
