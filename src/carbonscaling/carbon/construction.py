"""Carbon of building the data centre, by its power: beside the share of the machines' that the total counts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from carbonscaling.arrays import Number
from carbonscaling.carbon.coefficients import Values
from carbonscaling.carbon.factor_sets import sampled_range
from carbonscaling.catalog.factors import factor
from carbonscaling.formula import formula
from carbonscaling.hints import NamedTuple
from carbonscaling.sources import Datum
from carbonscaling.units import TONNE

__all__ = ["Construction", "built_for", "construction_share", "device_capacity"]


CAPACITY = {"tdp", "network_share", "host_power", "devices_per_host"}
"""Factors that say how much power a building holds ready."""


class Construction(NamedTuple):
    """What a run carries of the building's construction by its power, in t, with 5th and 95th percentile."""

    tco2e: float
    low: float
    high: float
    capacity_w: float


@formula(
    "capacity·carbon_per_power·duration/lifetime", unit="kg", source="wadenstein_2025", place="embodied carbon by MW"
)
def construction_share(power: Number, carbon_per_power: Number, duration: Number, lifetime: Number) -> Number:
    """Share of a data centre's construction that a run carries by its time.

    Parameters
    ----------
    power : W
        Of the machines that the building is made for.
    carbon_per_power : kg/W
    duration, lifetime : s
        Of the run, and of the building.

    Examples
    --------
    A megawatt for a year, of 1,829 t over 25 years, in t:

    >>> round(construction_share(1e6, 1.829, 1.0, 25.0) / 1e3, 1)
    73.2
    """
    return power * carbon_per_power * duration / lifetime


def device_capacity(v: Values) -> Number:
    """Power in W that a building holds ready for one device: its rating, its share of the host, and the network's."""
    return v["tdp"] * (1.0 + v["network_share"]) + v["host_power"] / v["devices_per_host"]


def built_for(factors: Mapping[str, Datum], n_devices: float, duration_s: float) -> Construction | None:
    """Return what a run carries of the building, whose machines these factors describe; None where they say no rating."""
    if not set(factors) >= CAPACITY:
        return None
    capacity = float(device_capacity({name: datum.si for name, datum in factors.items()})) * n_devices
    central, low, high = (capacity * duration_s * rate / TONNE for rate in _of_a_watt_second())
    return Construction(central, low, high, capacity)


def _rate(v: Values) -> Number:
    return construction_share(1.0, v["per_power"], 1.0, v["lifetime"])


@lru_cache(maxsize=1)
def _of_a_watt_second() -> tuple[float, float, float]:
    """Return kg of a watt for a second, with 5th and 95th percentile."""
    own = {name: factor(f"facility.construction.{name}") for name in ("per_power", "lifetime")}
    return float(_rate({name: datum.si for name, datum in own.items()})), *sampled_range(_rate, own)
