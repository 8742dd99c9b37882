"""The search: every layout, every setting, the best of those that fit and finish in time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from carbonscaling.perf.numbers import Setting
from carbonscaling.perf.step import step_time
from carbonscaling.search import kernel
from carbonscaling.search.collect import Collector, not_worse
from carbonscaling.search.evaluate import Decided, Judge, judge_of
from carbonscaling.search.front import pareto
from carbonscaling.search.limits import LONGEST_S, at_devices, in_blocks, slowest_step
from carbonscaling.search.objectives import OBJECTIVES
from carbonscaling.search.quantiles import Histogram
from carbonscaling.search.result import Candidate, Miss, Question, SearchResult
from carbonscaling.search.space import Space, grid, layouts

__all__ = ["Candidate", "Progress", "Question", "SearchResult", "n_threads", "search"]

Progress = Callable[[int, float], None]
"""Called with settings decided so far and the share of layouts done."""

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

FIRST_ROUND = 1 << 15
"""Settings of the first round; the best of a round sets the limits of the next."""
GROWTH = 16
BLOCK = 1 << 18
"""Settings decided between two looks at the clock, in one thread."""
COARSE_BITS = 20
"""Binary digits of a limit beyond which settings are left out; it errs to the safe side."""


def n_threads() -> int:
    """Threads of a search: the processors at hand, or ``CARBONSCALING_THREADS``."""
    given = os.environ.get("CARBONSCALING_THREADS", "")
    return max(1, int(given)) if given.isdigit() else len(os.sched_getaffinity(0))


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

    Notes
    -----
    Exhaustive over the space: the optimum is exact for the model. Among settings equal in every key of the objective
    the smallest setting (by its degrees, in order) wins. On Ctrl-C the best so far is returned, marked as interrupted.
    """
    q = replace(question, outcome=in_blocks(question.outcome))
    rows = layouts(space, q.work, q.batch, q.machine.domain, q.counts)
    n = rows[:, 0] * rows[:, 1] * rows[:, 2] * rows[:, 3]
    rows = rows[(n <= q.host_devices) | (n % q.host_devices == 0)]
    judge = judge_of(q.work, q.machine, grid(space, q.work, q.batch, rows))
    prune = prune and not quantiles
    histogram = Histogram() if quantiles else None
    found = Collector(judge.grid, q.outcome, OBJECTIVES[q.objective], top, near, histogram)
    run = _Run(q, judge, found, prune, front, threads or n_threads(), progress)
    interrupted = False
    if judge.grid.n_candidates:
        try:
            run.all_rounds()
        except KeyboardInterrupt:
            interrupted = True
            if len(found.index) == 0:
                raise
    if prune and explain and not interrupted and len(found.index) == 0 and judge.grid.n_candidates <= EXPLAINED:
        return search(question, space, top=top, near=near, front=front, threads=threads, progress=progress)
    return _result(q, found, run.decided, front, quantiles, interrupted)


EXPLAINED = 200_000_000
"""Largest space that is searched again in full to count why nothing was found."""


