"""How much power an accelerator draws, as a function of how hard it works.

"Utilisation" is throughput (model FLOP/s over a reference), never what a monitor calls GPU utilisation, which reads
100 % while a device waits for the network. Arguments are floats, NumPy arrays or Pint quantities; powers in W.
"""

from __future__ import annotations

import numpy as np

from carbonscaling.arrays import Number
from carbonscaling.formula import formula

__all__ = [
    "capped_power",
    "capped_throughput",
    "host_from_system",
    "paper_power",
    "run_average_power",
    "saturating_power",
    "static_share_at_full_load",
    "static_share_at_operating_point",
]


@formula(
    "idle + (busy - idle)·min(max(utilisation, 0), 1)^exponent",
    unit="W",
    source="fernandez_2024",
    place="power at two speeds",
)
def saturating_power(idle: Number, busy: Number, utilisation: Number, exponent: Number) -> Number:
    """Power of a device whose draw saturates with throughput.

    ``P = P_idle + (P_busy - P_idle) * u**g`` with u clipped to [0, 1].

    Parameters
    ----------
    idle, busy : W
        Draw without work, and at the best-tuned throughput.
    utilisation : 1
        Achieved over best-tuned throughput.
    exponent : 1
        g; 1 is a straight line, 0 a step. Fernandez et al. (arXiv 2411.13055) give 0.147: 37.22 % less throughput
        costs 5.87 % power, with 658 W at the operating point and 84 W idle.

    Examples
    --------
    >>> round(float(saturating_power(84.0, 658.0, 1 - 0.3722, 0.147)), 1)
    620.0
    """
    share = np.minimum(np.maximum(utilisation, 0.0), 1.0)
    return idle + (busy - idle) * share**exponent


@formula("static + alpha·dynamic·utilisation", unit="W", source="carbonscaling_v1", place="equation 1")
def paper_power(static: Number, dynamic: Number, alpha: Number, utilisation: Number) -> Number:
    """Device power of both papers, ``P_s + alpha * P_d * U`` (CarbonScaling v1 equation 1, v2 equation 3).

    Parameters
    ----------
    static, dynamic : W
        P_s and the peak dynamic power P_d.
    alpha : 1
        Activity factor; never printed, taken as 1 (ruling R14).
    utilisation : 1
        MFU.
    """
    return static + alpha * dynamic * utilisation


@formula("1 - power_drop/throughput_drop", unit="1", source="fernandez_2024", place="ruling R14")
def static_share_at_operating_point(throughput_drop: Number, power_drop: Number) -> Number:
    """Share of static power at the operating point, if power is linear in throughput.

    The dynamic part d of the power falls with throughput, so ``power_drop = d * throughput_drop``.

    Examples
    --------
    >>> round(static_share_at_operating_point(0.3722, 0.0587), 3)
    0.842
    """
    return 1.0 - power_drop / throughput_drop


@formula(
    "s/(s + (1 - s)/operating_utilisation), s = share_at_operating_point",
    unit="1",
    source="fernandez_2024",
    place="ruling R14",
)
def static_share_at_full_load(share_at_operating_point: Number, operating_utilisation: Number) -> Number:
    """Share of static power at U = 1, from the share at an operating point U0 on the same straight line.

    ``s / (s + (1 - s) / U0)``: the dynamic part grows by 1/U0 on the way to full load.

    Examples
    --------
    >>> round(static_share_at_full_load(0.842, 0.40), 2)
    0.68
    """
    share = share_at_operating_point
    return share / (share + (1.0 - share) / operating_utilisation)


@formula(
    "sum of share·power over the states; what the shares leave is productive",
    unit="W",
    source="morrison_2025",
    place="power during checkpoints",
)
def run_average_power(
    productive: Number,
    checkpoint: Number,
    restart: Number,
    communication: Number,
    idle: Number,
    checkpoint_share: Number,
    restart_share: Number,
    communication_share: Number,
    idle_share: Number,
) -> Number:
    """Average over a run of what a device draws in each of its states.

    Parameters
    ----------
    productive, checkpoint, restart, communication, idle : W
        Power at work, writing a checkpoint, starting again, waiting for the network alone, without a task.
    checkpoint_share, restart_share, communication_share, idle_share : 1
        Shares of wall-clock time; the rest is productive.
    """
    working_share = 1.0 - checkpoint_share - restart_share - communication_share - idle_share
    return (
        working_share * productive
        + checkpoint_share * checkpoint
        + restart_share * restart
        + communication_share * communication
        + idle_share * idle
    )


@formula(
    "max(system - device - network, 0)·devices_per_host",
    unit="W",
    source="patterson_2021",
    place="Table 4, system average power",
)
def host_from_system(system: Number, device: Number, network: Number, devices_per_host: Number) -> Number:
    """Power of a host without its devices, from a reading of the whole system.

    Parameters
    ----------
    system : W
        Read for the whole system, per device.
    device, network : W
        Of one device, and of switches and optics per device.
    devices_per_host : 1

    Examples
    --------
    >>> round(float(host_from_system(310.0, 220.5, 11.0, 8)))
    628
    """
    rest = system - device - network
    return np.maximum(rest, 0.0 * rest) * devices_per_host


@formula("min(demand, limit)", unit="W", source="zeus_2023", place="power limits of a V100")
def capped_power(demand: Number, limit: Number) -> Number:
    """Power of a device under a power limit, from what it would draw without one."""
    return np.minimum(demand, limit)


@formula(
    "((min(demand, limit) - idle)/(demand - idle))^exponent",
    unit="1",
    source="zeus_2023",
    place="time per epoch by limit",
)
def capped_throughput(demand: Number, limit: Number, idle: Number, exponent: Number) -> Number:
    """Speed under a power limit, over the speed without one.

    A lower clock lowers dynamic power faster than speed, so the exponent is below 1: a straight line would say that
    halving the dynamic power halves the speed.

    Parameters
    ----------
    demand, limit, idle : W
        Draw without a limit; the limit; draw without work.
    exponent : 1
        Fitted on the Zeus study's 408 throttled V100 trainings: 0.43.

    Examples
    --------
    A V100 that would draw 226 W, limited to 150 W:

    >>> round(float(capped_throughput(226.0, 150.0, 42.0, 0.43)), 2)
    0.8
    """
    return ((np.minimum(demand, limit) - idle) / (demand - idle)) ** exponent
