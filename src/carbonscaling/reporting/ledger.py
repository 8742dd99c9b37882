"""The ledger of first looks as a page and as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from carbonscaling.evidence.ledger import FirstLook, LedgerRow
from carbonscaling.reporting.tables import figures
from carbonscaling.words import percent

__all__ = ["ledger_data", "ledger_page"]


def _share(value: float | None) -> str:
    return "-" if value is None else percent(value)


def _sources(rows: Sequence[LedgerRow]) -> Table:
    spans = any(row.span for row in rows)
    headings = (
        "source",
        "version",
        "rows",
        "skipped",
        "median",
        "90th pct",
        "bias",
        "inside",
        *(("span",) if spans else ()),
    )
    table = figures(headings, words=2)
    for row in sorted(rows, key=lambda r: (r.batch, r.source, r.date, r.version)):
        bias = "-" if row.bias is None else f"{100 * row.bias:+.0f}%"
        table.add_row(
            row.source[:44], row.version, str(row.n), str(row.n_skipped), _share(row.median), _share(row.p90), bias,
            _share(row.inside), *((f"{row.span:.2f}",) if row.span else ()),
        )  # fmt: skip
    return table


def ledger_page(
    looks: Sequence[FirstLook], rows: Sequence[LedgerRow], servings: Sequence[LedgerRow], trainings: Sequence[LedgerRow]
) -> Group:
    """Return every version's first look at rows that it had never seen: by batch, and by source; whole trainings, servings."""
    headings = (
        "version", "batch", "rows", "sources", "skipped", "sources' median", "below 20 %", "inside", "40 % MFU",
        "regression", "LLMCarbon",
    )  # fmt: skip
    total = figures(headings, words=2)
    for x in looks:
        shares = (x.median, x.below_20, x.inside, x.constant_mfu, x.regression, x.llmcarbon)
        total.add_row(x.version, x.batch, f"{x.n:,}", str(x.n_sources), str(x.n_skipped), *map(percent, shares))
    return Group(
        Text("First looks: rows that no version had seen, scored before any rule changed", style="bold"),
        total,
        Text(
            "  error of tokens/s and device; every source counts once; 40 % MFU, regression, LLMCarbon: on the same rows"
        ),
        Text(""),
        Text("By source", style="bold"),
        _sources(rows),
        Text(""),
        Text("Whole trainings before the fact, device-hours, by what was reported", style="bold"),
        _sources(trainings),
        Text("  span: median factor from end to end of the interval"),
        Text(""),
        Text("Servings, output tokens a second, by source", style="bold"),
        _sources([row for row in servings if row.quantity == "speed"]),
        Text(""),
        Text("Servings, watts of a device, by source", style="bold"),
        _sources([row for row in servings if row.quantity == "watts"]),
    )


def ledger_data(
    looks: Sequence[FirstLook], rows: Sequence[LedgerRow], servings: Sequence[LedgerRow], trainings: Sequence[LedgerRow]
) -> dict[str, Any]:
    """Return the ledger as plain data."""
    return {
        "first_looks": [vars(x) for x in looks], "sources": [vars(row) for row in rows],
        "servings": [vars(row) for row in servings], "trainings": [vars(row) for row in trainings],
    }  # fmt: skip
