"""A titled list whose lines wrap under themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

__all__ = ["bullets"]


def bullets(title: str, lines: Iterable[str], style: str = "") -> Iterator[RenderableType]:
    """Yield a bold title, the lines, a blank line; nothing at all where there are no lines."""
    table = Table.grid(padding=(0, 1))
    table.add_column(width=3, justify="right")
    table.add_column(ratio=1)
    for line in lines:
        table.add_row("-", Text(line, style=style))
    if table.row_count:
        yield Text(title, style="bold")
        yield table
        yield Text("")
