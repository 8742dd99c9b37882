"""The search: every layout, every setting, the best of those that fit and finish in time."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from carbonscaling.perf.memory import with_margin
from carbonscaling.perf.numbers import Setting
from carbonscaling.perf.step import step_time
from carbonscaling.platform import n_processors
from carbonscaling.search import kernel
from carbonscaling.search.alone import alone
from carbonscaling.search.collect import Collector, not_worse, rejected
from carbonscaling.search.evaluate import Clock, judge_of
from carbonscaling.search.front import Stairs, pareto
from carbonscaling.search.grid import Grid
from carbonscaling.search.limits import Extent, in_blocks
from carbonscaling.search.objectives import OBJECTIVES
from carbonscaling.search.quantiles import Histogram
from carbonscaling.search.result import Candidate, Close, Miss, Question, SearchResult, candidates
from carbonscaling.search.rounds import Progress, Rounds, bound_keys
from carbonscaling.search.simple import rank
from carbonscaling.search.space import Space, grid, layouts

__all__ = ["Bounds", "Candidate", "Progress", "Question", "SearchResult", "bounds_of", "candidates"]
__all__ += ["n_threads", "search"]


def n_threads() -> int:
    """Threads of a search: the processors at hand, or ``CARBONSCALING_THREADS``."""
    given = os.environ.get("CARBONSCALING_THREADS", "")
    return max(1, int(given)) if given.isdigit() else n_processors()


def search(
    question: Question,
    space: Space,
    *,
    top: int = 10,
    near: float = 0.02,
    prune: bool = False,
    front: bool = False,
    quantiles: tuple[float, ...] = (),
    explain: bool = True,
    threads: int | None = None,
    progress: Progress | None = None,
    few: int | None = None,
    close: bool = False,
    beat: Candidate | None = None,
) -> SearchResult:
    """Look at every setting of `space` and return the best by the objective.

    Parameters
    ----------
    top : int
        How many of the best settings to keep.
    near : float
        Width of the near-optimal band, relative to the best.
    prune : bool
        Leave out settings that a bound proves not to be among the best, near-optimal or on the front. The answer is
        the same; rejections are then counted for the others only.
    explain : bool
        Where a pruned search finds nothing, search again in full to say why.
    front : bool
        Find the Pareto front as well.
    quantiles : tuple of float
        Shares at which to give the carbon of the feasible settings; nothing is left out then.
    threads : int, optional
        Default `n_threads`. The answer does not depend on it.
    progress : callable, optional
        Told after every block.
    few : int, optional
        Up to so many settings are searched without machine code, and more with it; by what it costs if not given.
    close : bool
        Return the near-optimal settings too.
    beat : Candidate, optional
        A setting that is known: of a pruned search only the settings as good by the objective matter.

    Notes
    -----
    Exhaustive over the space: the optimum is exact for the model. Among settings equal in every key of the objective
    the simplest wins (`simple.complexity`, then the smallest degrees). On Ctrl-C the best so far is returned, marked as
    interrupted.
    """
    q, every = _gridded(question, space)
    prune = prune and not quantiles
    n = every.n_candidates
    if n == 1 and not quantiles:
        result, prune = alone(q, every, near, front=front, close=close), False
        if progress is not None:
            progress(1, 1.0)
    elif n == 0 and not (close or quantiles):
        result = SearchResult(n_layouts=every.lattice.n_layouts, near=near)
    else:
        judge = judge_of(q.work, q.machine, every, few)
        histogram = Histogram() if quantiles else None
        stairs = Stairs() if front and (q.least or len(q.batches) > 1) else None
        found = Collector(judge.grid, q, OBJECTIVES[q.objective], top, near, histogram, stairs)
        if beat is not None:
            found.beat(beat)
        run = Rounds(q, judge, found, prune, front, threads or n_threads(), progress, Clock(few))
        interrupted = n > 0 and _interrupted(run)
        result = _result(q, found, run.decided, front, quantiles, interrupted)
        result.close = _close(found) if close else None
    nothing = result.best is None and not result.interrupted
    if nothing and q.stated and q.margin and not _keeps_margin(question, space, few):
        return search(
            replace(question, margin=0.0), space, top=top, near=near, prune=prune, front=front, quantiles=quantiles,
            explain=explain, threads=threads, progress=progress, few=few, close=close,
        )  # fmt: skip
    if nothing and prune and explain and n <= EXPLAINED:
        return search(question, space, top=top, near=near, front=front, threads=threads, progress=progress, few=few)
    return result


def _gridded(question: Question, space: Space) -> tuple[Question, Grid]:
    """Return a question as a search takes it, margin in the machine's memory, and its settings."""
    q = replace(
        question,
        machine=with_margin(question.machine, question.margin),
        outcome=in_blocks(question.outcome),
        least=in_blocks(question.least) if question.least else None,
    )
    lattice = layouts(space, q.work, q.batches, q.machine.silicon.domain, q.counts, q.host_devices)
    return q, grid(space, q.work, lattice)


class Bounds(NamedTuple):
    """Device counts with what no setting of each takes less than: a step time, infinity where none fits in memory."""

    n_devices: NDArray[np.float64]
    step_s: NDArray[np.float64]

    def may_match(self, q: Question, candidate: Candidate | None, low: int, high: int) -> tuple[int, int] | None:
        """Return the fewest and the most devices from `low` to `high` that leave a chance to be as good as a candidate.

        None where no count does; of a question with one batch.
        """
        some = np.isfinite(self.step_s) & (self.n_devices >= low) & (self.n_devices <= high)
        n, step = self.n_devices[some], self.step_s[some]
        if candidate is not None and len(n):
            objective, extent = OBJECTIVES[q.objective], Extent(n, np.full(len(n), float(q.batches[0])))
            keys = bound_keys(q, extent, step)[1]
            n = n[not_worse(keys, np.array(objective.key(candidate)))]
        return (int(n.min()), int(n.max())) if len(n) else None


def bounds_of(question: Question, space: Space, few: int | None = None) -> Bounds:
    """Return the bounds of a question's device counts; of a question with one batch."""
    q, every = _gridded(question, space)
    lattice = every.lattice
    if every.n_candidates == 0:
        return Bounds(np.zeros(0), np.zeros(0))
    return Bounds(lattice.extents(lattice.families).n_devices, judge_of(q.work, q.machine, every, few).bounds())


def _interrupted(run: Rounds) -> bool:
    """Run a search; return whether Ctrl-C ended it with something found."""
    try:
        run.run()
    except KeyboardInterrupt:
        if len(run.found.index) == 0:
            raise
        return True
    return False


def _keeps_margin(question: Question, space: Space, few: int | None) -> bool:
    """Whether any setting fits with the margin, in time and within budgets or not."""
    loose = replace(question, deadline_s=math.inf, limits=(), stated=False)
    return search(loose, space, top=1, near=0.0, prune=True, explain=False, few=few).best is not None


EXPLAINED = 200_000_000
"""Largest space that is searched again in full to count why nothing was found."""


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
        rejected=rejected(found.counts),
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
    result.top = sorted(ranked, key=lambda c: rank(objective, c))[: found.top]
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
