"""Time of one pass through a model that serves: few tokens of many sequences (decode), or many tokens of few (prefill)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from carbonscaling.arrays import Number
from carbonscaling.formula import formula
from carbonscaling.perf.attention import score_flops
from carbonscaling.perf.collectives import all_gather_time, all_reduce_time, group_bandwidth, inner_ranks
from carbonscaling.perf.gemm import gemm_time
from carbonscaling.perf.traffic import Collective
from carbonscaling.serving.numbers import Cache, Placed

__all__ = ["Pass", "cached_bytes", "decode", "experts_met", "prefill", "read_bytes", "skinny_time", "weight_bytes"]


class Pass(NamedTuple):
    """Seconds of a pass by cause, before what software makes of them, and what it works.

    Attributes
    ----------
    matmul : matrices other than routed experts, with their weights' way from memory. routed : routed experts.
    attention : scores and context, with the way of keys and values. comm : collectives, but for their latencies.
    sums, exchanges : collectives over tensor ranks and over expert ranks. layers : layers that a token passes.
    flops, bytes : of one device.
    """

    matmul: Number
    routed: Number
    attention: Number
    comm: Number
    sums: Number
    exchanges: Number
    layers: Number
    flops: Number
    bytes: Number


@formula(
    "n·(1 − (1 − k/n)^tokens)", unit="1", source="feller_1968", place="every token meets k of n experts, picked evenly"
)
def experts_met(n: Number, k: Number, tokens: Number) -> Number:
    """Experts that at least one of some tokens meets; 0 where there are none.

    >>> round(float(experts_met(8.0, 2.0, 4.0)), 2)
    5.47
    """
    share = 1.0 - np.minimum(k / np.maximum(n, 1.0), 1.0 - 1e-9)
    return n * (1.0 - share**tokens)


@formula(
    "(c⁴ + b⁴)^¼, c = 2·groups·⌈m/16⌉·16·n·k/rate, b = groups·stored·n·k/bandwidth",
    unit="s",
    source="williams_2009",
    place="roofline of tiles 16 rows high, the least that matrix units take",
)
def skinny_time(
    groups: Number, m: Number, n: Number, k: Number, rate: Number, bandwidth: Number, stored: Number
) -> Number:
    """Time of multiplications with few rows, which wait for their weights.

    Parameters
    ----------
    rate, bandwidth : FLOP/s and bytes/s that kernels reach. stored : bytes a weight.
    """
    compute, move = 2.0 * groups * np.ceil(m / 16.0) * 16.0 * n * k / rate, groups * stored * n * k / bandwidth
    compute, move = compute * compute, move * move
    return np.sqrt(np.sqrt(compute * compute + move * move))


def cached_bytes(cache: Cache, context: Number, tp: Number, element_bytes: Number) -> Number:
    """Bytes that one sequence of some tokens keeps on a tensor-parallel rank, all layers together."""
    elements = cache.full * context + cache.windowed * np.minimum(context, cache.window)
    return element_bytes * elements / np.minimum(tp, cache.heads) + 4.0 * cache.state / tp


def read_bytes(cache: Cache, context: Number, tp: Number, element_bytes: Number) -> Number:
    """Bytes of them that a step reads: all, but for keys that an indexer leaves out; states are read and written."""
    skipped = cache.picked * np.maximum(context - cache.picks, 0.0) / np.minimum(tp, cache.heads)
    return cached_bytes(cache, context, tp, element_bytes) - element_bytes * skipped + 4.0 * cache.state / tp


def weight_bytes(s: Placed) -> Number:
    """Bytes of weights that a device keeps."""
    w, stored, layout = s.work, s.stored, s.layout
    spread = layout.pp * layout.tp
    dense = w.n_layers * w.p_attention + w.n_dense * w.p_dense + w.n_moe * w.p_shared
    experts = w.n_moe * w.n_experts * w.p_expert / (layout.pp * np.maximum(layout.tp, layout.ep))
    return dense / spread * stored.matrix + experts * stored.expert + 2.0 * w.p_head / spread * stored.head


def _gemm(s: Placed, groups: Number, m: Number, k: Number, n: Number, stored: Number, grouped: bool = False) -> Number:
    """Time a multiplication by large tiles, or by those of few rows where that is quicker."""
    silicon, f = s.silicon, s.formats
    efficiency = f.grouped_efficiency if grouped else f.gemm_efficiency
    tiled = gemm_time(
        groups, m, n, k, f.peak, efficiency, f.gemm_k_half, silicon.cores, silicon.tile_m, silicon.tile_n, 0.0,
        silicon.bandwidth, silicon.memory_efficiency, stored,
    )  # fmt: skip
    rate = silicon.bandwidth * silicon.memory_efficiency
    few = skinny_time(groups, m, n, k, f.peak * efficiency, rate, stored)
    return np.where(groups * m * n * k > 0.0, np.minimum(tiled, few), 0.0)


def _pass(s: Placed, tokens: Number, attention: Number, moved: Number, scored: Number, sampled: Number) -> Pass:
    """Return a pass of `tokens` on every replica.

    Parameters
    ----------
    attention : s of one device. moved, scored : bytes and FLOPs of it.
    sampled : tokens whose logits are wanted.
    """
    w, stored, layout = s.work, s.stored, s.layout
    tp, ep, h = layout.tp, layout.ep, w.d_model
    up = w.matrices - 1.0
    one = stored.matrix
    block = (
        _gemm(s, 1.0, tokens, h, w.d_latent, one)
        + _gemm(s, 1.0, tokens, w.k_query, w.n_query / tp, one)
        + _gemm(s, 1.0, tokens, w.k_value, w.n_value / tp, one)
        + _gemm(s, 1.0, tokens, w.d_context / tp, h, one)
    )
    mixer = _gemm(s, 1.0, tokens, h, w.n_mix / tp, one) + _gemm(s, 1.0, tokens, w.d_mix / tp, h, one)
    dense = _gemm(s, 1.0, tokens, h, up * w.d_ff / tp, one) + _gemm(s, 1.0, tokens, w.d_ff / tp, h, one)
    shared = (
        _gemm(s, 1.0, tokens, h, up * w.d_ff_shared / tp, one)
        + _gemm(s, 1.0, tokens, w.d_ff_shared / tp, h, one)
        + _gemm(s, 1.0, tokens, h, w.n_experts, 2.0)
    )
    # Experts lie whole on the ranks of `ep`, or are split over those of `tp`.
    together = tokens * np.where(ep > 1.0, np.maximum(ep / tp, 1.0), 1.0)
    met = experts_met(w.n_experts, w.top_k, together) / ep
    rows = together * w.top_k / ep / np.maximum(met, 1e-9)
    inside = np.where(w.d_routed > 0, w.d_routed, h)
    split = np.maximum(tp / ep, 1.0)
    routed = _gemm(s, met, rows, inside, up * w.d_ff_expert / split, stored.expert, True) + _gemm(
        s, met, rows, w.d_ff_expert / split, inside, stored.expert, True
    )
    head = _gemm(s, 1.0, sampled, h, w.vocab_size / tp, stored.head)
    layers = w.n_layers
    comm, sums, exchanges = _comm(s, tokens)
    met_bytes = w.n_moe * met * w.p_expert / split * stored.expert
    dense_params = (layers * w.p_attention + w.n_dense * w.p_dense + w.n_moe * w.p_shared) / tp
    flops = 2.0 * (tokens * dense_params + w.n_moe * rows * met * w.p_expert / split + sampled * w.p_head / tp)
    return Pass(
        matmul=layers * (w.attended * block + w.mixed * mixer + w.plain * dense + w.moe * shared) + head,
        routed=w.n_moe * routed,
        attention=attention,
        comm=layers * comm,
        sums=layers * sums,
        exchanges=layers * exchanges,
        layers=layers,
        flops=flops + scored,
        bytes=dense_params * one + w.p_head / tp * stored.head + met_bytes + moved,
    )


def _comm(s: Placed, tokens: Number) -> tuple[Number, Number, Number]:
    """Return the collectives of a layer: seconds of their bytes, those over tensor ranks, and over expert ranks beyond."""
    w, layout, silicon = s.work, s.layout, s.silicon
    size = 2.0 * tokens * w.d_model

    def moved(kind: Collective, n: Number, stride: Number, message: Number) -> Number:
        inner = inner_ranks(n, stride, silicon.domain)
        link = group_bandwidth(silicon.link, n, silicon.axes, silicon.axis_length, silicon.pairs)
        return kind(message, n, inner, link, silicon.nic, 0.0, 0.0)

    beyond = np.where(layout.ep > layout.tp, layout.ep / layout.tp, 1.0)
    sent = size * np.minimum(beyond, w.top_k + 1.0)
    sums, exchanges = np.where(layout.tp > 1.0, w.reduces, 0.0), np.where(beyond > 1.0, 2.0 * w.moe, 0.0)
    time = sums * moved(all_reduce_time, layout.tp, 1.0, size) + exchanges * moved(
        all_gather_time, beyond, layout.tp, sent
    )
    return time, sums, exchanges


def decode(s: Placed, sequences: Number, context: Number) -> Pass:
    """Return one step that adds a token to each of some sequences of a replica, all of a mean context."""
    w, tp = s.work, s.layout.tp
    moved = sequences * read_bytes(s.cache, context, tp, s.stored.cache)
    span = np.minimum(context, np.where(s.cache.picked > 0, s.cache.picks, context))
    latent = np.where(w.d_latent > 0, 1.0, 0.0) * np.where(s.cache.heads > 1, 0.0, 1.0)
    # A latent is scored as it is stored, by every head: as wide as the latent, not as the head.
    wide = latent * 2.0 * w.n_heads * w.k_value + (1.0 - latent) * (w.d_query + w.d_context)
    layers = w.n_layers * w.attended
    scored = layers * score_flops(sequences, span, wide / tp, 0.0)
    rate = s.silicon.bandwidth * s.silicon.memory_efficiency
    time = moved / rate + scored / (s.formats.peak_attention * s.attention)
    return _pass(s, sequences, time, moved, scored, sequences)


def prefill(s: Placed, tokens: Number, prompt: Number) -> Pass:
    """Return a pass over some tokens of prompts of a mean length."""
    w, tp = s.work, s.layout.tp
    layers = w.n_layers * w.attended
    scored = layers * score_flops(tokens, prompt / 2.0, w.d_query / tp, w.d_context / tp)
    written = tokens / np.maximum(prompt, 1.0) * cached_bytes(s.cache, prompt, tp, s.stored.cache)
    time = scored / (s.formats.peak_attention * s.attention) + written / (
        s.silicon.bandwidth * s.silicon.memory_efficiency
    )
    return _pass(s, tokens, time, written, scored, tokens / np.maximum(prompt, 1.0))
