"""What a search computes once and looks up often, written for compilation: layer times, and bounds of whole shapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from carbonscaling.arrays import Number, Truth
from carbonscaling.hints import NamedTuple
from carbonscaling.perf.layer import LayerKey, LayerTimes, Pass, layer_times
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.memory import StateBytes, WorkBytes, least_held, state_bytes, total_memory, work_bytes
from carbonscaling.perf.numbers import Recompute, Setting, Workload
from carbonscaling.search.bounds import ROUNDING, least_passes
from carbonscaling.search.constraints import never_allowed, never_shards
from carbonscaling.search.divisors import MOST_WHOLE
from carbonscaling.search.grid import Grid, group_size, n_micro, sequence_shards

__all__ = ["N_LAYER", "LeastNeeds", "Options", "fewest_replicas", "layer_table", "least_needs", "least_table"]
__all__ += ["may_fit", "options_of", "redone", "setting_of", "sharded", "unpack"]

N_PASS = len(Pass._fields)
N_BOTH = 2 * N_PASS
N_REST = len(LayerTimes._fields) - 2
N_LAYER = 2 * N_PASS + N_REST
TOO_MUCH = 1e300
"""Bytes that no memory holds."""


class Options(NamedTuple):
    """The inner options of a `Grid`, and its switches (`options_of`); `batch` is the smallest there is."""

    experts: Any
    pipes: Any
    states: Any
    micros: Any
    redos: Any
    batch: float
    sequence_parallel: bool
    strict: bool
    whole_group: bool


def options_of(g: Grid) -> Options:
    """Return the inner options of a grid."""
    fewest = float(g.lattice.batch.min(initial=MOST_WHOLE))
    return Options(
        g.experts, g.pipes, g.states, g.micros, g.redos, fewest, g.sequence_parallel, g.strict, g.whole_group
    )


def _pack(t: LayerTimes, out: Any) -> None:
    for i in range(N_PASS):
        out[i] = t.forward[i]
        out[N_PASS + i] = t.backward[i]
    rest = t[2:]
    for i in range(len(rest)):
        out[2 * N_PASS + i] = rest[i]


def unpack(row: Any) -> LayerTimes:
    """Return the layer times of an entry of the table."""
    forward, backward = to_tuple(row[:N_PASS], N_PASS), to_tuple(row[N_PASS:N_BOTH], N_PASS)
    rest = to_tuple(row[N_BOTH:], N_REST)
    return LayerTimes(Pass(*forward), Pass(*backward), *rest)


def to_tuple(values: Any, _length: int) -> Any:
    """Return an array's values as a tuple; compiled code has its own."""
    return tuple(values)


def layer_table(work: Workload, machine: Machine, pairs: Any, o: Options, table: Any) -> None:
    """Time the layers of every (tp, cp), expert layout and micro-batch, each once."""
    for k in range(len(pairs)):
        tp, cp = pairs[k, 0], pairs[k, 1]
        for e in range(len(o.experts)):
            for m in range(len(o.micros)):
                sp = sequence_shards(tp, o.sequence_parallel)
                key = LayerKey(tp, cp, o.experts[e, 0], o.experts[e, 1], sp, o.micros[m])
                _pack(layer_times(work, machine, key), table[k, e, m])


def setting_of(o: Options, row: Any, e: int, p: int, z: int, m: int, r: int) -> Setting:
    """Return a setting by the places of its options; `row` holds its layout: tp, pp, dp, cp, batch."""
    tp, pp, dp, cp, batch = row[0], row[1], row[2], row[3], row[4]
    shard = group_size(o.states[z, 1], dp * cp, o.whole_group)
    sp = sequence_shards(tp, o.sequence_parallel)
    return Setting(
        tp, pp, dp, cp, o.experts[e, 0], o.experts[e, 1], o.pipes[p, 0], o.states[z, 0], shard, o.micros[m],
        n_micro(batch, dp, o.micros[m]), o.redos[r, 0], o.pipes[p, 1], sp, o.redos[r, 1],
    )  # fmt: skip


def redone(o: Options, s: Setting, r: int) -> Setting:
    """Return a setting with another recomputation, by its place."""
    return Setting(
        s.tp, s.pp, s.dp, s.cp, s.ep, s.etp, s.vpp, s.zero, s.shard, s.micro_batch, s.n_micro, o.redos[r, 0], s.schedule, s.sp,
        o.redos[r, 1],
    )  # fmt: skip


def sharded(s: Setting, zero: float, shard: float) -> Setting:
    """Return a setting with its states sharded otherwise."""
    return Setting(
        s.tp, s.pp, s.dp, s.cp, s.ep, s.etp, s.vpp, zero, shard, s.micro_batch, s.n_micro, s.recompute, s.schedule, s.sp,
        s.recompute_percent,
    )  # fmt: skip


def least_table(
    work: Workload, machine: Machine, o: Options, shapes: Any, keys: Any, table: Any, out: Any, of_experts: Any, pipes: Any,
    n_pipes: Any,
) -> None:  # fmt: skip
    """Write what passes take at least, for every shape (tp, pp, cp), expert layout, pipeline and micro-batch.

    The last axis of `out` holds the seconds of a micro-batch and those of the step, written where a rule allows it, and
    `of_experts` the least of each over all pipelines; infinite before. `pipes` are the places of those that are allowed,
    `n_pipes` says how many.
    """
    row = np.ones(5)
    for i in range(len(shapes)):
        row[0], row[1], row[3] = shapes[i, 0], shapes[i, 1], shapes[i, 2]
        for e in range(len(o.experts)):
            for p in range(len(o.pipes)):
                s = setting_of(o, row, e, p, 0, 0, 0)
                if never_allowed(s, work, o.strict):
                    continue
                pipes[i, e, n_pipes[i, e]] = p
                n_pipes[i, e] += 1
                for m in range(len(o.micros)):
                    least = least_passes(work, machine, s, unpack(table[keys[i], e, m]))
                    out[i, e, p, m, 0], out[i, e, p, m, 1] = least.each, least.once
                    of_experts[i, e, m, 0] = min(of_experts[i, e, m, 0], least.each)
                    of_experts[i, e, m, 1] = min(of_experts[i, e, m, 1], least.once)


