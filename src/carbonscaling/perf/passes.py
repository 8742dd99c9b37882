"""The forward and backward passes of a step through the pipeline, before data-parallel replicas meet."""

from __future__ import annotations

import numpy as np

from carbonscaling.arrays import Truth
from carbonscaling.hints import NamedTuple
from carbonscaling.perf.collectives import inner_ranks
from carbonscaling.perf.layer import LayerTimes, Pass
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Number, Recompute, Schedule, Setting, Workload
from carbonscaling.perf.pipeline import (
    bubble_time,
    fullest_stage,
    in_turns,
    paired_share,
    recomputed_share,
    routes_again,
)
from carbonscaling.perf.sharding import exposed_time

__all__ = ["OneLayer", "Passes", "StepTime", "expert_traffic", "in_pairs", "launched", "one_layer"]
__all__ += ["passes_time"]


class StepTime(NamedTuple):
    """Seconds of one step on its critical path.

    `stage_imbalance` is what the fullest pipeline stage adds to the mean one; `recompute` the repeated forward work with
    its traffic; communication lines hold only what compute does not hide; `launch` is what the device waits for the host: for
    its launches, and for activations that it keeps.
    The last four are nought until replicas meet (`perf.step.close_step`).
    """

    matmul: Number
    attention: Number
    elementwise: Number
    head: Number
    recompute: Number
    tp_comm: Number
    cp_comm: Number
    ep_comm: Number
    launch: Number
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


class Passes(NamedTuple):
    """What of a step does not depend on how data parallelism shards its states.

    `forward` and `backward` are seconds of one micro-batch on the fullest stage, waits for the host included: in them
    reductions and gathers can hide.
    `summed` is what adding up the gradients of all micro-batches takes beside `lines`, where every rank adds all it made.
    """

    lines: StepTime
    forward: Number
    backward: Number
    summed: Number


class OneLayer(NamedTuple):
    """Seconds of one micro-batch both ways: in the mean layer, in embedding and head, and what of the layer is done again."""

    per_layer: Number
    ends: Number
    redo: Number


def launched(s: Setting, layer: LayerTimes) -> LayerTimes:
    """Return layer times as a setting launches them: no graph of parts beside layers or experts recomputed whole.

    Megatron-Core refuses the two together (core/transformer/transformer_config.py).
    """
    whole = routes_again(s.recompute)
    f, b = layer.forward, layer.backward
    forward = Pass(*f[:-1], f.launch + np.where(whole, layer.apart, 0.0))
    backward = Pass(*b[:-1], b.launch + np.where(whole, layer.apart_back, 0.0))
    return LayerTimes(forward, backward, layer.waits, layer.weight * (backward.total / b.total), *layer[4:])


def one_layer(work: Workload, machine: Machine, s: Setting, layer: LayerTimes) -> OneLayer:
    """Return what a layer takes with the work that it repeats, and what the ends of the model take."""
    f, narrow = layer.forward, s.recompute == Recompute.FEED_FORWARD
    blocks = layer.blocks * f.total / (f.total - f.launch)  # wait for the host in proportion
    redo = (
        (1.0 - work.stopped)
        * recomputed_share(work.n_layers, s.pp, s.vpp, s.recompute_percent)
        * np.where(
            s.recompute == Recompute.FULL,
            f.total - layer.beside - (1.0 - machine.software.redo_last) * layer.last,
            np.where((s.recompute == Recompute.SELECTIVE) | narrow, layer.selective, 0.0)
            + np.where(narrow, blocks, 0.0),
        )
    )
    ends = layer.head_forward + layer.head_backward + 2.0 * layer.embedding
    return OneLayer(f.total + layer.backward.total + redo, ends, redo)


def in_pairs(s: Setting, layer: LayerTimes) -> Truth:
    """Whether forward passes run beside other micro-batches' backward ones, which hide each other's expert traffic."""
    pairs = (s.schedule == Schedule.DUALPIPE) | (s.schedule == Schedule.COMBINED)
    return pairs & (layer.forward.ep_comm + layer.backward.ep_comm > 0)


