"""The chances of a plan, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.text import Text

from carbonscaling.reporting.tables import figures

__all__ = ["chances_page"]

NAMES = {"days": "days", "energy_kwh": "kWh", "carbon_tco2e": "t CO2e", "interruptions": "interruptions"}


def chances_page(data: Mapping[str, Any]) -> Group:
    """Return quantiles of every figure, and the chance of the limits."""
    shares = list(data["quantiles"]["days"])
    table = figures(("", *(f"{float(share):.0%} below" for share in shares)))
    for name, values in data["quantiles"].items():
        table.add_row(NAMES[name], *(f"{values[share]:,.4g}" for share in shares))
    head = (
        f"{data['steady_days']:.1f} days of steady training, an interruption every {data['mtbf_h']:.1f} hours, a checkpoint "
        f"after every {data['checkpoint_interval_s']:,.0f} s of training"
    )
    return Group(Text(head, style="bold"), table, Text(f"All limits hold with a probability of {data['within']:.1%}."))
