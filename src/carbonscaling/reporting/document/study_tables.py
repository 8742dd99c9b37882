"""Tables of a study's report: what varied, how the cases ended, cases of a view, what each input explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from carbonscaling.reporting.document.html import Markup, node, table
from carbonscaling.study.sweep.columns import column, is_number
from carbonscaling.study.sweep.kinds import extra_columns
from carbonscaling.study.sweep.query import Results
from carbonscaling.study.sweep.views import MISSING, status
from carbonscaling.words import percent, plain

__all__ = ["cases", "ended", "rows_of", "shares_table", "varied"]

MOST_NAMED = 8
MOST_REASONS = 10
MOST_CASES = 20
NOISE = 1e-9
"""Shares below this are what the order of summation leaves of nothing."""
ENDS = {"ok": "answered", "infeasible": "infeasible", "refused": "refused", "error": "failed"}
"""How a case can end, in words."""
HEADS = ("case", "inputs", "devices", "days", "tCO2e", "embodied", "USD", "MFU", "setting")
Row = dict[str, Any]


def rows_of(relation: Any) -> list[Row]:
    """Return the rows of a relation, each by the names of its columns."""
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def _said(value: Any, files: Mapping[str, str]) -> str:
    """Return a value as a reader writes it; files by their names, without the folders of the machine."""
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_said(v, files)}" for k, v in value.items())
    if value is None or isinstance(value, bool):
        return {None: "-", True: "yes", False: "no"}[value]
    if isinstance(value, int | float):
        return f"{value:.5g}" if isinstance(value, float) else f"{value:,}"
    return str(value).replace("\\", "/").rpartition("/")[2] if value in files else str(value)


def varied(r: Results, files: Mapping[str, str]) -> list[Markup]:
    """Return what varied over which values, and what all cases share; `files` are those that the cases read."""
    rows = []
    for block in r.study.blocks:
        for key, values in block.columns.items():
            each = list(dict.fromkeys(values))
            if is_number(block, key) and len(each) > MOST_NAMED:
                words = f"{_said(min(each), files)} to {_said(max(each), files)}"
            else:
                words = ", ".join(_said(v, files) for v in each[:MOST_NAMED]) + (", ..." * (len(each) > MOST_NAMED))
            rows.append((key, f"{len(each):,}", words))
    shared = [(key, _said(value, files)) for key, value in r.study.base.items()]
    return [
        table(("varied", "values", ""), rows, (1,)) if rows else node("p", "Nothing varies: the study is one case."),
        table(("the same in all cases", ""), shared),
    ]


def ended(r: Results) -> list[Markup]:
    """Return how many cases ended how, and why those without an answer have none."""
    ends = {row["status"]: row["n"] for row in rows_of(status(r)) if row["status"] != MISSING}
    done, n_cases = sum(ends.values()), r.study.n_cases
    named = {**dict.fromkeys(ENDS, 0), **ends}
    rows = [("done", f"{done:,}"), *((ENDS.get(k, k), f"{n:,}") for k, n in named.items())]
    found = [table((f"cases, of {n_cases:,}", ""), rows, (1,))]
    why = r.sql(
        "SELECT status, reason, count(*) AS n FROM cases WHERE status <> 'ok' AND kind = 'best' AND rank = 0 "
        f"GROUP BY status, reason ORDER BY n DESC, status, reason LIMIT {MOST_REASONS}"
    )
    reasons = [(ENDS.get(x["status"], x["status"]), x["reason"], f"{x['n']:,}") for x in rows_of(why)]
    if reasons:
        found.append(table(("without an answer", "why (the most frequent reasons)", "cases"), reasons, (2,)))
    return found


def cases(r: Results, rows: Sequence[Row], files: Mapping[str, str]) -> Markup:
    """Return a table of cases from the rows of a view."""

    def line(row: Row) -> tuple[str, ...]:
        inputs = "; ".join(f"{key} {_said(row[column(key)], files)}" for key in r.study.keys)
        names = ("duration_days", "carbon_total_tco2e", "carbon_embodied_tco2e", "cost_usd")
        numbers = ["-" if row[name] is None else plain(row[name]) for name in names]
        setting = " ".join(f"{name.upper()}{row[name]}" for name in ("tp", "pp", "dp", "cp", "ep"))
        return (
            f"{row['case']:,}", inputs, f"{row['n_devices']:,}", *numbers, percent(row["mfu"]), f"{setting} {row['precision']}",
        )  # fmt: skip

    return table(HEADS, [line(row) for row in rows], (0, 2, 3, 4, 5, 6, 7))


def figures_of(r: Results, measure: str) -> list[Row]:
    """Return the cases of another question with the least of a measure, with its own figures as far as there are any."""
    inputs = [column(key) for key in r.study.keys]
    own = dict.fromkeys(
        (measure, "duration_days", "carbon_total_tco2e", "energy_kwh", "cost_usd", *extra_columns(r.study.answer))
    )
    wanted = ", ".join(dict.fromkeys(['"case"', *inputs, *own]))
    rows = rows_of(
        r.sql(f'SELECT {wanted} FROM best WHERE {measure} IS NOT NULL ORDER BY {measure}, "case" LIMIT {MOST_CASES}')
    )
    empty = [name for name in own if all(row[name] is None or row[name] != row[name] for row in rows)]
    return [{key: value for key, value in row.items() if key not in empty} for row in rows]


def figures_table(r: Results, rows: Sequence[Row], files: Mapping[str, str]) -> Markup:
    """Return a table of cases with the figures that they have."""
    inputs = [column(key) for key in r.study.keys]
    names = [name for name in rows[0] if name not in ("case", *inputs)]
    said = ["; ".join(f"{key} {_said(row[column(key)], files)}" for key in r.study.keys) for row in rows]
    lines = [
        (f"{row['case']:,}", words, *("-" if row[name] is None else plain(row[name]) for name in names))
        for row, words in zip(rows, said, strict=True)
    ]
    heads = ("case", "inputs", *(name.replace("_", " ") for name in names))
    return table(heads, lines, (0, *range(2, len(heads))))


def shares_table(rows: Sequence[Row]) -> Markup:
    """Return the table of the view ``sensitivity``."""

    def share(value: float | None) -> str:
        return "-" if value is None else percent(value if value > NOISE else 0.0)

    lines = [
        (row["input"].removeprefix("x_"), share(row["share"]),
         plain(row["low"]), plain(row["high"]), f"{row['n_values']:,}")
        for row in rows
    ]  # fmt: skip
    heads = ("input", "share of variance", "least mean, tCO2e", "greatest mean, tCO2e", "values or bins")
    return table(heads, lines, (1, 2, 3, 4))
