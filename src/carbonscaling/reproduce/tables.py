"""The data behind the figures and the claims as files: CSV, and Parquet where polars is installed."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from carbonscaling.files import write_file
from carbonscaling.reproduce.claims import verdict_rows
from carbonscaling.reproduce.figure import panel_rows
from carbonscaling.reproduce.run import Reproduction

__all__ = ["as_csv", "panel_table", "verdict_table", "write_parquet"]

Rows = list[dict[str, Any]]


def panel_table(found: Reproduction) -> Rows:
    """Return the data behind every panel, one row a point."""
    return [{"mode": mode, **row} for mode, panel in found.panels for row in panel_rows([panel])]


def verdict_table(found: Reproduction) -> Rows:
    """Return the claims table."""
    return verdict_rows(found.verdicts)


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """Return rows as CSV.

    >>> print(as_csv([{"x": 1, "y": "a"}]), end="")
    x,y
    1,a
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def write_parquet(rows: Sequence[dict[str, Any]], path: Path) -> bool:
    """Write rows as Parquet; return whether polars (extra `sweep`) is there to do it.

    A column holds one type: one with a text anywhere, such as the names under bars, is text throughout, and its numbers
    stand once more in a column `NAME_number`.
    """
    try:
        import polars
    except ImportError:
        return False
    columns: dict[str, list[Any]] = {}
    for name in rows[0] if rows else ():
        values = [row[name] for row in rows]
        if any(isinstance(v, str) for v in values):
            columns[name] = [str(v) for v in values]
            numbers = [None if isinstance(v, str) else float(v) for v in values]
            if any(v is not None for v in numbers):
                columns[f"{name}_number"] = numbers
        else:
            columns[name] = values
    out = io.BytesIO()
    polars.DataFrame(columns).write_parquet(out, compression="zstd")
    write_file(path, out.getvalue())
    return True
