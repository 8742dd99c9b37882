"""Tables of figures as every page prints them: words on the left, numbers on the right, no lines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from rich.table import Table

from carbonscaling.reporting.fitted import Fitted

__all__ = ["coefficient", "error", "figures"]


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


def error(value: float | None, sign: str = "") -> str:
    """Return an error as a percentage with one decimal; a hyphen for none."""
    return "-" if value is None or math.isnan(value) else f"{100 * value:{sign}.1f}%"


def coefficient(value: float | None, digits: int = 4) -> str:
    """Return a coefficient of determination; a hyphen for none."""
    return "-" if value is None or math.isnan(value) else f"{value:.{digits}f}" if value > -10 else "< -10"
