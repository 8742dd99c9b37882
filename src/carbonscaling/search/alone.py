"""A space of one setting: a verdict, without the rounds of a search."""

from __future__ import annotations

import numpy as np

from carbonscaling.perf.numbers import Setting
from carbonscaling.search import kernel
from carbonscaling.search.collect import rejected
from carbonscaling.search.judge import Judge
from carbonscaling.search.objectives import OBJECTIVES
from carbonscaling.search.result import Close, Miss, Question, SearchResult, candidates

__all__ = ["alone"]


def alone(q: Question, judge: Judge, near: float, *, front: bool, close: bool) -> SearchResult:
    """Return what a search finds in a grid of one setting, every rule and limit tried.

    Parameters
    ----------
    q, judge : the question, and what decides its grid.
    near, front, close : as in `carbonscaling.search.engine.search`.
    """
    none = np.full(1, np.inf)
    at = judge.grid.lattice.layouts(judge.grid.lattice.families)
    found = judge.decide(at, none, none, none, False)
    setting = judge.grid.settings(at * judge.grid.n_inner)
    known = candidates(q, setting, found.step) if len(found.step) else []
    best = [c for c in known if q.allows(c)]
    found.counts[kernel.LATE] = len(known) - len(best)
    result = SearchResult(
        best=best[0] if best else None,
        top=best,
        n_candidates=1,
        n_fit=len(known),
        rejected=rejected(found.counts),
        fastest=known[0] if known else None,
        n_layouts=1,
        n_near=len(best),
        near=near,
        front=list(best) if front else [],
    )
    if np.isfinite(found.excess):
        result.nearest_memory = Miss(found.excess, Setting(*(int(v[0]) for v in np.broadcast_arrays(*setting))))
    if close:
        objective, n = OBJECTIVES[q.objective], len(best)
        main = np.array([objective.key(c)[objective.main] for c in best])
        result.close = Close(Setting(*(np.atleast_1d(v)[:n] for v in setting)), found.step[:n], main)
    return result
