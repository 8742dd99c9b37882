"""Intervals of an answer's figures, and the factors behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group
from rich.text import Text

from carbonscaling.carbon.sobol import SobolIndex
from carbonscaling.reporting.tables import figures
from carbonscaling.study.estimate import Estimate
from carbonscaling.words import percent, plain

__all__ = ["uncertainty_data", "uncertainty_page"]

SHOWN = 10
UNITS = {
    "energy_kwh": "kWh", "operational_tco2e": "tCO2e", "embodied_tco2e": "tCO2e", "total_tco2e": "tCO2e", "water_litres": "L",
}  # fmt: skip


def _central(e: Estimate, name: str) -> float:
    return float(getattr(e.footprint, name))


def uncertainty_data(e: Estimate, figure: str, indices: Sequence[SobolIndex]) -> dict[str, Any]:
    """Return intervals and indices as plain data."""
    f = e.footprint
    return {
        "intervals": {k: {"central": _central(e, k), "low": v[0], "high": v[1]} for k, v in f.intervals.items()},
        "figure": figure,
        "sobol": [asdict(index) for index in indices],
        "widest": [vars(w) for w in f.widest],
    }


def uncertainty_page(e: Estimate, figure: str, indices: Sequence[SobolIndex]) -> Group:
    """Return intervals, indices, and the effect of the widest factors one at a time."""
    f = e.footprint
    spans = figures(("figure", "central", "5 %", "95 %", "unit"), words=("figure", "unit"))
    for name, (low, high) in f.intervals.items():
        words = name.rpartition("_")[0].replace("_", " ")
        spans.add_row(words, plain(_central(e, name)), plain(low), plain(high), UNITS[name])
    shares = figures(("factor", "alone", "with interactions", "source"), words=("factor", "source"))
    for index in indices[:SHOWN]:
        total = f"{percent(max(index.total, 0.0))} +- {percent(index.conf)}"
        shares.add_row(index.name.replace("_", " "), percent(max(index.first, 0.0)), total, index.source)
    lines = [f"  {w.name.replace('_', ' ')}: {plain(w.low_tco2e)} to {plain(w.high_tco2e)} tCO2e" for w in f.widest]
    return Group(
        spans, Text(""), Text(f"Share of the variance of '{figure}' (Sobol indices)", style="bold"), shares, Text(""),
        Text("What widens the total most, one factor at a time", style="bold"), *(Text(line) for line in lines),
    )  # fmt: skip
