"""Entries of the catalogue for people: facts, then every number with unit, range, source and remark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from carbonscaling.catalog.ages import Aged
from carbonscaling.record import dataclass
from carbonscaling.reporting.jsonable import jsonable
from carbonscaling.reporting.tables import grid
from carbonscaling.sources import Choice, Datum
from carbonscaling.words import plain

__all__ = ["Entry", "ages_page", "datum_text", "entry_page", "names_page"]


@dataclass(frozen=True)
class Entry:
    """One entry of the catalogue.

    Attributes
    ----------
    kind, name : str
        Shelf it stands on, and its name there.
    facts : Mapping[str, Any]
        What is no measured number: names, counts, choices.
    data : Mapping[str, Datum or Choice]
        Every number, and every choice that has a source, with its provenance.
    page : renderable, optional
        A page of its own, above the numbers.
    stated_by : Mapping[str, str]
        Entry that states a number, by its name or that of its table; of entries that are based on others.
    """

    kind: str
    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Datum | Choice] = field(default_factory=dict)
    page: RenderableType | None = None
    stated_by: Mapping[str, str] = field(default_factory=dict)

    def inherited_from(self, key: str) -> str | None:
        """Return the entry that a number is taken over from; None of one that the entry states itself."""
        by = self.stated_by.get(key.partition(".")[0], self.name)
        return None if by == self.name else by

    def to_dict(self) -> dict[str, Any]:
        """Return the entry as plain data."""
        facts: dict[str, Any] = jsonable(self.facts)
        data: dict[str, Any] = jsonable(self.data)
        if self.stated_by:
            data = {key: {**row, "inherited_from": self.inherited_from(key)} for key, row in data.items()}
        return {"shelf": self.kind, "id": self.name, **facts, "data": data}


def _number(value: float) -> str:
    return f"{value:,.6g}" if abs(value) < 1e6 else (f"{value:,.0f}" if abs(value) < 1e15 else f"{value:.6g}")


def datum_text(datum: Datum | Choice) -> tuple[str, str]:
    """Return value with unit and range, and the line of provenance.

    >>> from carbonscaling.sources import Choice, Datum
    >>> datum_text(Datum(700.0, "W", "x", low=690.0, high=710.0, year=2022, remark="as printed"))
    ('700 W (690 to 710)', '[x] 2022; as printed')
    """
    if isinstance(datum, Choice):
        return datum.value, "; ".join(part for part in (f"[{datum.source}]", datum.remark) if part)
    unit = "" if datum.unit == "1" else f" {datum.unit}"
    span = "" if datum.low is None or datum.high is None else f" ({_number(datum.low)} to {_number(datum.high)})"
    when = f" {datum.year}" if datum.year else ""
    words = "; ".join(part for part in (f"[{datum.source}]{when}", datum.basis, datum.remark) if part)
    return f"{_number(datum.value)}{unit}{span}", words


def entry_page(entry: Entry) -> Group:
    """Return the page of one entry."""
    parts: list[RenderableType] = [Text(f"{entry.name} ({entry.kind})", style="bold")]
    width = min(30, max([12, *(len(k) + 2 for k in (*entry.facts, *entry.data))]))
    facts = grid(width)
    for key, value in entry.facts.items():
        if value not in (None, "", (), []):
            facts.add_row(f"  {key.replace('_', ' ')}", Text(_fact(value)))
    parts.append(facts)
    if entry.page is not None:
        parts += [Text(""), entry.page]
    if entry.data:
        table = grid(width)
        for key, datum in entry.data.items():
            value, words = datum_text(datum)
            above = entry.inherited_from(key)
            words += f"; inherited from {above}" if above else ""
            text = Text(value)
            text.append(f"\n{words}", style="dim")
            table.add_row(f"  {key}", text)
        parts += [Text(""), Text("Numbers", style="bold"), table]
    return Group(*parts)


def _fact(value: Any) -> str:
    if isinstance(value, float):
        return plain(value)
    if isinstance(value, list | tuple):
        return ", ".join(str(v) for v in value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) and value > 9999 else str(value)


def names_page(kind: str, names: Mapping[str, str]) -> Group:
    """Return a list of names, each with a few words."""
    table = grid(min(40, max((len(name) + 2 for name in names), default=10)))
    for name, words in names.items():
        table.add_row(f"  {name}", Text(words))
    return Group(Text(f"{kind} ({len(names)})", style="bold"), table)


def ages_page(found: Sequence[Aged], year: int) -> Group:
    """Return what has grown old: kind, year, source and names, a line each."""
    if not found:
        return Group(Text(f"Nothing holds for a year more than two before {year}."))
    table = Table(box=None, padding=(0, 2), header_style="bold", show_edge=False)
    for heading in ("year", "what", "source", "numbers"):
        table.add_column(heading)
    for one in found:
        named = ", ".join(one.names[:4]) + (", …" if len(one.names) > 4 else "")
        table.add_row(str(one.year), one.kind, one.source, f"{len(one.names)}: {named}")
    total = sum(len(one.names) for one in found)
    return Group(Text(f"{total} numbers hold for a year more than two before {year}", style="bold"), table)
