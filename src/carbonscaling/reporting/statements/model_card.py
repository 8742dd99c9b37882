"""The carbon block of a Hugging Face model card: YAML metadata and a paragraph."""

from __future__ import annotations

import json

from carbonscaling.reporting.statements.record import Record
from carbonscaling.reporting.statements.text import beside_plan, conventions, not_measured, span
from carbonscaling.words import big, energy, mass, plain

__all__ = ["model_card", "training_type"]

PRE_TRAINING = ("full", "continued")


def training_type(train: str) -> str:
    """Return what the Hub calls a training; empty where it is not known.

    >>> training_type("continued"), training_type("lora"), training_type("")
    ('pre-training', 'fine-tuning', '')
    """
    return "" if not train else "pre-training" if train in PRE_TRAINING else "fine-tuning"


def model_card(r: Record) -> str:
    """Return front matter with ``co2_eq_emissions`` (grams, as the Hub's metadata asks) and the section on carbon."""
    grams = round(r.total_tco2e * 1e6)
    source = f"carbonscaling, {r.energy_method}"
    hardware = f"{r.n_devices} x {r.device}"
    whole = r.project
    lines = [
        "---",
        "co2_eq_emissions:",
        f"  emissions: {grams}",
        f"  source: {json.dumps(source)}",
        *([f'  training_type: "{kind}"'] if (kind := training_type(r.train)) else []),
        f"  geographical_location: {json.dumps(r.where)}",
        f"  hardware_used: {json.dumps(hardware)}",
        "---",
        "",
        "## Environmental impact",
        "",
        f"- **Hardware:** {hardware}, {big(r.device_hours)} device-hours over {plain(r.duration_h)} hours",
        f"- **Region:** {r.where} ({r.region})",
        f"- **Energy:** {energy(whole.energy_kwh)}, of which the final run {energy(r.energy_kwh)} "
        f"({span(r, 'energy_kwh', 1e-3)} MWh)",
        f"- **Carbon emitted:** {mass(r.total_tco2e)} ({span(r, 'total_tco2e')} tCO2e): operation "
        f"{mass(whole.location_tco2e)} location-based ({mass(whole.market_tco2e)} market-based), embodied "
        f"{mass(whole.embodied_tco2e)}",
        f"- **Water:** {plain(whole.water_litres / 1000.0)} m3",
        "",
        *conventions(r),
    ]
    if any(line.energy_kwh for line in r.lines[1:]):
        lines += _by_line(r)
    table = beside_plan(r)
    if table:
        lines += ["", "| | planned | actual |", "|---|--:|--:|"]
        lines += [f"| {name} ({unit}) | {plain(planned)} | {plain(actual)} |" for name, planned, actual, unit in table]
        lines += ["", *not_measured(r)]
    return "\n".join(lines) + "\n"


def _by_line(r: Record) -> list[str]:
    """Return a table of the final run, what stands beside it, and all together."""
    head = [
        "",
        "| | MWh | operation by location, tCO2e | by market, tCO2e | embodied, tCO2e | water, m3 |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    return head + [
        f"| {line.name.replace('_', ' ')} | {line.energy_kwh / 1e3:.4g} | {line.location_tco2e:.4g} | "
        f"{line.market_tco2e:.4g} | {line.embodied_tco2e:.4g} | {line.water_litres / 1e3:.4g} |"
        for line in (*r.lines, r.project)
        if line.energy_kwh
    ]
