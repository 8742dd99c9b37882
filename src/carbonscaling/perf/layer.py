"""Time of one layer on one device for one micro-batch: matrix work, attention, element-wise work, and its traffic."""

from __future__ import annotations

import numpy as np

from carbonscaling.hints import NamedTuple
from carbonscaling.perf.collectives import all_gather_time, all_reduce_time
from carbonscaling.perf.kernels import attention_times, head_gemm, linear, scan_times, stream
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Number, Workload
from carbonscaling.perf.sharding import exposed_time
from carbonscaling.perf.traffic import collective, context_times, exchange_time

__all__ = ["LayerKey", "LayerTimes", "Pass", "layer_times"]


class LayerKey(NamedTuple):
    """The part of a `Setting` that layer times depend on."""

    tp: Number
    cp: Number
    ep: Number
    etp: Number
    sp: Number
    micro_batch: Number


class Pass(NamedTuple):
    """Seconds of one pass over one layer, by what they are spent on.

    `launch` is what the host needs to launch the pass beyond the time that the device needs to run it.
    """

    matmul: Number
    attention: Number
    elementwise: Number
    tp_comm: Number
    cp_comm: Number
    ep_comm: Number
    launch: Number

    @property
    def total(self) -> Number:
        """All of it."""
        busy = self.matmul + self.attention + self.elementwise + self.tp_comm + self.cp_comm + self.ep_comm
        return busy + self.launch


class LayerTimes(NamedTuple):
    """Forward and backward of the mean layer, and the ends of the model.

    `waits` is what both passes would wait for the host if no expert traffic filled the waits; `weight` the weight-gradient
    share of the backward pass; `selective` the forward work that selective recomputation repeats: norms, activation
    functions, MLA's up-projections, and explicit attention; `blocks` what of feed-forward blocks it leaves, exchanges too;
    `last` the forward work whose results no backward rule needs: the block's last products, their reduction and the residual
    sum. `summed` and `head_summed` are what adding a micro-batch's gradients to those before it adds to the backward passes.
    `apart` and `apart_back` are what the two passes wait for the host beyond that where no graph holds their parts. `beside`
    is what of the forward pass is another network's, never repeated.
    """

    forward: Pass
    backward: Pass
    waits: Number
    weight: Number
    selective: Number
    last: Number
    head_forward: Number
    head_backward: Number
    summed: Number
    head_summed: Number
    embedding: Number
    boundary_bytes: Number
    apart: Number = 0.0
    apart_back: Number = 0.0
    beside: Number = 0.0
    blocks: Number = 0.0


def _summed(parts: tuple[tuple[Number, ...], ...], which: int) -> Number:
    """Sum one of forward, input-gradient and weight-gradient time over several linear maps."""
    total: Number = 0.0
    for part in parts:
        total = total + part[which]
    return total


def _matrices(
    work: Workload, parts: tuple[tuple[Number, ...], ...], mixer: tuple[tuple[Number, ...], ...],
    dense: tuple[tuple[Number, ...], ...], routed: tuple[tuple[Number, ...], ...], which: int,
) -> Number:  # fmt: skip
    """Sum one kind of matrix time of the mean layer: attention, another mixer, dense block, experts, by their shares."""
    return (
        work.attended * _summed(parts, which)
        + work.mixed * _summed(mixer, which)
        + work.plain * _summed(dense, which)
        + work.moe * _summed(routed, which)
    )


def _pass(
    launch: Number, matmul: Number, attention: Number, elementwise: Number, tp_comm: Number, cp_comm: Number,
    ep_comm: Number,
) -> Pass:  # fmt: skip
    """Return a pass; small layers wait for the host, which takes `launch` seconds for their kernels.

    Where device and host take about as long they hinder each other: a fourth-power mean, as on the roofline.
    """
    busy = matmul + attention + elementwise + tp_comm + cp_comm + ep_comm
    busy2, launch2 = busy * busy, launch * launch  # products, not powers: floats and arrays then agree to the last bit
    return Pass(
        matmul, attention, elementwise, tp_comm, cp_comm, ep_comm,
        np.sqrt(np.sqrt(busy2 * busy2 + launch2 * launch2)) - busy,
    )  # fmt: skip


def _held(work: Workload, key: LayerKey) -> Number:
    """Weights of the mean layer on one rank."""
    moe = work.moe
    dense = work.p_attention + work.plain * work.p_dense + moe * work.p_shared
    return dense / key.tp + moe * work.p_expert * np.maximum(work.n_experts / key.ep, 1.0) / key.etp


