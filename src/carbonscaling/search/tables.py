"""What a search computes once and looks up often, written for compilation: layer times, and bounds of whole shapes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from carbonscaling.perf.layer import LayerKey, LayerTimes, Pass, layer_times
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.memory import StateBytes, WorkBytes, least_held, state_bytes, total_memory, work_bytes
from carbonscaling.perf.numbers import Setting, Workload
from carbonscaling.search.bounds import ROUNDING, least_passes
from carbonscaling.search.constraints import never_allowed, never_shards
from carbonscaling.search.grid import group_size, n_micro, sequence_shards

__all__ = ["N_LAYER", "Options", "fewest_replicas", "layer_table", "setting_of", "shape_bounds", "unpack"]

N_PASS = len(Pass._fields)
N_BOTH = 2 * N_PASS
N_REST = len(LayerTimes._fields) - 2
N_LAYER = 2 * N_PASS + N_REST


class Options(NamedTuple):
    """The inner options of a `Grid`, and its switches."""

    experts: Any
    pipes: Any
    states: Any
    micros: Any
    redos: Any
    batch: float
    sequence_parallel: bool
    strict: bool
    whole_group: bool


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
    """Return a setting by the places of its options; `row` holds its layout: tp, pp, dp, cp."""
    tp, pp, dp, cp = row[0], row[1], row[2], row[3]
    shard = group_size(o.states[z, 1], dp * cp, o.whole_group)
    sp = sequence_shards(tp, o.sequence_parallel)
    return Setting(
        tp, pp, dp, cp, o.experts[e, 0], o.experts[e, 1], o.pipes[p, 0], o.states[z, 0], shard, o.micros[m],
        n_micro(o.batch, dp, o.micros[m]), o.redos[r, 0], o.pipes[p, 1], sp, o.redos[r, 1],
    )  # fmt: skip


def shape_bounds(
    work: Workload, machine: Machine, o: Options, shapes: Any, keys: Any, table: Any, each: Any, once: Any
) -> None:
    """Write what no setting of a shape (tp, pp, cp) can beat: seconds divided by the replicas, and seconds beside them."""
    row = np.ones(4)
    for i in range(len(shapes)):
        row[0], row[1], row[3] = shapes[i, 0], shapes[i, 1], shapes[i, 2]
        each[i], once[i] = np.inf, np.inf
        for e in range(len(o.experts)):
            for p in range(len(o.pipes)):
                s = setting_of(o, row, e, p, 0, 0, 0)
                if never_allowed(s, work, o.strict):
                    continue
                for m in range(len(o.micros)):
                    least = least_passes(work, machine, s, unpack(table[keys[i], e, m]))
                    each[i] = min(each[i], o.batch / o.micros[m] * least.each)
                    once[i] = min(once[i], least.once)


def fewest_replicas(
    work: Workload, body: Workload, machine: Machine, o: Options, roomy: Setting, zeros: Any, codes: Any, shapes: Any,
    dp: Any, out: Any,
) -> None:  # fmt: skip
    """Write, per shape, the place in `dp` of the fewest replicas with which any of its settings could fit in memory.

    Parameters
    ----------
    body : Workload
        The model without embedding and head.
    roomy : Setting
        The options that need least memory: the smallest micro-batch, the largest sharding group (infinity: all), as many
        devices to an expert as possible.
    zeros, codes : arrays
        ZeRO stages, and kinds of recomputation.
    """
    for i in range(len(shapes)):
        low, high = 0, len(dp)
        while low < high:
            middle = (low + high) // 2
            if _may_fit(work, body, machine, o, roomy, zeros, codes, shapes[i], dp[middle]):
                high = middle
            else:
                low = middle + 1
        out[i] = low


def _may_fit(
    work: Workload, body: Workload, machine: Machine, o: Options, roomy: Setting, zeros: Any, codes: Any, shape: Any,
    dp: float,
) -> bool:  # fmt: skip
    """Whether the least of states and the least of activations leave a chance to fit.

    Memory falls with every replica, with the sharding group, with the devices that an expert is spread over, and with
    smaller micro-batches, of which more are in flight but never more sequences. Without interleaving, and without what the
    ends of a pipeline hold, the fullest stage has fewest parameters and activations. A share of the layers recomputed
    lies between all of them and none.
    """
    tp, pp, cp = shape[0], shape[1], shape[2]
    n_micro = max(1.0, o.batch / (dp * roomy.micro_batch))
    states: Any = np.inf
    held: Any = np.inf
    for z in range(len(zeros)):
        s = Setting(
            tp, pp, dp, cp, min(roomy.ep, tp * cp * dp), 1.0, 1.0, zeros[z], min(roomy.shard, dp * cp),
            roomy.micro_batch, n_micro, 0.0, 0.0, sequence_shards(tp, o.sequence_parallel), 100.0,
        )  # fmt: skip
        if not never_shards(s, work, o.strict):
            b = state_bytes(body if pp > 1 else work, machine, s)
            states = min(states, b.weights + b.gradients + b.optimizer)
    for r in range(len(codes)):
        s = Setting(
            tp, pp, dp, cp, 1.0, 1.0, 1.0, 0.0, dp * cp, roomy.micro_batch, n_micro, codes[r], 0.0,
            sequence_shards(tp, o.sequence_parallel), 100.0,
        )  # fmt: skip
        held = min(held, least_held(machine, work_bytes(work, machine, s)))
    need = total_memory(machine, roomy.zero, StateBytes(states, 0.0, 0.0), WorkBytes(held, 0.0, 0.0, 0.0, 0.0))
    return bool(need.total * ROUNDING <= need.limit)
