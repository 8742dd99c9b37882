"""One training step: every second of it, by cause."""

from __future__ import annotations

import numpy as np

from carbonscaling.arrays import nothing
from carbonscaling.hints import NamedTuple
from carbonscaling.perf.gathering import fetched_twice, listing_time, parameter_wait
from carbonscaling.perf.goodput import straggler_share
from carbonscaling.perf.layer import LayerKey, LayerTimes, layer_times
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.memory import rank_params, work_bytes
from carbonscaling.perf.numbers import Number, Recompute, Setting, Workload
from carbonscaling.perf.offload import HOST_GRADIENT, offloaded_share, offloaded_update_time, streamed_time
from carbonscaling.perf.passes import Passes, StepTime, passes_time
from carbonscaling.perf.sharding import PerStep, exposed_time, gradient_time, optimizer_time, parameter_time

__all__ = ["StepTime", "Sync", "close_step", "layer_key", "step_time", "step_time_from_layers", "sync_time"]


class Sync(NamedTuple):
    """Seconds that data parallelism adds before any of it hides: gradients reduced, weights gathered, the update.

    `gather.each` is one collection of the weights; `again` the share of them that full recomputation leaves to be collected
    once more; `copied` what a micro-batch's weights and gradients take out of and into the collectives' buffers.
    `straggler_share` lengthens the whole step.
    """

    reduce: PerStep
    gather: PerStep
    again: Number
    copied: Number
    update: Number
    straggler_share: Number


def layer_key(setting: Setting) -> LayerKey:
    """Return the part of `setting` that layer times depend on."""
    return LayerKey(setting.tp, setting.cp, setting.ep, setting.etp, setting.sp, setting.micro_batch)


def step_time(work: Workload, machine: Machine, setting: Setting) -> StepTime:
    """Time one step of `setting`; fields may be floats or arrays that broadcast."""
    return step_time_from_layers(work, machine, setting, layer_times(work, machine, layer_key(setting)))


def step_time_from_layers(work: Workload, machine: Machine, s: Setting, layer: LayerTimes) -> StepTime:
    """Time one step from layer times computed before (a search computes each of them once)."""
    moved = work_bytes(work, machine, s).moved
    return close_step(machine, s, passes_time(work, machine, s, layer, moved), sync_time(work, machine, s))


