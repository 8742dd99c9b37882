"""Metals, minerals and primary energy that a run uses, beside its carbon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from carbonscaling.arrays import Number
from carbonscaling.carbon.embodied import amortised
from carbonscaling.carbon.footprint import CarbonNumbers
from carbonscaling.catalog.factors import device_row, factor
from carbonscaling.catalog.grids import Quantity, series
from carbonscaling.catalog.regions import Place
from carbonscaling.formula import formula
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.hints import NamedTuple
from carbonscaling.units import to_si

__all__ = ["ResourceFactors", "resource_factors", "resource_taken", "resource_use"]

Resource = Literal["metals", "primary_energy"]
GRID: Mapping[Resource, tuple[Quantity, str]] = {
    "metals": ("metals", "kg/kWh"),
    "primary_energy": ("primary-energy", "MJ/kWh"),
}


class ResourceFactors(NamedTuple):
    """What making a device with its share of a host takes, and what a joule of electricity takes; kg of antimony, or J."""

    made: float
    used: float


@formula("made + facility_energy·used", unit="kg", source="ecologits", place="ADPe: embodied and usage")
def resource_use(made: Number, facility_energy: Number, used: Number) -> Number:
    """Resource that a run takes.

    Parameters
    ----------
    made : kg
        Its share of making the machines.
    facility_energy : J
    used : kg/J
        Of electricity.
    """
    return made + facility_energy * used


def resource_factors(cluster: Cluster, there: Place | None) -> dict[str, ResourceFactors]:
    """Return the factors of each resource that is known of the device and of the place's electricity."""
    found: dict[str, ResourceFactors] = {}
    for resource, (quantity, unit) in GRID.items():
        device = device_row(f"embodied.{resource}.device", cluster.device.id)
        years = series(there.iso3, quantity) if there is not None else {}
        if device is not None and years and "+" not in cluster.device.id:
            host = factor(f"embodied.{resource}.host_per_device.server")
            found[resource] = ResourceFactors(device.si + host.si, to_si(years[max(years)][0], unit))
    return found


def resource_taken(
    factors: ResourceFactors, n_devices: float, duration_s: float, numbers: CarbonNumbers, energy_j: float
) -> float:
    """Return what one run takes of a resource, in SI; the machines carry it as they carry carbon."""
    made = amortised(factors.made * n_devices, duration_s, numbers.lifetime_s, numbers.busy_share)
    return float(resource_use(made, energy_j, factors.used))
