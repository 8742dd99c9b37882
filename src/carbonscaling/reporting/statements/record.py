"""One training as statements report it: planned (a saved estimate) or measured (device-hours and energy of the user's)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from carbonscaling.catalog.regions import known_place

__all__ = ["EnergyScope", "Measured", "Record", "RecordLine", "record_lines"]

EnergyScope = Literal["facility", "it", "devices"]


@dataclass(frozen=True)
class RecordLine:
    """One line of a project: the final run, or what stands beside it.

    Attributes
    ----------
    name : str
    energy_kwh : float
        Facility energy.
    location_tco2e, market_tco2e : float
        Operational carbon by both methods of scope 2.
    embodied_tco2e : float
    water_litres : float
        On site and of electricity generation.
    water_on_site_litres : float, optional
        None where an older answer does not say.
    """

    name: str
    energy_kwh: float
    location_tco2e: float
    market_tco2e: float
    embodied_tco2e: float
    water_litres: float
    water_on_site_litres: float | None = None


def record_lines(
    run: RecordLine, beside: Iterable[Mapping[str, Any]], location_g_per_kwh: float, market_g_per_kwh: float
) -> tuple[RecordLine, ...]:
    """Return the final run and every line beside it, each with energy, water, embodied carbon and both methods of scope 2.

    Parameters
    ----------
    run : RecordLine
    beside : iterable of mapping
        Name, energy in kWh, embodied carbon in t and water in litres of each line.
    location_g_per_kwh, market_g_per_kwh : float
    """
    share = None if run.water_on_site_litres is None else run.water_on_site_litres / (run.water_litres or 1.0)
    return (
        run,
        *(
            RecordLine(
                x["name"],
                x["energy_kwh"],
                x["energy_kwh"] * location_g_per_kwh / 1e6,
                x["energy_kwh"] * market_g_per_kwh / 1e6,
                x["embodied_tco2e"],
                x["water_litres"],
                None if share is None else share * x["water_litres"],
            )
            for x in beside
        ),
    )


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
    carbon_basis, location_basis, market_basis : str
        What the intensity of the total counts, and those of both methods.
    operational_tco2e, market_tco2e, embodied_tco2e, total_tco2e : float
        Scope 2 by both methods, embodied carbon charged to the run; the total is location-based with every line.
    boundary_tco2e : Mapping[str, float]
        Lines beside the final run, nought where not counted; operational carbon by the method of the total.
    lines : tuple of RecordLine
        The final run, then what stands beside it.
    location_intensity_g_per_kwh : float
    upstream_g_per_kwh : float, optional
        Fuel supply, plants and losses of electricity (scope 3, category 3); None where they are not known.
    intervals : Mapping[str, tuple of float]
        5th and 95th percentiles.
    water_litres : float
    amortisation, embodied_route, energy_method : str
    contracted : Mapping[str, float]
        Share of the energy that contracts cover, by what generates it.
    grid_mix : Mapping[str, float]
        Renewable and nuclear share of the grid, where the user gives it; else the country's, where one is published.
    drawn_w : Mapping[str, float]
        Watts a device as they were metered, and idle and at most by its rating, hosts and network as far as the meter saw
        them; empty where nothing was metered.
    sources : tuple of str
    plan : Record, optional
        What was planned, beside what happened.
    region_stated : bool
        Whether anybody named the place; else `region` is an assumption, and no provider follows from it.
    train, teacher : str
        What was trained, as of a scenario, and what it was distilled from; empty where that is not known.
    forward_flops_per_token : float, optional
        Of the trained model's own forward pass.
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
    location_basis: str
    market_basis: str
    operational_tco2e: float
    market_tco2e: float
    embodied_tco2e: float
    total_tco2e: float
    boundary_tco2e: Mapping[str, float]
    lines: tuple[RecordLine, ...]
    location_intensity_g_per_kwh: float
    upstream_g_per_kwh: float | None
    intervals: Mapping[str, tuple[float, float]]
    water_litres: float
    amortisation: str
    embodied_route: str
    energy_method: str
    precision: str = ""
    n_params: float | None = None
    tokens: float | None = None
    training_flops: float | None = None
    contracted: Mapping[str, float] = field(default_factory=dict)
    grid_mix: Mapping[str, float] = field(default_factory=dict)
    drawn_w: Mapping[str, float] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    plan: Record | None = field(default=None)
    region_stated: bool = True
    train: str = ""
    teacher: str = ""
    forward_flops_per_token: float | None = None

    @property
    def project(self) -> RecordLine:
        """All lines together."""
        names = [field.name for field in fields(RecordLine)[1:]]
        sums = {name: math.fsum(getattr(line, name) or 0.0 for line in self.lines) for name in names}
        whole = RecordLine("whole project", **sums)
        known = all(line.water_on_site_litres is not None for line in self.lines)
        return whole if known else replace(whole, water_on_site_litres=None)

    @property
    def run_tco2e(self) -> float:
        """Operational and embodied carbon of the final run, without what stands beside it."""
        return self.operational_tco2e + self.embodied_tco2e

    @property
    def life_cycle(self) -> bool:
        """Whether the location-based intensity counts fuel supply and plants as well."""
        return self.location_basis.startswith("life-cycle")

    @property
    def where(self) -> str:
        """The place in words: city and country, or the region's name where the catalogue does not know it."""
        there = known_place(self.region)
        title = there.title if there else self.region
        return title if self.region_stated else f"not stated (assumed: {title})"

    @property
    def provider(self) -> str:
        """Cloud provider of the region, empty where it is a country, unknown or assumed."""
        there = known_place(self.region) if self.region_stated else None
        return there.provider if there else ""

    @property
    def country(self) -> str:
        """ISO code of the country, or the region where the catalogue does not know it."""
        there = known_place(self.region)
        return there.iso3 if there else self.region


@dataclass(frozen=True)
class Measured:
    """What a user measured.

    Attributes
    ----------
    device_hours : float, optional
        Without them as many as the energy would take.
    energy_kwh : float, optional
        Without it the energy is estimated from the device-hours.
    energy_scope : {"facility", "it", "devices"}, optional
        Whether the energy is the facility's (PUE inside), the machines' (before PUE) or the accelerators' alone: of a
        metered energy it must be said.
    """

    device_hours: float | None = None
    energy_kwh: float | None = None
    energy_scope: EnergyScope | None = None
