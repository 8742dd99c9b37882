"""The loops of the search, written for compilation: what depends on less is computed further out.

Layouts, then experts, pipelines, micro-batches, recomputation, and innermost the sharding of states. Every number comes
from the formulas of `carbonscaling.perf`; here is only the order in which they are asked.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carbonscaling.perf.machine import Machine
from carbonscaling.perf.memory import (
    LayerBytes,
    StateBytes,
    WorkBytes,
    held_bytes,
    layer_kept,
    least_held,
    stage_flow,
    state_bytes,
    total_memory,
)
from carbonscaling.perf.numbers import Schedule, Workload
from carbonscaling.perf.passes import Passes, StepTime, passes_time
from carbonscaling.perf.pipeline import layers_on_stage, recomputed_share
from carbonscaling.perf.sharding import PerStep
from carbonscaling.perf.step import Sync, close_step, sync_time
from carbonscaling.search.bounds import ROUNDING, LeastPasses, least_step, least_step_of_passes, slowest_host
from carbonscaling.search.constraints import (
    ALLOWED,
    RULES,
    first_batch_violation,
    first_recompute_violation,
    first_shape_violation,
    first_sharding_violation,
    splits_unevenly,
)
from carbonscaling.search.tables import Options, redone, setting_of, sharded, unpack

__all__ = ["BOUND", "BUFFER", "FIT", "LATE", "MEMORY", "N_COUNTS", "TIES", "decide_rows", "rejected"]

MEMORY, LATE, FIT, BOUND = ALLOWED, ALLOWED + 1, ALLOWED + 2, ALLOWED + 3
"""Places in the counts after those of the rules: over memory, fits but late, fits, left out by a bound."""
N_COUNTS = ALLOWED + 4
REASONS = (*(rule.name for rule in RULES), "memory", "deadline")
"""What the first of the counts are called."""

TIES = 1e-12
"""Relative difference of step times up to which run times may be equal."""

BUFFER = 1 << 17
"""Most settings that are held at once, beyond those of one layout; larger pages than these are cleared at some cost."""

NO_WORK = WorkBytes(0.0, 0.0, 0.0, 0.0, 0.0)
NO_STATES = StateBytes(0.0, 0.0, 0.0)
NO_PASSES = Passes(StepTime(*(0.0 for _ in StepTime._fields)), 0.0, 0.0, 0.0)


def decide_rows(  # noqa: PLR0912, PLR0915 - one nest of loops, compiled as one
    work: Workload,
    machine: Machine,
    o: Options,
    rows: Any,
    shapes: Any,
    asked: Any,
    keys: Any,
    table: Any,
    least: Any,
    least_of_experts: Any,
    pipes: Any,
    n_pipes: Any,
    start: int,
    cut: Any,
    kept: Any,
    late: Any,
    prune: bool,
    rivals: bool,
    found_index: Any,
    found_step: Any,
    counts: Any,
    quickest: Any,
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
    asked : array
        Which of several questions each layout belongs to: the row of `counts`.
    keys, table : arrays
        Place of each shape's (tp, cp) in the table of layer times.
    least, least_of_experts, pipes, n_pipes : arrays
        What passes take at least, that of the best pipeline, and the pipelines that rules leave (`tables.least_table`); read
        only where `prune`.
    cut, kept, late : arrays
        Per row: step time beyond which a setting cannot matter, beyond which it matters only as the row's quickest, and
        beyond which it misses the deadline.
    prune : bool
        Leave out what a bound rules out; without, every setting is decided one by one.
    rivals : bool
        Whether of each question nothing but its quickest settings is wanted: what is slower for sure than one that is known
        is counted and not timed.
    found_index, found_step : arrays
        Written: settings that fit within `kept`, and their step times; of rivals those as quick as any before.
    counts, quickest, row_best, row_best_index, miss, miss_index : arrays
        Written: each question's settings by fate and, of rivals, step time not to be exceeded; each row's quickest setting that
        fits, the nearest miss of the memory limit.

    Returns
    -------
    tuple of int
        The row to go on from, and how many settings were found.
    """
    n_e, n_p, n_z, n_m, n_r = len(o.experts), len(o.pipes), len(o.states), len(o.micros), len(o.redos)
    inner = n_e * n_p * n_z * n_m * n_r
    n_found = 0
    place_z, place_m = np.empty(n_z, np.int64), np.empty(n_m, np.int64)
    place_r = np.full((2, n_r), ALLOWED, np.int64)  # of either kind of pipe, if there is any
    n_free = np.zeros(2, np.int64)  # recomputations that no rule bars
    pair = np.zeros(n_p, np.int64)  # 1 where passes run in pairs, which bars recomputation that is allowed elsewhere
    for p in range(n_p):
        pair[p] = o.pipes[p, 1] == Schedule.COMBINED
        for r in range(n_r):
            place_r[pair[p], r] = first_recompute_violation(setting_of(o, rows[0], 0, p, 0, 0, r), work, o.strict)
        n_free[pair[p]] = (place_r[pair[p]] == ALLOWED).sum()
    slow_experts, too_slow = np.zeros(n_m, np.bool_), np.zeros(n_m, np.bool_)
    lines, shards = np.empty((2, ALLOWED + 1), np.int64), np.empty(ALLOWED + 1, np.int64)  # by the first rule violated
    parts = np.empty(n_m)  # micro-batches of a replica, whole or not
    valid = np.empty(n_z, np.int64)  # the states that no rule bars; what follows is in their order
    zero, shard, excess = np.empty(n_z), np.empty(n_z), np.empty(n_z)
    share = np.empty(n_r)  # of the layers that are recomputed
    on_stage, twice = np.empty(n_p), np.empty(n_p, np.bool_)
    kind, have_kind = np.empty(n_p, np.int64), np.empty(n_p, np.bool_)  # the first pipe that holds as much of the model
    states, least_states = np.empty((n_p, n_z)), np.empty(n_p)
    known, sync = np.empty((n_p, n_z), np.bool_), np.empty((n_p, n_z, 8))
    uneven = np.empty(n_m, np.bool_)  # micro-batches that do not divide the share of a replica
    kept_layer, have_layer = np.empty((n_m, n_r, 2)), np.empty((n_m, n_r), np.bool_)
    limit = total_memory(machine, 0.0, NO_STATES, NO_WORK).limit
    for i in range(start, len(rows)):
        if n_found + inner > len(found_index):
            return i, n_found
        row, shape, q = rows[i], shapes[i], asked[i]
        fates = counts[q]
        bounded = prune and cut[i] < np.inf
        slowest = slowest_host(machine, row[0] * row[1] * row[2] * row[3])
        for m in range(n_m):
            parts[m] = row[4] / (row[2] * o.micros[m])
        n_valid = -1
        for e in range(n_e):
            have_kind[:] = False
            slow_experts[:] = False
            if bounded:
                n_alive = 0
                for m in range(n_m):
                    one = LeastPasses(least_of_experts[shape, e, m, 0], least_of_experts[shape, e, m, 1])
                    slow_experts[m] = least_step(machine, one, parts[m], slowest) > cut[i]
                    n_alive += not slow_experts[m]
                if n_alive == 0:
                    fates[BOUND] += n_p * n_z * n_m * n_r
                    continue
            if n_valid < 0:  # the first experts that bounds leave a chance
                n_valid = 0
                lines[:], shards[:], have_layer[:] = 0, 0, False
                for z in range(n_z):
                    s = setting_of(o, row, 0, 0, z, 0, 0)
                    place_z[z] = first_sharding_violation(s, work, o.strict)
                    shards[place_z[z]] += 1
                    if place_z[z] == ALLOWED:
                        valid[n_valid], zero[n_valid], shard[n_valid] = z, s.zero, s.shard
                        n_valid += 1
                for m in range(n_m):
                    uneven[m] = splits_unevenly(setting_of(o, row, 0, 0, 0, m, 0), work, o.strict)
                for p in range(n_p):
                    on_stage[p] = layers_on_stage(work.n_layers, row[1], o.pipes[p, 0])
                    twice[p] = o.pipes[p, 1] == Schedule.DUALPIPE
                    kind[p] = p
                    for other in range(p):
                        if on_stage[other] == on_stage[p] and twice[other] == twice[p]:
                            kind[p] = other
                            break
            fixed: Any = ALLOWED
            n_tried = n_p
            if prune:  # what is left by a shape's rules differs in those of experts alone
                n_tried = n_pipes[shape, e]
                if n_tried:
                    fixed = first_shape_violation(setting_of(o, row, e, pipes[shape, e, 0], 0, 0, 0), work, o.strict)
                if fixed < ALLOWED:
                    n_tried = 0
                fates[BOUND] += (n_p - n_tried) * n_z * n_m * n_r
            for nth in range(n_tried):
                p = pipes[shape, e, nth] if prune else nth
                n_alive = 0
                if not prune:
                    fixed = first_shape_violation(setting_of(o, row, e, p, 0, 0, 0), work, o.strict)
                for m in range(n_m):
                    too_slow[m] = slow_experts[m]
                    if bounded and not too_slow[m]:
                        one = LeastPasses(least[shape, e, p, m, 0], least[shape, e, p, m, 1])
                        too_slow[m] = least_step(machine, one, parts[m], slowest) > cut[i]
                    if too_slow[m]:
                        continue
                    place_m[m] = 0
                    if uneven[m]:
                        continue
                    place_m[m] = min(fixed, first_batch_violation(setting_of(o, row, e, p, 0, m, 0), work, o.strict))
                    n_alive += place_m[m] == ALLOWED
                if prune and n_alive == 0:
                    fates[BOUND] += n_z * n_m * n_r
                    continue
                for m in range(n_m):
                    if too_slow[m]:
                        fates[BOUND] += n_z * n_r
                    else:
                        lines[pair[p], place_m[m]] += 1
                if n_alive == 0 or n_valid == 0:
                    continue
                k = kind[p]
                if not have_kind[k]:
                    have_kind[k], least_states[k] = True, np.inf
                    for v in range(n_valid):
                        b = state_bytes(work, machine, setting_of(o, row, e, p, valid[v], 0, 0))
                        states[k, v] = b.weights + b.gradients + b.optimizer
                        least_states[k] = min(least_states[k], total_memory(machine, 0.0, b, NO_WORK).total)
                        known[k, v] = False
                if prune and least_states[k] * ROUNDING > limit:
                    fates[BOUND] += n_alive * n_free[pair[p]] * n_valid
                    continue
                for r in range(n_r):
                    share[r] = recomputed_share(work.n_layers, row[1], o.pipes[p, 0], o.redos[r, 1])
                for m in range(n_m):
                    if too_slow[m] or place_m[m] < ALLOWED:
                        continue
                    here = ((e * n_p + p) * n_z * n_m + m) * n_r + i * inner
                    line = setting_of(o, row, e, p, 0, m, 0)
                    flow = stage_flow(work, machine, line)
                    is_rival = True
                    if rivals:
                        one = LeastPasses(least[shape, e, p, m, 0], least[shape, e, p, m, 1])
                        is_rival = least_step(machine, one, parts[m], slowest) <= quickest[q] * (1.0 + TIES)
                    for r in range(n_r):
                        if place_r[pair[p], r] < ALLOWED:
                            continue
                        s = redone(o, line, r)
                        if not have_layer[m, r]:
                            have_layer[m, r] = True
                            layer_holds = layer_kept(work, machine, s)
                            kept_layer[m, r, 0], kept_layer[m, r, 1] = layer_holds.whole, layer_holds.reduced
                        one_layer = LayerBytes(kept_layer[m, r, 0], kept_layer[m, r, 1])
                        held = held_bytes(machine, s, one_layer, flow, share[r])
                        if prune and (least_states[k] + least_held(machine, held)) * ROUNDING > limit:
                            fates[BOUND] += n_valid
                            continue
                        n_over = 0
                        for v in range(n_valid):
                            excess[v] = (
                                total_memory(machine, zero[v], StateBytes(states[k, v], 0.0, 0.0), held).total - limit
                            )
                            n_over += excess[v] > 0.0
                        fates[MEMORY] += n_over
                        for v in range(n_valid if n_over > 0 else 0):
                            index = here + valid[v] * n_m * n_r + r
                            if excess[v] > 0.0 and (
                                excess[v] < miss[0] or (excess[v] == miss[0] and index < miss_index[0])
                            ):
                                miss[0], miss_index[0] = excess[v], index
                        if n_over == n_valid:
                            continue
                        timed = is_rival
                        passes = NO_PASSES
                        if bounded or is_rival:
                            layer = unpack(table[keys[shape], e, m])
                            passes = passes_time(work, machine, s, layer, held.moved)
                            bound = least_step_of_passes(machine, passes, slowest)
                            if bounded and bound > cut[i]:
                                fates[BOUND] += n_valid - n_over
                                continue
                            timed = is_rival and not (rivals and bound > quickest[q] * (1.0 + TIES))
                        fates[FIT] += n_valid - n_over
                        for v in range(n_valid if timed else 0):
                            if excess[v] > 0.0:
                                continue
                            index = here + valid[v] * n_m * n_r + r
                            own = sharded(s, zero[v], shard[v])
                            t = sync[k, v]
                            if not known[k, v]:
                                known[k, v] = True
                                new = sync_time(work, machine, own)
                                t[0], t[1] = new.reduce.once, new.reduce.each
                                t[2], t[3] = new.gather.once, new.gather.each
                                t[4], t[5], t[6], t[7] = new.again, new.copied, new.update, new.straggler_share
                            both = Sync(PerStep(t[0], t[1]), PerStep(t[2], t[3]), t[4], t[5], t[6], t[7])
                            step = close_step(machine, own, passes, both).total
                            fates[LATE] += step > late[i]
                            if step < row_best[i] or (step == row_best[i] and index < row_best_index[i]):
                                row_best[i], row_best_index[i] = step, index
                            if rivals:
                                quickest[q] = min(quickest[q], step)
                            if step <= (quickest[q] * (1.0 + TIES) if rivals else kept[i]):
                                found_index[n_found], found_step[n_found] = index, step
                                n_found += 1
        for k in range(2 if n_valid >= 0 else 0):
            _count_barred(lines[k], shards, place_r[k], fates)
    return len(rows), n_found


def _count_barred(lines: Any, shards: Any, redos: Any, counts: Any) -> None:
    """Count the settings of a layout and a kind of pipeline that rules bar, each under the first that it violates.

    Parameters
    ----------
    lines, shards : arrays
        How many lines (experts, pipeline, micro-batch) and states first violate each rule, or none.
    redos : array
        The rule that each recomputation violates, or none.
    counts : array
        Added to.
    """
    for a in range(ALLOWED + 1):
        if lines[a] == 0:
            continue
        for b in range(ALLOWED + 1):
            if min(a, b) < ALLOWED:
                counts[min(a, b)] += lines[a] * shards[b] * len(redos)
    for r in range(len(redos)):
        if redos[r] < ALLOWED:
            counts[redos[r]] += lines[ALLOWED] * shards[ALLOWED]


def rejected(counts: NDArray[np.int64]) -> Counter[str]:
    """Return the settings refused, counted by reason; `counts` are those by fate."""
    every, found = counts.tolist(), Counter[str]()
    for name, n in zip((*REASONS, "bound"), (*every[: len(REASONS)], every[BOUND]), strict=True):
        if n:
            found[name] = n
    return found
