"""Searches of one question for many device counts, made at once before anybody asks for one of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import accumulate
from operator import itemgetter
from typing import Any

import numpy as np

from carbonscaling.search.abreast import Abreast
from carbonscaling.search.count_bounds import Bounds
from carbonscaling.search.engine import Question
from carbonscaling.search.kernel import TIES
from carbonscaling.search.limits import NEAR
from carbonscaling.search.objectives import OBJECTIVES
from carbonscaling.search.result import Candidate
from carbonscaling.search.simple import rank
from carbonscaling.search.space import Space
from carbonscaling.study.decide import MOST_KNOWN, Known

__all__ = ["foresee"]

Ranked = dict[int, tuple[tuple[Any, ...], Candidate | None]]
"""The best setting of a device count, where there is any, after its rank."""


def foresee(q: Question, space: Space, few: int | None, known: Known, asked: Iterable[int]) -> bool:
    """Let `known` learn what `decide.searched` would find of the best setting at each of some device counts.

    Return whether it did. Nothing is learnt where no machine code decides: then each count is searched when it is asked for.

    Parameters
    ----------
    q : Question
        Of one batch, for the shortest time, without deadline and limits.
    """
    counts = sorted(set(asked) - known.best.keys())
    if not counts or (run := Abreast.of(q, space, few)) is None:
        return not counts
    if len(known.own) > MOST_KNOWN:
        known.own.clear()
    known.bounds = Bounds(run.n_devices, run.bound)
    _search(run, known, counts)
    begin, first = known.below(counts[0], q)
    found = _ranked(q, {begin: first, **{n: known.own[n].best for n in counts}})
    bests = _up_to(found)
    some = (run.n_devices > begin) & (run.n_devices < counts[-1]) & np.isfinite(run.bound)
    beat = np.array([math.inf if (best := bests[n]) is None else best.step_s * (1.0 + TIES) for n in counts])
    beat_of = beat[np.searchsorted(counts, run.n_devices[some])]
    likely = np.unique(run.n_devices[some][run.bound[some] <= beat_of].astype(np.int64))
    between = likely[~np.isin(likely, counts)]
    if len(between):
        others = run.search(between.tolist(), 0.0, beat[np.searchsorted(counts, between)])
        bests = _up_to(found | _ranked(q, {n: other.best for n, other in zip(between.tolist(), others, strict=True)}))
    known.best |= {n: bests[n] for n in counts}
    _search(run, known, sorted({best.n_devices for n in counts if (best := bests[n])}))
    return True


def _search(run: Abreast, known: Known, counts: Sequence[int]) -> None:
    """Search some counts whole that are not known yet."""
    if new := [n for n in counts if n not in known.own]:
        known.own |= zip(new, run.search(new, NEAR), strict=True)


def _ranked(q: Question, found: Mapping[int, Candidate | None]) -> Ranked:
    """Return the best setting of each count with its rank."""
    objective = OBJECTIVES[q.objective]
    return {n: ((math.inf,), None) if best is None else (rank(objective, best), best) for n, best in found.items()}


def _up_to(ranked: Ranked) -> dict[int, Candidate | None]:
    """Return the best setting up to each device count."""
    every = sorted(ranked)
    bests = accumulate((ranked[n] for n in every), partial(min, key=itemgetter(0)))
    return {n: best for n, (_, best) in zip(every, bests, strict=True)}
