"""Rows of ESRS E1 (climate change) that one training adds to an operator's sustainability statement."""

from __future__ import annotations

import csv
import io

from carbonscaling.reporting.statements.record import Record

__all__ = ["esrs"]

COLUMNS = ("disclosure", "line", "value", "unit", "method", "remark")
AMORTISED = (
    "share of the run by use; ESRS counts a capital good in full in the year it is bought: "
    "this line allocates and is not to be added"
)


def _rows(r: Record) -> list[tuple[str, str, float, str, str, str]]:
    lines = sum(r.boundary_tco2e.values())
    embodied = f"{r.embodied_route} route; {r.amortisation}"
    rows = [
        ("E1-5", "Total energy consumption", r.energy_kwh / 1000.0, "MWh", r.energy_method, "final run"),
        ("E1-6", "Gross Scope 1", 0.0, "tCO2e", "not applicable", "no fuel is burnt on site; back-up generators not counted"),
        ("E1-6", "Gross location-based Scope 2", r.operational_tco2e, "tCO2e", r.carbon_basis, "operator's own electricity"),
        ("E1-6", "Gross market-based Scope 2", r.market_tco2e, "tCO2e", r.market_basis, "operator's own electricity"),
        ("E1-6", "Scope 3, category 2 capital goods", r.embodied_tco2e, "tCO2e", embodied, AMORTISED),
    ]  # fmt: skip
    if lines:
        rows.append(
            ("E1-6", "Beside the final run, scopes 2 and 3", lines, "tCO2e", "shares of the final run", ", ".join(
                name.replace("_", " ") for name, tonnes in r.boundary_tco2e.items() if tonnes
            ))
        )  # fmt: skip
    by_location = r.operational_tco2e + r.embodied_tco2e + lines
    by_market = r.market_tco2e + r.embodied_tco2e + lines
    rows += [
        ("E1-6", "Total GHG emissions (location-based)", by_location, "tCO2e", "sum of the lines above", ""),
        ("E1-6", "Total GHG emissions (market-based)", by_market, "tCO2e", "sum of the lines above",
         "lines beside the final run are location-based" if lines else ""),
        ("E3-4", "Water consumption", r.water_litres / 1000.0, "m3", "on site and of electricity generation", ""),
    ]  # fmt: skip
    return rows


def esrs(r: Record) -> str:
    """Return the rows as CSV, from the operator's side: who rents the devices reports all of it in Scope 3, category 1."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for disclosure, line, value, unit, method, remark in _rows(r):
        writer.writerow((disclosure, line, f"{value:.6g}", unit, method, remark))
    return out.getvalue()
