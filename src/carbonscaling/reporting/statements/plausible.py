"""Whether a metered energy can be that of the job it is said to be: between what its machines draw idle and at their limits."""

from __future__ import annotations

from collections.abc import Mapping

from carbonscaling.carbon.assess import CarbonModel
from carbonscaling.carbon.result import Footprint
from carbonscaling.errors import InputError
from carbonscaling.reporting.statements.record import Measured
from carbonscaling.units import HOUR, KWH

__all__ = ["drawn_at_most", "refuse_implausible"]

MOST_TIMES = 3.0
"""Beyond so many times what the machines can draw, a figure is of something else: another unit, scope or count of hours."""
LEAST_SHARE = 0.5
"""Below this share of what the accelerators draw without work, likewise."""


def drawn_at_most(carbon: CarbonModel, n_devices: int, device_hours: float) -> Mapping[str, float]:
    """Return the energy in kWh that devices, hosts and network can draw in so many device-hours, before PUE.

    Devices at their rating or at the high end of what was measured of them, hosts and network at their high ends.
    """
    high = {name: datum.si_range[1] for name, datum in carbon.factors.items()}
    device_w = max(high["tdp"], high["busy_ratio"] * high["tdp"])
    n_hosts = -(-n_devices // int(high["devices_per_host"]))
    kwh = device_hours * HOUR / KWH
    return {
        "device": device_w * kwh,
        "host": high["host_power"] * kwh * n_hosts / n_devices,
        "network": high["network_share"] * device_w * kwh,
    }


def refuse_implausible(run: Footprint, carbon: CarbonModel, n_devices: int, hours: float, measured: Measured) -> None:
    """Refuse a metered energy that is far beyond what the machines can draw, or far below what they draw idle.

    Raises
    ------
    InputError
        With watts a device, and what is possible.
    """
    if measured.energy_kwh is None or measured.device_hours is None:
        return
    most = drawn_at_most(carbon, n_devices, hours)
    limits = {"devices": most["device"], "it": sum(most.values()), "facility": run.pue * sum(most.values())}
    limit = limits[measured.energy_scope or "facility"]
    idle = carbon.factors["idle_power"].si_range[0] * hours * HOUR / KWH
    if LEAST_SHARE * idle <= measured.energy_kwh <= MOST_TIMES * limit:
        return
    watts = measured.energy_kwh / hours * 1e3
    raise InputError(
        f"{watts:,.0f} W a device is not what this job can have drawn", key="energy_kwh", value=measured.energy_kwh,
        allowed=f"{idle / hours * 1e3:,.0f} W (idle) to {limit / hours * 1e3:,.0f} W a device, scope {measured.energy_scope}",
        remedy="check the unit (kWh), the device-hours, and what was metered (--energy-scope)",
    )  # fmt: skip