def _unpacked(work: Workload, machine: Machine, key: LayerKey) -> Number:
    """Time to read a layer's packed weights and to write them as the multiplication wants them."""
    size = work.unpacks * work.frozen * _held(work, key) * (work.packed + machine.formats.comm_bytes)
    return np.where(work.packed > 0, stream(machine, size), 0.0)


def _beside(work: Workload, machine: Machine, tokens: Number) -> tuple[Number, Number]:
    """Forward and backward time of other networks beside the mean layer, at the rate of large products."""
    rate = machine.formats.peak * machine.formats.gemm_efficiency * work.n_layers
    return tokens * work.beside_forward / rate, tokens * work.beside_backward / rate


def _head(work: Workload, machine: Machine, tokens: Number, vocabulary: Number) -> tuple[Number, Number]:
    """Forward and backward time of one output head with its loss."""
    h, trained = work.d_model, 1.0 - work.frozen_head
    logits_back = head_gemm(machine, tokens, h, vocabulary) + trained * head_gemm(machine, h, vocabulary, tokens)
    loss = stream(machine, tokens * vocabulary * machine.software.loss_bytes * (1.0 + work.beside_logits))
    return head_gemm(machine, tokens, vocabulary, h) + loss, logits_back + loss


def _of_experts(machine: Machine, n_local: Number, rows: Number, k: Number, n: Number) -> tuple[Number, ...]:
    """As `linear`, of a device's experts; one alone is a multiplication like any other.

    Forward the host has just waited for the counts of tokens: no product is queued, and each is launched in turn.
    """
    formats = machine.formats
    efficiency = np.where(n_local > 1.0, formats.grouped_efficiency, formats.gemm_efficiency)
    forward, back, weight = linear(machine, n_local, rows, k, n, efficiency)
    return np.maximum(forward, n_local * machine.software.product_launch), back, weight


def _rotary(work: Workload) -> Number:
    """Elements a token that rotary embeddings read and write.

    All of queries, keys and values; with MLA of the queries the rotary part alone, in place, and keys and values out of their
    joint projection (Megatron-Core, ``fusions/fused_mla_yarn_rope_apply.py``).
    """
    rotated = work.d_query + work.d_context - work.n_value
    latent = 2.0 * rotated + work.n_value + work.d_kv
    return np.where(work.n_value > 0, latent, 2.0 * (work.d_query + work.d_kv))


def _of_copies(work: Workload, machine: Machine, ep: Number, size: Number) -> tuple[Number, Number]:
    """Time that passes over the copies that experts receive take forward, and that sorting these takes in either pass.

    Biases pass over them, and what brings tokens back by summing element by element.

    A plain all-to-all leaves them in the order of their senders: read and written before the products of several experts, and
    after them.
    """
    software, several = machine.software, (ep > 1.0) & (work.n_experts > ep)
    return (
        stream(machine, (work.biased * software.bias_passes + software.permute_passes) * size),
        np.where(several, software.sorts * stream(machine, 4.0 * size), 0.0),
    )


def _tensor_sums(
    work: Workload, machine: Machine, key: LayerKey, parts: tuple[tuple[Number, ...], ...],
    dense: tuple[tuple[Number, ...], ...], routed: tuple[tuple[Number, ...], ...],
) -> tuple[Number, Number, Number]:  # fmt: skip
    """Time of one sum over the tensor ranks, and what either pass waits for all of its own.

    Backward, input gradients of products split by columns may be summed while their weight gradients are computed: all that
    the pass sends, or its scattering half where sequences are split.
    """
    software, tokens = machine.software, key.micro_batch * work.seq_len / key.cp
    size = tokens * work.d_model * machine.formats.comm_bytes
    halves = 2.0 * collective(all_gather_time, size, key.tp, 1.0, machine)  # scattered and gathered, each on its own
    reduce = np.where(key.sp > 0, halves, collective(all_reduce_time, size, key.tp, 1.0, machine))
    sums = (work.reduces - work.moe * np.where(work.d_ff_shared > 0, 0.0, 1.0)) * reduce  # routed tokens meet elsewhere
    exposed = (1.0 - software.tp_overlap) * sums
    columns = work.trained * (
        work.attended * (parts[1][2] + parts[2][2]) + work.plain * dense[0][2] + work.moe * routed[2][2]
    )
    scattered = np.where(key.sp > 0, 0.5, 1.0) * sums
    beside = sums - scattered + exposed_time(scattered, columns, software.overlap, machine.silicon.contention)
    return reduce, exposed, np.where(software.tp_beside > 0, np.minimum(exposed, beside), exposed)


