"""``carbonscaling data list`` and ``carbonscaling data show``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import Json, one_format

__all__ = ["list_", "show"]


def list_(*, json: Json = False) -> None:
    """List the measurements that ship with the package."""
    from carbonscaling import evidence
    from carbonscaling.reporting.data import files_page

    files = {
        name: (len(evidence.rows(name)), len(set(evidence.sources(name))), words)
        for name, words in evidence.FILES.items()
    }
    data = {n: {"rows": r, "sources": s, "what": words} for n, (r, s, words) in files.items()}
    out.hand_out(data, files_page(files), json=json)


def show(
    name: Annotated[str, Parameter(help="Name of a data set (data list names them).")],
    /,
    *,
    json: Json = False,
    csv: Annotated[bool, Parameter(negative=(), help="Print CSV.")] = False,
) -> None:
    """Show a data set: its columns and its sources; every row with --json or --csv."""
    from carbonscaling import evidence
    from carbonscaling.reporting.data import file_page

    one_format(json, csv)
    rows = evidence.rows(name)
    page = file_page(name, evidence.FILES[name], rows, evidence.sources(name))
    out.hand_out(rows, page, json=json, csv=csv)
