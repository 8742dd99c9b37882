"""``carbonscaling query``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import OUTPUT, Json
from carbonscaling.errors import InputError

__all__ = ["By", "Measure", "query"]

MOST_SHOWN = 200

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
        Parameter(name=("--output", "-o"), help="Write all rows to a .parquet, .csv or .json.", group=OUTPUT),
    ] = None,
) -> int:
    """Ask a study's results, complete or not; without SQL or a view, show the cases with the least carbon."""
    from carbonscaling.study.sweep.query import results
    from carbonscaling.study.sweep.views import view as canned

    if sql is not None and view is not None:
        raise InputError("SQL and a view at once", key="view", value=view, remedy="give one of them")
    if json and csv:
        raise InputError("two formats at once", value="--json --csv", remedy="choose one")
    found = results(study)
    groups = [name.strip() for name in by.split(",")] if by else []
    relation = found.sql(sql) if sql is not None else canned(found, view or "best", groups, measure)
    if output is not None:
        _write(relation, output)
    if csv or json:
        rows = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
        if json:
            out.show_json(rows)
        else:
            out.write_csv(rows)
    elif output is None:
        _show(relation)
    return 0


def _write(relation: Any, output: str) -> None:
    writers = {
        ".parquet": lambda: relation.write_parquet(output),
        ".csv": lambda: relation.write_csv(output),
        ".json": lambda: relation.pl().write_json(output),
    }
    if Path(output).suffix not in writers:
        raise InputError(
            "no such format", key="output", value=output, allowed=", ".join(writers), remedy="name one of these endings"
        )
    if not Path(output).absolute().parent.is_dir():
        raise InputError("no such folder", key="output", value=output, remedy="name a folder that exists")
    writers[Path(output).suffix]()
    sys.stderr.write(f"written: {output}\n")


def _show(relation: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    rows = relation.limit(MOST_SHOWN + 1).fetchall()
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name, kind in zip(relation.columns, relation.types, strict=True):
        table.add_column(name.removeprefix("x_"), justify="left" if str(kind) == "VARCHAR" else "right", no_wrap=True)
    for row in rows[:MOST_SHOWN]:
        table.add_row(*(_cell(value) for value in row))
    width = None if sys.stdout.isatty() else 400
    Console(file=sys.stdout, highlight=False, width=width).print(table)
    if len(rows) > MOST_SHOWN:
        sys.stderr.write(f"the first {MOST_SHOWN} rows; -o FILE.parquet, --csv and --json give all\n")


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.5g}" if isinstance(value, float) else str(value)
