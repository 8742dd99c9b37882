"""Memory of one device: states, activations, buffers, held against what the device has."""

from __future__ import annotations

import numpy as np

from carbonscaling.arrays import Truth, nothing
from carbonscaling.hints import NamedTuple
from carbonscaling.perf.activations import kept_widths, layer_bytes
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Number, Recompute, Schedule, Setting, Workload
from carbonscaling.perf.offload import offloaded_share
from carbonscaling.perf.pipeline import layers_in_flight, layers_on_stage, recomputed_share

__all__ = [
    "Flow",
    "LayerBytes",
    "Memory",
    "RankParams",
    "StateBytes",
    "WorkBytes",
    "held_bytes",
    "layer_kept",
    "least_held",
]
__all__ += ["memory", "rank_params", "stage_flow", "state_bytes", "total_memory", "with_margin", "work_bytes"]


class RankParams(NamedTuple):
    """Parameters on the fullest device before ZeRO: dense ones and routed experts; `layer` the largest single layer.

    `trained_dense` and `trained_expert` are those of both that are trained; `frozen_dense` and `frozen_expert` those of the
    layers that are not.
    """

    dense: Number
    expert: Number
    layer: Number
    trained_dense: Number
    trained_expert: Number
    frozen_dense: Number
    frozen_expert: Number


class StateBytes(NamedTuple):
    """Bytes of what data parallelism can shard."""

    weights: Number
    gradients: Number
    optimizer: Number


class WorkBytes(NamedTuple):
    """Bytes of what micro-batches in flight need; `inputs` those of layers that are recomputed, which ZeRO-3 may move away.

    `moved` are those of one micro-batch that the fullest stage sends to the host, and fetches again. `free` is the share of the
    first stage's activations that the stage with the logits does not hold: one micro-batch where the first holds them all.
    """

    activations: Number
    inputs: Number
    logits: Number
    free: Number
    moved: Number


class Memory(NamedTuple):
    """Bytes on the fullest device, `limit` what may be used."""

    weights: Number
    gradients: Number
    optimizer: Number
    activations: Number
    buffers: Number
    framework: Number
    limit: Number

    @property
    def total(self) -> Number:
        """All of it, without the limit."""
        return sum(self[:-1])


def rank_params(work: Workload, s: Setting) -> RankParams:
    """Parameters of the pipeline stage that has most of them, on one device."""
    ends, inner = _stages(work, s)
    more = ends.dense + ends.expert > inner.dense + inner.expert
    return RankParams(
        dense=np.where(more, ends.dense, inner.dense),
        expert=np.where(more, ends.expert, inner.expert),
        layer=inner.layer,
        trained_dense=np.where(more, ends.trained_dense, inner.trained_dense),
        trained_expert=np.where(more, ends.trained_expert, inner.trained_expert),
        frozen_dense=np.where(more, ends.frozen_dense, inner.frozen_dense),
        frozen_expert=np.where(more, ends.frozen_expert, inner.frozen_expert),
    )


def _stages(work: Workload, s: Setting) -> tuple[RankParams, RankParams]:
    """Parameters on one device of the stages at the ends of a pipeline, and of the others.

    Layers that do not fill all stages are missing on the two ends, which hold the embedding and the head. A DualPipe
    device keeps two stages, and the first and the last one together.
    """
    per_stage = layers_on_stage(work.n_layers, s.pp, s.vpp)
    missing = per_stage * s.pp - work.n_layers
    at_end = np.maximum(per_stage - np.floor(missing / 2.0), 0.0)
    copies = np.where(s.schedule == Schedule.DUALPIPE, 2.0, 1.0)
    apart = (s.pp > 1) & (s.schedule != Schedule.DUALPIPE)
    ends = np.where(apart, np.maximum(work.p_embedding, work.p_head), work.p_embedding + work.p_head)
    e, h = (1.0 - work.frozen_embedding) * work.p_embedding, (1.0 - work.frozen_head) * work.p_head
    trained_ends = np.where(apart, np.maximum(e, h), e + h)
    return (
        _stage(work, s, copies * at_end, copies, ends / s.tp, trained_ends / s.tp),
        _stage(work, s, copies * per_stage, copies, 0.0, 0.0),
    )


def _stage(
    work: Workload, s: Setting, n_layers: Number, copies: Number, ends: Number, trained_ends: Number
) -> RankParams:
    """Parameters on one device of stages of so many layers, with what the ends of a pipeline hold beside."""
    moe = work.moe
    block = (work.p_attention + work.plain * work.p_dense + moe * work.p_shared) / s.tp
    experts = moe * work.n_experts * work.p_expert / (s.ep * s.etp)
    beside = work.p_beside / (s.tp * s.pp)
    # Layers that no gradient reaches lie on the first stages: the fullest holds others as far as there are any.
    trained = (1.0 - work.frozen) * np.minimum(n_layers, (1.0 - work.stopped) * copies * work.n_layers)
    return RankParams(
        dense=n_layers * block + ends + beside,
        expert=n_layers * experts,
        layer=block + experts,
        trained_dense=trained * block + trained_ends + work.beside_trained * beside,
        trained_expert=trained * experts,
        frozen_dense=work.frozen * n_layers * block,
        frozen_expert=work.frozen * n_layers * experts,
    )


