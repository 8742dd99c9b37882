"""Decide blocks of settings: constraints, memory, step time. Compiled where numba is there, with NumPy where not."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from carbonscaling.arrays import floats
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Workload
from carbonscaling.scalar import FLOAT_ERRORS, scalar
from carbonscaling.search import compiled, kernel, tables
from carbonscaling.search.alike import alike
from carbonscaling.search.grid import Grid
from carbonscaling.search.judge import Decided, Judge, ShapeBounds, family_bounds, layout_bounds, shape_bounds
from carbonscaling.search.lattice import Lattice
from carbonscaling.search.vectorised import NumpyJudge

__all__ = ["Clock", "CompiledJudge", "judge_of", "pays", "prepare"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WHOLE_BLOCK = 1 << 21
"""Settings decided between two looks at the clock where none is left out."""
PRUNED_BLOCK = 512
"""Layouts of such a block where bounds leave most settings out."""
SLICE = 1 << 26
"""Settings of such a block at most, so that a search can be left within half a second even where no bound holds."""
FEW = 8
"""Settings up to which Python's floats are quickest."""
LOADING_S, COMPILING_S = 1.0, 25.0
"""Seconds that machine code takes before its first answer: kept on disk, and made anew."""


@dataclass
class CompiledJudge:
    """Decides with the loops of `kernel` as machine code."""

    entry: ClassVar[Any] = staticmethod(compiled.entry)
    """What is run of a function of loops."""
    number: ClassVar[Any] = float
    """What its arrays hold."""

    work: Workload
    machine: Machine
    grid: Grid
    keys: Ints = field(init=False)
    table: Floats = field(init=False)
    options: tables.Options = field(init=False)

    def __post_init__(self) -> None:
        """Time every distinct layer once."""
        g = self.grid = self.grid.contiguous()
        self.work, self.machine = floats(self.work), floats(self.machine)  # one compiled version serves all
        pairs, self.keys = g.lattice.pairs()
        o = tables.options_of(g)
        lists = ("experts", "pipes", "states", "micros", "redos")
        self.options = o._replace(**{name: getattr(o, name).astype(self.number) for name in lists})
        self.table = np.empty((len(pairs), len(g.experts), len(g.micros), tables.N_LAYER), self.number)
        self.entry(tables.layer_table)(
            self.work, self.machine, pairs.astype(float).astype(self.number), self.options, self.table
        )

    @cached_property
    def _least(self) -> tuple[Floats, Floats, Ints, Ints]:
        """What passes take at least, that of the best pipeline, and those allowed: as `tables.least_table` writes them."""
        g, shapes = self.grid, self.grid.lattice.shapes.astype(float).astype(self.number)
        found = self._no_least(len(shapes), len(g.experts), len(g.pipes), len(g.micros))
        self.entry(tables.least_table)(self.work, self.machine, self.options, shapes, self.keys, self.table, *found)
        return found

    def _no_least(self, *n: int) -> tuple[Floats, Floats, Ints, Ints]:
        """Return arrays for so many shapes, experts, pipelines and micro-batches."""
        shapes, experts, pipes, micros = n
        each, best = (*n, 2), (shapes, experts, micros, 2)
        return (
            np.full(each, np.inf, self.number), np.full(best, np.inf, self.number),
            np.empty((shapes, experts, pipes), np.int64), np.zeros((shapes, experts), np.int64),
        )  # fmt: skip

    @cached_property
    def _shapes(self) -> ShapeBounds:
        shapes, dp = self.grid.lattice.shapes.astype(float), np.unique(self.grid.lattice.dp).astype(float)
        first = np.empty(len(shapes), np.int64)
        least = tables.least_needs(self.work, self.options)
        self.entry(tables.fewest_replicas)(self.work, self.machine, self.options, least, shapes, dp, first)
        return shape_bounds(self._least[1][:, :, None].astype(float), self.grid.micros, np.append(dp, np.inf)[first])

    def rows_at_once(self, *, prune: bool) -> int:
        """Layouts of a block."""
        return max(1, min(PRUNED_BLOCK, SLICE // self.grid.n_inner) if prune else WHOLE_BLOCK // self.grid.n_inner)

    def bounds(self) -> Floats:
        """Step time that no setting of each family of layouts can beat."""
        return family_bounds(self.machine, self.grid, self._shapes)

    def row_bounds(self, rows: Ints) -> Floats:
        """Step time that no setting of some layouts can beat."""
        return layout_bounds(self.machine, self.grid, self._shapes, rows)

    def alive(self, rows: Ints, cut: Floats) -> NDArray[np.bool_]:
        """Whether bounds leave any setting of some layouts; machine code itself is quick where they do not."""
        return np.asarray(self.row_bounds(rows) <= cut)

    def decide(self, rows: Ints, cut: Floats, kept: Floats, late: Floats, prune: bool) -> Decided:
        """Decide some rows."""
        found = self.decide_each(rows, np.zeros(len(rows), np.int64), 1, cut, kept, late, prune)
        found.counts = found.counts[0]
        return found

    def decide_each(
        self, rows: Ints, asked: Ints, n_asked: int, cut: Floats, kept: Floats, late: Floats, prune: bool,
        quickest: Floats | None = None,
    ) -> Decided:  # fmt: skip
        """Decide rows of several questions, and count each one's fates: `asked` says to which a row belongs.

        Where `quickest` is given, a step time of each question, no more is wanted than what is as quick; it learns.
        """
        n, inner = len(rows), self.grid.n_inner
        lattice = self.grid.lattice
        layouts, shapes = lattice.rows(rows).astype(float).astype(self.number, copy=False), rows // len(lattice.dp)
        least = self._least if prune else self._no_least(0, 0, 0, 0)
        rivals, quickest = quickest is not None, np.zeros(0) if quickest is None else quickest
        room = max(inner, min(n * inner, kernel.BUFFER))
        found_index, found_step = np.empty(room, np.int64), np.empty(room)
        row_best, row_best_index = np.full(n, np.inf), np.zeros(n, np.int64)
        counts = np.zeros((n_asked, kernel.N_COUNTS), np.int64)
        miss, miss_index = np.array([np.inf]), np.zeros(1, np.int64)
        at, n_found, before = 0, 0, []
        while at < n:
            if n_found:
                before.append((found_index[:n_found].copy(), found_step[:n_found].copy()))
            at, n_found = self.entry(kernel.decide_rows)(
                self.work, self.machine, self.options, layouts, shapes, asked, self.keys, self.table, *least, at, cut, kept,
                late, prune, rivals, found_index, found_step, counts, quickest, row_best, row_best_index, miss, miss_index,
            )  # fmt: skip
        index, step = found_index[:n_found], found_step[:n_found]
        if before:
            index, step = (np.concatenate(part) for part in zip(*before, (index, step), strict=True))
        return Decided(index, step, counts, row_best, row_best_index, float(miss[0]), int(miss_index[0]))


class ScalarJudge(CompiledJudge):
    """Decides with the same loops on Python's own floats: one setting, or a few, sooner than NumPy or a first compilation."""

    entry = staticmethod(scalar)
    number = object

    def decide(self, rows: Ints, cut: Floats, kept: Floats, late: Floats, prune: bool) -> Decided:
        """Decide some rows."""
        try:
            return super().decide(rows, cut, kept, late, prune)
        except FLOAT_ERRORS:
            return NumpyJudge(self.work, self.machine, self.grid).decide(rows, cut, kept, late, prune)


@lru_cache(maxsize=1)
def prepare() -> float:
    """Have the search compiled or loaded from disk, once per process; return the seconds it took."""
    begin = time.perf_counter()
    ones = np.ones((1, 2))
    one = np.ones(1, np.int64)
    tiny = Grid(
        Lattice.within(np.ones((1, 3), np.int64), one, one, (1, 1)),
        ones,
        ones,
        0.0 * ones,
        np.ones(1),
        ones,
        sequence_parallel=False,
        strict=False,
    )
    work = Workload(*(1.0 for _ in Workload._fields))
    machine = Machine.of(**dict.fromkeys(Machine.names(), 1.0))

    def compile_all() -> None:
        judge = CompiledJudge(work, machine, tiny)
        judge.decide(0 * one, judge.bounds(), np.ones(1), np.ones(1), True)

    compiled.interruptible(compile_all)
    compiled.leave_mark()
    return time.perf_counter() - begin


def load_made() -> None:
    """Load machine code that lies on disk, once; none is made. For whoever knows that many searches come."""
    if not prepare.cache_info().currsize and compiled.available() and compiled.on_disk():
        prepare()


class Clock:
    """Hands a search over to machine code once NumPy has taken, in all searches of this process, as long as that would.

    Nobody knows how many searches are still to come; so the wait is never more than twice the shortest. Both decide alike,
    down to what they count: when the change comes makes no difference to an answer.
    """

    spent = 0.0
    """Processor seconds of NumPy so far, in this process: a busy machine does not count."""

    def __init__(self, few: int | None) -> None:
        self._by_time, self._since = few is None and compiled.available(), time.process_time()

    def count(self) -> None:
        """Add the time since the last look."""
        now = time.process_time()
        Clock.spent, self._since = Clock.spent + now - self._since, now

    def next(self, judge: Judge) -> Judge:
        """Return what decides the next settings."""
        self.count()
        if self._by_time and isinstance(judge, NumpyJudge) and pays(Clock.spent):
            prepare()
            return CompiledJudge(judge.work, judge.machine, judge.grid)
        return judge


def pays(spent: float) -> bool:
    """Whether machine code is worth its loading or making after so many seconds of NumPy."""
    if prepare.cache_info().currsize:
        return True
    return spent > LOADING_S and (spent > COMPILING_S or compiled.on_disk())


def judge_of(work: Workload, machine: Machine, grid: Grid, few: int | None = None) -> Judge:
    """Return what decides the first settings of a grid.

    Parameters
    ----------
    few : int, optional
        Up to so many settings are decided with NumPy, and more with machine code, whatever that costs.
    """
    if grid.n_candidates <= FEW and few != 0:
        with suppress(*FLOAT_ERRORS):
            return ScalarJudge(work, machine, grid)
    if compiled.available() and (pays(Clock.spent) if few is None else grid.n_candidates > few):
        prepare()
        return alike(CompiledJudge, work, machine, grid)
    return alike(NumpyJudge, work, machine, grid)
