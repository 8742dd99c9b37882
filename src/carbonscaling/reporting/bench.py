"""What was measured of speed, as pages: the search, what a user waits for, studies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from carbonscaling.bench.felt import FeltRow
from carbonscaling.bench.stopwatch import BenchRow
from carbonscaling.bench.sweep import SweepRow
from carbonscaling.bench.versions import Versus
from carbonscaling.reporting.tables import figures
from carbonscaling.words import percent

__all__ = ["bench_against_page", "bench_felt_page", "bench_page", "bench_sweep_page"]


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


def bench_felt_page(rows: Sequence[FeltRow]) -> Table:
    """Return the page of what a user waits for."""
    cells = [
        (r.what, f"{r.value:.3g} {r.unit}", f"{'<' if r.most else '>'} {r.wanted:g}", f"{r.ratio:.2g}") for r in rows
    ]
    return figures(("what", "measured", "wanted", "times as good"), cells)


def bench_against_page(rows: Sequence[Versus], before: str, now: str) -> Table:
    """Return the page of two versions beside each other."""
    cells = [(r.what, _seconds(r.before), _seconds(r.now), f"{r.ratio:.2g}") for r in rows]
    return figures(("processor time", before, now, "times as fast"), cells)


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value >= 0.1 else f"{1e3 * value:.3g} ms"


_STUDIES = ("study", "workers", "cases", "cases/s", "CPU us/case", "at work", "driver ms/shard", "B/case", "peak MB")


def bench_sweep_page(rows: Sequence[SweepRow], summary: Mapping[str, Any]) -> Group:
    """Return the page of studies."""
    cells = [
        (
            r.study, str(r.n_workers), f"{r.n_cases:,}", f"{r.cases_per_s:,.0f}", f"{1e6 * r.case_s:.1f}", percent(r.busy),
            f"{1e3 * r.driver_s:.2f}", f"{r.bytes_per_case:.0f}", f"{r.peak_bytes / 1e6:.0f}",
        )
        for r in rows
    ]  # fmt: skip
    lines = [
        f"{name}: from 1 to {s['workers']} workers {percent(s['efficiency'])} efficient by processor time and waiting, "
        f"{percent(s['efficiency_by_clock'])} by the clock.\n"
        f"{s['great_cases']:.0e} cases x {1e6 * s['case_s']:.1f} us = {s['great_worker_hours']:,.1f} worker hours; "
        f"{s['great_workers']:,} workers at {percent(min(1.0, s['efficiency']))}, and a driver that hands out "
        f"{s['great_shards']:,.0f} shards in {60 * s['great_driver_hours']:,.1f} min: {60 * s['great_hours']:,.1f} min, "
        f"{s['great_bytes'] / 1e9:,.0f} GB.\n"
        for name, s in summary.items()
    ]
    return Group(figures(_STUDIES, cells), Text(""), Text("\n".join(lines)))