def state_bytes(work: Workload, machine: Machine, s: Setting) -> StateBytes:
    """Bytes of weights, gradients and optimizer states; micro-batch and recomputation play no part.

    Of the stage that holds most: experts are sharded over other devices than the rest, and what is frozen has no gradients.
    """
    ends, inner = _stages(work, s)
    a, b = _states(work, machine, s, ends), _states(work, machine, s, inner)
    more = a.weights + a.gradients + a.optimizer > b.weights + b.gradients + b.optimizer
    return StateBytes(
        np.where(more, a.weights, b.weights),
        np.where(more, a.gradients, b.gradients),
        np.where(more, a.optimizer, b.optimizer),
    )


def _states(work: Workload, machine: Machine, s: Setting, params: RankParams) -> StateBytes:
    software = machine.software
    n_dense = s.dp * s.cp
    n_expert = s.tp * s.cp * s.dp / (s.ep * s.etp)
    g_dense, g_expert = np.minimum(s.shard, n_dense), np.minimum(s.shard, n_expert)
    working_set = np.where(s.zero >= 3, software.gathered * params.layer * software.weight_bytes, 0.0)
    optimizer = (
        _sharded(params.trained_dense, params.trained_expert, s.zero >= 1, g_dense, g_expert) * software.optimizer_bytes
    )
    stays = np.where(software.streamed > 0, 0.0, 1.0)  # weights that stream from the host, and their gradients, do not
    weights = _sharded(params.dense, params.expert, s.zero >= 3, g_dense, g_expert) * software.weight_bytes
    packed = _sharded(params.frozen_dense, params.frozen_expert, s.zero >= 3, g_dense, g_expert)
    # Packed weights are unpacked matrix by matrix: a layer's at most are held whole, as ZeRO-3 does anyway.
    whole = np.where(s.zero >= 3, 0.0, work.unpacks * params.layer * software.weight_bytes)
    saved = np.where(work.packed > 0, packed * (software.weight_bytes - work.packed) - whole, 0.0)
    gradients = _sharded(params.trained_dense, params.trained_expert, s.zero >= 2, g_dense, g_expert)
    return StateBytes(
        weights=stays * (weights - saved) + working_set,
        gradients=stays * gradients * software.grad_bytes,
        optimizer=optimizer * (1.0 - offloaded_share(optimizer, machine)),
    )


def _sharded(dense: Number, expert: Number, is_sharded: Truth, g_dense: Number, g_expert: Number) -> Number:
    return dense / np.where(is_sharded, g_dense, 1.0) + expert / np.where(is_sharded, g_expert, 1.0)


class LayerBytes(NamedTuple):
    """Bytes that one layer keeps of a micro-batch: whole, and as far as recomputation leaves it."""

    whole: Number
    reduced: Number


def layer_kept(work: Workload, machine: Machine, s: Setting) -> LayerBytes:
    """Bytes of activations that the mean layer keeps of one micro-batch, none of them moved away."""
    software, full = machine.software, machine.formats.act_bytes
    widths = kept_widths(work, software.imbalance, s.tp)
    blocks = s.recompute == Recompute.FEED_FORWARD
    drop = ((s.recompute == Recompute.SELECTIVE) & (software.flash > 0)) | blocks
    second = software.repeated > 0  # what is repeated is not kept, and what is kept are results of products, in 16 bit
    hidden = np.where(second, 1.0, work.matrices - 1.0) * widths.hidden
    least = np.where(second, widths.inner_second, widths.inner_least) - np.where(blocks, hidden, 0.0)
    least_outer = widths.outer_least - np.where(blocks, widths.sent, 0.0)
    wide = widths.outer + software.unfused_bytes / 2.0 * work.d_model
    narrow = widths.inner + software.gate_bytes / 2.0 * widths.gates
    whole = _layer(work, machine, s, Recompute.NONE, full, wide, narrow)
    outer, inner = np.where(drop, least_outer, wide), np.where(drop, least, narrow)
    reduced = _layer(work, machine, s, s.recompute, np.where(drop & second, 2.0, full), outer, inner)
    return LayerBytes(whole, reduced)


class Flow(NamedTuple):
    """What a stage holds of micro-batches in flight, on which recomputation has no bearing.

    `layers` are those of the fullest stage that gradients reach, `in_flight` the same for every micro-batch that it holds;
    `beside` and `logits` bytes, `free` as of `WorkBytes`.
    """

    layers: Number
    in_flight: Number
    beside: Number
    logits: Number
    free: Number


