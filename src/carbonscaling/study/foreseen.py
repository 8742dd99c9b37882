"""Searches of one question for many device counts, made at once before anybody asks for one of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

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

Found = dict[int, Candidate | None]


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
    found: Found = {begin: first, **{n: known.own[n].best for n in counts}}
    bests = _up_to(q, found)
    some = (run.n_devices > begin) & (run.n_devices < counts[-1]) & np.isfinite(run.bound)
    beat = np.array([math.inf if (best := bests[n]) is None else best.step_s * (1.0 + TIES) for n in counts])
    beat_of = beat[np.searchsorted(counts, run.n_devices[some])]
    likely = np.unique(run.n_devices[some][run.bound[some] <= beat_of].astype(np.int64))
    between = likely[~np.isin(likely, counts)]
    if len(between):
        others = run.search(between.tolist(), 0.0, beat[np.searchsorted(counts, between)])
        bests = _up_to(q, found | {n: other.best for n, other in zip(between.tolist(), others, strict=True)})
    known.best |= {n: bests[n] for n in counts}
    _search(run, known, sorted({best.n_devices for n in counts if (best := bests[n])}))
    return True


def _search(run: Abreast, known: Known, counts: Sequence[int]) -> None:
    """Search some counts whole that are not known yet."""
    if new := [n for n in counts if n not in known.own]:
        known.own |= zip(new, run.search(new, NEAR), strict=True)


def _up_to(q: Question, found: Found) -> Found:
    """Return the best setting up to each device count."""
    objective, counts, bests = OBJECTIVES[q.objective], sorted(found), []
    best, least = None, (math.inf,)
    for n in counts:
        candidate = found[n]
        if candidate is not None and (own := rank(objective, candidate)) < least:
            best, least = candidate, own
        bests.append(best)
    return dict(zip(counts, bests, strict=True))
