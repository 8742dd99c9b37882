"""The carbon block of a Hugging Face model card: YAML metadata and a paragraph."""

from __future__ import annotations

import json

from carbonscaling.reporting.statements.record import Record
from carbonscaling.reporting.statements.text import beside_plan, conventions, span
from carbonscaling.words import big, energy, mass, plain

__all__ = ["model_card"]


def model_card(r: Record) -> str:
    """Return front matter with ``co2_eq_emissions`` (grams, as the Hub's metadata asks) and the section on carbon."""
    grams = round(r.total_tco2e * 1e6)
    source = f"carbonscaling, {r.energy_method}"
    hardware = f"{r.n_devices} x {r.device}"
    lines = [
        "---",
        "co2_eq_emissions:",
        f"  emissions: {grams}",
        f"  source: {json.dumps(source)}",
        '  training_type: "pre-training"',
        f"  geographical_location: {json.dumps(r.region)}",
        f"  hardware_used: {json.dumps(hardware)}",
        "---",
        "",
        "## Environmental impact",
        "",
        f"- **Hardware:** {hardware}, {big(r.device_hours)} device-hours over {plain(r.duration_h)} hours",
        f"- **Region:** {r.region}",
        f"- **Energy:** {energy(r.energy_kwh)} ({span(r, 'energy_kwh', 1e-3)} MWh)",
        f"- **Carbon emitted:** {mass(r.total_tco2e)} ({span(r, 'total_tco2e')} tCO2e): operation {mass(r.operational_tco2e)} "
        f"location-based ({mass(r.market_tco2e)} market-based), embodied {mass(r.embodied_tco2e)}",
        f"- **Water:** {plain(r.water_litres / 1000.0)} m3",
        "",
        *conventions(r),
    ]
    table = beside_plan(r)
    if table:
        lines += ["", "| | planned | actual |", "|---|--:|--:|"]
        lines += [f"| {name} ({unit}) | {plain(planned)} | {plain(actual)} |" for name, planned, actual, unit in table]
    return "\n".join(lines) + "\n"
