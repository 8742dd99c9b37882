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


def sci(r: Record) -> str:
    """Return E, I, M and the score by every functional unit that the record knows, as a Markdown table."""
    units = (
        ("training token", r.tokens),
        ("training FLOP", r.training_flops),
        ("parameter", r.n_params),
        ("training run", 1.0),
    )
    rows = [
        f"| E, energy | {r.energy_kwh:.6g} | kWh |",
        f"| I, location-based average intensity | {r.carbon_intensity_g_per_kwh:.6g} | gCO2e/kWh |",
        f"| M, embodied | {r.embodied_tco2e * 1e6:.6g} | gCO2e |",
    ]
    for name, count in units:
        if count:
            grams = sci_score(r.energy_kwh, r.carbon_intensity_g_per_kwh, r.embodied_tco2e * 1e6, count)
            rows.append(f"| SCI per {name} | {grams:.6g} | gCO2e |")
    notes = "\n".join(f"- {line}" for line in conventions(r))
    return (
        f"# SCI (ISO/IEC 21031): {r.model or 'model'}\n\n| Quantity | Value | Unit |\n|---|--:|---|\n"
        + "\n".join(rows)
        + f"\n\n{notes}\n"
    )
