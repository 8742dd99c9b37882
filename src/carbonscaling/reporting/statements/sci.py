"""Software Carbon Intensity (ISO/IEC 21031): (E·I + M) per R, for a token, a FLOP and a parameter."""

from __future__ import annotations

from typing import Any

from carbonscaling.formula import formula
from carbonscaling.reporting.statements.record import Record
from carbonscaling.reporting.statements.text import conventions

__all__ = ["sci", "sci_score"]


@formula("(energy·intensity + embodied)/units", unit="kg", source="sci_21031", place="section 5: SCI = (E·I + M) per R")
def sci_score(energy: Any, intensity: Any, embodied: Any, units: Any) -> Any:
    """Carbon of one functional unit, in kg.

    Parameters
    ----------
    energy : J
    intensity : kg/J
        Location-based; the standard prefers the marginal one and accepts an average, which this project reports.
    embodied : kg
        Charged to the software by time: duration over lifetime.
    units : 1
        Functional units R: tokens, FLOPs, parameters.
    """
    return (energy * intensity + embodied) / units


STAGES = (("development", ("development", "failed_runs")), ("training", ("final run", "idle_reservation")),
          ("evaluation", ("evaluation",)), ("inference", ("inference",)))  # fmt: skip
"""Stages of SCI for AI and their lines: the provider answers for the first three, the consumer for the last."""


def _stages(r: Record) -> list[str]:
    """Return E and M of every stage of SCI for AI that is counted; they add up to E and M."""
    rows = []
    for stage, names in STAGES:
        lines = [line for line in r.lines if line.name in names and line.energy_kwh]
        if lines:
            energy, embodied = (sum(getattr(line, key) for line in lines) for key in ("energy_kwh", "embodied_tco2e"))
            rows.append(f"| E of {stage} (SCI for AI) | {energy:.6g} | kWh |")
            rows.append(f"| M of {stage} (SCI for AI) | {embodied * 1e6:.6g} | gCO2e |")
    return rows


def sci(r: Record) -> str:
    """Return E, I, M and the score by every functional unit that the record knows, as a Markdown table."""
    units = (
        ("training token", r.tokens),
        ("training FLOP", r.training_flops),
        ("parameter", r.n_params),
        ("training run", 1.0),
    )
    whole, intensity = r.project, r.location_intensity_g_per_kwh
    rows = [
        f"| E, energy | {whole.energy_kwh:.6g} | kWh |",
        f"| I, location-based average intensity | {intensity:.6g} | gCO2e/kWh |",
        f"| M, embodied | {whole.embodied_tco2e * 1e6:.6g} | gCO2e |",
    ]
    for name, count in units:
        if count:
            grams = sci_score(whole.energy_kwh, intensity, whole.embodied_tco2e * 1e6, count)
            rows.append(f"| SCI per {name} | {grams:.6g} | gCO2e |")
    rows += _stages(r)
    notes = "\n".join(f"- {line}" for line in conventions(r))
    return (
        f"# SCI (ISO/IEC 21031): {r.model or 'model'}\n\n| Quantity | Value | Unit |\n|---|--:|---|\n"
        + "\n".join(rows)
        + f"\n\n{notes}\n"
    )
