"""Times of one kernel on a device: linear maps, attention, element-wise streams."""

from __future__ import annotations

import numpy as np

from carbonscaling.perf.attention import explicit_softmax_bytes, score_flops
from carbonscaling.perf.context import last_piece
from carbonscaling.perf.gemm import gemm_time
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Number, Workload

__all__ = ["attention_times", "head_gemm", "linear", "scan_times", "stream"]

WIDE = 128.0
"""Width of the heads that rates of fused attention are printed for. Wider ones run no faster: registers and shared memory
hold shorter tiles of them (192 and 256 wide: NVIDIA/cudnn-frontend, benchmark/sdpa_benchmark_training)."""

MISALIGNED = 2.5
"""Slowdown of attention whose heads are no multiple of 8 elements (16 bytes) wide, which loads and matrix units
want whole: 1.5 to 4 times (Anthony et al. 2024, arXiv 2401.14489, sections V and VI)."""


def _gemm(machine: Machine, groups: Number, m: Number, n: Number, k: Number, efficiency: Number) -> Number:
    silicon, formats, _ = machine
    return gemm_time(
        groups, m, n, k, formats.peak, efficiency, formats.gemm_k_half, silicon.cores, silicon.tile_m, silicon.tile_n,
        silicon.kernel_latency, silicon.bandwidth, silicon.memory_efficiency, formats.act_bytes,
    )  # fmt: skip


def linear(machine: Machine, groups: Number, m: Number, k: Number, n: Number, efficiency: Number) -> tuple[Number, ...]:
    """Forward, input-gradient and weight-gradient time of ``groups`` linear maps k -> n over m rows each."""
    return (
        _gemm(machine, groups, m, n, k, efficiency),
        _gemm(machine, groups, m, k, n, efficiency),
        _gemm(machine, groups, k, n, m, efficiency),
    )


def head_gemm(machine: Machine, m: Number, n: Number, k: Number) -> Number:
    """Time a multiplication in the format of the output head; a slower main loop makes its prologue the shorter one."""
    silicon, formats, _ = machine
    k_half = formats.gemm_k_half * np.minimum(1.0, formats.peak_head / formats.peak)
    return gemm_time(
        1.0, m, n, k, formats.peak_head, formats.head_efficiency, k_half, silicon.cores, silicon.tile_m, silicon.tile_n,
        silicon.kernel_latency, silicon.bandwidth, silicon.memory_efficiency, formats.comm_bytes,
    )  # fmt: skip


def attention_times(work: Workload, machine: Machine, batch: Number, tp: Number, cp: Number) -> tuple[Number, Number]:
    """Forward and backward time of scores and context: one fused kernel, or batched products around a softmax."""
    silicon, formats, software = machine
    tokens, heads = batch * work.seq_len / cp, work.n_heads / tp
    one = np.maximum(work.n_heads, 1.0)
    padded = one * silicon.attention_lanes / tp
    query, context = work.d_query / one / silicon.attention_lanes, work.d_context / one / silicon.attention_lanes
    flops = score_flops(tokens, work.span, padded * np.ceil(query), padded * np.ceil(context))
    # Split sequences meet their keys in as many kernels, whose results are merged; the last of uneven pieces sees most keys.
    pieces = np.where(work.dealt > 0, 1.0, cp)
    ring = np.where(pieces > 1, software.attention_ring, 1.0) / last_piece(work.uneven, pieces)
    long = (1.0 + software.attention_half * pieces / work.span) / ring
    # Exponentials and sums are as many for a narrow head as for a wide one.
    width = np.minimum(np.maximum(work.d_query / one, 1.0), WIDE)
    narrow = (1.0 + software.attention_width / width) / (1.0 + software.attention_width / WIDE)
    # In 8 bit products are so fast that a score takes as long whatever the width; queries, keys and values, and the result's
    # gradient, are read and written converted, along rows and columns. Backward no window is left out.
    eight, wide = software.score_forward > 0, 2.0 * WIDE * one / np.maximum(work.d_query + work.d_context, 1.0)
    seen = np.maximum(work.span, work.seq_len / 2.0) + software.attention_half * pieces
    unskipped = seen / (work.span + software.attention_half * pieces)
    scored = np.where(eight, software.score_forward * wide, narrow)
    scored_back = np.where(eight, software.score_backward * wide * unskipped, narrow)
    converted = np.where(eight, 2.0 * formats.comm_bytes * tokens / tp, 0.0)
    fused = flops * long * scored / (formats.peak_attention * software.attention_forward) + stream(
        machine, converted * (work.d_query + work.d_kv)
    )
    fused_back = 2.5 * flops * long * scored_back / (formats.peak_attention * software.attention_backward) + stream(
        machine, converted * work.d_context
    )

    # Explicit kernels do not skip masked scores. Backward: the gradient of the probabilities is a product like the scores,
    # those of values, queries and keys are like the context.
    many, queries, keys = batch * heads, work.seq_len / cp, work.keyed * work.seq_len
    odd = np.where(np.remainder(work.d_query / one, 8.0) > 0, MISALIGNED, 1.0)
    scores = _batched(machine, many, queries, keys, work.d_query / one)
    context = _batched(machine, many, queries, work.d_context / one, keys)
    rate = silicon.bandwidth * silicon.memory_efficiency
    explicit = scores + context + explicit_softmax_bytes(tokens, keys, heads, 0.0, software.separate) / rate
    explicit_back = scores + 3.0 * context + explicit_softmax_bytes(tokens, keys, heads, 1.0, software.separate) / rate
    return (
        odd * (software.flash * fused + (1.0 - software.flash) * explicit),
        odd * (software.flash * fused_back + (1.0 - software.flash) * explicit_back),
    )


def scan_times(work: Workload, machine: Machine, tokens: Number) -> tuple[Number, Number]:
    """Forward and backward time of a mixer's convolution, scan and gate, apart from its projections.

    Small products inside chunks at the rate of batched ones or, token by token, outside the matrix units, then what each
    kernel reads and writes, `scan` times as long as that; backward two and a half times as much, as of fused attention: the
    states are made once more. Copies and norms in kernels of their own are element-wise.
    """
    formats = machine.formats
    products = tokens * (
        work.mix_flops / (formats.peak_attention * formats.batched_efficiency) + work.mix_vector * formats.vector_time
    )
    forward = machine.software.scan * (products + stream(machine, formats.comm_bytes * tokens * work.mix_width))
    software = machine.software
    apart = software.mixer_copies * work.mix_copied + software.mixer_norms * work.mix_normed
    prepared = stream(machine, formats.comm_bytes * tokens * apart)
    return forward + prepared, 2.5 * forward + 2.0 * prepared


def _batched(machine: Machine, heads: Number, m: Number, n: Number, k: Number) -> Number:
    silicon, formats, _ = machine
    return gemm_time(
        heads, m, n, k, formats.peak_attention, formats.batched_efficiency, formats.gemm_k_half, silicon.cores,
        silicon.tile_m, silicon.tile_n, silicon.kernel_latency, silicon.bandwidth, silicon.memory_efficiency,
        formats.comm_bytes,
    )  # fmt: skip


def stream(machine: Machine, size: Number) -> Number:
    """Time of an element-wise kernel that moves `size` bytes."""
    silicon, _, software = machine
    return software.elementwise * size / (silicon.bandwidth * silicon.memory_efficiency)
