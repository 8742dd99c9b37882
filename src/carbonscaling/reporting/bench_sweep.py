"""The speed of studies, as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from carbonscaling.bench.sweep import SweepRow
from carbonscaling.words import percent

__all__ = ["bench_sweep_page"]


def bench_sweep_page(rows: Sequence[SweepRow], summary: Mapping[str, Any]) -> Group:
    """Return the page of a measurement."""
    table = Table(box=None, padding=(0, 1), header_style="bold", show_edge=False)
    headings = (
        "study",
        "workers",
        "cases",
        "cases/s",
        "CPU us/case",
        "at work",
        "driver ms/shard",
        "B/case",
        "peak MB",
    )
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "study" else "right")
    for r in rows:
        table.add_row(
            r.study, str(r.n_workers), f"{r.n_cases:,}", f"{r.cases_per_s:,.0f}", f"{1e6 * r.case_s:.1f}", percent(r.busy),
            f"{1e3 * r.driver_s:.2f}", f"{r.bytes_per_case:.0f}", f"{r.peak_bytes / 1e6:.0f}",
        )  # fmt: skip
    lines = []
    for name, s in summary.items():
        lines.append(
            f"{name}: from 1 to {s['workers']} workers {percent(s['efficiency'])} efficient by processor time and waiting, "
            f"{percent(s['efficiency_by_clock'])} by the clock.\n"
            f"{s['great_cases']:.0e} cases x {1e6 * s['case_s']:.1f} us = {s['great_worker_hours']:,.1f} worker hours; "
            f"{s['great_workers']:,} workers at {percent(min(1.0, s['efficiency']))}, and a driver that hands out "
            f"{s['great_shards']:,.0f} shards in {60 * s['great_driver_hours']:,.1f} min: {60 * s['great_hours']:,.1f} min, "
            f"{s['great_bytes'] / 1e9:,.0f} GB.\n"
        )
    return Group(table, Text(""), Text("\n".join(lines)))
