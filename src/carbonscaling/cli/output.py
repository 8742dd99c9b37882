"""Where output goes: data on stdout, progress and remarks on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rich.console import Console, RenderableType

from carbonscaling import files
from carbonscaling.cli.ticker import Ticker
from carbonscaling.literal import literal
from carbonscaling.reporting.jsonable import to_json
from carbonscaling.reporting.suffixes import FIGURES, PAGES, TABLES, check_suffix, page_as, rows_as, suffix_of

__all__ = ["Ticker", "hand_out", "remark", "show", "show_json", "tell_written", "write_csv", "write_file"]


def show(page: RenderableType) -> None:
    """Print a page for people; colours only on a terminal (none under NO_COLOR), no trailing blanks in a pipe."""
    console = Console(file=sys.stdout, highlight=False, emoji=False)
    if console.is_terminal:
        console.print(page)
        return
    with console.capture() as captured:
        console.print(page)
    sys.stdout.writelines(line.rstrip() + "\n" for line in captured.get().splitlines())


def show_json(value: Any) -> None:
    """Print JSON."""
    sys.stdout.write(to_json(value))


def write_file(path: str, content: str | bytes) -> None:
    """Write a result, and say so on stderr.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    files.write_file(path, content)
    tell_written(path)


def tell_written(path: str, what: str = "") -> None:
    """Say on stderr which file was written."""
    sys.stderr.write(f"written: {literal(path)}{what}\n")


def write_csv(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print rows as CSV with a header line."""
    table = list(rows)
    sys.stdout.write(files.csv_text(list(table[0]) if table else (), table))


def hand_out(
    data: Any,
    page: RenderableType,
    *,
    json: bool,
    output: str | None,
    csv: bool = False,
    draw: Callable[[str], None] | None = None,
) -> None:
    """Write the result where a file is named, as its suffix says, and print it as JSON, as CSV (rows), or as its page.

    Parameters
    ----------
    data
        Rows for tables; anything else is written as JSON or as its page alone.
    draw : callable, optional
        Draws the result into a file of this name.
    """
    if output is not None:
        suffix = suffix_of(output)
        if draw is not None and suffix in FIGURES:
            draw(output)
            tell_written(output)
        else:
            tabular = isinstance(data, list) and suffix in (*TABLES, ".md")
            if not tabular:
                check_suffix(output, PAGES)
            write_file(output, rows_as(suffix, data) if tabular else _page_as(suffix, data, page))
    if json:
        show_json(data)
    elif csv:
        write_csv(data)
    else:
        show(page)


def _page_as(suffix: str, data: Any, page: RenderableType) -> str:
    """Return a result as its suffix says; an answer that ``report`` knows is the report's page, here and there the same."""
    if suffix == ".html":
        from carbonscaling.reporting.document.answers import answer_document, is_reported
        from carbonscaling.reporting.jsonable import jsonable

        if is_reported(data):
            return answer_document(jsonable(data))
    return page_as(suffix, data, page)


def remark(text: str) -> None:
    """Say on stderr how far a long command has come; nothing when piped."""
    if sys.stderr.isatty():
        sys.stderr.write(f"{text}\n")
