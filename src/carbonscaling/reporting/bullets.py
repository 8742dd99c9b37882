"""A titled list whose lines wrap under themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from carbonscaling.reporting.blocks import Block, Bullets, Paragraph

__all__ = ["bullets"]


def bullets(title: str, lines: Iterable[str], style: str = "") -> Iterator[Block]:
    """Yield a bold title, the lines, a blank line; nothing at all where there are no lines."""
    if sentences := tuple(lines):
        yield Paragraph(title, "bold")
        yield Bullets(sentences, style)
        yield Paragraph()