def expert_traffic(machine: Machine, s: Setting, layer: LayerTimes) -> tuple[Number, Number]:
    """Return what shows of a layer's expert traffic both ways, and what the layer then waits for its host.

    DualPipe's compute runs on fewer cores all the while, traffic or not (20 of an H800's 132 are set aside: DeepSeek-V3,
    section 3.2.2). Traffic that is hidden fills no wait for the host. Combined 1F1B hides it but while a pipeline fills and
    drains, and nothing where layers or experts are recomputed whole.
    """
    silicon, _, software = machine
    f, b = layer.forward, layer.backward
    traffic, waits = f.ep_comm + b.ep_comm, f.launch + b.launch
    window = f.total + b.total - waits - traffic + layer.waits
    one_way = exposed_time(traffic, window, software.overlap, silicon.contention)
    two_way = np.maximum(0.0, traffic - software.overlap * window) + (silicon.contention - 1.0) * window
    combined = np.where(routes_again(s.recompute), 0.0, paired_share(s.pp, s.vpp, s.n_micro))
    share = np.where(in_pairs(s, layer), np.where(s.schedule == Schedule.DUALPIPE, 1.0, combined), 0.0)
    hidden = np.where(s.schedule == Schedule.DUALPIPE, two_way, one_way)
    return share * hidden + (1.0 - share) * traffic, share * layer.waits + (1.0 - share) * waits


def passes_time(work: Workload, machine: Machine, s: Setting, layer: LayerTimes, moved: Number) -> Passes:
    """Time all passes of a step; `s.zero` and `s.shard` play no part. Fields may be floats or arrays that broadcast.

    Parameters
    ----------
    moved : float or array
        Bytes of a micro-batch's activations that the fullest stage sends to the host, and fetches again.
    """
    silicon, _, software = machine
    n_layers, layer = work.n_layers, launched(s, layer)
    f, b = layer.forward, layer.backward
    per_layer, ends, redo = one_layer(work, machine, s, layer)

    stage = fullest_stage(n_layers, s.pp, s.vpp, per_layer, ends, software.head_last)
    mean = (per_layer * n_layers + ends) / s.pp
    share = s.n_micro * n_layers / s.pp  # layer passes of the mean stage in a step

    forward = stage * (f.total * n_layers + layer.head_forward) / (mean * s.pp)
    weight = stage * layer.weight * n_layers / (mean * s.pp)
    # Of the others each counts once, while the pipeline fills and drains: their mean, over the fullest stage.
    rest = (s.pp * mean - stage) / (np.maximum(s.pp - 1.0, 1.0) * stage)
    bubble = rest * bubble_time(s.pp, s.vpp, forward, stage - forward, weight, s.schedule)

    # Sums wait for nobody; while a 1F1B pipeline fills and drains they are made as often as a backward pass is.
    once = stage * (layer.summed * n_layers + layer.head_summed) / (mean * s.pp)
    drained = np.where(in_turns(s.schedule), rest * (s.pp - 1.0) / s.vpp, 0.0)
    summed = once * (s.n_micro + drained)

    # Stage boundaries: sent forward and backward per chunk; interleaved schedules overlap them, the fill cannot.
    stride = s.tp * s.cp * s.dp
    near = inner_ranks(s.pp, stride, silicon.domain) > 1.0
    hop = layer.boundary_bytes / np.where(near, silicon.link, silicon.nic) + np.where(
        near, silicon.link_latency, silicon.nic_latency
    )
    exposed_sends = s.n_micro * np.where((s.vpp > 1) | (s.schedule == Schedule.DUALPIPE), 1.0 - software.overlap, 1.0)
    pp_comm = np.where(s.pp > 1, 2.0 * hop * s.vpp * (exposed_sends + s.pp - 1.0), 0.0)

    ep_comm, waits = expert_traffic(machine, s, layer)
    saved = f.ep_comm + b.ep_comm - ep_comm + (f.launch + b.launch - waits)  # a layer, by what hides

    # Activations go to the host during the forward pass and come back during the backward one; while the device waits
    # for them, replicas exchange what they have to. Passes that run in pairs end together.
    sent, both = moved / silicon.host_link, stage - stage / mean * n_layers / s.pp * saved
    forward = np.where(in_pairs(s, layer), 0.5 * both, forward)
    backward = both - forward
    wait_forward = np.maximum(0.0, sent - software.overlap * forward)
    wait_backward = np.maximum(0.0, sent - software.overlap * backward)

    lines = StepTime(
        matmul=share * (f.matmul + b.matmul),
        attention=share * (f.attention + b.attention),
        elementwise=share * (f.elementwise + b.elementwise),
        head=s.n_micro * ends / s.pp,
        recompute=share * redo,
        tp_comm=share * (f.tp_comm + b.tp_comm),
        cp_comm=share * (f.cp_comm + b.cp_comm),
        ep_comm=share * ep_comm,
        launch=share * waits + s.n_micro * (wait_forward + wait_backward),
        stage_imbalance=np.maximum(s.n_micro * (stage - mean) - (stage / mean - 1.0) * share * saved, 0.0),
        bubble=bubble,
        pp_comm=pp_comm,
        dp_comm=0.0,
        optimizer=0.0,
        host=0.0,
        straggler=0.0,
    )
    return Passes(lines, forward + wait_forward, backward + wait_backward, summed)
