"""What hardware and software reach of their data sheets: few physical constants, each with source and range."""

from __future__ import annotations

from collections.abc import Mapping

from carbonscaling.record import dataclass
from carbonscaling.sources import Datum

__all__ = ["Efficiency"]


@dataclass(frozen=True)
class Efficiency:
    """Constants of one device architecture with the software that usually runs on it.

    Attributes
    ----------
    gemm : Mapping[str, Datum]
        Share of peak that large matrix multiplications reach, by number format.
    grouped : Datum
        The same for grouped (expert) multiplications, relative to `gemm`.
    row_scaled : Datum
        The same for multiplications in 8 bit with a scale for each row, relative to one scale a tensor, conversions and all.
    batched : Datum
        The same for batches of small multiplications, one a head, relative to `gemm`.
    gemm_k_half : Datum
        Inner dimension at which a multiplication's prologue costs as much as its main loop.
    tile_m, tile_n : Datum
        Largest output tile.
    kernel_latency : Datum
    memory : Datum
        Share of HBM bandwidth that streaming kernels reach.
    attention_forward, attention_backward : Datum
        Share of 16-bit peak of fused attention. attention_portable : Datum
        The same of kernels written for an earlier architecture, relative to those. attention_half, portable_half : Datum
        Mean keys of a query at which fused attention reaches half of its share, for the generation's own kernels and for
        those of an earlier one. attention_width, portable_width : Datum
        Width of a head whose products take as long as what its scores cost beside them, for the same two. attention_lanes :
        Width to whose multiples fused attention pads its heads.
    attention_8bit_forward, attention_8bit_backward : Datum
        Time of a score in 8 bit, whatever the width of its head, over that of a head of 128 in 16 bit.
    attention_ring : Datum
        The share that remains where sequences are split and keys travel around a ring. attention_first : Datum
        The same of FlashAttention-1. flash : Datum
        1 where fused attention is the default, 0 for explicit softmax.
    link, nic : Datum
        Share of the link and of the network that collectives reach.
    nic_doubling : Datum
        What remains of the network's share with every doubling of the hosts beyond four, up to 64.
    link_latency, nic_latency : Datum
        Per hop.
    overlap, contention, tp_overlap, ep_overlap : Datum
        Share of a compute window that hides communication, slowdown of that compute; share of tensor- and
        expert-parallel traffic hidden inside a layer.
    imbalance : Datum
        Busiest over mean expert load.
    elementwise : Datum
        Scale on the element-wise traffic counted (1: every kernel of the count reads and writes once).
    scan : Datum
        Time of a mixer's convolution, scan and gate over that of their products and bytes.
    norm_passes : Datum
        Passes over the residual stream that both norms of a layer add forward where no kernel fuses them.
    permute_passes : Datum
        Passes over every copy of a token that its experts receive, forward, where PyTorch's indexing brings it back.
    redo_last : Datum
        1 where full recomputation repeats whole layers, 0 where it leaves out what no backward rule needs.
    scatter_beside : Datum
        Share of the scattered gradients (ZeRO-2, 3) that travel while something is computed.
    straggler : Datum
        Strength of the straggler term of a step. straggler_gather : Datum
        What it grows by where every layer's weights are gathered, over the hosts that share them.
    step_overhead : Datum
        Host work per step.
    layer_launch : Datum
        Host time to launch one dense layer's forward kernels; a layer never runs faster.
    eager_launch : Datum
        The same of stacks before fused layers.
    moe_launch : Datum
        The same for a layer with experts: routing, sorting, dispatch, grouped kernels.
    moe_eager_launch : Datum
        The same where nothing of such a layer is captured in a graph and every expert takes what it is sent.
    expert_launch : Datum
        The same for each expert, forward, where a loop takes one after another.
    product_launch : Datum
        The same for one product of theirs, where each is launched by itself.
    gather_rank : Datum
        Time per rank and parameter of collectives that list a slice for every rank.
    exchange : Datum
        Share of the network bandwidth of collectives that expert all-to-alls reach.
    run_overhead : Datum
        Run time over its own steady state.
    """

    gemm: Mapping[str, Datum]
    grouped: Datum
    row_scaled: Datum
    batched: Datum
    gemm_k_half: Datum
    tile_m: Datum
    tile_n: Datum
    kernel_latency: Datum
    memory: Datum
    attention_forward: Datum
    attention_backward: Datum
    attention_portable: Datum
    attention_half: Datum
    portable_half: Datum
    attention_width: Datum
    portable_width: Datum
    attention_lanes: Datum
    attention_8bit_forward: Datum
    attention_8bit_backward: Datum
    attention_ring: Datum
    attention_first: Datum
    flash: Datum
    link: Datum
    nic: Datum
    nic_doubling: Datum
    link_latency: Datum
    nic_latency: Datum
    overlap: Datum
    contention: Datum
    tp_overlap: Datum
    ep_overlap: Datum
    imbalance: Datum
    elementwise: Datum
    scan: Datum
    norm_passes: Datum
    permute_passes: Datum
    redo_last: Datum
    scatter_beside: Datum
    straggler: Datum
    straggler_gather: Datum
    step_overhead: Datum
    layer_launch: Datum
    eager_launch: Datum
    moe_launch: Datum
    expert_launch: Datum
    product_launch: Datum
    gather_rank: Datum
    moe_eager_launch: Datum
    exchange: Datum
    run_overhead: Datum
