"""What a user waits for, as a page."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from carbonscaling.bench.felt import FeltRow

__all__ = ["bench_felt_page"]


def bench_felt_page(rows: Sequence[FeltRow]) -> Table:
    """Return the page of a measurement."""
    table = Table(box=None, padding=(0, 1), header_style="bold", show_edge=False)
    for heading in ("what", "measured", "wanted", "times as good"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for r in rows:
        table.add_row(r.what, f"{r.value:.3g} {r.unit}", f"{'<' if r.most else '>'} {r.wanted:g}", f"{r.ratio:.2g}")
    return table
