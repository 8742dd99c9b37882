"""Time of one pass through a model that serves: few tokens of many sequences (decode), or many tokens of few (prefill)."""

from __future__ import annotations

import numpy as np

from carbonscaling.arrays import Number
from carbonscaling.formula import formula
from carbonscaling.hints import NamedTuple
from carbonscaling.perf.attention import score_flops
from carbonscaling.perf.collectives import all_gather_time, all_reduce_time, group_bandwidth, inner_ranks
from carbonscaling.perf.gemm import gemm_time
from carbonscaling.perf.traffic import Collective
from carbonscaling.serving.numbers import Cache, Placed

__all__ = [
    "Pass",
    "cached_bytes",
    "decode",
    "drawing_time",
    "experts_met",
    "mean_seen",
    "prefill",
    "read_bytes",
    "skinny_time",
    "small_sum",
    "weight_bytes",
]


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


HALF = 2.0
"""Bytes of an activation."""
PASSES = 10.0
"""Reads and writes of the residual stream a layer: two norms (read, write) and two sums (read two, write one)."""
SORTED = 640.0
"""Bytes that move for each logit when the most probable tokens are picked by sorting all of them: 0.215 ns a logit, measured on
one device (`vllm_sort_2026`), at the bandwidth of an H100."""


@formula(
    "tokens·vocabulary·640 B/bandwidth",
    unit="s",
    source="vllm_sort_2026",
    place="table of the description: 57.6 ms for 2,048 tokens of 131,072 logits; twice as long for twice the vocabulary",
)
def drawing_time(tokens: Number, vocabulary: Number, bandwidth: Number) -> Number:
    """Time of drawing tokens from the most probable ones (top-p), which sorts the logits of the whole vocabulary.

    >>> round(float(drawing_time(2048.0, 131072.0, 2.98e12)), 3)
    0.058
    """
    return tokens * vocabulary * SORTED / bandwidth


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
    between, permuted = _between(s, tokens, rows * met)
    head = _gemm(s, 1.0, sampled, h, w.vocab_size / tp, stored.head)
    layers = w.n_layers
    comm, sums, exchanges = _comm(s, tokens)
    met_bytes = w.n_moe * met * w.p_expert / split * stored.expert
    dense_params = (layers * w.p_attention + w.n_dense * w.p_dense + w.n_moe * w.p_shared) / tp
    flops = 2.0 * (tokens * dense_params + w.n_moe * rows * met * w.p_expert / split + sampled * w.p_head / tp)
    return Pass(
        matmul=layers * (w.attended * block + w.mixed * mixer + w.plain * dense + w.moe * shared + between) + head,
        routed=w.n_moe * (routed + permuted),
        attention=attention,
        comm=layers * comm,
        sums=layers * sums,
        exchanges=layers * exchanges,
        layers=layers,
        flops=flops + scored,
        bytes=dense_params * one + w.p_head / tp * stored.head + met_bytes + moved,
    )


def _between(s: Placed, tokens: Number, routed: Number) -> tuple[Number, Number]:
    """Return the time of a layer's element-wise kernels, and of those around its routed experts: as training counts them.

    Two norms and two sums with the residual (each token whole on every tensor rank), rotary, activation function, and the
    tokens of experts there and back.
    """
    w, tp = s.work, s.layout.tp
    rate = s.silicon.bandwidth * s.silicon.memory_efficiency / HALF
    heads = w.attended * 2.0 * (w.d_query + w.d_kv)
    inner = w.matrices * (w.plain * w.d_ff + w.moe * w.d_ff_shared)
    sent = 4.0 * np.where(w.d_routed > 0, w.d_routed, w.d_model) + w.matrices * w.d_ff_expert / np.maximum(
        tp / s.layout.ep, 1.0
    )
    return tokens * (PASSES * w.halves * w.d_model + (heads + inner) / tp) / rate, routed * sent / rate


ONE_SHOT, ONE_SHOT_RATE, LARGE = 9.5e-6, 53.0e9, 29.0e-6
"""Sums over the ranks of a node: s that a small one takes by a kernel that reads the other ranks' memory, and its bytes/s over
each rank's own links (sglang_allreduce_2025: 9.5, 9.1 and 10.1 us for 512 bytes on 2, 4 and 8 H100; 26.6, 40.2 and 45.0 us for
1 MiB); and s that a large one waits beside its bytes, by NCCL (Vidur's H100 node, decision 230)."""


