"""A space of one setting: a verdict, without the tables and rounds of a search."""

from __future__ import annotations

import numpy as np

from carbonscaling.arrays import Number
from carbonscaling.perf.memory import memory
from carbonscaling.perf.numbers import Setting, Workload
from carbonscaling.perf.step import step_time
from carbonscaling.scalar import at, scalar
from carbonscaling.search import kernel
from carbonscaling.search.constraints import (
    ALLOWED,
    first_recompute_violation,
    first_sharding_violation,
    first_violation,
)
from carbonscaling.search.grid import Grid
from carbonscaling.search.objectives import OBJECTIVES
from carbonscaling.search.places import each
from carbonscaling.search.result import Candidate, Close, Miss, Question, SearchResult
from carbonscaling.search.tables import options_of, setting_of

__all__ = ["alone"]


def alone(q: Question, grid: Grid, near: float, *, front: bool, close: bool) -> SearchResult:
    """Return what a search finds in a grid of one setting, every rule and limit tried.

    Parameters
    ----------
    q, grid : the question, and its grid.
    near, front, close : as in `carbonscaling.search.engine.search`.
    """
    result, counts = SearchResult(n_candidates=1, n_layouts=1, near=near), np.zeros(kernel.N_COUNTS, np.int64)
    (row,) = grid.lattice.rows(grid.lattice.layouts(grid.lattice.families)).astype(float).tolist()
    options = each(options_of(grid), lambda v: v.astype(object) if isinstance(v, np.ndarray) else v)  # Python's floats
    setting = scalar(setting_of)(options, row, 0, 0, 0, 0, 0)
    fate = int(at(_first_violation, setting, q.work, grid.strict))
    if fate == ALLOWED:
        need = at(memory, q.work, q.machine, setting)
        fate = kernel.MEMORY if need.total > need.limit else kernel.FIT
        if fate == kernel.MEMORY:
            result.nearest_memory = Miss(float(need.total - need.limit), Setting(*map(int, setting)))
    if fate == kernel.FIT:
        step = result.step = at(step_time, q.work, q.machine, setting)
        taken = map(float, q.outcome(setting, step.total))
        result.fastest = Candidate(Setting(*map(int, setting)), step.total, *taken)
        result.n_fit = 1
        if q.allows(result.fastest):
            result.best, result.top, result.n_near = result.fastest, [result.fastest], 1
            result.front = [result.fastest] if front else []
        else:
            fate = kernel.LATE
    counts[fate] = 1
    result.rejected = kernel.rejected(counts)
    if close:
        objective, n = OBJECTIVES[q.objective], result.n_near
        main = np.array([objective.key(c)[objective.main] for c in result.top])
        columns = (np.full(n, value) for value in setting)
        result.close = Close(Setting(*columns), np.array([c.step_s for c in result.top]), main)
    return result


def _first_violation(s: Setting, work: Workload, strict: bool) -> Number:
    """Place in `RULES` of the first rule violated."""
    sharding = first_sharding_violation(s, work, strict)
    place = np.minimum(first_violation(s, work, strict), sharding)
    return np.minimum(place, first_recompute_violation(s, work, strict))
