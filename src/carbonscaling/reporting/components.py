"""Component checks and baselines for people and machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from carbonscaling.baselines import Comparison
from carbonscaling.reporting.jsonable import jsonable
from carbonscaling.reporting.tables import coefficient, error, figures
from carbonscaling.validate.parts.part import Component
from carbonscaling.validate.parts.table import Judged

__all__ = ["baselines_data", "baselines_page", "components_data", "components_page", "rows_data", "rows_page"]

_TITLES = {
    "gemm": "Matrix multiplications, time of a launch",
    "collectives": "Collectives, time",
    "memory": "Memory per device",
    "oom": "What fits and what does not",
    "power": "Power, watts",
    "pipeline": "Pipeline schedules, time of a step against a simulation",
    "megatron": "Utilisation of Megatron's training runs, source left out (16-bit peak)",
}


def _verdict(line: Component) -> str:
    return f"{line.target}: {'yes' if line.met else 'no'}" if line.target else line.remark


def _scored(part: str, lines: Sequence[Component]) -> Table:
    use = any(line.utilisation_r2 is not None for line in lines)
    headings = ("", "rows", "MAPE", "median", "p90", "bias", "R²", *(("R² use",) if use else ()))
    table = figures(headings, title=_TITLES[part], width=32)
    for line in lines:
        s = line.score
        if s is not None:
            errors = error(s.mape), error(s.median), error(s.p90), error(s.bias, "+")
            shares = coefficient(s.r2), *((coefficient(line.utilisation_r2),) if use else ())
            table.add_row(line.group, f"{line.n:,}", *errors, *shares)
    return table


def _judged(part: str, lines: Sequence[Component]) -> Table:
    rows = [(line.group, f"{line.n:,}", error(line.share)) for line in lines]
    return figures(("", "rows", "right"), rows, title=_TITLES[part], width=48)


def _part(part: str, lines: Sequence[Component]) -> RenderableType:
    """Return a table, and under it what is asked of its lines and remarks on them."""
    table = _judged(part, lines) if part == "oom" else _scored(part, lines)
    said: dict[str, list[str]] = {}
    for line in lines:
        if _verdict(line):
            said.setdefault(_verdict(line), []).append(line.group)
    words = [f"{'; '.join(groups)}: {text}" for text, groups in said.items()]
    return Group(table, *(Text(word, style="dim") for word in words))


def components_page(lines: Sequence[Component]) -> RenderableType:
    """Return one table a part."""
    parts = list(dict.fromkeys(line.part for line in lines))
    page: list[RenderableType] = []
    for part in parts:
        page += [_part(part, [line for line in lines if line.part == part]), Text("")]
    return Group(*page[:-1])


def components_data(lines: Sequence[Component]) -> list[dict[str, Any]]:
    """Return the lines as plain data."""
    return [jsonable(asdict(line)) for line in lines]


def rows_page(found: Judged) -> RenderableType:
    """Return the table of a user's rows, and why rows are not answered."""
    why = Counter(found.reasons)
    said = f"{len(found.rows):,} rows, {len(found.rows) - len(found.reasons):,} answered"
    return Group(
        Text(said), *([components_page(found.table)] if found.table else []),
        *(Text(f"  - {n:,} x {reason}") for reason, n in why.most_common(10)),
    )  # fmt: skip


def rows_data(found: Judged) -> dict[str, Any]:
    """Return the same as plain data."""
    why = dict(Counter(found.reasons).most_common())
    answered = len(found.rows) - len(found.reasons)
    counts = {"rows": len(found.rows), "answered": answered, "unusable": why}
    return {**counts, "components": components_data(found.table), "answers": jsonable(found.answers)}


def baselines_page(lines: Sequence[Comparison]) -> RenderableType:
    """Return the table of baselines."""
    headings = ("", "rows", "sources' median", "median", "MAPE", "p90", "bias", "R²", "log-R²")
    table = figures(headings, title="Speed in tokens/s/device on the same rows", width=24)
    for line in lines:
        s = line.score
        table.add_row(
            line.name, f"{s.n:,}", error(line.median_of_sources), error(s.median), error(s.mape),
            error(s.p90), error(s.bias, "+"), coefficient(s.r2), coefficient(s.log_r2),
        )  # fmt: skip
    legend = Text("\n".join(f"{line.name}: {line.what}" for line in lines), style="dim")
    return Group(table, Text(""), legend)


def baselines_data(lines: Sequence[Comparison]) -> list[dict[str, Any]]:
    """Return the table of baselines as plain data."""
    return [jsonable(asdict(line)) for line in lines]