class LeastNeeds(NamedTuple):
    """What needs least memory of a grid's options.

    `roomy` has the smallest micro-batch, the largest sharding group (infinity: all), as many devices to an expert as
    possible; `zeros` are the ZeRO stages, `codes` the kinds of recomputation; `body` is the model without embedding and head.
    """

    body: Workload
    roomy: Setting
    zeros: Any
    codes: Any


def least_needs(work: Workload, o: Options) -> LeastNeeds:
    """Return the options of a grid that need least memory."""
    codes = set(o.redos[:, 0]) | ({float(Recompute.NONE)} if (o.redos[:, 1] < 100).any() else set())
    roomy = Setting(*(1.0 for _ in Setting._fields))._replace(
        ep=float(o.experts.prod(axis=1).max()),
        shard=float(np.where(o.states[:, 1] == 0, np.inf, o.states[:, 1]).max()),
        micro_batch=float(o.micros.min()),
        recompute_percent=1.0,
    )
    body = work._replace(p_embedding=0.0, p_head=0.0)
    return LeastNeeds(body, roomy, np.unique(o.states[:, 0]), np.array(sorted(codes)))


def fewest_replicas(
    work: Workload, machine: Machine, o: Options, least: LeastNeeds, shapes: Any, dp: Any, out: Any
) -> None:
    """Write, per shape, the place in `dp` of the fewest replicas with which any of its settings could fit in memory."""
    for i in range(len(shapes)):
        low, high, middle = 0, len(dp), 0  # most shapes fit with the fewest
        while low < high:
            tp, pp, cp = shapes[i, 0], shapes[i, 1], shapes[i, 2]
            if may_fit(work, machine, o, least, tp, pp, cp, dp[middle]):
                high = middle
            else:
                low = middle + 1
            middle = (low + high) // 2
        out[i] = low


def may_fit(
    work: Workload, machine: Machine, o: Options, least: LeastNeeds, tp: Number, pp: Number, cp: Number, dp: Number
) -> Truth:
    """Whether the least of states and the least of activations leave a chance to fit; degrees may be arrays.

    States fall with every replica, with the sharding group, with the devices that an expert is spread over, activations with
    smaller micro-batches, of which more are in flight but never more sequences. Without interleaving, and without what the
    ends of a pipeline hold, the fullest stage has fewest parameters and activations. A share of the layers recomputed
    lies between all of them and none. With fewer micro-batches than stages fewer are in flight, and the stage with the logits
    has less room for them: then the least of both counts, so that what may fit may fit with more replicas too.
    """
    body, roomy, zeros, codes = least
    n_micro = np.maximum(1.0, o.batch / (dp * roomy.micro_batch))
    states: Any = TOO_MUCH
    held: Any = TOO_MUCH
    for z in range(len(zeros)):
        s = Setting(
            tp, pp, dp, cp, np.minimum(roomy.ep, tp * cp * dp), 1.0, 1.0, zeros[z], np.minimum(roomy.shard, dp * cp),
            roomy.micro_batch, n_micro, 0.0, 0.0, sequence_shards(tp, o.sequence_parallel), 100.0,
        )  # fmt: skip
        inside, whole = state_bytes(body, machine, s), state_bytes(work, machine, s)
        lowest = np.where(
            pp > 1,
            inside.weights + inside.gradients + inside.optimizer,
            whole.weights + whole.gradients + whole.optimizer,
        )
        states = np.minimum(states, np.where(never_shards(s, work, o.strict), TOO_MUCH, lowest))
    for r in range(len(codes)):
        filled = work_bytes(
            work, machine, _plain(o, tp, pp, dp, cp, roomy.micro_batch, np.maximum(n_micro, pp), codes[r])
        )
        one = work_bytes(work, machine, _plain(o, tp, pp, dp, cp, roomy.micro_batch, 1.0, codes[r]))
        beside = least_held(machine, filled) - least_held(
            machine, WorkBytes(filled.activations, filled.inputs, 0.0, filled.free, 0.0)
        )
        alone = least_held(machine, WorkBytes(one.activations, one.inputs, 0.0, 0.0, 0.0)) + beside
        held = np.minimum(held, np.where(n_micro < pp, alone, least_held(machine, filled)))
    need = total_memory(machine, roomy.zero, StateBytes(states, 0.0, 0.0), WorkBytes(held, 0.0, 0.0, 0.0, 0.0))
    return need.total * ROUNDING <= need.limit


def _plain(
    o: Options, tp: Number, pp: Number, dp: Number, cp: Number, micro_batch: Number, n_micro: Number, code: Number
) -> Setting:
    """Return a setting of a shape without experts, chunks or sharded states."""
    sp = sequence_shards(tp, o.sequence_parallel)
    return Setting(tp, pp, dp, cp, 1.0, 1.0, 1.0, 0.0, dp * cp, micro_batch, n_micro, code, 0.0, sp, 100.0)
