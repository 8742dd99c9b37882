"""A repeated answer beside the saved one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from carbonscaling.reporting.blocks import bullets
from carbonscaling.reporting.tables import error, figures
from carbonscaling.study.again import Change
from carbonscaling.words import plain

__all__ = ["again_data", "again_page"]


def again_data(found: Sequence[Change], then: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return the comparison as plain data: whether it is the same, what it was made with, what changed."""
    rows = [{**vars(change), "relative": change.relative} for change in found]
    return {"same": not found, "then": dict(then), "now": dict(now), "changes": rows}


def _value(value: Any) -> str:
    return plain(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def again_page(found: Sequence[Change], then: Mapping[str, Any], now: Mapping[str, Any], headline: str) -> Group:
    """Return the page: the answer of today in a line, whether it is the saved one, what differs and what may be why."""
    parts: list[RenderableType] = [Text(headline, style="bold"), Text("")]
    when = f"saved {then['date']} by version {then['version']}"
    if not found:
        return Group(*parts, Text(f"The same answer as the one {when}."))
    table = figures(("figure", "then", "now", "change"))
    for change in found:
        table.add_row(change.name, _value(change.then), _value(change.now), error(change.relative, "+"))
    parts += [Text(f"Not the answer {when}:"), table, Text("")]
    why = [f"{name}: {then[key]} then, {now[key]} now" for name, key in (("version", "version"), ("catalogue", "catalogue"))
           if then[key] != now[key]]  # fmt: skip
    reason = why or ["version and catalogue are the same: look at the files that the scenario names"]
    parts += bullets("What else is not what it was", reason)
    return Group(*parts[:-1])
