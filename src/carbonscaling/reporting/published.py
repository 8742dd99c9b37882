"""The page of four whole runs: what was measured, and what each method says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from carbonscaling.baselines.peer_sets import PeerSet
from carbonscaling.baselines.published import Method, PublishedRun
from carbonscaling.reporting.jsonable import jsonable
from carbonscaling.reporting.tables import figures

__all__ = ["published_data", "published_page"]


_HEADERS = {"llmcarbon": "LLMCarb.", "constant_mfu": "40 %", "unfitted": "unfitt."}


def _table(title: str, columns: Sequence[str]) -> Table:
    return figures(("", *(_HEADERS.get(name, name) for name in columns)), title=title)


def published_page(runs: Sequence[PublishedRun], methods: Sequence[Method], sets: Sequence[PeerSet]) -> RenderableType:
    """Return the runs by method, how each method does on all of them, and the step times that peers publish on."""
    names = [m.name for m in methods]
    speed = _table("Steady state, tokens/s/device, and each method's error", ("measured", *names))
    hours = _table("Million device-hours with the published overhead, and each method's error", ("reported", *names))
    span = _table(
        "Million device-hours with the default overhead, left out", ("reported", "overhead", "90 % interval", "")
    )
    for r in runs:
        speed.add_row(r.name, f"{r.speed:,.4g}", *(f"{r.predicted[n] / r.speed - 1:+.1%}" for n in names))
        hours.add_row(r.name, f"{r.hours / 1e6:.2f}", *(f"{r.device_hours(n) / r.hours - 1:+.1%}" for n in names))
        inside = "inside" if r.low <= r.hours <= r.high else "outside"
        interval = f"{r.low / 1e6:.2f} to {r.high / 1e6:.2f}"
        span.add_row(r.name, f"{r.hours / 1e6:.2f}", f"x {r.overhead:.4g}", interval, inside)
    total = _table("All four", ("speed MAPE", "hours MAPE", "hours R²"))
    for m in methods:
        r2 = f"{m.hours.r2:.4f}" if m.hours.r2 > -10 else "< -10"
        total.add_row(_HEADERS.get(m.name, m.name), f"{m.speed.mape:.1%}", f"{m.hours.mape:.1%}", r2)
    said = "left out: fitted without the run's source; shipped: the fit has seen all four; unfitted: device level"
    steps = _table(
        "Step times that simulators publish their error on: mean and median error", ("left out", "", "unfitted", "")
    )
    for found in sets:
        merit = (found.left_out.mape, found.left_out.median, found.unfitted.mape, found.unfitted.median)
        steps.add_row(found.name, *(f"{figure:.1%}" for figure in merit))
    parts: list[RenderableType] = [Text("")] * 10
    parts[::2] = [speed, hours, span, total, steps]
    return Group(*parts, Text(said, style="dim"))


def published_data(runs: Sequence[PublishedRun], methods: Sequence[Method], sets: Sequence[PeerSet]) -> dict[str, Any]:
    """Return the page as plain data."""
    return {
        "runs": [jsonable(asdict(r)) for r in runs],
        "methods": [jsonable(asdict(m)) for m in methods],
        "step_times": [jsonable(asdict(s)) for s in sets],
    }