def layer_times(work: Workload, machine: Machine, key: LayerKey) -> LayerTimes:
    """Time the mean layer and both ends of the model.

    Parameters
    ----------
    work, machine : model and machine as numbers.
    key : degrees and micro-batch; fields may be arrays that broadcast.

    Notes
    -----
    Matrix shapes follow Megatron-LM's column- then row-parallel split (Shoeybi 2019); weight gradients and input
    gradients are timed with their own shapes. Backward element-wise work moves twice the bytes of forward.
    """
    silicon, formats, software = machine
    tp, cp, ep, etp, sp, batch = key
    tokens, e = batch * work.seq_len / cp, formats.gemm_efficiency
    moe, plain, attended = work.moe, work.plain, work.attended
    h, width = work.d_model, formats.comm_bytes  # element-wise kernels and traffic: the format of the residual stream

    # Attention: projections, then scores and context.
    parts = (
        linear(machine, 1.0, tokens, h, work.d_latent, e),
        linear(machine, 1.0, tokens, work.k_query, work.n_query / tp, e),
        linear(machine, 1.0, tokens, work.k_value, work.n_value / tp, e),
        linear(machine, 1.0, tokens, work.d_context / tp, h, e),
    )
    attention, attention_back = attention_times(work, machine, batch, tp, cp)
    # A state space, linear attention or convolution: projections, and a scan along the sequence.
    mixer = (
        linear(machine, 1.0, tokens, h, work.n_mix / tp, e),
        linear(machine, 1.0, tokens, work.d_mix / tp, h, e),
    )
    scan, scan_back = scan_times(work, machine, tokens / tp)

    # Feed-forward: a dense block, or router, shared and routed experts.
    up = work.matrices - 1.0
    dense = (
        linear(machine, 1.0, tokens, h, up * work.d_ff / tp, e),
        linear(machine, 1.0, tokens, work.d_ff / tp, h, e),
    )
    own, inside = tokens / tp, np.where(work.d_routed > 0, work.d_routed, h)  # tokens each rank routes, experts' width
    n_local = np.maximum(work.n_experts / ep, 1.0)
    rows = own * etp * work.top_k * software.imbalance / n_local
    routed = (
        _of_experts(machine, n_local, rows, inside, up * work.d_ff_expert / etp),
        _of_experts(machine, n_local, rows, work.d_ff_expert / etp, inside),
        linear(machine, 1.0, tokens, h, up * work.d_ff_shared / tp, e),
        linear(machine, 1.0, tokens, work.d_ff_shared / tp, h, e),
        linear(machine, 1.0, own, h, work.n_experts, e),
        linear(machine, 1.0, own, h, work.d_routed, e),
        linear(machine, 1.0, own, work.d_routed, np.where(work.d_routed > 0, h, 0.0), e),
    )
    forward = _matrices(work, parts, mixer, dense, routed, 0)
    back = _matrices(work, parts, mixer, dense, routed, 1)
    weight = work.trained * _matrices(work, parts, mixer, dense, routed, 2)
    scores, scores_back = attended * attention, attended * attention_back
    attention, attention_back = scores + work.mixed * scan, scores_back + work.mixed * scan_back

    # Element-wise: two norms (read, write) and two residual sums (read two, write one), rotary, activation function,
    # and for experts the permutation of tokens there and back, and the conversion of those that arrive, unless they
    # travelled converted. Grouped products may apply activation and conversion to their own results, which take no pass then.
    # Biases of experts are passes of their own, which selective recomputation leaves alone.
    passes = 10.0 + formats.cast_passes + software.norm_passes
    hidden = moe * (1.0 - software.expert_fused) * rows * n_local / tokens * work.d_ff_expert / etp
    ff = plain * work.d_ff / tp + moe * work.d_ff_shared / tp + hidden
    wide = passes * work.halves * h / np.where(sp > 0, tp, 1.0)
    heads = _rotary(work) + software.head_passes * (work.d_query + work.d_kv / 2.0)
    gated = software.gate_passes * (work.matrices - 2.0)
    activated = (work.matrices + formats.cast_passes / 2.0 + gated) * ff
    arrived = np.where(formats.dispatch_bytes < formats.comm_bytes, 0.0, formats.cast_passes / 2.0)
    permute = moe * (4.0 + arrived) * work.top_k * inside / tp
    kernels = (
        8.0 * (work.halves + work.thin) + 20.0 * moe
    )  # of two blocks; gating, sorting and index kernels of experts
    elementwise = (
        stream(machine, width * tokens * (wide + (attended * heads / tp + activated) + permute))
        + kernels * silicon.kernel_latency
    )
    biases, sort = _of_copies(work, machine, ep, width * moe * rows * n_local * inside)

    # Traffic of one pass.
    reduce, tp_comm, tp_comm_back = _tensor_sums(work, machine, key, parts, dense, routed)
    cp_comm, cp_comm_back = context_times(work, machine, batch, tp, cp, scores, scores_back)
    ep_comm = moe * (1.0 - software.ep_overlap) * software.imbalance * exchange_time(work, machine, own, ep, etp)

    # Of the last products a layer's own backward pass needs no result: only the next layer reads their sum. Routed experts'
    # results are needed, because the gates' gradient is made of them. With split sequences a reduction's gathering half stays.
    split = np.where(sp > 0, 0.5, 1.0) * (1.0 - moe * np.where(work.d_ff_shared > 0, 0.0, 1.0))
    last = (
        plain * dense[1][0]
        + moe * routed[3][0]
        + np.where(
            work.reduces < 2.0, attended * parts[3][0], 0.0
        )  # of a parallel block the attention's output goes with it
        + (1.0 - software.tp_overlap) * split * reduce
        + stream(machine, width * tokens * 3.0 * h / np.where(sp > 0, tp, 1.0))
    )

    # A layer's launches are half its mixer's; an expert block replaces the other half.
    launch = (work.halves + work.thin - moe) * software.layer_launch + moe * (
        software.moe_launch + n_local * software.expert_launch
    )
    summed = work.trained * stream(machine, software.sum_bytes * _held(work, key))

    unpacked, flowing = _unpacked(work, machine, key), 1.0 - work.stopped
    beside, beside_back = _beside(work, machine, tokens / tp)

    # Ends: logits with a float32 loss on the last stage, a gather on the first.
    vocabulary = work.vocab_size / tp
    head_forward, head_backward = _head(work, machine, tokens, vocabulary)
    busy = (flowing * attention_back, flowing * (2.0 * (elementwise + biases) + sort + unpacked))
    traffic = (flowing * tp_comm_back, flowing * cp_comm_back, flowing * ep_comm)
    products, launch_back = flowing * back + weight + beside_back, flowing * 2.0 * launch
    ahead = (forward + beside, attention, elementwise + biases + sort + unpacked, tp_comm, cp_comm)
    forward_pass, backward = _pass(launch, *ahead, ep_comm), _pass(launch_back, products, *busy, *traffic)
    with_sums = _pass(launch_back, products, busy[0], busy[1] + summed, *traffic)
    return LayerTimes(
        forward=forward_pass,
        backward=backward,
        waits=_pass(launch, *ahead, 0.0).launch + _pass(launch_back, products, *busy, *traffic[:2], 0.0).launch,
        weight=weight * backward.total / (backward.total - backward.launch),  # launch-bound work waits in proportion
        selective=0.5 * elementwise
        + software.repeated * forward
        + (1.0 - software.flash) * scores
        + np.where(work.d_latent > 0, attended * (parts[1][0] + parts[2][0]), 0.0),
        last=last,
        head_forward=work.n_logits * head_forward,
        head_backward=work.n_logits * head_backward,
        summed=with_sums.total - backward.total,
        head_summed=(1.0 - work.frozen_head) * stream(machine, software.sum_bytes * vocabulary * h),
        embedding=np.where(work.vocab_size > 0, stream(machine, 3.0 * width * tokens * h), 0.0),
        boundary_bytes=tokens * h * width / tp,  # each tensor rank sends its share (Narayanan 2021, section 4.1)
        apart=_pass(launch + moe * software.apart_launch, *ahead, ep_comm).launch - forward_pass.launch,
        apart_back=_pass(launch_back + flowing * 2.0 * moe * software.apart_launch, products, *busy, *traffic).launch
        - backward.launch,
        beside=beside,
        blocks=(1.0 - software.repeated) * (plain * _summed(dense, 0) + moe * _summed(routed, 0))
        + 0.5 * (stream(machine, width * tokens * (activated + permute)) + 20.0 * moe * silicon.kernel_latency)
        + biases
        + sort
        + ep_comm
        + (1.0 - software.tp_overlap) * (plain + moe * np.where(work.d_ff_shared > 0, 1.0, 0.0)) * reduce,
    )
