"""What a user waits for, as a page."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from carbonscaling.bench.felt import FeltRow
from carbonscaling.bench.versions import Versus

__all__ = ["bench_against_page", "bench_felt_page"]


def bench_felt_page(rows: Sequence[FeltRow]) -> Table:
    """Return the page of a measurement."""
    table = Table(box=None, padding=(0, 1), header_style="bold", show_edge=False)
    for heading in ("what", "measured", "wanted", "times as good"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for r in rows:
        table.add_row(r.what, f"{r.value:.3g} {r.unit}", f"{'<' if r.most else '>'} {r.wanted:g}", f"{r.ratio:.2g}")
    return table


def bench_against_page(rows: Sequence[Versus], before: str, now: str) -> Table:
    """Return the page of two versions beside each other."""
    table = Table(box=None, padding=(0, 1), header_style="bold", show_edge=False)
    for heading in ("processor time", before, now, "times as fast"):
        table.add_column(heading, justify="left" if heading == "processor time" else "right")
    for r in rows:
        table.add_row(r.what, _seconds(r.before), _seconds(r.now), f"{r.ratio:.2g}")
    return table


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value >= 0.1 else f"{1e3 * value:.3g} ms"