@formula(
    "min((9.5 us + 2(n - 1)/n·size/53e9)/29 us, 1)",
    unit="1",
    source="sglang_allreduce_2025",
    place="table of the description, rows of vLLM's kernel",
)
def small_sum(size: Number, n: Number) -> Number:
    """Wait of a sum over `n` ranks of a node, as a share of that of a large one.

    >>> round(float(small_sum(512.0, 8.0)), 2), float(small_sum(4e6, 8.0))
    (0.33, 1.0)
    """
    return np.minimum((ONE_SHOT + 2.0 * (n - 1.0) / n * size / ONE_SHOT_RATE) / LARGE, 1.0)


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
    waited = np.where(layout.tp > silicon.domain, 1.0, small_sum(size, layout.tp))
    time = sums * moved(all_reduce_time, layout.tp, 1.0, size) + exchanges * moved(
        all_gather_time, beyond, layout.tp, sent
    )
    return time, sums * waited, exchanges


def decode(s: Placed, sequences: Number, context: Number, tokens: Number = 1.0, readings: Number = 1.0) -> Pass:
    """Return one step over each of some sequences of a replica, all of a mean context.

    Parameters
    ----------
    tokens : of every sequence: one, or those that a draft proposed with the one after them.
    readings : of keys and values, for all tokens of a sequence.
    """
    w, tp = s.work, s.layout.tp
    moved = readings * sequences * read_bytes(s.cache, context, tp, s.stored.cache)
    span = np.minimum(context, np.where(s.cache.picked > 0, s.cache.picks, context))
    latent = np.where(w.d_latent > 0, 1.0, 0.0) * np.where(s.cache.heads > 1, 0.0, 1.0)
    # A latent is scored as it is stored, by every head: as wide as the latent, not as the head.
    wide = latent * 2.0 * w.n_heads * w.k_value + (1.0 - latent) * (w.d_query + w.d_context)
    layers = w.n_layers * w.attended
    scored = layers * score_flops(sequences * tokens, span, wide / tp, 0.0)
    rate = s.silicon.bandwidth * s.silicon.memory_efficiency
    time = moved / rate + scored / (s.formats.peak_attention * s.attention)
    return _pass(s, sequences * tokens, time, moved, scored, sequences * tokens)


@formula(
    "prompt·(1 + spread²)·(1 + reused)/2",
    unit="1",
    source="feller_1968",
    place="mean square over twice the mean; the tokens that are left stand behind those reused",
)
def mean_seen(prompt: Number, spread: Number, reused: Number) -> Number:
    """Mean tokens that a token of a prompt sees, those before it.

    >>> mean_seen(1000.0, 0.0, 0.0), mean_seen(1000.0, 1.0, 0.0), mean_seen(1000.0, 0.0, 0.5)
    (500.0, 1000.0, 750.0)
    """
    return prompt * (1.0 + spread * spread) * (1.0 + reused) / 2.0


def prefill(s: Placed, tokens: Number, prompt: Number, spread: Number = 0.0, reused: Number = 0.0) -> Pass:
    """Return a pass over some tokens of prompts.

    Parameters
    ----------
    tokens : that have to be worked out. prompt : mean tokens of a prompt, those reused among them.
    spread : standard deviation of that over its mean. reused : share of a prompt's tokens that are known already.
    """
    w, tp = s.work, s.layout.tp
    fresh = np.maximum(prompt * (1.0 - reused), 1.0)
    layers = w.n_layers * w.attended
    scored = layers * score_flops(tokens, mean_seen(prompt, spread, reused), w.d_query / tp, w.d_context / tp)
    written = tokens / fresh * cached_bytes(s.cache, fresh, tp, s.stored.cache)
    time = scored / (s.formats.peak_attention * s.attention) + written / (
        s.silicon.bandwidth * s.silicon.memory_efficiency
    )
    return _pass(s, tokens, time, written, scored, tokens / fresh)
