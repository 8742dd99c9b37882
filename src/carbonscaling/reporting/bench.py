"""The speed of the search, as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.text import Text

from carbonscaling.bench.stopwatch import BenchRow
from carbonscaling.reporting.tables import figures
from carbonscaling.words import percent

__all__ = ["bench_page"]


_HEADINGS = ("what", "seconds", "processor s", "settings", "million/s", "fit", "threads", "remark")


_PROMISES = ("question", "seconds", "may take", "kept", "settings", "remark")
_WORDS = ("what", "question", "remark")


def _measured(row: BenchRow) -> tuple[str, ...]:
    rate = f"{row.candidates_per_s / 1e6:,.1f}" if row.n_candidates else ""
    count, fit = (f"{row.n_candidates:.2e}", percent(row.feasible_share)) if row.n_candidates else ("", "")
    busy = f"{row.processor_s:.3g}" if row.processor_s else ""
    return (row.name, f"{row.seconds:.3g}", busy, count, rate, fit, str(row.threads), row.note)


def _promised(row: BenchRow) -> tuple[str, ...]:
    limit = row.limit_s or 0.0
    count = f"{row.n_candidates:.2e}" if row.n_candidates else ""
    return (row.name, f"{row.seconds:.3g}", f"{limit:g}", "yes" if row.seconds <= limit else "NO", count, row.note)


def bench_page(rows: Sequence[BenchRow], summary: Mapping[str, Any]) -> Group:
    """Return the page of a measurement."""
    head = (
        f"{summary['candidates_per_s'] / 1e6:.1f} million settings a second on {summary['cores']} cores, "
        f"{summary['candidates_per_s_one_core'] / 1e6:.1f} on one ({summary['candidates_per_processor_s'] / 1e6:.1f} a "
        f"second of processor time); {percent(summary['feasible_share'])} of them fit.\n"
        f"Peak memory {summary['peak_memory_mb']:.0f} MB; time per setting differs by {summary['growth']:.2f} between "
        f"sizes, beside {1e3 * summary['fixed_s']:.0f} ms a search; pruned at least {summary['pruned_speedup']:.0f} times "
        "as fast."
    )
    questions = [row for row in rows if row.limit_s is not None]
    return Group(
        Text(head, style="bold"),
        Text(""),
        figures(_HEADINGS, [_measured(row) for row in rows if row.limit_s is None], words=_WORDS),
        Text(""),
        figures(_PROMISES, [_promised(r) for r in questions], words=_WORDS),
    )
