"""The footprint of one run, as every door shows it."""

from __future__ import annotations

from collections.abc import Mapping

from carbonscaling.carbon.boundary import BoundaryLine
from carbonscaling.carbon.construction import Construction
from carbonscaling.carbon.footprint import FootprintParts
from carbonscaling.record import dataclass

__all__ = ["Footprint", "Scope2", "WideningFactor"]


@dataclass(frozen=True)
class WideningFactor:
    """A factor's own effect on the total: tonnes with it at the low and at the high end of its range."""

    name: str
    low_tco2e: float
    high_tco2e: float
    source: str


@dataclass(frozen=True)
class Scope2:
    """Operational carbon by one of the two methods of the GHG Protocol's scope 2: location-based or market-based."""

    carbon_intensity_g_per_kwh: float
    basis: str
    source: str
    operational_tco2e: float
    interval_tco2e: tuple[float, float]


@dataclass(frozen=True)
class Footprint:
    """Footprint of one training run.

    `parts` are in SI and add up to the run's own totals; `total_tco2e` is operational plus embodied plus the lines
    beside the final run, which are nought unless asked for.

    Attributes
    ----------
    mode, version, region, amortisation, embodied_route, carbon_basis : str
        Conventions, to be printed with every figure; `carbon_basis` says what the carbon intensity counts.
    carbon_intensity_g_per_kwh, pue : float
        Central values used.
    upstream_g_per_kwh : float, optional
        Fuel supply, plants and losses (scope 3, category 3): life-cycle less operational intensity of the place; None where
        not both are published.
    scope2 : str
        Method that operational carbon and the total count: location or market.
    total_tco2e, operational_tco2e, embodied_tco2e, boundary_tco2e : float
    energy_kwh, water_litres, water_on_site_litres : float
        Of the final run; water is that used on site and that of electricity generation.
    metals_kg_sb, primary_energy_mj : float, optional
        Depletion of metals and minerals (ADPe) and primary energy of the final run, machines and electricity; None where
        they are not known of the device or the place.
    construction : Construction, optional
        The building by its power, beside the share of the machines' embodied carbon that the total counts; None in paper mode.
    parts : FootprintParts
    lines : tuple of BoundaryLine
    intervals : Mapping[str, tuple of float]
        5th and 95th percentiles of energy, operational, embodied and total carbon, and water.
    location, market : Scope2
        By both methods, whichever the total counts.
    contracted : Mapping[str, float]
        Share of the energy that a contract of one's own covers, by what generates it; empty without one.
    widest : tuple of WideningFactor
        The (up to) three factors that widen the interval most, widest first.
    device_kg_by_route : Mapping[str, float]
        Embodied carbon of one device by route, side by side.
    sources : tuple of str
        Reference keys of the factors used.
    """

    mode: str
    version: str
    region: str
    amortisation: str
    embodied_route: str
    carbon_basis: str
    carbon_intensity_g_per_kwh: float
    pue: float
    upstream_g_per_kwh: float | None
    scope2: str
    total_tco2e: float
    operational_tco2e: float
    embodied_tco2e: float
    boundary_tco2e: float
    energy_kwh: float
    water_litres: float
    water_on_site_litres: float
    metals_kg_sb: float | None
    primary_energy_mj: float | None
    construction: Construction | None
    parts: FootprintParts
    lines: tuple[BoundaryLine, ...]
    intervals: Mapping[str, tuple[float, float]]
    location: Scope2
    market: Scope2
    contracted: Mapping[str, float]
    widest: tuple[WideningFactor, ...]
    device_kg_by_route: Mapping[str, float]
    sources: tuple[str, ...]

    @property
    def low_tco2e(self) -> float:
        """5th percentile of the total."""
        return self.intervals["total_tco2e"][0]

    @property
    def high_tco2e(self) -> float:
        """95th percentile of the total."""
        return self.intervals["total_tco2e"][1]
