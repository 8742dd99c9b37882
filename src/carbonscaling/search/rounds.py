"""The course of a search: families of layouts, best bound first, in rounds that grow."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from carbonscaling.hints import NamedTuple
from carbonscaling.perf.numbers import Setting
from carbonscaling.search import kernel
from carbonscaling.search.collect import Collector, table
from carbonscaling.search.evaluate import Clock
from carbonscaling.search.judge import Decided, Judge
from carbonscaling.search.lattice import Lattice
from carbonscaling.search.limits import LONGEST_S, SHORTEST_S, Extent, slowest_step
from carbonscaling.search.objectives import OBJECTIVES, Outcome
from carbonscaling.search.result import Progress, Question

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

__all__ = ["Rounds", "bound_keys"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FIRST_ROUND = 1 << 15
"""Settings of the first round; the best of a round sets the limits of the next."""
WHOLE_ROUND = 1 << 21
"""Settings of the first round where nothing is left out: limits only spare remembering what is not among the best."""
GROWTH = 8
"""How much larger each round is: a round's limits are those of its start, so that in a large one the best comes too late."""
BOUNDED = 1 << 12
"""Layouts whose bounds are looked at in one go."""
GLANCE = 1.25
"""How many times its count's bound a setting may take that is looked for first, to know what the rest must beat."""
FEWEST_LAYOUTS = 2
"""Layouts of the first round, at least."""


class _Done(NamedTuple):
    """What a block gave, as a future gives it."""

    decided: Decided

    def result(self) -> Decided:
        return self.decided

    def cancel(self) -> bool:
        return False


class _Here:
    """Runs at once in the calling thread: one block needs no other, and starting one costs more than a small search."""

    def submit(self, fn: Callable[..., Decided], /, *args: Any) -> _Done:
        return _Done(fn(*args))


def _threads(n: int) -> Executor:
    from concurrent.futures.thread import ThreadPoolExecutor

    return ThreadPoolExecutor(n)


def bound_keys(q: Question, extent: Extent, bound: Floats) -> tuple[Outcome, Floats]:
    """Return what no setting of each extent takes less than, by its bound, and the objective's columns there."""
    settings, step = extent.settings(), np.minimum(bound, LONGEST_S)
    outcome = q.ranked(settings, step, q.bound)
    return outcome, table(*OBJECTIVES[q.objective].columns(settings, outcome), like=step)


