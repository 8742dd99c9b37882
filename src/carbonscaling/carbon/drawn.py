"""What machines draw a device, in watts: at work and idle with its interval, and the most that they can."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from carbonscaling.carbon.assess import CarbonModel
from carbonscaling.carbon.footprint import FootprintParts, footprint
from carbonscaling.carbon.uncertainty import interval, sample_footprint
from carbonscaling.hints import NamedTuple
from carbonscaling.units import HOUR, KWH

__all__ = ["UTILISATION", "Draw", "draw_of", "drawn_at_most"]

UTILISATION = 0.4
"""MFU of a measured run that does not say; the power law makes it matter little."""


class Draw(NamedTuple):
    """Power of one device with its 5th and 95th percentiles, in W: of the device, of its share of host and network, of both."""

    device: tuple[float, float, float]
    beside: tuple[float, float, float]
    machine: tuple[float, float, float]


def draw_of(model: CarbonModel, n_devices: int, *, idle: bool = False) -> Draw:
    """Return what one of `n_devices` draws before PUE, at work or without it.

    Parameters
    ----------
    model : CarbonModel
    n_devices : int
    idle : bool
        Without a task.
    """
    shares = {"idle_share": 1.0 if idle else 0.0}
    central = footprint(model.numbers._replace(**shares), n_devices, HOUR, UTILISATION)
    sampled, _ = sample_footprint(model.assemble, model.factors, n_devices, HOUR, UTILISATION, shares=shares)

    def watts(take: tuple[str, ...]) -> tuple[float, float, float]:
        def of(parts: FootprintParts) -> np.ndarray:
            return np.asarray(sum(getattr(parts, name) for name in take) / (n_devices * HOUR))

        value = float(of(central))
        return value, *interval(of(sampled), value)

    beside = ("host_energy_j", "network_energy_j")
    return Draw(watts(("device_energy_j",)), watts(beside), watts(("device_energy_j", *beside)))


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
