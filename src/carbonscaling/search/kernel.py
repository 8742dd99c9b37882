"""The loops of the search, written for compilation: what depends on less is computed further out.

Layouts, then experts, pipelines, micro-batches, recomputation, and innermost the sharding of states. Every number comes
from the formulas of `carbonscaling.perf`; here is only the order in which they are asked.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from carbonscaling.perf.machine import Machine
from carbonscaling.perf.memory import Memory, StateBytes, WorkBytes, least_held, state_bytes, total_memory, work_bytes
from carbonscaling.perf.numbers import Workload
from carbonscaling.perf.passes import Passes, StepTime, passes_time
from carbonscaling.perf.sharding import PerStep
from carbonscaling.perf.step import Sync, close_step, sync_time
from carbonscaling.search.bounds import ROUNDING, LeastPasses, least_step, least_step_of_passes
from carbonscaling.search.constraints import (
    ALLOWED,
    first_recompute_violation,
    first_sharding_violation,
    first_violation,
)
from carbonscaling.search.tables import Options, setting_of, unpack

__all__ = ["BOUND", "BUFFER", "FIT", "LATE", "MEMORY", "N_COUNTS", "decide_rows"]

MEMORY, LATE, FIT, BOUND = ALLOWED, ALLOWED + 1, ALLOWED + 2, ALLOWED + 3
"""Places in the counts after those of the rules: over memory, fits but late, fits, left out by a bound."""
N_COUNTS = ALLOWED + 4

BUFFER = 1 << 20
"""Most settings that are held at once, beyond those of one layout."""

NO_WORK = WorkBytes(0.0, 0.0, 0.0, 0.0, 0.0)
NO_NEED = Memory(*(0.0 for _ in Memory._fields))
NO_PASSES = Passes(StepTime(*(0.0 for _ in StepTime._fields)), 0.0, 0.0, 0.0)


def decide_rows(  # noqa: PLR0912, PLR0915 - one nest of loops, compiled as one
    work: Workload,
    machine: Machine,
    o: Options,
    rows: Any,
    shapes: Any,
    keys: Any,
    table: Any,
    least: Any,
    start: int,
    cut: Any,
    kept: Any,
    late: Any,
    prune: bool,
    found_index: Any,
    found_step: Any,
    counts: Any,
    row_best: Any,
    row_best_index: Any,
    miss: Any,
    miss_index: Any,
) -> tuple[int, int]:
    """Decide every setting of the rows from `start` on, until the buffers could overflow.

    Parameters
    ----------
    rows, shapes : arrays
        Layouts, and the place of each one's shape in `keys` and `least`.
    keys, table : arrays
        Place of each shape's (tp, cp) in the table of layer times.
    least : array
        What passes take at least (`tables.least_table`); read only where `prune`.
    cut, kept, late : arrays
        Per row: step time beyond which a setting cannot matter, beyond which it matters only as the row's quickest, and
        beyond which it misses the deadline.
    prune : bool
        Leave out what a bound rules out; without, every setting is decided one by one.
    found_index, found_step : arrays
        Written: settings that fit within `kept`, and their step times.
    counts, row_best, row_best_index, miss, miss_index : arrays
        Written: settings by fate, each row's quickest setting that fits, the nearest miss of the memory limit.

    Returns
    -------
    tuple of int
        The row to go on from, and how many settings were found.
    """
    n_e, n_p, n_z, n_m, n_r = len(o.experts), len(o.pipes), len(o.states), len(o.micros), len(o.redos)
    inner = n_e * n_p * n_z * n_m * n_r
    n_found = 0
    place_z = np.empty(n_z, np.int64)
    known = np.empty(n_z, np.bool_)
    states = np.empty((n_z, 3))
    sync = np.empty((n_z, 7))
    place_r = np.empty(n_r, np.int64)
    for r in range(n_r):
        place_r[r] = first_recompute_violation(setting_of(o, rows[0], 0, 0, 0, 0, r), work, o.strict)
    place_m = np.empty(n_m, np.int64)
    too_slow = np.zeros(n_m, np.bool_)
    for i in range(start, len(rows)):
        if n_found + inner > len(found_index):
            return i, n_found
        row, shape = rows[i], shapes[i]
        n_devices = row[0] * row[1] * row[2] * row[3]
        for e in range(n_e):
            for p in range(n_p):
                n_alive = 0
                for m in range(n_m):
                    if prune:
                        passes_least = LeastPasses(least[shape, e, p, m, 0], least[shape, e, p, m, 1])
                        share = row[4] / (row[2] * o.micros[m])
                        too_slow[m] = least_step(machine, passes_least, share, n_devices) > cut[i]
                        if too_slow[m]:
                            continue
                    place_m[m] = first_violation(setting_of(o, row, e, p, 0, m, 0), work, o.strict)
                    n_alive += place_m[m] == ALLOWED
                if prune and n_alive == 0:
                    counts[BOUND] += n_z * n_m * n_r
                    continue
                n_valid = 0
                have_states = False
                least_states: Any = np.inf
                need = NO_NEED
                for z in range(n_z):
                    place_z[z] = first_sharding_violation(setting_of(o, row, e, p, z, 0, 0), work, o.strict)
                    n_valid += place_z[z] == ALLOWED
                    known[z] = False
                for m in range(n_m):
                    if too_slow[m]:
                        counts[BOUND] += n_z * n_r
                        continue
                    here = ((e * n_p + p) * n_z * n_m + m) * n_r + i * inner
                    layer = unpack(table[keys[shape], e, m])
                    if place_m[m] < ALLOWED or n_valid == 0:
                        for z in range(n_z):
                            counts[min(place_m[m], place_z[z])] += n_r
                        continue
                    for r in range(n_r):
                        place = place_r[r]
                        for z in range(n_z):
                            if place_z[z] < ALLOWED or place < ALLOWED:
                                counts[min(place, place_z[z])] += 1
                        if place < ALLOWED:
                            continue
                        s = setting_of(o, row, e, p, 0, m, r)
                        if not have_states:
                            have_states, least_states = True, np.inf
                            for z in range(n_z):
                                if place_z[z] == ALLOWED:
                                    b = state_bytes(work, machine, setting_of(o, row, e, p, z, 0, 0))
                                    states[z, 0], states[z, 1], states[z, 2] = b.weights, b.gradients, b.optimizer
                                    need = total_memory(machine, 0.0, b, NO_WORK)
                                    least_states = min(least_states, need.total)
                        held = work_bytes(work, machine, s)
                        if prune and (least_states + least_held(machine, held)) * ROUNDING > need.limit:
                            counts[BOUND] += n_valid
                            continue
                        have_passes = False
                        worth = True
                        passes = NO_PASSES
                        for z in range(n_z):
                            if place_z[z] < ALLOWED:
                                continue
                            b = StateBytes(states[z, 0], states[z, 1], states[z, 2])
                            need = total_memory(machine, o.states[z, 0], b, held)
                            excess = need.total - need.limit
                            index = here + z * n_m * n_r + r
                            if excess > 0.0:
                                counts[MEMORY] += 1
                                if excess < miss[0] or (excess == miss[0] and index < miss_index[0]):
                                    miss[0], miss_index[0] = excess, index
                                continue
                            if not have_passes:
                                have_passes = True
                                passes = passes_time(work, machine, s, layer, held.moved)
                                worth = not (prune and least_step_of_passes(machine, passes, s.n_devices) > cut[i])
                            if not worth:
                                counts[BOUND] += 1
                                continue
                            own = setting_of(o, row, e, p, z, m, r)
                            if not known[z]:
                                known[z] = True
                                t = sync_time(work, machine, own)
                                sync[z, 0], sync[z, 1] = t.reduce.once, t.reduce.each
                                sync[z, 2], sync[z, 3] = t.gather.once, t.gather.each
                                sync[z, 4], sync[z, 5], sync[z, 6] = t.again, t.update, t.straggler_share
                            reduce, gather = PerStep(sync[z, 0], sync[z, 1]), PerStep(sync[z, 2], sync[z, 3])
                            t = Sync(reduce, gather, sync[z, 4], sync[z, 5], sync[z, 6])
                            step = close_step(machine, own, passes, t).total
                            counts[FIT] += 1
                            counts[LATE] += step > late[i]
                            if step < row_best[i] or (step == row_best[i] and index < row_best_index[i]):
                                row_best[i], row_best_index[i] = step, index
                            if step <= kept[i]:
                                found_index[n_found], found_step[n_found] = index, step
                                n_found += 1
    return len(rows), n_found
