"""Where output goes: data on stdout, progress and remarks on stderr."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from carbonscaling import files
from carbonscaling.cli.ticker import Ticker
from carbonscaling.errors import ExitCode
from carbonscaling.literal import literal
from carbonscaling.platform import takes_escapes
from carbonscaling.reporting.blocks import BLOCK, NO_BLOCK, Page
from carbonscaling.reporting.jsonable import to_json

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["Ticker", "hand_out", "remark", "show", "show_json", "tell_written", "write_csv", "write_file"]


WIDTH = 80
STYLES = {"bold": 1, "italic": 3, "yellow": 33, "cyan": 36}
"""Escape sequences that every terminal knows."""
ASKED_OF_RICH = {"FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"}
"""Wishes of the environment that Rich reads."""


def show(page: RenderableType) -> None:
    """Print a page for people; colours only on a terminal (none under NO_COLOR), no trailing blanks in a pipe."""
    if (
        isinstance(page, Page)
        and not os.environ.keys() & ASKED_OF_RICH
        and (not sys.stdout.isatty() or takes_escapes())
    ):
        _print(page)
        return
    from rich.console import Console

    console = Console(file=sys.stdout, highlight=False, emoji=False)
    if console.is_terminal:
        console.print(page)
        return
    with console.capture() as captured:
        console.print(page)
    sys.stdout.writelines(line.rstrip() + "\n" for line in captured.get().splitlines())


def _print(page: Page) -> None:
    """Print a page line by line, styles as escape sequences on a terminal."""
    block = BLOCK if (sys.stdout.encoding or "utf-8").lower().startswith("utf") else NO_BLOCK
    styled = sys.stdout.isatty()
    for line in page.lines(_width(), block):
        pieces = (f"\x1b[{STYLES[style]}m{text}\x1b[0m" if styled and style and text else text for text, style in line)
        sys.stdout.write("".join(pieces).rstrip() + "\n")


def _width() -> int:
    """Return the columns of a page: as COLUMNS says, or of the terminal that any standard stream is of, or 80."""
    said = os.environ.get("COLUMNS", "")
    if said.isdigit():
        return int(said) or WIDTH
    for stream in (sys.__stdin__, sys.__stdout__, sys.__stderr__):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            return os.get_terminal_size(stream.fileno()).columns or WIDTH  # type: ignore[union-attr]
    return WIDTH


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
    output: str | None = None,
    csv: bool = False,
    draw: Callable[[str], None] | None = None,
) -> int:
    """Write the result where a file is named, as its suffix says, and print it as JSON, as CSV (rows), or as its page.

    Return the exit code of a result.

    Parameters
    ----------
    data
        Rows for tables; anything else is written as JSON or as its page alone.
    draw : callable, optional
        Draws the result into a file of this name.
    """
    if output is not None:
        from carbonscaling.reporting.suffixes import FIGURES, PAGES, TABLES, check_suffix, rows_as, suffix_of

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
    return int(ExitCode.OK)


def _page_as(suffix: str, data: Any, page: RenderableType) -> str:
    """Return a result as its suffix says; an answer that ``report`` knows is the report's page, here and there the same."""
    if suffix == ".html":
        from carbonscaling.reporting.document.answers import answer_document, is_reported
        from carbonscaling.reporting.jsonable import jsonable

        if is_reported(data):
            return answer_document(jsonable(data))
    from carbonscaling.reporting.suffixes import page_as

    return page_as(suffix, data, page)


def remark(text: str) -> None:
    """Say on stderr how far a long command has come; nothing when piped."""
    if sys.stderr.isatty():
        sys.stderr.write(f"{text}\n")
