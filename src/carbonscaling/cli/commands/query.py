"""``carbonscaling query``."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import OUTPUT, Json, one_format
from carbonscaling.cli.options import real_number
from carbonscaling.errors import InputError
from carbonscaling.reporting.suffixes import TABLES, check_suffix, rows_as, suffix_of

if TYPE_CHECKING:
    from carbonscaling.study.sweep.query import Results, Selection

__all__ = ["By", "Measure", "asked", "query"]

SUFFIXES = (".json", ".md", *TABLES)
MOST_SHOWN = 200
MOST_SECONDS = 600.0
MOST_WIDE = 10**9

By = Annotated[
    str | None, Parameter(help="Inputs to group by, with commas between: device,region.", group=OUTPUT, negative=())
]
Measure = Annotated[str, Parameter(help="What is compared (default: carbon_total_tco2e).", group=OUTPUT)]


def query(
    study: Annotated[str, Parameter(help="Folder or URL of the results, or the study file beside them.")],
    sql: Annotated[
        str | None, Parameter(help="A SELECT over the tables cases (all rows) and best (one a case).")
    ] = None,
    /,
    *,
    view: Annotated[
        str | None,
        Parameter(help="Canned view: best, front, law, sensitivity, quantiles, status, failures.", group=OUTPUT),
    ] = None,
    by: By = None,
    measure: Measure = "carbon_total_tco2e",
    csv: Annotated[bool, Parameter(negative=(), help="Print CSV.", group=OUTPUT)] = False,
    json: Json = False,
    output: Annotated[
        str | None,
        Parameter(
            name=("--output", "-o"),
            help=f"Write all rows to this file, as its suffix says: {', '.join(SUFFIXES)}.",
            group=OUTPUT,
        ),
    ] = None,
    max_seconds: Annotated[
        float,
        Parameter(help="Time that a query may take.", group=OUTPUT, converter=real_number, n_tokens=1),
    ] = MOST_SECONDS,
) -> int:
    """Ask a study's results, complete or not; without SQL or a view, show the cases with the least carbon.

    A query reads the study's own rows and nothing else. How many of how many cases it saw stands below the table, and on
    stderr with --csv, --json and -o.
    """
    from carbonscaling.study.sweep.views import view as canned

    if sql is not None and view is not None:
        raise InputError("SQL and a view at once", key="view", value=view, remedy="give one of them")
    one_format(json, csv)
    if not max_seconds > 0:
        raise InputError("not a time", key="max_seconds", value=max_seconds, allowed="above 0", remedy="correct it")
    if output is not None:
        check_suffix(output, SUFFIXES)
    found = asked(study, max_seconds)
    groups = [name.strip() for name in by.split(",")] if by else []
    selection = found.sql(sql) if sql is not None else canned(found, view or "best", groups, measure)
    if output is not None:
        _write(selection, output)
    if json:
        out.show_json(_rows(selection))
    elif csv:
        _print_csv(selection)
    elif output is None:
        _show(selection, found.seen)
        return 0
    sys.stderr.write(f"{found.seen}\n")
    return 0


def asked(study: str, most_s: float = float("inf")) -> Results:
    """Open a study's results; say on stderr what their reader must know, and how far a long query is."""
    from carbonscaling.cli.progress import QueryProgress
    from carbonscaling.study.sweep.query import results

    found = results(study, most_s, QueryProgress())
    if found.found.remark:
        sys.stderr.write(f"{found.found.remark}\n")
    if found.found.missing:
        sys.stderr.write(f"not done: {found.found.missing}; carbonscaling sweep goes on\n")
    return found


def _rows(selection: Selection) -> list[dict[str, Any]]:
    return [dict(zip(selection.columns, row, strict=True)) for row in selection.fetchall()]


def _write(selection: Selection, output: str) -> None:
    from carbonscaling.reporting.jsonable import to_json

    suffix = suffix_of(output)
    if suffix in (".csv", ".parquet"):
        out.write_file(output, selection.file(suffix))
    else:
        out.write_file(output, to_json(_rows(selection)) if suffix == ".json" else rows_as(suffix, _rows(selection)))


def _print_csv(selection: Selection) -> None:
    import csv

    rows = selection.fetchall()
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(selection.columns)
    writer.writerows(rows)


def _show(selection: Selection, seen: str) -> None:
    from rich.console import Console
    from rich.table import Table

    rows = selection.fetchall(MOST_SHOWN + 1)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name, kind in zip(selection.columns, selection.types, strict=True):
        side = "left" if kind == "VARCHAR" else "right"
        table.add_column(_text(name.removeprefix("x_")), justify=side, no_wrap=True)  # type: ignore[arg-type]
    for row in rows[:MOST_SHOWN]:
        table.add_row(*(_text(_cell(value)) for value in row))
    console = Console(file=sys.stdout, highlight=False, emoji=False)
    console.width = console.measure(table, options=console.options.update(width=MOST_WIDE)).maximum  # nothing is cut
    console.print(table, soft_wrap=True)
    sys.stdout.write(f"{seen}\n")
    if len(rows) > MOST_SHOWN:
        sys.stderr.write(f"the first {MOST_SHOWN} rows; -o FILE.parquet, --csv and --json give all\n")


def _text(words: str) -> Any:
    from rich.text import Text

    from carbonscaling.literal import literal

    return Text(literal(words))


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    return f"{value:.5g}" if isinstance(value, float) else str(value)