def work_bytes(work: Workload, machine: Machine, s: Setting) -> WorkBytes:
    """Bytes of activations in flight and of logits; ZeRO stage and sharding group play no part."""
    share = recomputed_share(work.n_layers, s.pp, s.vpp, s.recompute_percent)
    return held_bytes(machine, s, layer_kept(work, machine, s), stage_flow(work, machine, s), share)


def stage_flow(work: Workload, machine: Machine, s: Setting) -> Flow:
    """Return what `held_bytes` needs of the pipeline and of a micro-batch."""
    software = machine.software
    per_stage = layers_on_stage(work.n_layers, s.pp, s.vpp)
    flowing = np.minimum(per_stage, (1.0 - work.stopped) * work.n_layers)
    tokens = s.micro_batch * work.seq_len / s.cp
    held = (1.0 + work.beside_logits) * software.logit_bytes
    return Flow(
        layers=flowing,
        in_flight=layers_in_flight(flowing, s.pp, s.vpp, s.n_micro, s.schedule),
        beside=tokens * work.beside_kept / (s.tp * s.pp) * np.minimum(s.pp, s.n_micro),
        logits=tokens
        * np.minimum(work.n_logits, 1.0)
        * work.vocab_size
        / np.where(software.logit_split > 0, s.tp, 1.0)
        * held,
        free=np.where(s.pp > 1, 1.0 - 1.0 / np.minimum(s.pp, s.n_micro), 0.0),
    )


def held_bytes(machine: Machine, s: Setting, one: LayerBytes, flow: Flow, share: Number) -> WorkBytes:
    """Return `work_bytes` from what one layer keeps (`layer_kept`), `stage_flow` and `recomputed_share`."""
    moved = machine.software.moved
    full = s.recompute == Recompute.FULL
    saved = one.reduced * share * flow.in_flight
    layers = np.where(full, 0.0, saved) + one.whole * (1.0 - share) * flow.in_flight
    # Of those in the host two are here: the one in use, and the one that comes or goes.
    here = np.minimum(moved * layers, 2.0 * one.whole) + (1.0 - moved) * layers
    # What is recomputed is there once more; in pairs a layer is filled beside the one that is emptied.
    block = np.where(s.recompute == Recompute.FEED_FORWARD, one.whole - one.reduced, 0.0)
    more = np.where(full | (s.schedule == Schedule.COMBINED), one.whole, block)
    return WorkBytes(
        activations=here + flow.beside + more,
        inputs=np.where(full, saved, 0.0),
        logits=flow.logits,
        free=flow.free,
        moved=moved * flow.layers * (one.reduced * share + one.whole * (1.0 - share)),
    )


def _layer(
    work: Workload, machine: Machine, s: Setting, recompute: Number, element: Number, wide: Number, narrow: Number
) -> Number:
    software = machine.software
    heads = work.n_heads * work.keyed * np.maximum(work.attended, 1.0)  # that write scores of a whole sequence
    # Explicit attention comes with the dropout masks of its years (Korthikanti, section 4).
    return software.kept * element / 2.0 * layer_bytes(
        work.seq_len, s.micro_batch / s.cp, work.d_model, s.tp, s.sp > 0,
        wide, narrow, heads, software.flash > 0, recompute, 1.0 - software.flash,
    )  # fmt: skip


def least_held(machine: Machine, held: WorkBytes) -> Number:
    """Bytes of `held` that stay on the device whatever the ZeRO stage."""
    software = machine.software
    every = held.activations + np.maximum(software.checkpoints, software.plain_checkpoints) * held.inputs
    fewest = np.minimum(software.checkpoints, software.plain_checkpoints)
    return held.activations + fewest * held.inputs + np.maximum(0.0, held.logits - held.free * every)


def total_memory(machine: Machine, zero: Number, states: StateBytes, held: WorkBytes) -> Memory:
    """Add up what a device holds, and say how much it may."""
    silicon, _, software = machine
    kept = held.activations + np.where(zero >= 3, software.checkpoints, software.plain_checkpoints) * held.inputs
    none = nothing(kept + states.weights)
    return Memory(
        weights=states.weights + none,
        gradients=states.gradients + none,
        optimizer=states.optimizer + none,
        activations=kept + none,
        buffers=np.maximum(0.0, held.logits - held.free * kept) + none,
        framework=software.framework_bytes + none,
        limit=silicon.capacity * (1.0 - software.reserve) + none,
    )


def with_margin(machine: Machine, margin: float) -> Machine:
    """Return a machine on which what fits also fits where its memory is exceeded by `margin`, a share of itself."""
    software = machine.software
    reserve = 1.0 - (1.0 - software.reserve) / (1.0 + margin)
    return machine._replace(software=software._replace(reserve=reserve)) if margin else machine


def memory(work: Workload, machine: Machine, s: Setting) -> Memory:
    """Bytes on the fullest device for `setting`; fields may be arrays that broadcast."""
    return total_memory(machine, s.zero, state_bytes(work, machine, s), work_bytes(work, machine, s))
