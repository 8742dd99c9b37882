"""Figures of a study's report: the front, what each input does, and the spread over the one that matters most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from carbonscaling.reporting.document import figures
from carbonscaling.reporting.document.html import Markup
from carbonscaling.study.sweep.columns import column
from carbonscaling.study.sweep.query import Results
from carbonscaling.study.sweep.views import quantiles

__all__ = ["front_figure", "leading_figure", "sensitivity_figure"]

MOST_LABELS = 12
MOST_BARS = 20
LONGEST = 30


def _short(words: str) -> str:
    return words if len(words) <= LONGEST else f"...{words[3 - LONGEST :]}"


def _bars(title: str, spans: Sequence[tuple[str, float, float, float]]) -> list[Markup]:
    """Draw intervals of tonnes, in kg where all are below one."""
    scale, unit = (1.0, "t") if max(high for *_, high in spans) >= 1 else (1e3, "kg")
    return [
        figures.intervals(
            title,
            [(_short(name), scale * low, scale * middle, scale * high) for name, low, middle, high in spans],
            unit,
        )
    ]


def front_figure(points: Sequence[tuple[float, float, int]]) -> list[Markup]:
    """Return the front of (days, tCO2e, case) as a figure; none where it is a single case."""
    if len(points) < 2:
        return []
    every = -(-len(points) // MOST_LABELS)
    rows = [(days, carbon, "" if i % every else f"{case:,}") for i, (days, carbon, case) in enumerate(points)]
    return [figures.front("Cases that none beats in time and carbon; labels: case", rows)]


def sensitivity_figure(r: Results, rows: Sequence[Mapping[str, Any]]) -> list[Markup]:
    """Return the span of the mean carbon over each input's values, around the mean of all cases."""
    (middle,) = r.sql("SELECT exp(avg(ln(carbon_total_tco2e))) FROM best WHERE carbon_total_tco2e > 0").fetchall()[0]
    spans = [(row["input"].removeprefix("x_"), row["low"], middle, row["high"]) for row in rows[:MOST_BARS]]
    return _bars("Mean carbon over each input's values (geometric), and of all cases", spans)


def leading_figure(r: Results, rows: Sequence[Mapping[str, Any]]) -> list[Markup]:
    """Return the spread of carbon at each value of the input that explains most and has few enough values."""
    counts = {column(key): len(set(values)) for block in r.study.blocks for key, values in block.columns.items()}
    name = next((row["input"] for row in rows if 1 < counts[row["input"]] <= MOST_BARS), None)
    if name is None:
        return []
    found = quantiles(r, [name])
    lines = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    spans = [
        (f"{x[name]:,}" if isinstance(x[name], int) else str(x[name]), x["p05"], x["p50"], x["p95"]) for x in lines
    ]
    return _bars(f"Carbon by {name.removeprefix('x_')}: median, 5th to 95th percentile of its cases", spans)
