"""Rows of ESRS E1 (climate change) and E3 (water) that one training adds to an operator's sustainability statement."""

from __future__ import annotations

from carbonscaling.catalog.regions import known_place
from carbonscaling.files import csv_text
from carbonscaling.reporting.statements.energy_mix import energy_mix
from carbonscaling.reporting.statements.inventory import scopes
from carbonscaling.reporting.statements.record import Record

__all__ = ["esrs"]

COLUMNS = ("disclosure", "line", "value", "unit", "method", "remark")
NUMBERING = "disclosure numbers of Delegated Regulation (EU) 2023/2772; the amended standards number otherwise"
AMORTISED = (
    "share of the run by use; ESRS counts a capital good in full in the year it is bought: "
    "this line allocates and is not to be added"
)
TOTAL = "a plan's own total leaves category 3 out"
HIGH_STRESS = 3
"""World Resources Institute: high, 40 to 80 % of the water withdrawn."""

Row = tuple[str, str, float | None, str, str, str]


def _rows(r: Record) -> list[Row]:
    all_lines = r.project
    counted = ", ".join(line.name.replace("_", " ") for line in r.lines if line.energy_kwh)
    found = scopes(r, all_lines)
    embodied = f"{r.embodied_route} route; {r.amortisation}"
    mixed = "fuel supply and plants are inside: not known apart" if r.life_cycle and found.upstream is None else ""
    more = "" if r.life_cycle else TOTAL
    rows: list[Row] = [
        ("E1-5", "Total energy consumption", all_lines.energy_kwh / 1000.0, "MWh", r.energy_method, counted),
        *(
            ("E1-5", f"of which {line.name.replace('_', ' ')}", line.energy_kwh / 1000.0, "MWh", "", "")
            for line in r.lines
            if len(r.lines) > 1 and line.energy_kwh
        ),
        *_by_generation(r),
        ("E1-6", "Gross Scope 1", 0.0, "tCO2e", "not applicable", "no fuel is burnt on site; back-up generators not counted"),
        ("E1-6", "Gross location-based Scope 2", found.scope2_location, "tCO2e", r.location_basis, mixed),
        ("E1-6", "Gross market-based Scope 2", found.scope2_market, "tCO2e", r.market_basis, ""),
        ("E1-6", "Scope 3, category 1 purchased goods and services", 0.0, "tCO2e", "operator's side",
         "who rents the devices reports the location-based total here, and nothing above"),
        ("E1-6", "Scope 3, category 2 capital goods", found.capital_goods, "tCO2e", embodied, AMORTISED),
        ("E1-6", "Scope 3, category 3 fuel and energy", found.upstream, "tCO2e",
         "life-cycle less generation intensity of the place", "" if found.upstream is not None else
         "inside Scope 2" if r.life_cycle else "not both intensities are published for this place, or they contradict"),
        ("E1-6", "Total GHG emissions (location-based)", found.total_location, "tCO2e", "sum of the lines above", more),
        ("E1-6", "Total GHG emissions (market-based)", found.total_market, "tCO2e", "sum of the lines above", more),
        *_water(r),
    ]  # fmt: skip
    return rows


def _by_generation(r: Record) -> list[Row]:
    """Return energy from fossil, nuclear and renewable sources; not known where the grid's mix is not."""
    mix, mwh = energy_mix(r), r.project.energy_kwh / 1000.0
    names = (
        ("fossil", "from fossil sources", ""),
        ("nuclear", "from nuclear sources", ""),
        ("renewable", "from renewable sources", "what contracts define alone, as AR 32 (j) asks"),
        ("unclaimed", "from renewables of the grid without a contract", "AR 32 (j) does not count it as renewable"),
    )
    method = (
        "no mix of this grid that may be passed on; --grid-mix gives one" if mix is None else f"contracts; {mix.source}"
    )
    return [
        (
            "E1-5",
            f"Energy consumption {words}",
            None if mix is None else mwh * getattr(mix, kind),
            "MWh",
            method,
            remark,
        )
        for kind, words, remark in names
    ]


def _water(r: Record) -> list[Row]:
    whole, own = r.project.water_litres / 1e3, r.project.water_on_site_litres
    there = known_place(r.region)
    stress = None if there is None else there.water_stress
    on_site = None if own is None else own / 1e3
    stressed = None if stress is None else (on_site if stress >= HIGH_STRESS else 0.0)
    words = (
        "category of water stress not known" if stress is None else f"water stress {stress} of 4, the country's mean"
    )
    return [
        ("E3-4", "Total water consumption, own operations", on_site, "m3", "on site", ""),
        ("E3-4", "of which in areas of high water stress", stressed, "m3", "World Resources Institute, Aqueduct 4.0", words),
        ("E3-4", "Value chain: water of electricity generation", None if on_site is None else whole - on_site, "m3",
         "evaporation of reservoirs included", "not part of own consumption"),
    ]  # fmt: skip


def esrs(r: Record) -> str:
    """Return the rows as CSV, from the operator's side: every line of the project is in every row."""
    cells = [
        (disclosure, line, "not known" if value is None else f"{value:.6g}", unit, method, remark)
        for disclosure, line, value, unit, method, remark in _rows(r)
    ]
    cells.append(("", "Numbering", "", "", "", NUMBERING))
    return csv_text(COLUMNS, (dict(zip(COLUMNS, row, strict=True)) for row in cells))
