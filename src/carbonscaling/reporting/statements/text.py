"""Words that several statements share."""

from __future__ import annotations

import math

from carbonscaling.reporting.statements.record import Record
from carbonscaling.words import energy, mass, plain

__all__ = ["beside_plan", "conventions", "not_measured", "significant", "span"]


def significant(value: float, digits: int = 3) -> str:
    """Return a number with so many significant digits, without an exponent, thousands unseparated.

    >>> significant(433196.4), significant(0.012345), significant(12.0)
    ('433000', '0.0123', '12')
    """
    text = f"{float(f'{value:.{digits}g}'):.12f}".rstrip("0").rstrip(".")
    return text or "0"


def span(record: Record, figure: str, factor: float = 1.0) -> str:
    """Return the interval of a figure in words."""
    low, high = record.intervals[figure]
    return f"{plain(low * factor)} to {plain(high * factor)}"


def conventions(r: Record) -> list[str]:
    """Return what was counted how."""
    counted = [name.replace("_", " ") for name, tonnes in r.boundary_tco2e.items() if tonnes]
    return [
        f"Energy: facility energy, PUE {r.pue:.3g}; {r.energy_method}.",
        f"Carbon intensity: {plain(r.carbon_intensity_g_per_kwh)} g CO2e/kWh ({r.carbon_basis or 'basis not stated'}); "
        f"market-based {plain(r.market_intensity_g_per_kwh)} g CO2e/kWh ({r.market_basis}).",
        f"Embodied carbon: {r.embodied_route} route, amortised by {r.amortisation}.",
        f"Counted beside the final run: {', '.join(counted) if counted else 'nothing'}.",
        *(
            [f"Not explained by the job: {energy(r.energy_parts_kwh['unexplained'])} of what was metered."]
            if r.energy_parts_kwh.get("unexplained")
            else []
        ),
        "Intervals: 5th to 95th percentile over the published ranges of the factors.",
    ]


def beside_plan(r: Record) -> list[tuple[str, float, float, str]]:
    """Return planned and actual figures of the final run, name and unit, where a plan is known."""
    if r.plan is None:
        return []
    p = r.plan
    return [
        ("device-hours", p.device_hours, r.device_hours, "h"),
        ("energy", p.energy_kwh, r.energy_kwh, "kWh"),
        ("operational carbon, location-based", p.operational_tco2e, r.operational_tco2e, "tCO2e"),
        ("operational carbon, market-based", p.market_tco2e, r.market_tco2e, "tCO2e"),
        ("embodied carbon", p.embodied_tco2e, r.embodied_tco2e, "tCO2e"),
        ("operational and embodied carbon", p.run_tco2e, r.run_tco2e, "tCO2e"),
    ]


def not_measured(r: Record) -> list[str]:
    """Return what was planned beside the final run, which a meter of the run does not see; nothing where there is none."""
    beside = [line for line in r.plan.lines[1:] if line.energy_kwh] if r.plan else []
    if not (r.plan and beside):
        return []
    names = ", ".join(line.name.replace("_", " ") for line in beside)
    kwh, tonnes = math.fsum(line.energy_kwh for line in beside), r.plan.total_tco2e - r.plan.run_tco2e
    return [
        "Planned and actual are of the final run. "
        f"Planned beside it and not measured: {names}, {energy(kwh)} and {mass(tonnes)}."
    ]
