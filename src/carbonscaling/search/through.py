"""A search through many settings: rounds that decide them, and the answer made of what these found."""

from __future__ import annotations

import math
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from carbonscaling.perf.numbers import Setting
from carbonscaling.perf.step import step_time
from carbonscaling.search import kernel
from carbonscaling.search.collect import Collector, not_worse
from carbonscaling.search.evaluate import Clock, judge_of
from carbonscaling.search.front import Stairs, pareto
from carbonscaling.search.grid import Grid
from carbonscaling.search.objectives import OBJECTIVES
from carbonscaling.search.quantiles import Histogram
from carbonscaling.search.result import Candidate, Close, Miss, Progress, Question, SearchResult, candidates
from carbonscaling.search.rounds import Rounds
from carbonscaling.search.simple import rank

__all__ = ["looked_through"]


def looked_through(
    q: Question,
    every: Grid,
    *,
    top: int,
    near: float,
    prune: bool,
    front: bool,
    quantiles: tuple[float, ...],
    threads: int,
    progress: Progress | None,
    few: int | None,
    close: bool,
    beat: Candidate | None,
) -> SearchResult:
    """Return what a grid's settings give; arguments as of `carbonscaling.search.engine.search`."""
    judge = judge_of(q.work, q.machine, every, few)
    histogram = Histogram() if quantiles else None
    stairs = Stairs() if front and (q.least or len(q.batches) > 1) else None
    found = Collector(judge.grid, q, OBJECTIVES[q.objective], top, near, histogram, stairs)
    if beat is not None:
        found.beat(beat)
    run = Rounds(q, judge, found, prune, front, threads, progress, Clock(few))
    interrupted = every.n_candidates > 0 and _interrupted(run)
    result = _result(q, found, run.decided, front, quantiles, interrupted)
    result.close = _close(found) if close else None
    return result


def _interrupted(run: Rounds) -> bool:
    """Run a search; return whether Ctrl-C ended it with something found."""
    try:
        run.run()
    except KeyboardInterrupt:
        if len(run.found.index) == 0:
            raise
        return True
    return False


def _close(found: Collector) -> Close:
    near = np.flatnonzero(found.is_near)
    near = near[np.lexsort(found.keys[::-1, near])]
    return Close(found.grid.settings(found.index[near]), found.step[near], found.keys[found.objective.main, near])


def _result(
    q: Question,
    found: Collector,
    decided: int,
    front: bool,
    quantiles: tuple[float, ...],
    interrupted: bool,
) -> SearchResult:
    result = SearchResult(
        n_candidates=decided,
        n_fit=int(found.counts[kernel.FIT]),
        rejected=kernel.rejected(found.counts),
        n_layouts=found.grid.lattice.n_layouts,
        n_near=found.n_near(),
        near=found.near,
        interrupted=interrupted,
    )
    objective = OBJECTIVES[q.objective]
    step, quickest = found.quickest()
    corner_step, corner = found.corners() if front else (step[:0], quickest[:0])
    best = np.zeros(len(found.index), dtype=bool)
    if len(found.index):
        last = np.lexsort(found.keys[::-1])[: found.top][-1]
        best = not_worse(found.keys, found.keys[:, last])
    fastest = found.fastest()
    middles = [found.distribution.quantile(share) for share in quantiles] if found.distribution else []
    spread = np.array([index for _, index in middles if index >= 0], dtype=np.int64)
    wanted = np.concatenate((found.index[best], quickest[fastest], corner))
    known, miss = _with_miss(found, wanted)
    every = candidates(q, known, np.concatenate((found.step[best], step[fastest], corner_step)))
    if len(spread):
        among = found.grid.settings(spread)
        every += candidates(q, among, np.asarray(step_time(q.work, q.machine, among).total, dtype=float))
    n_best = int(best.sum())
    ranked, rest = every[:n_best], iter(every[n_best:])
    result.top = ranked if n_best == 1 else sorted(ranked, key=lambda c: rank(objective, c))[: found.top]
    result.best = result.top[0] if result.top else None
    result.fastest = next(rest) if len(fastest) else None
    if len(corner):
        result.front = pareto([c for c in islice(rest, len(corner)) if q.allows(c)])
    there = [(share, next(rest)) for share, (_, index) in zip(quantiles, middles, strict=False) if index >= 0]
    result.quantiles = {share: (candidate.carbon_kg, candidate) for share, candidate in there}
    result.nearest_memory = miss
    return result


def _with_miss(found: Collector, index: NDArray[np.int64]) -> tuple[Setting, Miss | None]:
    """Return settings by number, and the nearest miss of the memory limit, decoded with them."""
    if not math.isfinite(found.excess):
        return found.grid.settings(index), None
    every = [np.asarray(v) for v in found.grid.settings(np.append(index, found.excess_index))]
    return Setting(*(v[:-1] for v in every)), Miss(found.excess, Setting(*(int(v[-1]) for v in every)))
