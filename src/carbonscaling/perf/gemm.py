"""Matrix multiplication on streaming multiprocessors and on systolic arrays."""

from __future__ import annotations

import numpy as np

from carbonscaling.formula import formula
from carbonscaling.perf.numbers import Number

__all__ = ["gemm_time", "mixed_efficiency", "mixed_k_half", "systolic_cycles", "tiled_flops"]

# What a library falls back to when large output tiles would leave processors idle: smaller tiles (share of each edge of the
# largest, efficiency relative to it: they reuse operands less), or several processors on one tile, each with a share of the
# inner dimension (their partial sums are written once, half of that hidden). Fitted with `gemm_efficiency` and
# `gemm_k_half` to public GEMM timings, see docs/decisions/0005-kernel-model.md.
_HALF_TILE_EFFICIENCY = 0.92
_EIGHTH_TILE_EFFICIENCY = 0.80
_PARTIAL_SUM_BYTES = 0.5 * 4.0


@formula(
    "1/((1 − share)/efficiency + share·faster/half)",
    unit="1",
    source="nvidia_nvfp4_2025",
    place="products that stay in 16 bit, each part at its own rate",
)
def mixed_efficiency(share: Number, efficiency: Number, half: Number, faster: Number) -> Number:
    """Share of the narrow format's peak that products reach of which some stay in 16 bit.

    >>> mixed_efficiency(0.5, 0.6, 0.8, 2.0)
    0.48
    """
    return 1.0 / ((1.0 - share) / efficiency + share * faster / half)


@formula(
    "mixed_efficiency·k_half·((1 − share)·max(1, faster)/efficiency + share·faster/half)",
    unit="1",
    source="nvidia_nvfp4_2025",
    place="products that stay in 16 bit, each part at its own rate",
)
def mixed_k_half(share: Number, efficiency: Number, half: Number, faster: Number, k_half: Number) -> Number:
    """Inner dimension at which their prologues cost as much as their main loops: the mean over the time of each part.

    >>> float(mixed_k_half(1.0, 0.6, 0.8, 2.0, 150.0)), float(mixed_k_half(0.0, 0.5, 0.8, 2.0, 150.0))
    (150.0, 300.0)
    """
    parts = (1.0 - share) * np.maximum(1.0, faster) / efficiency + share * faster / half
    return k_half * parts * mixed_efficiency(share, efficiency, half, faster)


@formula(
    "2·cores·waves·tile_m·tile_n·(k + k_half), waves = ⌈groups·⌈m/tile_m⌉·⌈n/tile_n⌉/cores⌉",
    unit="FLOP",
    source="nvidia_matmul_guide",
    place="tile and wave quantisation",
)
def tiled_flops(
    groups: Number, m: Number, n: Number, k: Number, tile_m: Number, tile_n: Number, cores: Number, k_half: Number
) -> Number:
    """Work of `groups` equal GEMMs launched together, padded to whole tiles and whole waves of processors.

    Parameters
    ----------
    m, n, k : output rows, output columns, inner dimension of one.
    tile_m, tile_n : output tile of one processor.
    cores : processors.
    k_half : inner dimension at which prologue and epilogue cost as much as the main loop.
    """
    waves = np.ceil(groups * np.ceil(m / tile_m) * np.ceil(n / tile_n) / cores)
    return 2.0 * cores * waves * tile_m * tile_n * (k + k_half)


@formula(
    "t0 + (c⁴ + b⁴)^¼, c = least tiled_flops/(peak·e) of tiles and splits, "
    "b = groups·element_bytes·(m·k + k·n + m·n)/(bandwidth·e2)",
    unit="s",
    source="williams_2009",
    place="roofline with tile and wave quantisation, its corner rounded",
    nought=4,
)
def gemm_time(
    groups: Number,
    m: Number,
    n: Number,
    k: Number,
    peak: Number,
    efficiency: Number,
    k_half: Number,
    cores: Number,
    tile_m: Number,
    tile_n: Number,
    latency: Number,
    bandwidth: Number,
    memory_efficiency: Number,
    element_bytes: Number,
) -> Number:
    """Time of `groups` m x n x k matrix multiplications in one launch, 0 where a dimension is 0.

    The library is taken to choose the best of three tile sizes, either way round, and to split the inner dimension of the
    middle one in 2 or 4 where that fills the processors better. Compute and traffic hinder each other where they take
    about as long: the corner of the roofline is rounded by a fourth-power mean.

    Parameters
    ----------
    peak, efficiency : FLOP/s and the share of it that large multiplications reach.
    latency : s before the first result.
    bandwidth, memory_efficiency : bytes/s of HBM and the share of it reached.
    element_bytes : bytes per element of operands and result.
    """
    rate, half = peak * efficiency, peak * efficiency * _HALF_TILE_EFFICIENCY
    partial = _PARTIAL_SUM_BYTES * groups * m * n / bandwidth
    compute = np.minimum(
        np.minimum(
            tiled_flops(groups, m, n, k, tile_m, tile_n, cores, k_half),
            tiled_flops(groups, m, n, k, tile_n, tile_m, cores, k_half),
        )
        / rate,
        np.minimum(
            tiled_flops(groups, m, n, k, tile_n, tile_n, cores, k_half) / half,
            tiled_flops(groups, m, n, k, tile_n / 2, tile_n / 2, cores, k_half) / (rate * _EIGHTH_TILE_EFFICIENCY),
        ),
    )
    split = np.minimum(
        tiled_flops(2 * groups, m, n, k / 2, tile_n, tile_n, cores, k_half) / half + 2 * partial,
        tiled_flops(4 * groups, m, n, k / 4, tile_n, tile_n, cores, k_half) / half + 4 * partial,
    )
    traffic = groups * element_bytes * (m * k + k * n + m * n)
    compute, move = np.minimum(compute, split), traffic / (bandwidth * memory_efficiency)
    compute, move = compute * compute, move * move  # products, not powers: floats and arrays then agree to the last bit
    time = latency + np.sqrt(np.sqrt(compute * compute + move * move))
    return np.where(groups * m * n * k > 0, time, 0.0)


@formula(
    "⌈k/rows⌉·⌈n/columns⌉·(2·rows + columns + m − 2)",
    unit="1",
    source="samajdar_2020",
    place="weight-stationary runtime",
)
def systolic_cycles(m: Number, n: Number, k: Number, rows: Number, columns: Number) -> Number:
    """Cycles of a weight-stationary rows x columns array, weight loading not hidden.

    >>> float(systolic_cycles(112, 112, 112, 128, 128))
    494.0
    """
    return np.ceil(k / rows) * np.ceil(n / columns) * (2 * rows + columns + m - 2)
