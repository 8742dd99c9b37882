"""Whether a metered energy can be that of the job it is said to be: between what its machines draw idle and at their limits."""

from __future__ import annotations

from collections.abc import Mapping

from carbonscaling.carbon.assess import CarbonModel
from carbonscaling.carbon.drawn import drawn_at_most
from carbonscaling.carbon.result import Footprint
from carbonscaling.errors import InputError
from carbonscaling.reporting.statements.record import Measured

__all__ = ["drawn_watts", "refuse_implausible"]

MOST_TIMES = 3.0
"""Beyond so many times what the machines can draw, a figure is of something else: another unit, scope or count of hours."""
LEAST_SHARE = 0.5
"""Below this share of what the accelerators draw without work, likewise."""


def drawn_watts(
    run: Footprint, carbon: CarbonModel, n_devices: int, hours: float, measured: Measured
) -> dict[str, float]:
    """Return watts a device as metered, and those that it draws idle and at most; empty where nothing was metered."""
    if measured.energy_kwh is None:
        return {}
    most = drawn_at_most(carbon, n_devices, hours)
    limits = {"devices": most["device"], "it": sum(most.values()), "facility": run.pue * sum(most.values())}
    return {
        "metered": measured.energy_kwh / hours * 1e3,
        "idle": carbon.factors["idle_power"].si_range[0],
        "most": limits[measured.energy_scope or "facility"] / hours * 1e3,
    }


def refuse_implausible(drawn: Mapping[str, float], measured: Measured) -> None:
    """Refuse a metered energy that is far beyond what the machines can draw, or far below what they draw idle.

    Raises
    ------
    InputError
        With watts a device, and what is possible.
    """
    if measured.device_hours is None or not drawn:
        return
    if LEAST_SHARE * drawn["idle"] <= drawn["metered"] <= MOST_TIMES * drawn["most"]:
        return
    raise InputError(
        f"{drawn['metered']:,.0f} W a device is not what this job can have drawn", key="energy_kwh", value=measured.energy_kwh,
        allowed=f"{drawn['idle']:,.0f} W (idle) to {drawn['most']:,.0f} W a device, scope {measured.energy_scope}",
        remedy="check the unit (kWh), the device-hours, and what was metered (--energy-scope)",
    )  # fmt: skip
