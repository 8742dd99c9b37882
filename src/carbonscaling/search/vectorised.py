"""Decide blocks of settings with NumPy: what depends on fewer options is computed over fewer, and gathered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carbonscaling.perf.layer import LayerKey, LayerTimes, layer_times
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.memory import StateBytes, least_held, state_bytes, total_memory, work_bytes
from carbonscaling.perf.numbers import Schedule, Setting, Workload
from carbonscaling.perf.passes import passes_time
from carbonscaling.perf.step import close_step, sync_time
from carbonscaling.search import kernel
from carbonscaling.search.bounds import (
    ROUNDING,
    LeastPasses,
    least_passes,
    least_step,
    least_step_of_passes,
    slowest_host,
)
from carbonscaling.search.constraints import (
    ALLOWED,
    first_recompute_violation,
    first_sharding_violation,
    first_violation,
    never_allowed,
)
from carbonscaling.search.grid import Grid, sequence_shards
from carbonscaling.search.judge import BLOCK, Decided, ShapeBounds, family_bounds, layout_bounds, shape_bounds
from carbonscaling.search.places import ALL, FIRST, Places, at, each, gather
from carbonscaling.search.tables import least_needs, may_fit, options_of

__all__ = ["NumpyJudge"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


AT_ONCE = 64
"""Numbers of replicas that a shape's memory is worked out for in one go."""


