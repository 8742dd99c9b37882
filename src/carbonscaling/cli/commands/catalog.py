"""``carbonscaling catalog list``, ``carbonscaling catalog show`` and ``carbonscaling catalog check``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import Json
from carbonscaling.cli.options import whole_number

__all__ = ["check", "list_", "show"]


def list_(
    kind: Annotated[str | None, Parameter(help="What to list; without it, the kinds there are.")] = None,
    /,
    *,
    json: Json = False,
) -> int:
    """List what the catalogue holds."""
    from carbonscaling.cli.shelves import SHELVES, shelf
    from carbonscaling.reporting.catalog import names_page

    if kind is None:
        counts = {name: len(list(s.names())) for name, s in SHELVES.items()}
        page = names_page("kinds", {name: f"{n} entries" for name, n in counts.items()})
        return out.hand_out(counts, page, json=json)
    found = shelf(kind)
    names = {name: found.words(name) for name in found.names()}
    return out.hand_out(names, names_page(found.kind, names), json=json)


def show(
    name: Annotated[str, Parameter(help="Name of the entry; a device, host or stack may be a TOML file of yours.")],
    /,
    *,
    kind: Annotated[str | None, Parameter(help="Look on this shelf only (catalog list names them).")] = None,
    json: Json = False,
) -> None:
    """Show an entry: every number with unit, range, source and remark."""
    from rich.console import Group

    from carbonscaling.cli.shelves import find
    from carbonscaling.reporting.catalog import entry_page

    entries = find(name, kind)
    data = [e.to_dict() for e in entries]
    out.hand_out(data if len(data) > 1 else data[0], Group(*map(entry_page, entries)), json=json)


def check(
    *,
    year: Annotated[
        int | None, Parameter(help="Year to count from, in place of this one.", converter=whole_number, n_tokens=1)
    ] = None,
    json: Json = False,
) -> None:
    """Say which numbers of electricity, data centres and prices hold for a year more than two years ago."""
    from dataclasses import asdict
    from datetime import date

    from carbonscaling.catalog.ages import aged
    from carbonscaling.reporting.catalog import ages_page

    now = date.today().year if year is None else year
    found = aged(now)
    out.hand_out([asdict(one) for one in found], ages_page(found, now), json=json)
