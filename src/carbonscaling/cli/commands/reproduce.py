"""``carbonscaling reproduce``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import Json
from carbonscaling.files import csv_text, make_folder

__all__ = ["reproduce"]

Engine = Literal["F", "E", "S", "physical"]


def reproduce(
    name: Annotated[str | None, Parameter(help="Figure, panel or claim, e.g. v2-fig6a (default: all).")] = None,
    /,
    *,
    engine: Annotated[
        Engine | None,
        Parameter(
            help="Engine of the paper mode for both versions: F (fabric reduces, no latencies; version 1's own), E (published "
            "latencies), S (everything serial; version 2's own), physical (this project's kernels)."
        ),
    ] = None,
    json: Json = False,
    output: Annotated[
        str | None,
        Parameter(
            name=("--output", "-o"), help="Folder for the figures (SVG, PNG) and their data (CSV; Parquet with polars)."
        ),
    ] = None,
    page: Annotated[
        str | None,
        Parameter(help="Write the page to this Markdown file, its figures and data to a folder of that name."),
    ] = None,
) -> None:
    """Reproduce both CarbonScaling papers: every figure, and a verdict for every claim."""
    from carbonscaling.papers import page as pages
    from carbonscaling.papers.draw import write_parquet
    from carbonscaling.papers.run import draw_all
    from carbonscaling.papers.run import reproduce as run

    found = run(name, engine)
    data = pages.data(found)
    folder = output or (str(Path(page).with_suffix("")) if page else None)
    if folder is not None:
        where = Path(folder)
        make_folder(where)
        draw_all(found, where)
        for file in ("panels", "claims"):
            out.write_file(str(where / f"{file}.csv"), csv_text([*data[file][0]] if data[file] else (), data[file]))
            if output is not None:  # a page keeps what can be compared line by line
                write_parquet(data[file], where / f"{file}.parquet")
    if page is not None:
        out.write_file(page, pages.markdown(found, Path(folder or ".").name))
    out.hand_out(data, pages.table(found), json=json)
