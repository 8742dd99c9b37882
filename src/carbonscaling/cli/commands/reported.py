"""``carbonscaling reported``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import Json
from carbonscaling.errors import InputError

__all__ = ["reported"]


def reported(*, json: Json = False, csv: Annotated[bool, Parameter(negative=(), help="Print CSV.")] = False) -> None:
    """Set published runs beside this project's estimates of them, and the setting a search would choose."""
    from carbonscaling.reporting.reported import reported_page, reported_rows
    from carbonscaling.study.reported import reported_table

    if json and csv:
        raise InputError("two formats at once", value="--json --csv", remedy="choose one")
    rows = reported_table()
    if json:
        out.show_json(reported_rows(rows))
    elif csv:
        out.write_csv(reported_rows(rows))
    else:
        out.show(reported_page(rows))
