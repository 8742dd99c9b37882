"""Decide blocks of settings: constraints, memory, step time. Compiled where numba is there, with NumPy where not."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from carbonscaling.arrays import floats
from carbonscaling.perf.layer import LayerTimes, Pass, layer_times
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.memory import memory
from carbonscaling.perf.numbers import Recompute, Setting, Workload
from carbonscaling.perf.step import layer_key, step_time_from_layers
from carbonscaling.search import compiled, kernel, tables
from carbonscaling.search.bounds import LeastPasses, least_passes, least_step
from carbonscaling.search.constraints import (
    first_recompute_violation,
    first_sharding_violation,
    first_violation,
    never_allowed,
)
from carbonscaling.search.divisors import MOST_WHOLE
from carbonscaling.search.grid import Grid, sequence_shards
from carbonscaling.search.lattice import Lattice

__all__ = ["CompiledJudge", "Decided", "Judge", "NumpyJudge", "judge_of", "prepare"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BLOCK = 1 << 17
"""Options whose bounds are worked out at once with NumPy."""
FEW = 50_000
"""Fewer settings than this are not worth loading machine code for."""


@dataclass
class Decided:
    """Fate of some rows.

    Attributes
    ----------
    index, step : arrays
        Settings that fit within the cut, by number (counted from the first of the rows), and their step times.
    counts : array
        Settings by fate: the rules, then memory, late, fit, left out by a bound (places in `kernel`).
    row_best, row_best_index : arrays
        Quickest setting of each row that fits; infinity where none does.
    excess, excess_index : float, int
        The nearest miss of the memory limit; infinity where there is none.
    """

    index: Ints
    step: Floats
    counts: Ints
    row_best: Floats
    row_best_index: Ints
    excess: float
    excess_index: int


class Judge(Protocol):
    """Something that decides rows of a grid."""

    grid: Grid

    def bounds(self) -> Floats:
        """Step time that no setting of each family of layouts can beat."""

    def row_bounds(self, rows: Ints) -> Floats:
        """Step time that no setting of some layouts can beat."""

    def decide(self, rows: Ints, cut: Floats, late: Floats, prune: bool) -> Decided:
        """Decide some layouts, by number; `cut` and `late` hold a step time for each of them."""


@dataclass
class _Bounded:
    """What both judges have in common: bounds by shape, laid over the lattice."""

    work: Workload
    machine: Machine
    grid: Grid

    @cached_property
    def _shapes(self) -> tuple[Floats, Floats, Floats]:
        """Of every shape: least seconds a sequence of a replica and beside them, and the fewest replicas."""
        raise NotImplementedError

    def bounds(self) -> Floats:
        """Step time that no setting of each family of layouts can beat; infinity where none fits in memory."""
        lattice = self.grid.lattice
        return self._step(lattice.least(*self._shapes), lattice.extents(lattice.families).n_devices)

    def row_bounds(self, rows: Ints) -> Floats:
        """Step time that no setting of some layouts can beat; infinity where none fits in memory."""
        each, once, fewest = self._shapes
        tp, pp, dp, cp, batch = self.grid.lattice.rows(rows).T.astype(float)
        shape = rows // len(self.grid.lattice.dp)
        passes = np.where(dp >= fewest[shape], each[shape] * (batch / dp) + once[shape], np.inf)
        return self._step(passes, tp * pp * dp * cp)

    def _step(self, passes: Floats, n_devices: Floats) -> Floats:
        return np.asarray(least_step(self.machine, LeastPasses(0.0, passes), 0.0, n_devices))


@dataclass
class CompiledJudge(_Bounded):
    """Decides with machine code."""

    keys: Ints = field(init=False)
    table: Floats = field(init=False)
    options: tables.Options = field(init=False)

    def __post_init__(self) -> None:
        """Time every distinct layer once."""
        g = self.grid = self.grid.contiguous()
        self.work, self.machine = floats(self.work), floats(self.machine)  # one compiled version serves all
        pairs, keys = np.unique(g.lattice.shapes[:, [0, 2]], axis=0, return_inverse=True)
        self.keys = keys.reshape(-1).astype(np.int64)
        fewest = float(g.lattice.batch.min(initial=MOST_WHOLE))
        self.options = tables.Options(
            g.experts,
            g.pipes,
            g.states,
            g.micros,
            g.redos,
            fewest,
            g.sequence_parallel,
            g.strict,
            g.whole_group,
        )
        self.table = np.empty((len(pairs), len(g.experts), len(g.micros), tables.N_LAYER))
        compiled.entry(tables.layer_table)(self.work, self.machine, pairs.astype(float), self.options, self.table)

    @cached_property
    def _shapes(self) -> tuple[Floats, Floats, Floats]:
        """Of every shape: least seconds a sequence of a replica and beside them, and the fewest replicas."""
        g, shapes = self.grid, self.grid.lattice.shapes.astype(float)
        dp = np.unique(g.lattice.dp).astype(float)
        each, once, first = np.empty(len(shapes)), np.empty(len(shapes)), np.empty(len(shapes), np.int64)
        compiled.entry(tables.shape_bounds)(
            self.work, self.machine, self.options, shapes, self.keys, self.table, each, once
        )
        codes = set(g.redos[:, 0]) | ({float(Recompute.NONE)} if (g.redos[:, 1] < 100).any() else set())
        roomy = Setting(*(1.0 for _ in Setting._fields))._replace(
            ep=float(g.experts.prod(axis=1).max()),
            shard=float(np.where(g.states[:, 1] == 0, np.inf, g.states[:, 1]).max()),
            micro_batch=float(g.micros.min()),
            recompute_percent=1.0,
        )
        body = self.work._replace(p_embedding=0.0, p_head=0.0)
        compiled.entry(tables.fewest_replicas)(
            self.work, body, self.machine, self.options, roomy, np.unique(g.states[:, 0]), np.array(sorted(codes)),
            shapes, dp, first,
        )  # fmt: skip
        return each, once, np.append(dp, np.inf)[first]

    def decide(self, rows: Ints, cut: Floats, late: Floats, prune: bool) -> Decided:
        """Decide some rows."""
        n, inner = len(rows), self.grid.n_inner
        lattice = self.grid.lattice
        layouts, keys = lattice.rows(rows).astype(float), self.keys[rows // len(lattice.dp)]
        room = max(inner, min(n * inner, kernel.BUFFER))
        found_index, found_step = np.empty(room, np.int64), np.empty(room)
        done = Decided(
            np.empty(0, np.int64), np.empty(0), np.zeros(kernel.N_COUNTS, np.int64),
            np.full(n, np.inf), np.zeros(n, np.int64), np.inf, 0,
        )  # fmt: skip
        miss, miss_index = np.array([np.inf]), np.zeros(1, np.int64)
        parts, at = [], 0
        while at < n:
            at, n_found = compiled.entry(kernel.decide_rows)(
                self.work, self.machine, self.options, layouts, keys, self.table, at, cut, late, prune, found_index,
                found_step, done.counts, done.row_best, done.row_best_index, miss, miss_index,
            )  # fmt: skip
            parts.append((found_index[:n_found].copy(), found_step[:n_found].copy()))
        done.index = np.concatenate([p[0] for p in parts])
        done.step = np.concatenate([p[1] for p in parts])
        done.excess, done.excess_index = float(miss[0]), int(miss_index[0])
        return done


@dataclass
class NumpyJudge(_Bounded):
    """Decides with NumPy, every setting one by one; the same formulas, and the same answer."""

    @cached_property
    def _shapes(self) -> tuple[Floats, Floats, Floats]:
        """Of every shape: least seconds a sequence of a replica and beside them; no replicas are too few."""
        g = self.grid
        inner = np.array([(*e, *p, m) for e in g.experts for p in g.pipes for m in g.micros])
        n, per_block = len(g.lattice.shapes), max(1, BLOCK // len(inner))
        found = [self._least(g.lattice.shapes[i : i + per_block].astype(float), inner) for i in range(0, n, per_block)]
        each, once = np.concatenate(found, axis=1) if found else np.zeros((2, 0))
        return each, once, np.zeros(n)

    def _least(self, shapes: Floats, inner: Floats) -> Floats:
        tp, pp, cp = np.repeat(shapes, len(inner), axis=0).T
        ep, etp, vpp, schedule, micro = np.tile(inner, (len(shapes), 1)).T
        one = np.ones_like(tp)
        sp = sequence_shards(tp, self.grid.sequence_parallel)
        s = Setting(tp, pp, one, cp, ep, etp, vpp, 0.0 * one, one, micro, one, 0.0 * one, schedule, sp, 100.0 * one)
        with np.errstate(all="ignore"):  # of options that no rule allows
            least = least_passes(self.work, self.machine, s, _gathered_layers(self.work, self.machine, s))
        never = np.asarray(never_allowed(s, self.work, self.grid.strict))
        columns = (np.where(never, np.inf, np.broadcast_to(v, tp.shape)) for v in (least.each / micro, least.once))
        return np.array([np.nan_to_num(c, posinf=np.inf).reshape(len(shapes), -1).min(axis=1) for c in columns])

    def decide(self, rows: Ints, cut: Floats, late: Floats, prune: bool) -> Decided:  # noqa: ARG002
        """Decide some rows."""
        inner = self.grid.n_inner
        index = np.arange(len(rows) * inner, dtype=np.int64)
        s = self.grid.settings(np.repeat(rows, inner) * inner + index % inner)
        place = np.minimum(
            np.minimum(
                first_violation(s, self.work, self.grid.strict),
                first_sharding_violation(s, self.work, self.grid.strict),
            ),
            first_recompute_violation(s, self.work, self.grid.strict),
        )
        counts = np.bincount(place, minlength=kernel.N_COUNTS).astype(np.int64)
        allowed = place == kernel.MEMORY
        index, s = index[allowed], _compress(s, allowed)
        need = memory(self.work, self.machine, s)
        excess = np.broadcast_to(need.total - need.limit, index.shape)
        over = excess > 0
        counts[kernel.MEMORY] = int(over.sum())
        nearest = int(np.argmin(np.where(over, excess, np.inf))) if over.any() else -1
        miss = (float(excess[nearest]), int(index[nearest])) if nearest >= 0 else (np.inf, 0)
        index, s = index[~over], _compress(s, ~over)
        step = np.zeros(0)
        if len(index):
            layers = _gathered_layers(self.work, self.machine, s)
            step = np.asarray(step_time_from_layers(self.work, self.machine, s, layers).total, dtype=float)
        row = index // inner
        counts[kernel.FIT], counts[kernel.LATE] = len(index), int((step > late[row]).sum())
        row_best, row_best_index = np.full(len(rows), np.inf), np.zeros(len(rows), np.int64)
        order = np.lexsort((index, step))[::-1]
        row_best[row[order]], row_best_index[row[order]] = step[order], index[order]  # the last one written is the best
        keep = step <= cut[row]
        return Decided(index[keep], step[keep], counts, row_best, row_best_index, *miss)


def _compress(values: Any, mask: NDArray[np.bool_]) -> Any:
    return type(values)(*(column[mask] for column in values))


def _gathered_layers(work: Workload, machine: Machine, settings: Setting) -> LayerTimes:
    """Layer times of every setting, each distinct key timed once."""
    keys, inverse = np.unique(np.array(layer_key(settings)), axis=1, return_inverse=True)
    times = layer_times(work, machine, type(layer_key(settings))(*keys))

    def spread(value: Any) -> Any:
        return np.broadcast_to(value, keys.shape[1:])[inverse.reshape(-1)]

    return LayerTimes(
        Pass(*(spread(v) for v in times.forward)),
        Pass(*(spread(v) for v in times.backward)),
        *(spread(v) for v in times[2:]),
    )


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
        judge.decide(0 * one, judge.bounds(), np.ones(1), True)

    compiled.interruptible(compile_all)
    return time.perf_counter() - begin


def judge_of(work: Workload, machine: Machine, grid: Grid, few: int = FEW) -> Judge:
    """Return the quickest judge for a grid of this size; up to `few` settings are not worth loading machine code."""
    if grid.n_candidates > few and compiled.available():
        prepare()
        return CompiledJudge(work, machine, grid)
    return NumpyJudge(work, machine, grid)
