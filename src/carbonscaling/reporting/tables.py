"""Tables of figures as every page prints them: words on the left, numbers on the right, no lines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from carbonscaling.hints import NamedTuple

__all__ = ["Fitted", "coefficient", "error", "figures", "grid", "groups_of"]

GAP = 2
"""Blanks between columns."""


class _Need(NamedTuple):
    """What a column takes: at least, without breaking a word or a figure, and at best."""

    least: int
    best: int


class Fitted(Table):
    """A table of which columns that are too many for a page stand in further tables below, the first one before each."""

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Never wider than the page."""
        wide = sum(need.best + GAP for need in self._needs())
        return Measurement(min(wide, options.max_width), min(wide, options.max_width))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it as one table, or as several."""
        needs = self._needs()
        if sum(need.best + GAP for need in needs) <= options.max_width or len(needs) < 2:
            yield from super().__rich_console__(console, options)
            return
        for n, group in enumerate(groups_of(needs, options.max_width)):
            yield from self._part(group, needs, options.max_width, first=n == 0).__rich_console__(console, options)

    def _needs(self) -> list[_Need]:
        found = []
        for column in self.columns:
            heading = str(column.header)
            texts = [str(cell) for cell in column.cells]
            words = [
                word for text in ([heading, *texts] if column.justify == "left" else [heading]) for word in text.split()
            ]
            figures = [] if column.justify == "left" else texts
            least = max(map(cell_len, [*words, *figures]), default=1)
            best = max(map(cell_len, [heading, *texts]), default=1)
            best = min(best, max(column.max_width, least)) if column.max_width else best
            found.append(_Need(least, max(best, least)))
        return found

    def _part(self, places: Sequence[int], needs: Sequence[_Need], page: int, first: bool) -> Table:
        """Return a table of some columns, each as wide as it takes."""
        part = Table(
            title=self.title if first else None, title_justify=self.title_justify, box=None, padding=(0, 1),
            pad_edge=self.pad_edge, show_edge=False, header_style=self.header_style,
        )  # fmt: skip
        left = page - sum(needs[place].least + GAP for place in places)
        for place in places:
            column, need = self.columns[place], needs[place]
            more = max(0, min(left, need.best - need.least))
            left -= more
            part.add_column(column.header, justify=column.justify, width=need.least + more, overflow="fold")
        cells = [[*self.columns[place].cells] for place in places]
        for row in zip(*cells, strict=True):
            part.add_row(*(cell if isinstance(cell, Text) else str(cell) for cell in row))
        return part


def groups_of(needs: Sequence[_Need], page: int) -> list[list[int]]:
    """Return the columns of each table: the first in all of them, the others in turn as far as they fit.

    >>> groups_of([_Need(6, 8), _Need(5, 5), _Need(5, 5), _Need(5, 5)], 24)
    [[0, 1, 2], [0, 3]]
    """
    found, used = [[0]], needs[0].least + GAP
    for place in range(1, len(needs)):
        more = needs[place].least + GAP
        if used + more > page and len(found[-1]) > 1:
            found.append([0])
            used = needs[0].least + GAP
        found[-1].append(place)
        used += more
    return found


def figures(
    headings: Sequence[str],
    rows: Iterable[Sequence[str]] = (),
    *,
    words: int | Sequence[str] = 1,
    title: str = "",
    width: int | None = None,
) -> Table:
    """Return a table.

    Parameters
    ----------
    headings : sequence of str
    rows : iterable of sequence of str, optional
    words : int or sequence of str
        Columns of words, from the left or by heading; the others are numbers.
    title : str, optional
    width : int, optional
        Characters of the first column, beyond which it goes on below.
    """
    table = Fitted(
        title=title or None, title_justify="left", box=None, padding=(0, 1), pad_edge=not title, show_edge=False
    )
    for place, heading in enumerate(headings):
        left = place < words if isinstance(words, int) else heading in words
        table.add_column(
            heading, justify="left" if left else "right", overflow="fold", max_width=None if place else width
        )
    for row in rows:
        table.add_row(*row)
    return table


def grid(first: int) -> Table:
    """Return a table of names, in a column of this width, with words behind that wrap."""
    table = Table.grid(padding=(0, 2))
    table.add_column(width=first)
    table.add_column(ratio=1)
    return table


def error(value: float | None, sign: str = "") -> str:
    """Return an error as a percentage with one decimal; a hyphen for none."""
    return "-" if value is None or math.isnan(value) else f"{100 * value:{sign}.1f}%"


def coefficient(value: float | None, digits: int = 4) -> str:
    """Return a coefficient of determination; a hyphen for none."""
    return "-" if value is None or math.isnan(value) else f"{value:.{digits}f}" if value > -10 else "< -10"
