"""Shipped measurements for people: the files, and rows of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

__all__ = ["file_page", "files_page"]

SHOWN_SOURCES = 12
SHOWN_VALUES = 4


def files_page(files: Mapping[str, tuple[int, int, str]]) -> Table:
    """Return the list of files: name, rows, sources, what each holds."""
    table = Table(box=None, pad_edge=False)
    table.add_column("file")
    table.add_column("rows", justify="right")
    table.add_column("sources", justify="right")
    table.add_column("what", overflow="fold")
    for name, (n_rows, n_sources, words) in files.items():
        table.add_row(name, f"{n_rows:,}", str(n_sources), words)
    return table


def file_page(name: str, words: str, rows: Sequence[Mapping[str, str]], sources: Sequence[str]) -> Group:
    """Return the page of one file: its columns with how full they are and their commonest values, and its sources."""
    table = Table(title="Columns", title_justify="left", box=None, pad_edge=False)
    table.add_column("column")
    table.add_column("filled", justify="right")
    table.add_column("values", justify="right")
    table.add_column("commonest", overflow="fold")
    for column in rows[0]:
        values = Counter(row[column] for row in rows if row[column])
        n_filled = sum(values.values())
        common = ", ".join(value[:28] for value, _ in values.most_common(SHOWN_VALUES))
        table.add_row(column, f"{n_filled / len(rows):.0%}", f"{len(values):,}", common)
    counts = Counter(sources)
    lines = [f"  {n:,} {source}" for source, n in counts.most_common(SHOWN_SOURCES)]
    if len(counts) > SHOWN_SOURCES:
        lines.append(f"  and {len(counts) - SHOWN_SOURCES} more")
    head = Text(f"{name}: {words}; {len(rows):,} rows", style="bold")
    return Group(head, Text(""), table, Text(""), Text("Sources, with their rows"), Text("\n".join(lines)))
