"""Inventory of a project by the GHG Protocol: every line with its scopes, and the totals that they add up to."""

from __future__ import annotations

from carbonscaling.files import csv_text
from carbonscaling.hints import NamedTuple
from carbonscaling.reporting.statements.record import Record, RecordLine

__all__ = ["Scopes", "ghg_protocol", "scopes"]

COLUMNS = (
    "line", "energy_mwh", "scope1_tco2e", "scope2_location_tco2e", "scope2_market_tco2e", "scope3_category2_tco2e",
    "scope3_category3_tco2e", "total_location_tco2e", "total_market_tco2e", "scope3_category1_of_a_tenant_tco2e",
    "water_on_site_m3", "water_of_generation_m3",
)  # fmt: skip


class Scopes(NamedTuple):
    """Emissions of a line by scope, in tCO2e, for who runs the machines.

    `upstream` is None where fuel supply, plants and losses are not known apart from generation.
    """

    scope2_location: float
    scope2_market: float
    capital_goods: float
    upstream: float | None

    @property
    def total_location(self) -> float:
        """Everything, location-based."""
        return self.scope2_location + self.capital_goods + (self.upstream or 0.0)

    @property
    def total_market(self) -> float:
        """Everything, market-based."""
        return self.scope2_market + self.capital_goods + (self.upstream or 0.0)


def scopes(r: Record, line: RecordLine) -> Scopes:
    """Return a line by scope: scope 2 counts generation alone, category 3 what the life cycle has beyond it."""
    upstream = None if r.upstream_g_per_kwh is None else line.energy_kwh * r.upstream_g_per_kwh / 1e6
    generation = line.location_tco2e - (upstream or 0.0) if r.life_cycle else line.location_tco2e
    return Scopes(generation, line.market_tco2e, line.embodied_tco2e, upstream)


def _cells(r: Record, line: RecordLine) -> tuple[object, ...]:
    found = scopes(r, line)
    on_site = line.water_on_site_litres
    figures = (
        line.energy_kwh / 1e3, 0.0, found.scope2_location, found.scope2_market, found.capital_goods, found.upstream,
        found.total_location, found.total_market, found.total_location,
        None if on_site is None else on_site / 1e3, None if on_site is None else (line.water_litres - on_site) / 1e3,
    )  # fmt: skip
    return (line.name.replace("_", " "), *("not known" if x is None else f"{x:.6g}" for x in figures))


def ghg_protocol(r: Record) -> str:
    """Return one CSV row a line and one for all together.

    Totals are those of who runs the machines (scopes 1 to 3); who rents them reports the location-based total in scope 3,
    category 1, alone.
    """
    return csv_text(COLUMNS, (dict(zip(COLUMNS, _cells(r, line), strict=True)) for line in (*r.lines, r.project)))