@dataclass
class NumpyJudge:
    """Decides with NumPy; the same formulas as compiled code, and the same answer.

    Arrays have an axis for layouts and one for each option in the order of the settings' numbers: experts, pipelines,
    states, micro-batches, recomputation. An axis on which nothing depends has length one. A line is a layout with experts,
    pipeline and micro-batch: rules and bounds leave few of them, and states and recomputation are looked at for those alone.
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
        found: LayerTimes = each(layer_times(self.work, self.machine, key), lambda v: np.broadcast_to(v, full))
        return found

    @cached_property
    def _least(self) -> Floats:
        """What passes take at least: as `tables.least_table` writes it."""
        g = self.grid
        tp, pp, cp = g.lattice.shapes.T.astype(float)
        one = np.ones_like(tp)
        s = g.product(np.stack((tp, pp, one, cp, one), axis=1))
        least = least_passes(self.work, self.machine, s, each(self._table, lambda v: v[self._keys[1]]))
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

        def fits(places: Ints) -> NDArray[np.bool_]:
            return np.asarray(may_fit(self.work, self.machine, options_of(g), needs, tp, pp, cp, dp[places]))

        return shape_bounds(self._least, g.micros, np.append(dp, np.inf)[_first_of(fits, len(tp), len(dp))])

    @property
    def _n_lines(self) -> int:
        """Lines of a layout."""
        g = self.grid
        return len(g.experts) * len(g.pipes) * len(g.micros)

    def rows_at_once(self, *, prune: bool) -> int:
        """Layouts of a block."""
        return max(1, BLOCK // (self._n_lines if prune else self.grid.n_inner))

    def bounds(self) -> Floats:
        """Step time that no setting of each family of layouts can beat."""
        return family_bounds(self.machine, self.grid, self._shapes)

    def row_bounds(self, rows: Ints) -> Floats:
        """Step time that no setting of some layouts can beat."""
        return layout_bounds(self.machine, self.grid, self._shapes, rows)

    def alive(self, rows: Ints, cut: Floats) -> NDArray[np.bool_]:
        """Whether bounds leave any setting of some layouts, as far as whole layouts show; `decide` looks at lines first."""
        return self.row_bounds(rows) <= cut

    def _quick(self, rows: Ints, cut: Floats) -> NDArray[np.bool_]:
        """Whether passes leave a chance, over layouts, experts, pipelines and micro-batches."""
        lattice, micros = self.grid.lattice, self.grid.micros
        tp, pp, dp, cp, batch = lattice.rows(rows).T[:, :, None, None, None].astype(float)
        least = LeastPasses(*np.moveaxis(self._least[rows // len(lattice.dp)], -1, 0))
        step = least_step(self.machine, least, batch / (dp * micros), slowest_host(self.machine, tp * pp * dp * cp))
        slow: NDArray[np.bool_] = np.asarray(step > cut[:, None, None, None])
        return ~slow

    @np.errstate(divide="ignore", invalid="ignore")  # settings that a rule forbids, such as those without a micro-batch
    def decide(self, rows: Ints, cut: Floats, kept: Floats, late: Floats, prune: bool) -> Decided:
        """Decide some rows."""
        g, n_micros, per_line = self.grid, len(self.grid.micros), len(self.grid.states) * len(self.grid.redos)
        s = g.product(g.lattice.rows(rows).astype(float))
        lines = np.flatnonzero(self._quick(rows, cut)) if prune else np.arange(len(rows) * self._n_lines)
        place = self._places(first_violation, gather(s, self._at(lines)), lines.shape)
        if prune:
            alive = np.zeros(len(rows) * self._n_lines // n_micros, dtype=bool)
            alive[lines[place == ALLOWED] // n_micros] = True
            kept_lines = alive[lines // n_micros]
            lines, place = lines[kept_lines], place[kept_lines]
        states = self._places(first_sharding_violation, s, (len(rows), 1, 1, len(g.states), 1, 1))[:, 0, 0, :, 0, 0]
        redos = self._places(first_recompute_violation, s, (1, 1, len(g.pipes), 1, 1, len(g.redos))).reshape(
            len(g.pipes), -1
        )
        paired = g.pipes[:, 1] == Schedule.COMBINED  # which bars recomputation that is allowed elsewhere
        counts = np.zeros(kernel.N_COUNTS, np.int64)
        for kind in np.unique(paired):
            some = paired[lines // n_micros % len(g.pipes)] == kind
            counts += _barred(place[some], lines[some] // self._n_lines, states, redos[paired == kind][0])
        counts[kernel.BOUND] = len(rows) * g.n_inner - len(lines) * per_line

        lines, at_once = lines[place == ALLOWED], max(1, BLOCK // per_line)
        indices, steps, miss = [np.zeros(0, np.int64)], [np.zeros(0)], (np.inf, 0)
        for start in range(0, len(lines), at_once):
            some = lines[start : start + at_once]
            free = redos[some // n_micros % len(g.pipes)] == ALLOWED
            allowed = (states[some // self._n_lines] == ALLOWED)[:, :, None] & free[:, None, :]
            index, step, near = self._evaluated(s, rows, some, allowed, cut if prune else None, counts)
            indices, steps, miss = [*indices, index], [*steps, step], min(miss, near)
        index = np.concatenate(indices)
        order = np.argsort(index)
        index, step = index[order], np.concatenate(steps)[order]
        row = index // g.n_inner
        counts[kernel.FIT], counts[kernel.LATE] = len(index), int((step > late[row]).sum())
        row_best, row_best_index = np.full(len(rows), np.inf), np.zeros(len(rows), np.int64)
        order = np.lexsort((index, step))[::-1]
        row_best[row[order]], row_best_index[row[order]] = step[order], index[order]  # the last one written is the best
        keep = step <= kept[row]
        return Decided(index[keep], step[keep], counts, row_best, row_best_index, *miss)

    def _places(self, rule: Any, s: Setting, shape: tuple[int, ...]) -> Ints:
        """Place of the first rule that settings violate."""
        return np.broadcast_to(np.asarray(rule(s, self.work, self.grid.strict)), shape).astype(np.int64)

    def _at(self, lines: Ints, z: Any = FIRST, r: Any = FIRST) -> Places:
        """Places on the axes of a product."""
        g = self.grid
        row, line = np.divmod(lines, self._n_lines)
        e, p, m = np.unravel_index(line, (len(g.experts), len(g.pipes), len(g.micros)))
        return row, e, p, z, m, r

    def _evaluated(
        self, s: Setting, rows: Ints, lines: Ints, allowed: NDArray[np.bool_], cut: Floats | None, counts: Ints
    ) -> tuple[Ints, Floats, tuple[float, int]]:
        """Return the settings of some lines that fit in memory with their step times, and the nearest miss.

        `allowed` are those, over lines, states and recomputation, that no rule bars; `counts` takes in the others' fates.
        `cut` is given where bounds leave some out.
        """
        work, machine, g = self.work, self.machine, self.grid
        n_micros, n_redos = len(g.micros), len(g.redos)
        pipe = lines // n_micros
        new = np.diff(pipe, prepend=-1) > 0
        first, group = lines[new], np.cumsum(new) - 1  # lines that differ in the micro-batch alone have the same states
        piped: Setting = gather(s, self._at(first, z=ALL))
        bytes_, held = state_bytes(work, machine, piped), work_bytes(work, machine, gather(s, self._at(lines, r=ALL)))
        if cut is not None:
            empty = total_memory(machine, 0.0, bytes_, kernel.NO_WORK)
            fewest = np.where(allowed[new].any(axis=2), empty.total, np.inf).min(axis=1)[group]
            full = (fewest[:, None] + least_held(machine, held)) * ROUNDING > self._limit
            counts[kernel.BOUND] += int((allowed & full[:, None, :]).sum())
            allowed = allowed & ~full[:, None, :]

        a, z, r = np.nonzero(allowed)
        index = ((pipe[a] * len(g.states) + z) * n_micros + lines[a] % n_micros) * n_redos + r
        need = total_memory(machine, g.states[z, 0], gather(bytes_, (group[a], z)), gather(held, (a, r)))
        excess = np.broadcast_to(need.total - need.limit, index.shape)
        over = excess > 0
        counts[kernel.MEMORY] += int(over.sum())
        nearest = excess[over].min(initial=np.inf)
        miss = (float(nearest), int(index[excess == nearest].min())) if over.any() else (np.inf, 0)
        a, z, r, index = (v[~over] for v in (a, z, r, index))
        if len(index) == 0:
            return index, np.zeros(0), miss

        jobs, job = np.unique(a * n_redos + r, return_inverse=True)  # what passes depend on
        line, redo = np.divmod(jobs, n_redos)
        own: Setting = gather(s, self._at(lines[line], r=redo))
        row, e, _, _, m, _ = self._at(lines[line])
        layers = gather(self._table, (self._keys[1][rows[row] // len(g.lattice.dp)], e, FIRST, FIRST, m, FIRST))
        passes = passes_time(work, machine, own, layers, at(held.moved, (line, redo)))
        if cut is not None:
            slow = np.broadcast_to(
                least_step_of_passes(machine, passes, slowest_host(machine, own.n_devices)) > cut[row], jobs.shape
            )[job]
            counts[kernel.BOUND] += int(slow.sum())
            a, z, r, index, job = (v[~slow] for v in (a, z, r, index, job))
        shards, shard = np.unique(group[a] * len(g.states) + z, return_inverse=True)  # what meeting replicas depend on
        sync = gather(sync_time(work, machine, gather(piped, np.divmod(shards, len(g.states)))), (shard,))
        every: Setting = gather(s, self._at(lines[a], z, r))
        step = close_step(machine, every, gather(passes, (job,)), sync).total
        return index, np.broadcast_to(step, index.shape).astype(float), miss

    @cached_property
    def _limit(self) -> float:
        """Bytes that a device may hold."""
        return float(total_memory(self.machine, 0.0, StateBytes(0.0, 0.0, 0.0), kernel.NO_WORK).limit)


def _first_of(holds: Callable[[Ints], NDArray[np.bool_]], n_rows: int, n: int) -> Ints:
    """Return the first of `n` places at which each row holds, `n` where none does; what holds once holds at all later ones."""
    low, high = np.zeros((n_rows, 1), np.int64), np.full((n_rows, 1), n)
    while (wide := int((high - low).max(initial=0))) > 0:
        part = -(-wide // AT_ONCE)
        places = low + part * np.arange(1, -(-wide // part) + 1) - 1
        not_yet = (places < high) & ~holds(np.minimum(places, n - 1))
        low = np.minimum(low + part * not_yet.sum(axis=1, keepdims=True), high)
        high = np.minimum(high, low + part - 1)
    return low[:, 0]


def _barred(place: Ints, row: Ints, states: Ints, redos: Ints) -> Ints:
    """Count what rules bar, by rule.

    Parameters
    ----------
    place, row : array
        Of every line the first rule that it violates, and its row.
    states, redos : array
        Of every row's states the first rule violated, and of every recomputation.
    """
    n = ALLOWED + 1
    of_lines = np.bincount(row * n + place, minlength=len(states) * n).reshape(-1, n)
    nth = np.arange(len(states))[:, None] * n
    of_states = np.bincount((nth + states).reshape(-1), minlength=len(states) * n).reshape(-1, n)
    pairs = of_lines.T @ of_states
    counts = np.zeros(kernel.N_COUNTS, np.int64)
    np.add.at(counts, np.minimum.outer(np.arange(n), np.arange(n)), pairs * len(redos))
    counts[kernel.MEMORY] = 0
    np.add.at(counts, redos[redos < ALLOWED], pairs[ALLOWED, ALLOWED])
    return counts