@dataclass
class _Run:
    """One search under way."""

    question: Question
    judge: Judge
    found: Collector
    prune: bool
    front: bool
    threads: int
    progress: Progress | None
    decided: int = 0
    inner: int = 1
    late: Floats = field(default_factory=lambda: np.zeros(0))

    def all_rounds(self) -> None:
        """Decide all rows, in rounds that grow; every round knows the best of those before."""
        self.inner = self.judge.grid.n_inner
        self.late = self._late(self.judge.grid.n_devices)
        bounds = self.judge.bounds()
        left = self._best_first(bounds)
        size = FIRST_ROUND
        with ThreadPoolExecutor(self.threads) as pool:
            while len(left):
                if self.prune:
                    alive = self._alive(left, bounds)
                    self._leave_out(int(len(left) - alive.sum()))
                    left = left[alive]
                n_now = max(1, size // self.inner)
                now, left = left[:n_now], left[n_now:]
                if len(now):
                    self._round(pool, now, self._cut(now))
                size *= GROWTH

    def _leave_out(self, n_rows: int) -> None:
        self.found.counts[kernel.BOUND] += n_rows * self.inner
        self._tell(n_rows)

    def _best_first(self, bounds: Floats) -> Rows:
        """Order rows by the objective of their bounds."""
        settings = at_devices(self.judge.grid.n_devices)
        step = np.where(np.isfinite(bounds), bounds, LONGEST_S)
        columns = self.found.objective.columns(settings, self.question.outcome(settings, step))
        return np.lexsort([np.broadcast_to(c, step.shape) for c in columns[::-1]])

    def _alive(self, rows: Rows, bounds: Floats) -> NDArray[np.bool_]:
        """Rows whose bound leaves a chance to be in time and among the best, or on the front."""
        bound, n = bounds[rows], self.judge.grid.n_devices[rows]
        settings, step = at_devices(n), np.where(np.isfinite(bound), bound, LONGEST_S)
        chance = np.isfinite(bound) & (step <= self.late[rows])
        if self.found.is_full:
            matters = np.asarray(self.found.matters(settings, step))
            chance &= (matters | (step <= self._quickest(n))) if self.front else matters
        return chance

    def _quickest(self, n: Floats) -> Floats:
        """Step time of the quickest setting known at each count; infinity where none is."""
        counts, step, _ = self.found.quickest()
        if len(counts) == 0:
            return np.full(len(n), np.inf)
        place = np.minimum(np.searchsorted(counts, n), len(counts) - 1)
        return np.where(counts[place] == n, step[place], np.inf)

    def _late(self, n: Floats) -> Floats:
        deadline = self.question.deadline_s
        if deadline == np.inf:
            return np.full(len(n), np.inf)
        return slowest_step(lambda s, step: self.question.outcome(s, step).duration_s <= deadline, n)

    def _cut(self, rows: Rows) -> Floats:
        """Step time beyond which a setting of each row is left out; without pruning nothing is."""
        if not self.prune:
            return np.full(len(rows), np.inf)
        n = self.judge.grid.n_devices[rows]
        cut = slowest_step(self.found.matters, n, COARSE_BITS) if self.found.is_full else np.full(len(n), np.inf)
        if self.front:
            cut = np.maximum(cut, self._quickest(n))
        return np.minimum(cut, self.late[rows])

    def _round(self, pool: ThreadPoolExecutor, rows: Rows, cut: Floats) -> None:
        """Decide some rows, in blocks over the threads; the outcome is taken in in their order."""
        per_block = max(1, BLOCK // self.inner)
        n, late = self.judge.grid.n_devices[rows], self.late[rows]
        pending: deque[tuple[slice, Future[Decided]]] = deque()

        def take() -> None:
            part, future = pending.popleft()
            self.found.add(future.result(), n[part], late[part], rows[part])
            self._tell(len(rows[part]))

        try:
            for start in range(0, len(rows), per_block):
                part = slice(start, start + per_block)
                pending.append((part, pool.submit(self.judge.decide, rows[part], cut[part], late[part], self.prune)))
                if len(pending) > 2 * self.threads:
                    take()
            while pending:
                take()
        except BaseException:
            for _, future in pending:
                future.cancel()
            raise

    def _tell(self, n_rows: int) -> None:
        self.decided += n_rows * self.inner
        if self.progress is not None and n_rows:
            self.progress(self.decided, self.decided / self.judge.grid.n_candidates)


def _candidates(q: Question, settings: Setting) -> Iterator[Candidate]:
    """Yield settings with what they take, by the formulas as an estimate runs them."""
    if settings.tp.size == 0:
        return
    step = np.asarray(step_time(q.work, q.machine, settings).total, dtype=float)
    columns = [np.broadcast_to(c, step.shape) for c in q.outcome(settings, step)]
    for i in range(len(step)):
        own = Setting(*(int(np.broadcast_to(c, step.shape)[i]) for c in settings))
        yield Candidate(own, float(step[i]), *(float(c[i]) for c in columns))


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
        rejected=found.rejected(),
        n_layouts=len(found.grid.rows),
        n_near=found.n_near(),
        near=found.near,
        interrupted=interrupted,
    )
    objective = OBJECTIVES[q.objective]
    _, step, quickest = found.quickest()
    ties = found.index[:0]
    if len(found.index):
        last = np.lexsort(found.keys[::-1])[: found.top][-1]
        ties = found.index[not_worse(found.keys, found.keys[:, last])]
    fastest = quickest[np.lexsort((quickest, step))[:1]]
    corners = quickest if front else quickest[:0]
    middles = [found.distribution.quantile(share) for share in quantiles] if found.distribution else []
    spread = np.array([index for _, index in middles if index >= 0], dtype=np.int64)
    every = list(_candidates(q, found.grid.settings(np.concatenate((ties, fastest, corners, spread)))))
    ranked, rest = every[: len(ties)], iter(every[len(ties) :])
    result.top = sorted(ranked, key=lambda c: (*objective.key(c), *c.setting))[: found.top]
    result.best = result.top[0] if result.top else None
    result.fastest = next(rest) if len(fastest) else None
    result.front = pareto([c for c in islice(rest, len(corners)) if c.duration_s <= q.deadline_s])
    result.quantiles = {share: (v, next(rest)) for share, (v, i) in zip(quantiles, middles, strict=False) if i >= 0}
    if np.isfinite(found.excess):
        setting = found.grid.settings(np.array([found.excess_index]))
        result.nearest_memory = Miss(found.excess, Setting(*(int(v[0]) for v in setting)))
    return result
