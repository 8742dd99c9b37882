"""Carbon of making the machines, and the share of it that one training carries.

Route 1 takes measured product footprints as they are; route 2 adds up areas and capacities (here). SI throughout: areas
in m2, CPA in kg/m2, capacities in bytes, kg per byte, times in s.
"""

from __future__ import annotations

import numpy as np

from carbonscaling.arrays import Number
from carbonscaling.formula import formula

__all__ = [
    "amortised",
    "device_bottom_up",
    "die_carbon",
    "host_bottom_up",
    "memory_carbon",
    "murphy_yield",
]


@formula("area·carbon_per_area/good_share", unit="kg", source="act_2022", place="equation 4")
def die_carbon(area: Number, carbon_per_area: Number, good_share: Number) -> Number:
    """Emissions of good dies of a total `area`: area * CPA / yield.

    The yield counts per die: two dies of 800 mm2 cost less than one of 1600 mm2 would. Where a CPA already contains
    the yield, as the papers' Table 3 does, `good_share` is 1.
    """
    return area * carbon_per_area / good_share


@formula("((1 - exp(-a·d))/(a·d))^2", unit="1", source="murphy_1964", place="yield of a triangular defect density")
def murphy_yield(area: Number, defect_density: Number) -> Number:
    """Share of good dies of one `area` at a `defect_density` per area, without salvage of partly good dies.

    Parameters
    ----------
    area : m2
        Of one die: two dies of half the area yield better than one.
    defect_density : 1/m2

    Examples
    --------
    814 mm2 and 400 mm2 at 0.1 defects per cm2:

    >>> [round(float(murphy_yield(a * 1e-6, 1e3)), 2) for a in (814.0, 400.0)]
    [0.47, 0.68]
    """
    defects = area * defect_density
    return ((1.0 - np.exp(-defects)) / defects) ** 2


@formula("capacity·carbon_per_byte", unit="kg", source="carbonscaling_v1", place="table 4")
def memory_carbon(capacity: Number, carbon_per_byte: Number) -> Number:
    """Emissions of memory or storage, capacity * kg/B (CarbonScaling v1 Table 4)."""
    return capacity * carbon_per_byte


@formula("logic + memory + board", unit="kg", source="act_2022", place="equation 3")
def device_bottom_up(logic: Number, memory: Number, board: Number) -> Number:
    """Emissions of one accelerator: logic dies, stacked memory, and its share of board, cooling and assembly; kg."""
    return logic + memory + board


@formula("n_cpus·cpu + main_memory + storage + chassis", unit="kg", source="act_2022", place="equation 3")
def host_bottom_up(n_cpus: Number, cpu: Number, main_memory: Number, storage: Number, chassis: Number) -> Number:
    """Emissions of one host without its accelerators: processors, DRAM, SSD, chassis with board and supplies; kg."""
    return n_cpus * cpu + main_memory + storage + chassis


@formula("embodied·duration/(lifetime·busy_share)", unit="kg", source="carbonscaling_v1", place="equation 3")
def amortised(embodied: Number, duration: Number, lifetime: Number, busy_share: Number) -> Number:
    """Part of `embodied` that a run of `duration` carries.

    ``embodied * duration / (lifetime * busy_share)``. A `busy_share` of 1 is the calendar convention (CarbonScaling v1
    equation 3; SCI, ISO/IEC 21031); below 1, only busy hours carry the machine (Luccioni et al. 2022: 0.85).

    Parameters
    ----------
    embodied : kg
    duration, lifetime : s
    busy_share : 1

    Examples
    --------
    OLMo: a node of 3,700 kg and 8 GPUs, four years by the calendar, is 13.2 g per GPU-hour (arXiv 2503.05804).

    >>> round(amortised(3700.0 / 8, 1.0, 4 * 365.25 * 24, 1.0), 4)
    0.0132
    """
    return embodied * duration / (lifetime * busy_share)
