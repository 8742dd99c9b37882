"""The speed of the search, as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from carbonscaling.report.words import percent
from carbonscaling.study.bench import BenchRow

__all__ = ["bench_page"]


def bench_page(rows: Sequence[BenchRow], summary: Mapping[str, Any]) -> Group:
    """Return the page of a measurement."""
    table = Table(box=None, padding=(0, 1), header_style="bold", show_edge=False)
    for heading in ("what", "seconds", "settings", "million/s", "fit", "threads", "remark"):
        table.add_column(heading, justify="left" if heading in ("what", "remark") else "right")
    for row in rows:
        rate = f"{row.candidates_per_s / 1e6:,.1f}" if row.n_candidates else ""
        count, fit = (f"{row.n_candidates:.2e}", percent(row.feasible_share)) if row.n_candidates else ("", "")
        table.add_row(row.name, f"{row.seconds:.3g}", count, rate, fit, str(row.threads), row.note)
    head = (
        f"{summary['candidates_per_s'] / 1e6:.1f} million settings a second on {summary['cores']} cores, "
        f"{summary['candidates_per_s_one_core'] / 1e6:.1f} on one; {percent(summary['feasible_share'])} of them fit.\n"
        f"Peak memory {summary['peak_memory_mb']:.0f} MB; time per setting grows by {summary['growth']:.2f} over all sizes."
    )
    return Group(Text(head, style="bold"), Text(""), table)
