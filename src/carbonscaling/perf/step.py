"""One training step: every second of it, by cause."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from carbonscaling.perf.collectives import inner_ranks
from carbonscaling.perf.goodput import straggler_share
from carbonscaling.perf.layer import LayerKey, LayerTimes, layer_times
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.memory import rank_params
from carbonscaling.perf.numbers import Number, Recompute, Schedule, Setting, Workload
from carbonscaling.perf.pipeline import bubble_time, layers_on_stage
from carbonscaling.perf.sharding import exposed_time, gradient_time, optimizer_time, parameter_time

__all__ = ["StepTime", "layer_key", "step_time", "step_time_from_layers"]


class StepTime(NamedTuple):
    """Seconds of one step on its critical path.

    `stage_imbalance` is what the fullest pipeline stage adds to the mean one; `recompute` the repeated forward work with
    its traffic; communication lines hold only what compute does not hide.
    """

    matmul: Number
    attention: Number
    elementwise: Number
    head: Number
    recompute: Number
    tp_comm: Number
    cp_comm: Number
    ep_comm: Number
    stage_imbalance: Number
    bubble: Number
    pp_comm: Number
    dp_comm: Number
    optimizer: Number
    host: Number
    straggler: Number

    @property
    def total(self) -> Number:
        """The step."""
        return sum(self)


def layer_key(setting: Setting) -> LayerKey:
    """Return the part of `setting` that layer times depend on."""
    return LayerKey(setting.tp, setting.cp, setting.ep, setting.etp, setting.sp, setting.micro_batch)


def step_time(work: Workload, machine: Machine, setting: Setting) -> StepTime:
    """Time one step of `setting`; fields may be floats or arrays that broadcast."""
    return step_time_from_layers(work, machine, setting, layer_times(work, machine, layer_key(setting)))


def step_time_from_layers(work: Workload, machine: Machine, s: Setting, layer: LayerTimes) -> StepTime:
    """Time one step from layer times computed before (a search computes each of them once)."""
    n_layers = work.n_layers
    f, b = layer.forward, layer.backward
    redo = np.where(
        s.recompute == Recompute.FULL,
        f.total,
        np.where(s.recompute == Recompute.SELECTIVE, layer.selective, 0.0),
    )
    ends = layer.head_forward + layer.head_backward + 2.0 * layer.embedding
    per_layer = f.total + b.total + redo

    # The fullest stage: equal layers with the head on top of the last, or layers dealt out around the head.
    equal = per_layer * layers_on_stage(n_layers, s.pp, s.vpp) + ends
    dealt = np.maximum(per_layer * layers_on_stage(n_layers + ends / per_layer, s.pp, s.vpp), ends)
    stage = np.where(s.pp > 1, np.minimum(equal, dealt), per_layer * n_layers + ends)
    mean = (per_layer * n_layers + ends) / s.pp
    share = s.n_micro * n_layers / s.pp  # layer passes of the mean stage in a step

    forward = stage * (f.total * n_layers + layer.head_forward) / (mean * s.pp)
    weight = stage * layer.weight * n_layers / (mean * s.pp)
    bubble = bubble_time(s.pp, s.vpp, forward, stage - forward, weight, s.schedule)

    # Stage boundaries: sent forward and backward per chunk; interleaved schedules overlap them, the fill cannot.
    stride = s.tp * s.cp * s.dp
    near = inner_ranks(s.pp, stride, machine.domain) > 1.0
    hop = layer.boundary_bytes / np.where(near, machine.link, machine.nic) + np.where(
        near, machine.link_latency, machine.nic_latency
    )
    exposed_sends = s.n_micro * np.where((s.vpp > 1) | (s.schedule == Schedule.DUALPIPE), 1.0 - machine.overlap, 1.0)
    pp_comm = np.where(s.pp > 1, 2.0 * hop * s.vpp * (exposed_sends + s.pp - 1.0), 0.0)

    # Data parallelism: dense and expert parameters have groups of their own.
    params = rank_params(work, s)
    n_dense = s.dp * s.cp
    n_expert = s.tp * s.cp * s.dp / (s.ep * s.etp)
    groups = (
        (params.dense, n_dense, np.minimum(s.shard, n_dense), s.tp),
        (params.expert, n_expert, np.minimum(s.shard, n_expert), s.ep * s.etp),
    )
    reduce = sum(gradient_time(p, n, g, d, s.zero, s.n_micro, machine) for p, n, g, d in groups)
    gather = sum(parameter_time(p, g, d, s.zero, s.n_micro, machine) for p, n, g, d in groups)
    passes = np.where(s.zero >= 3, s.n_micro, 1.0)
    window_back = np.where(s.zero >= 2, s.n_micro, 1.0) * (stage - forward)
    dp_comm = exposed_time(reduce, window_back, machine.overlap, machine.contention) + exposed_time(
        gather, passes * np.where(s.zero >= 3, stage, forward), machine.overlap, machine.contention
    )
    sharded = sum(p / np.where(s.zero >= 1, g, 1.0) for p, n, g, d in groups)
    update = optimizer_time(
        sharded, machine.optimizer_bytes, machine.grad_bytes, machine.weight_bytes,
        machine.bandwidth * machine.memory_efficiency,
    )  # fmt: skip

    # DualPipe hides expert traffic behind the other direction's compute, which runs on fewer cores all the while
    # (20 of an H800's 132 are set aside: DeepSeek-V3, section 3.2.2).
    ep_raw = f.ep_comm + b.ep_comm
    beside = f.total + b.total - ep_raw
    hidden = np.maximum(0.0, ep_raw - machine.overlap * beside) + (machine.contention - 1.0) * beside
    ep_comm = np.where((s.schedule == Schedule.DUALPIPE) & (ep_raw > 0), hidden, ep_raw)
    saved = (stage / mean) * share * (ep_raw - ep_comm)

    parts = (
        share * (f.matmul + b.matmul),
        share * (f.attention + b.attention),
        share * (f.elementwise + b.elementwise),
        s.n_micro * ends / s.pp,
        share * redo,
        share * (f.tp_comm + b.tp_comm),
        share * (f.cp_comm + b.cp_comm),
        share * ep_comm,
        s.n_micro * (stage - mean) - (saved - share * (ep_raw - ep_comm)),
        bubble,
        pp_comm,
        dp_comm,
        update,
        machine.step_overhead + 0.0 * share,
    )
    nodes = np.ceil(s.n_devices / machine.host_devices)
    return StepTime(*parts, sum(parts) * straggler_share(nodes, machine.straggler))
