"""How much power an accelerator draws, from the work that it does: FLOPs, bytes and layers a second.

A network that keeps the arithmetic units at a few percent of their peak still keeps the chip busy, because every
multiplication brings its element-wise operations, normalisations and copies along; past that point more FLOPs cost little.
So power rises steeply with achieved FLOP/s and memory traffic and then saturates. What stands between layers (launches,
synchronisation) draws idle power. Arguments are floats, NumPy arrays or Pint quantities.
"""

from __future__ import annotations

import numpy as np

from carbonscaling.arrays import Number
from carbonscaling.formula import formula

__all__ = ["work_power"]


@formula(
    "idle + (busy - idle)·(1 - stalled_share)·(1 - exp(-(flop_weight·flop_share + memory_weight·memory_share)))",
    unit="W",
    source="ml_energy",
    place="decision 23",
)
def work_power(
    idle: Number,
    busy: Number,
    flop_share: Number,
    memory_share: Number,
    stalled_share: Number,
    flop_weight: Number,
    memory_weight: Number,
) -> Number:
    """Power of a device from the work that it does.

    Parameters
    ----------
    idle, busy : W
        Draw without work, and as work grows without bound.
    flop_share, memory_share : 1
        FLOP/s over the peak of the number format; bytes/s over the memory's bandwidth.
    stalled_share : 1
        Share of time between layers, in which nothing runs.
    flop_weight, memory_weight : 1
        How steeply power rises with either share; about 12 and 6 on V100, H100 and B200 together.

    Examples
    --------
    Video generation at 30 % of an H100's peak, and the same at a tenth of the speed:

    >>> round(float(work_power(100.0, 660.0, 0.30, 0.0, 0.0, 12.0, 6.0)))
    645
    >>> round(float(work_power(100.0, 660.0, 0.03, 0.0, 0.0, 12.0, 6.0)))
    269
    """
    load = flop_weight * flop_share + memory_weight * memory_share
    return idle + (busy - idle) * (1.0 - stalled_share) * (1.0 - np.exp(-load))
