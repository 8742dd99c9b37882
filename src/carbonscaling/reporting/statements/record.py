"""One training as statements report it: planned (a saved estimate) or measured (device-hours and energy of the user's)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from carbonscaling.catalog.regions import place
from carbonscaling.errors import InputError

__all__ = ["EnergyScope", "Measured", "Record"]

EnergyScope = Literal["facility", "it", "devices"]


@dataclass(frozen=True)
class Record:
    """Figures of one training, every total with its parts.

    Attributes
    ----------
    kind : {"planned", "measured"}
    model, device, region, precision : str
    n_params, tokens, training_flops : float, optional
    n_devices : int
    device_hours, duration_h : float
    energy_kwh : float
        Facility energy of the final run.
    energy_parts_kwh : Mapping[str, float]
        They add up to `energy_kwh`.
    carbon_intensity_g_per_kwh, market_intensity_g_per_kwh, pue : float
    carbon_basis, market_basis : str
    operational_tco2e, market_tco2e, embodied_tco2e, total_tco2e : float
        Scope 2 by both methods, embodied carbon charged to the run; the total is location-based with every line.
    boundary_tco2e : Mapping[str, float]
        Lines beside the final run, nought where not counted.
    intervals : Mapping[str, tuple of float]
        5th and 95th percentiles.
    water_litres : float
    amortisation, embodied_route, energy_method : str
    sources : tuple of str
    plan : Record, optional
        What was planned, beside what happened.
    """

    kind: Literal["planned", "measured"]
    model: str
    device: str
    region: str
    n_devices: int
    device_hours: float
    duration_h: float
    energy_kwh: float
    energy_parts_kwh: Mapping[str, float]
    carbon_intensity_g_per_kwh: float
    market_intensity_g_per_kwh: float
    pue: float
    carbon_basis: str
    market_basis: str
    operational_tco2e: float
    market_tco2e: float
    embodied_tco2e: float
    total_tco2e: float
    boundary_tco2e: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    water_litres: float
    amortisation: str
    embodied_route: str
    energy_method: str
    precision: str = ""
    n_params: float | None = None
    tokens: float | None = None
    training_flops: float | None = None
    sources: tuple[str, ...] = ()
    plan: Record | None = field(default=None)

    @property
    def provider(self) -> str:
        """Cloud provider of the region, empty where it is a country or unknown."""
        try:
            return place(self.region).provider
        except InputError:
            return ""

    @property
    def country(self) -> str:
        """ISO code of the country, or the region where the catalogue does not know it."""
        try:
            return place(self.region).iso3
        except InputError:
            return self.region


@dataclass(frozen=True)
class Measured:
    """What a user measured.

    Attributes
    ----------
    device_hours : float
    energy_kwh : float, optional
        Without it the energy is estimated from the device-hours.
    energy_scope : {"facility", "it", "devices"}
        Whether the energy is the facility's (PUE inside), the machines' (before PUE) or the accelerators' alone.
    """

    device_hours: float
    energy_kwh: float | None = None
    energy_scope: EnergyScope = "facility"