@dataclass
class Rounds:
    """One search under way.

    Attributes
    ----------
    decided : int
        Settings decided so far.
    left : array
        Places (in the lattice's `families`) of the families still to be looked at.
    bound, keys : arrays
        Of every family left: step time that no setting beats, and the objective's columns there.
    """

    question: Question
    judge: Judge
    found: Collector
    prune: bool
    front: bool
    threads: int
    progress: Progress | None
    clock: Clock
    decided: int = 0
    left: Ints = field(init=False)
    bound: Floats = field(init=False)
    keys: Floats = field(init=False)

    @property
    def _lattice(self) -> Lattice:
        return self.judge.grid.lattice

    @property
    def _one_round(self) -> bool:
        """Whether all settings are decided at once: bounds cost more than they save, but where a setting is to be beaten."""
        return self.judge.grid.n_candidates <= self._first_round and not self.found.beaten

    @property
    def _first_round(self) -> int:
        return FIRST_ROUND if self.prune else WHOLE_ROUND

    def run(self) -> None:
        """Decide all families; every round knows the best of those before."""
        self.left = self._lattice.families
        self.bound = np.full(len(self.left), SHORTEST_S) if self._one_round else self.judge.bounds()
        self.keys = np.zeros((2, len(self.left)))
        if not self._one_round or self.question.deadline_s < np.inf:
            outcome, self.keys = bound_keys(self.question, self._lattice.extents(self.left), self.bound)
            if self.prune:
                in_time = np.asarray(outcome.duration_s) <= self.question.deadline_s
                self._keep(np.isfinite(self.bound) & np.broadcast_to(in_time, self.bound.shape))
        size = self._first_round
        with ExitStack() as threads:
            pool: Executor | _Here = _Here()
            while len(self.left):
                if self.prune and self.found.is_full:
                    self._keep(self._alive())
                now = self._take(max(FEWEST_LAYOUTS, size // self.judge.grid.n_inner))
                if self.threads > 1 and isinstance(pool, _Here) and self._is_long(now):
                    pool = threads.enter_context(_threads(self.threads))
                if len(now):
                    self._round(pool, now)
                size = GROWTH * max(size, FEWEST_LAYOUTS * self.judge.grid.n_inner)
        self.clock.count()

    def _is_long(self, families: Ints) -> bool:
        """Whether these families are more than a block."""
        return int(self._lattice.sizes(families).sum()) > self.judge.rows_at_once(prune=self.prune)

    def _keep(self, alive: NDArray[np.bool_]) -> None:
        """Leave out families that do not matter."""
        if not alive.all():
            self._leave_out(int(self._lattice.sizes(self.left[~alive]).sum()))
            self._shrink(alive)

    def _shrink(self, kept: NDArray[np.bool_]) -> None:
        self.left, self.bound, self.keys = self.left[kept], self.bound[kept], self.keys[:, kept]

    def _leave_out(self, n_layouts: int) -> None:
        self.found.counts[kernel.BOUND] += n_layouts * self.judge.grid.n_inner
        self._tell(n_layouts)

    def _alive(self) -> NDArray[np.bool_]:
        """Families whose bound leaves a chance to be among the best, or on the front."""
        alive = np.asarray(self.found.keys_matter(self.keys))
        if self.front:
            alive |= self.bound <= self.found.corner_limit(self._lattice.extents(self.left))
        return alive

    def _take(self, n_layouts: int) -> Ints:
        """Remove about so many layouts from what is left, those with the best bounds, and return their families."""
        if self._lattice.sizes(self.left).sum() <= n_layouts:
            now = self.left
            self._shrink(np.zeros(len(now), dtype=bool))
            return now
        near = np.arange(len(self.left))
        if n_layouts < len(near):  # order no more than needed
            near = np.flatnonzero(self.keys[0] <= np.partition(self.keys[0], n_layouts)[n_layouts])
        order = near[np.lexsort(self.keys[::-1, near])]
        sizes = self._lattice.sizes(self.left[order])
        order = order[: max(1, int(np.searchsorted(np.cumsum(sizes), n_layouts, side="right")))]
        now, kept = self.left[order], np.ones(len(self.left), dtype=bool)
        kept[order] = False
        self._shrink(kept)
        return now

    def _late(self, extent: Extent) -> Floats:
        q, late = self.question, slowest_step(self.question.run_time, self.question.deadline_s, extent)
        for name, most in q.limits:
            late = np.minimum(late, slowest_step(self._taken(name), most, extent))
        return late

    def _taken(self, name: str) -> Callable[[Setting, Floats], Any]:
        """Return what settings take of one field of an outcome, by their step times."""
        return lambda settings, step: getattr(self.question.outcome(settings, step), name)

    def _cuts(self, families: Ints, extent: Extent, late: Floats) -> tuple[Floats, Floats]:
        """Step times at each extent beyond which a setting does not matter, and beyond which it is not kept.

        Beyond the second only each layout's quickest setting matters, for the front.
        """
        if self.found.distribution is not None:
            return late, late
        kept = self.found.slowest(extent) if self.found.is_full else np.full(len(late), np.inf)
        cut = np.maximum(kept, self._corners(families, extent, late)) if self.front else kept
        return np.minimum(cut, late), np.minimum(cut if self.found.stairs else kept, late)

    def _corners(self, families: Ints, extent: Extent, late: Floats) -> Floats:
        """Step time beyond which no setting of families is on the front, of counts not seen yet as a glance at them shows."""
        limit = self.found.corner_limit(extent)
        if not self.prune or self._one_round or self.found.stairs is not None:
            return limit
        seen = self.found.quickest_of(extent)
        new = seen == np.inf
        seen[new] = self._glance(families[new], np.minimum(limit, late)[new])
        return self.found.corner_limit(extent, seen)

    def _glance(self, families: Ints, limit: Floats) -> Floats:
        """Step time of a setting of each family that fits, near its bound and within a limit; infinity where none is met."""
        found, sizes = np.full(len(families), np.inf), self._lattice.sizes(families)
        if len(families) == 0:
            return found
        own, layouts = np.repeat(np.arange(len(families)), sizes), self._lattice.layouts(families)
        bound = self.judge.row_bounds(layouts)
        least = np.minimum.reduceat(bound, np.cumsum(sizes) - sizes)
        cut = np.minimum(GLANCE * least, limit)[own]
        (near,) = np.nonzero(bound <= cut)
        for start in range(0, len(near), at_once := self.judge.rows_at_once(prune=True)):
            some = near[start : start + at_once]
            self.judge = self.clock.next(self.judge)
            seen = self.judge.decide(layouts[some], cut[some], cut[some], cut[some], True)
            np.minimum.at(found, own[some], seen.row_best)
        return found

    def _round(self, pool: Executor | _Here, families: Ints) -> None:
        """Decide some families, in blocks over the threads; the outcome is taken in in their order."""
        extent = self._lattice.extents(families)
        late = self._late(extent)
        cut, kept = self._cuts(families, extent, late)
        pending: deque[tuple[Extent, Floats, Ints, Future[Decided] | _Done]] = deque()

        def take() -> None:
            here, late_here, layouts, future = pending.popleft()
            self.found.add(future.result(), here, late_here, layouts)
            self._tell(len(layouts))

        try:
            for layouts, (cut_here, kept_here, late_here, *here) in self._blocks(families, (cut, kept, late, *extent)):
                self.judge = self.clock.next(self.judge)
                future = pool.submit(self.judge.decide, layouts, cut_here, kept_here, late_here, self.prune)
                pending.append((Extent(*here), late_here, layouts, future))
                if len(pending) > 2 * self.threads:
                    take()
            while pending:
                take()
        except BaseException:
            for *_, waiting in pending:
                waiting.cancel()
            raise

    def _blocks(self, families: Ints, values: Sequence[Floats]) -> Iterator[tuple[Ints, list[Floats]]]:
        """Yield layouts of some families with the families' values; those left out that their bounds leave out.

        `values` are the cut, and whatever else is wanted of each family.
        """
        per_block = self.judge.rows_at_once(prune=self.prune)
        sizes = self._lattice.sizes(families)
        block = (np.cumsum(sizes) - 1) // max(per_block, BOUNDED)
        every = np.arange(len(families))
        for part in np.split(every, np.flatnonzero(np.diff(block)) + 1) if block[-1] else [every]:
            layouts = self._lattice.layouts(families[part])
            here = [np.repeat(v[part], sizes[part]) for v in values]
            if self.prune and not self._one_round:
                alive = self.judge.alive(layouts, here[0])
                self._leave_out(len(layouts) - int(alive.sum()))
                layouts, here = layouts[alive], [v[alive] for v in here]
            for start in range(0, len(layouts), per_block):
                some = start + np.argsort(
                    layouts[start : start + per_block]
                )  # of equal ones the first by number counts
                yield layouts[some], [v[some] for v in here]

    def _tell(self, n_layouts: int) -> None:
        self.decided += n_layouts * self.judge.grid.n_inner
        if self.progress is not None and n_layouts:
            self.progress(self.decided, self.decided / self.judge.grid.n_candidates)
