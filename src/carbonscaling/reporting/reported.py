"""Published runs beside the estimates of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from carbonscaling.study.estimate import Estimate
from carbonscaling.study.remedies import setting_words
from carbonscaling.study.reported import ReportedRow
from carbonscaling.words import big, plain

__all__ = ["reported_page", "reported_rows"]


def _setting(answer: Any) -> str:
    return setting_words(answer.setting) if isinstance(answer, Estimate) else f"infeasible: {answer.reason}"


def reported_rows(rows: Sequence[ReportedRow]) -> list[dict[str, Any]]:
    """Return the comparison as flat rows."""
    return [
        {
            "name": r.name, "title": r.title, "unit": r.unit, "reported": r.reported, "ours": r.ours, "error": r.error,
            "setting": _setting(r.estimate), "searched_setting": _setting(r.searched), "searched": r.searched_speed,
            "device_hours_reported": r.reported_hours, "device_hours_ours": r.our_hours, "source": r.source,
        }
        for r in rows
    ]  # fmt: skip


def _maybe(value: float | None) -> str:
    return "-" if value is None else plain(value)


def reported_page(rows: Sequence[ReportedRow]) -> Group:
    """Return the comparison: a paragraph a run, then one line of errors."""
    parts: list[Any] = []
    for r in rows:
        table = Table.grid(padding=(0, 2))
        table.add_column(width=18)
        table.add_column(ratio=1)
        error = "" if r.error is None else f", {100 * r.error:+.1f} %"
        table.add_row("  setting", _setting(r.estimate))
        table.add_row("  speed", f"reported {plain(r.reported)}, ours {_maybe(r.ours)} {r.unit}{error}")
        if r.reported_hours is not None and r.our_hours is not None:
            gap = r.our_hours / r.reported_hours - 1.0
            hours = f"reported {big(r.reported_hours)}, ours {big(r.our_hours)}, {100 * gap:+.1f} %"
            table.add_row("  device-hours", hours)
        table.add_row("  best searched", f"{_setting(r.searched)}: {_maybe(r.searched_speed)} {r.unit}")
        heading = Text(r.title, style="bold").append(f"  [{r.source}]", style="not bold dim")
        parts += [heading, table, Text("")]
    errors = [abs(r.error) for r in rows if r.error is not None]
    if errors:
        mean, worst = 100 * sum(errors) / len(errors), 100 * max(errors)
        parts.append(Text(f"{len(errors)} runs: mean absolute error of speed {mean:.1f} %, largest {worst:.1f} %"))
    return Group(*parts)