def sync_time(work: Workload, machine: Machine, s: Setting) -> Sync:
    """Time what data parallelism sends and updates; micro-batch and recomputation play no part."""
    silicon, formats, software = machine
    params = rank_params(work, s)
    n_dense = s.dp * s.cp  # dense and expert parameters have groups of their own
    n_expert = s.tp * s.cp * s.dp / (s.ep * s.etp)
    g_dense, g_expert = np.minimum(s.shard, n_dense), np.minimum(s.shard, n_expert)
    memory_rate = silicon.bandwidth * silicon.memory_efficiency
    waits = (software.parameter_wise > 0) & (s.zero >= 3) & (n_dense > 1)
    wait = np.where(
        waits,
        parameter_wait(
            work.n_layers / s.pp, s.shard, software.gather_rank, params.dense, software.weight_bytes, memory_rate
        ),
        0.0,
    )
    # Experts of a loop are tensors of their own, each of which ZeRO-3 takes apart and puts together.
    tensors = work.matrices * work.n_moe / s.pp * np.maximum(work.n_experts / s.ep, 1.0)
    looped = (software.expert_launch > 0) & (s.zero >= 3) & (n_expert > 1)
    listed = wait + np.where(looped, listing_time(tensors, g_expert, software.gather_rank), 0.0)
    reduce = gradient_time(params.trained_dense, n_dense, g_dense, s.tp, s.zero, wait, machine)
    reduce_expert = gradient_time(params.trained_expert, n_expert, g_expert, s.ep * s.etp, s.zero, listed, machine)
    # ZeRO-1 and 2 gather what was updated; ZeRO-3 all, the packed weights as they are.
    size = np.minimum(software.weight_bytes, formats.comm_bytes)
    less = np.where((work.packed > 0) & (s.zero >= 3), 1.0 - work.packed / size, 0.0)
    gathered = np.where(s.zero >= 3, params.dense, params.trained_dense) - less * params.frozen_dense
    gathered_expert = np.where(s.zero >= 3, params.expert, params.trained_expert) - less * params.frozen_expert
    gather = parameter_time(gathered, g_dense, s.tp, s.zero, wait, machine)
    gather_expert = parameter_time(gathered_expert, g_expert, s.ep * s.etp, s.zero, listed, machine)
    # Each gather is copied out of its buffer before the products, each gradient into one after them: nothing beside it hides.
    shared, spread = (s.zero >= 3) & (g_dense > 1), (s.zero >= 3) & (g_expert > 1)
    out = np.where(shared, gathered, 0.0) + np.where(spread, gathered_expert, 0.0)
    into = np.where(shared, params.trained_dense, 0.0) + np.where(spread, params.trained_expert, 0.0)
    widened = formats.comm_bytes + software.grad_comm_bytes
    copied = software.copies * (software.gathers * 2.0 * size * out + widened * into) / memory_rate
    each_dense, each_expert = np.where(s.zero >= 1, g_dense, 1.0), np.where(s.zero >= 1, g_expert, 1.0)
    sharded = params.trained_dense / each_dense + params.trained_expert / each_expert
    away = offloaded_share(sharded * software.optimizer_bytes, machine)
    # Every gather waits for the slowest of the scale-up domains that share the weights.
    gathering = np.where(s.zero >= 3, silicon.straggler_gather, 0.0)
    update = optimizer_time(
        sharded, software.optimizer_bytes, software.grad_bytes, software.weight_bytes, memory_rate
    )  # fmt: skip
    streams = software.streamed > 0
    in_host = offloaded_update_time(
        sharded, software.optimizer_bytes, HOST_GRADIENT, software.weight_bytes,
        np.where(streams, 0.0, HOST_GRADIENT + software.weight_bytes), silicon.host_link, silicon.host_bandwidth,
    )  # fmt: skip
    held = params.dense / each_dense + params.expert / each_expert
    fetched = streamed_time(held, software.streamed, silicon.host_link)
    returned = streamed_time(sharded, np.where(streams, HOST_GRADIENT, 0.0), silicon.host_link)
    return Sync(
        reduce=PerStep(reduce.once + reduce_expert.once, reduce.each + reduce_expert.each + returned),
        gather=PerStep(gather.once + gather_expert.once, gather.each + gather_expert.each + fetched),
        again=np.where(waits, fetched_twice(work, s.tp), 0.0),
        copied=copied,
        update=(1.0 - away) * update + away * in_host,
        straggler_share=straggler_share(np.ceil(s.n_devices / silicon.host_devices), silicon.straggler)
        + straggler_share(np.ceil(g_dense * s.tp / np.maximum(silicon.domain, silicon.host_devices)), gathering),
    )


def close_step(machine: Machine, s: Setting, passes: Passes, sync: Sync) -> StepTime:
    """Lay communication over the passes that can hide it, and add up the step."""
    silicon, _, software = machine
    # With nothing beside: copies, scatters that a compiler schedules as they come, reductions after a pipeline's last pass.
    scattered, beside = sync.reduce.each * s.n_micro, software.update_beside
    alone = sync.copied * s.n_micro + (1.0 - software.scatter_beside) * scattered
    alone = alone + (1.0 - beside) * (sync.reduce.once + sync.gather.once)
    reduce = beside * sync.reduce.once + software.scatter_beside * scattered
    again = np.where(s.recompute == Recompute.FULL, s.recompute_percent / 100.0 * sync.again, 0.0)
    gather = beside * sync.gather.once + (software.gathers + again) * sync.gather.each * s.n_micro
    # Reduction hides behind the backward pass, the gather after the update behind the forward pass; with ZeRO-3 both
    # share every pass, so that no second of compute hides two of traffic.
    window_back = np.where(s.zero >= 2, s.n_micro, 1.0) * passes.backward
    window_all = s.n_micro * (passes.forward + passes.backward)
    overlap, contention = software.overlap, silicon.contention
    beside_all = np.where((software.parameter_wise > 0) & (s.dp * s.cp > 1), 0.0, overlap)
    dp_comm = alone + np.where(
        s.zero >= 3,
        exposed_time(reduce + gather, window_all, beside_all, contention),
        exposed_time(reduce, window_back, overlap, contention)
        + exposed_time(gather, passes.forward, overlap, contention),
    )
    # Where gradients are sharded they are reduced first, and each rank adds up its own share.
    summed = passes.summed / np.where(s.zero >= 2, s.shard, 1.0)
    lines = passes.lines
    parts = (
        lines.matmul, lines.attention, lines.elementwise + summed, *lines[3:-4], dp_comm, sync.update,
        software.step_overhead + nothing(dp_comm),
    )  # fmt: skip
    return StepTime(*parts, sum(parts) * sync.straggler_share)
