"""Decide blocks of settings with NumPy: what depends on fewer options is computed over fewer, and gathered."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carbonscaling.perf.layer import LayerKey, LayerTimes, layer_times
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.memory import StateBytes, WorkBytes, least_held, state_bytes, total_memory, work_bytes
from carbonscaling.perf.numbers import Setting, Workload
from carbonscaling.perf.passes import passes_time
from carbonscaling.perf.step import Sync, close_step, sync_time
from carbonscaling.search import kernel
from carbonscaling.search.bounds import ROUNDING, LeastPasses, least_passes, least_step, least_step_of_passes
from carbonscaling.search.constraints import (
    first_recompute_violation,
    first_sharding_violation,
    first_violation,
    never_allowed,
)
from carbonscaling.search.grid import Grid, sequence_shards
from carbonscaling.search.judge import BLOCK, Decided, ShapeBounds, family_bounds, layout_bounds, shape_bounds
from carbonscaling.search.tables import least_needs, may_fit, options_of

__all__ = ["NumpyJudge"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Places = tuple[Ints, ...]


@dataclass
class NumpyJudge:
    """Decides with NumPy; the same formulas as compiled code, and the same answer.

    Arrays have an axis for layouts and one for each option in the order of the settings' numbers: experts, pipelines,
    states, micro-batches, recomputation. An axis on which nothing depends has length one.
    """

    work: Workload
    machine: Machine
    grid: Grid

    @cached_property
    def _keys(self) -> tuple[Floats, Ints]:
        """Every (tp, cp), and the place among them of every shape's."""
        pairs, keys = self.grid.lattice.pairs()
        return pairs.astype(float), keys

    @cached_property
    def _table(self) -> LayerTimes:
        """Times of the layers of every (tp, cp) over experts and micro-batches, each once."""
        g, tp, cp = self.grid, *(column[:, None, None, None, None, None] for column in self._keys[0].T)
        (ep, etp), micros = g.experts.T[:, None, :, None, None, None, None], g.micros[:, None]
        key = LayerKey(tp, cp, ep, etp, sequence_shards(tp, g.sequence_parallel), micros)
        full = (len(tp), len(g.experts), 1, 1, len(g.micros), 1)
        found: LayerTimes = _each(layer_times(self.work, self.machine, key), lambda v: np.broadcast_to(v, full))
        return found

    def _layers(self, shapes: Ints) -> LayerTimes:
        """Return the times of the layers of some shapes, by number."""
        keys = self._keys[1][shapes]
        found: LayerTimes = _each(self._table, lambda v: v[keys])
        return found

    @cached_property
    def _least(self) -> Floats:
        """What passes take at least: as `tables.least_table` writes it."""
        g = self.grid
        tp, pp, cp = g.lattice.shapes.T.astype(float)
        one = np.ones_like(tp)
        s = g.product(np.stack((tp, pp, one, cp, one), axis=1))
        least = least_passes(self.work, self.machine, s, self._layers(np.arange(len(tp))))
        allowed = ~never_allowed(s, self.work, g.strict)
        full = (len(tp), len(g.experts), len(g.pipes), 1, len(g.micros), 1)
        found = (np.broadcast_to(np.where(allowed, taken, np.inf), full) for taken in least)
        stacked: Floats = np.stack(tuple(found), axis=-1)[:, :, :, 0, :, 0]
        return stacked

    @cached_property
    @np.errstate(divide="ignore", invalid="ignore")  # no ZeRO stage is allowed: infinitely many bytes
    def _shapes(self) -> ShapeBounds:
        g, needs = self.grid, least_needs(self.work, options_of(self.grid))
        tp, pp, cp = g.lattice.shapes.T.astype(float)[:, :, None]
        dp = np.unique(g.lattice.dp).astype(float)
        fits = np.asarray(may_fit(self.work, self.machine, options_of(g), needs, tp, pp, cp, dp))
        first = np.where(fits.any(axis=1), fits.argmax(axis=1), len(dp))
        return shape_bounds(self._least, g.micros, np.append(dp, np.inf)[first])

    def rows_at_once(self, *, prune: bool) -> int:  # noqa: ARG002 - memory goes with all settings, whatever is left out
        """Layouts of a block."""
        return max(1, BLOCK // self.grid.n_inner)

    def bounds(self) -> Floats:
        """Step time that no setting of each family of layouts can beat."""
        return family_bounds(self.machine, self.grid, self._shapes)

    def row_bounds(self, rows: Ints) -> Floats:
        """Step time that no setting of some layouts can beat."""
        return layout_bounds(self.machine, self.grid, self._shapes, rows)

    def alive(self, rows: Ints, cut: Floats) -> NDArray[np.bool_]:
        """Whether bounds leave any setting of some layouts."""
        alive = self.row_bounds(rows) <= cut
        near, at_once = np.flatnonzero(alive), max(1, BLOCK // self._least[0, ..., 0].size)
        for start in range(0, len(near), at_once):
            part = near[start : start + at_once]
            s = self.grid.product(self.grid.lattice.rows(rows[part]).astype(float))
            here = self._quick(rows[part], cut[part]) & self._allowed(s)
            alive[part] = here.any(axis=(1, 2, 3, 4, 5))
        return alive

    def _quick(self, rows: Ints, cut: Floats) -> NDArray[np.bool_]:
        """Whether passes leave a chance, over layouts, experts, pipelines and micro-batches; axes as of a product."""
        lattice, micros = self.grid.lattice, self.grid.micros[:, None]
        tp, pp, dp, cp, batch = lattice.rows(rows).T[:, :, None, None, None, None, None].astype(float)
        each, once = np.moveaxis(self._least[rows // len(lattice.dp)], -1, 0)[:, :, :, :, None, :, None]
        step = least_step(self.machine, LeastPasses(each, once), batch / (dp * micros), tp * pp * dp * cp)
        slow: NDArray[np.bool_] = np.asarray(step > cut[:, None, None, None, None, None])
        return ~slow

    def _allowed(self, s: Setting) -> NDArray[np.bool_]:
        """Whether no rule bars every sharding and recomputation."""
        return np.asarray(first_violation(s, self.work, self.grid.strict) == kernel.MEMORY)

    @np.errstate(divide="ignore", invalid="ignore")  # settings that a rule forbids, such as those without a micro-batch
    def decide(self, rows: Ints, cut: Floats, kept: Floats, late: Floats, prune: bool) -> Decided:
        """Decide some rows."""
        work, machine, g = self.work, self.machine, self.grid
        s = g.product(g.lattice.rows(rows).astype(float))
        layers = self._layers(rows // len(g.lattice.dp))
        place = self._violations(s)
        held, bytes_ = work_bytes(work, machine, s), state_bytes(work, machine, s)
        if prune:
            place = self._left_out(place, s, self._quick(rows, cut), bytes_, held)
        counts = np.bincount(place.reshape(-1), minlength=kernel.N_COUNTS).astype(np.int64)
        index = np.flatnonzero(place == kernel.MEMORY)
        at = np.unravel_index(index, place.shape)

        need = total_memory(machine, _at(s.zero, at), _gather(bytes_, at), _gather(held, at))
        excess = np.broadcast_to(need.total - need.limit, index.shape)
        over = excess > 0
        counts[kernel.MEMORY] = int(over.sum())
        nearest = int(np.argmin(np.where(over, excess, np.inf))) if over.any() else -1
        miss = (float(excess[nearest]), int(index[nearest])) if nearest >= 0 else (np.inf, 0)

        index, at = index[~over], tuple(axis[~over] for axis in at)
        step = np.zeros(0)
        if len(index):
            own: Setting = _gather(s, at)
            passes = passes_time(work, machine, own, _gather(layers, at), _at(held.moved, at))
            if prune:
                slow = np.broadcast_to(least_step_of_passes(machine, passes, own.n_devices) > cut[at[0]], index.shape)
                counts[kernel.BOUND] += int(slow.sum())
                passes, own = (_each(v, lambda x: np.broadcast_to(x, slow.shape)[~slow]) for v in (passes, own))
                index, at = index[~slow], tuple(axis[~slow] for axis in at)
            sync: Sync = _gather(sync_time(work, machine, s), at)
            step = np.broadcast_to(close_step(machine, own, passes, sync).total, index.shape).astype(float)
        row = at[0]
        counts[kernel.FIT], counts[kernel.LATE] = len(index), int((step > late[row]).sum())
        row_best, row_best_index = np.full(len(rows), np.inf), np.zeros(len(rows), np.int64)
        order = np.lexsort((index, step))[::-1]
        row_best[row[order]], row_best_index[row[order]] = step[order], index[order]  # the last one written is the best
        keep = step <= kept[row]
        return Decided(index[keep], step[keep], counts, row_best, row_best_index, *miss)

    def _left_out(
        self, place: NDArray[np.int8], s: Setting, quick: NDArray[np.bool_], states: StateBytes, held: WorkBytes
    ) -> NDArray[np.int8]:
        """Return the fate of every setting where bounds leave some out, as compiled code counts it."""
        alive = (quick & self._allowed(s)).any(axis=4, keepdims=True)
        least = total_memory(self.machine, 0.0, states, kernel.NO_WORK)
        shards = np.asarray(first_sharding_violation(s, self.work, self.grid.strict)) == kernel.MEMORY
        fewest = np.where(shards, least.total, np.inf).min(axis=3, keepdims=True)
        full = (fewest + least_held(self.machine, held)) * ROUNDING > least.limit
        place = np.where(full & (place == kernel.MEMORY), np.int8(kernel.BOUND), place)
        return np.where(quick & alive, place, np.int8(kernel.BOUND))

    def _violations(self, s: Setting) -> NDArray[np.int8]:
        """Place of the first rule that each setting of a product violates."""
        work, strict = self.work, self.grid.strict
        rules = (first_violation, first_sharding_violation, first_recompute_violation)
        first = [np.asarray(rule(s, work, strict), dtype=np.int8) for rule in rules]
        full = np.broadcast_shapes(*(np.shape(v) for v in s))
        return np.broadcast_to(np.minimum(np.minimum(first[0], first[1]), first[2]), full)


def _each(values: Any, change: Any) -> Any:
    """Return a named tuple of numbers, or of such tuples, with every number changed."""
    return type(values)(*(_each(v, change) if isinstance(v, tuple) else change(v) for v in values))


def _at(value: Any, places: Places) -> Any:
    """Return what a broadcast array holds at some places of the product."""
    array = np.asarray(value)
    if array.ndim == 0:
        return value
    return array[tuple(place if n > 1 else 0 for place, n in zip(places, array.shape, strict=True))]


def _gather(values: Any, places: Places) -> Any:
    return _each(values, lambda v: _at(v, places))
