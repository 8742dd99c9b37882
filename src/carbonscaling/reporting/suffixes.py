"""A result in the format that its file's suffix names."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType
from rich.terminal_theme import DEFAULT_TERMINAL_THEME

from carbonscaling.errors import InputError
from carbonscaling.files import csv_text
from carbonscaling.platform import need
from carbonscaling.reporting.jsonable import jsonable, to_json
from carbonscaling.reporting.workbook import workbook

__all__ = ["ANSWERS", "FIGURES", "PAGES", "TABLES", "as_text", "check_suffix", "page_as", "rows_as", "suffix_of"]

PAGES = (".json", ".md", ".html", ".txt")
TABLES = (".csv", ".parquet", ".xlsx")
FIGURES = (".png", ".svg", ".pdf")
ANSWERS = (*PAGES, *TABLES, ".svg")

ALIKE = {
    **dict.fromkeys((".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff"), (".png", ".svg")),
    **dict.fromkeys((".eps", ".ps"), (".pdf", ".svg")),
    **dict.fromkeys(FIGURES, (*FIGURES, ".html")),
    **dict.fromkeys((".xls", ".ods", ".xlsm"), (".xlsx", ".csv")),
    **dict.fromkeys((".tsv", ".tab", ".dat"), (".csv",)),
    **dict.fromkeys((".pq", ".feather", ".arrow"), (".parquet",)),
    **dict.fromkeys((".htm", ".xhtml"), (".html",)),
    **dict.fromkeys((".markdown", ".mdown", ".rst", ".adoc"), (".md",)),
    **dict.fromkeys((".doc", ".docx", ".odt", ".rtf", ".tex"), (".html", ".md")),
    **dict.fromkeys((".jsonl", ".ndjson", ".yaml", ".yml", ".toml", ".json", ".xml", ".pkl"), (".json", ".toml")),
    **dict.fromkeys((".log", ".text"), (".txt",)),
}
"""What people who write such a suffix want, the best first."""
WIDTH = 100
"""Columns of a page in a file."""


def suffix_of(path: str) -> str:
    """Return a file's suffix in lower case; what is no file and has none (``/dev/stdout``, a pipe) takes JSON."""
    if suffix := Path(path).suffix.lower():
        return suffix
    return ".json" if os.path.exists(path) and not os.path.isfile(path) else ""


def check_suffix(path: str, allowed: Sequence[str]) -> str:
    """Return the suffix of a file to be written.

    Raises
    ------
    InputError
        It is not one of those allowed; names these, and the one that is most like it.
    """
    suffix = suffix_of(path)
    if suffix not in allowed:
        alike = next((one for one in ALIKE.get(suffix, ()) if one in allowed), None)
        raise InputError(
            f"this is not written as {suffix}" if suffix else "the file's name has no suffix that says what to write",
            where="option --output", value=path, allowed=", ".join(allowed),
            suggestion=os.path.splitext(path)[0] + alike if alike else None, remedy="end the file's name in one of these",
        )  # fmt: skip
    return suffix


def as_text(page: RenderableType) -> str:
    """Return a page as plain text."""
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None, highlight=False, emoji=False)
    with console.capture() as captured:
        console.print(page)
    return "".join(line.rstrip() + "\n" for line in captured.get().splitlines())


def page_as(suffix: str, data: Any, page: RenderableType) -> str:
    """Return a result as JSON (its data), or its page as Markdown, HTML or text."""
    if suffix == ".json":
        return to_json(data)
    if suffix == ".html":
        console = Console(file=io.StringIO(), width=WIDTH, record=True, highlight=False, emoji=False)
        console.print(page)
        return console.export_html(theme=DEFAULT_TERMINAL_THEME, inline_styles=True)
    text = as_text(page)
    return f"```text\n{text}```\n" if suffix == ".md" else text


def rows_as(suffix: str, rows: Sequence[Mapping[str, Any]]) -> str | bytes:
    """Return flat rows as CSV, as a spreadsheet, as a Markdown table, or as Parquet.

    Raises
    ------
    InputError
        Parquet without Polars (extra ``sweep``).
    """
    columns = list(rows[0]) if rows else []
    flat = [
        {k: v if isinstance(v, str | int | float | None) else str(v) for k, v in jsonable(row).items()} for row in rows
    ]
    writers: dict[str, Callable[[], str | bytes]] = {
        ".csv": lambda: csv_text(columns, flat),
        ".xlsx": lambda: workbook(flat),
        ".md": lambda: _pipes(columns, flat),
        ".parquet": lambda: _parquet(flat),
    }
    return writers[suffix]()


def _cell_text(value: Any) -> str:
    text = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|")


def _pipes(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    def line(cells: Sequence[Any]) -> str:
        return "| " + " | ".join(_cell_text(c) for c in cells) + " |\n"

    return line(columns) + "|" + "---|" * len(columns) + "\n" + "".join(line([r[c] for c in columns]) for r in rows)


def _parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    polars, out = need("polars", "sweep"), io.BytesIO()
    polars.DataFrame(rows, infer_schema_length=None).write_parquet(out)
    return out.getvalue()
