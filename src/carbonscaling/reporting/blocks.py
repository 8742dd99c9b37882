"""What a page is made of, as lines of text with styles: laid out once for a pipe, for a terminal and for pages that Rich joins.

Rich takes as long to load and to lay out an answer as the answer takes to be found.
"""

from __future__ import annotations

import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from carbonscaling.record import dataclass

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

__all__ = ["BLOCK", "NO_BLOCK", "Block", "Bullets", "Columns", "Line", "Page", "Paragraph", "bullets", "cut", "wrapped"]

Line = tuple[tuple[str, str], ...]
"""Pieces of a line, each with its style: bold, italic, or a colour."""
BLOCK, NO_BLOCK = "█", "#"
"""What bars are drawn with, and what with where the encoding has no such character."""
MARGIN = "  - "
LEAST_ROOM = 8
"""Columns that words have at least, however narrow the page."""
_WORD = re.compile(r"\s*\S+\s*")


def cells(text: str) -> int:
    """Return the columns that a text takes: two for each wide character, none for a mark on the one before."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


def wrapped(text: str, width: int) -> Iterator[str]:
    """Yield the lines of a text between words; a word that is longer than a line begins one and goes on below."""
    for whole in text.split("\n"):
        line, used = "", 0
        for word in _WORD.findall(whole):
            if used + cells(word.rstrip()) > width and line:
                yield line.rstrip()
                line, used = "", 0
            rest, is_long = word, cells(word.rstrip()) > width
            while is_long and cells(rest) > width:
                head = rest[:width] if rest.isascii() else cut(rest, width)
                yield head.rstrip()
                rest = rest[len(head) :]
            line, used = line + rest, used + cells(rest)
        yield line.rstrip()


def cut(text: str, width: int) -> str:
    """Return as much of a text as its columns hold."""
    while cells(text) > width and len(text) > 1:
        text = text[:-1]
    return text


class Block(ABC):
    """A part of a page."""

    @abstractmethod
    def lines(self, width: int, block: str = BLOCK) -> Iterator[Line]:
        """Yield its lines, no wider than that; bars are drawn with `block`."""

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        """Hand the lines to Rich, beside what it lays out itself."""
        from rich.text import Text

        for line in self.lines(options.max_width, NO_BLOCK if options.ascii_only else BLOCK):
            yield Text.assemble(*line, no_wrap=True, overflow="crop")


@dataclass(frozen=True)
class Paragraph(Block):
    """Words in one style; an empty one is a blank line."""

    text: str = ""
    style: str = ""
    indent: int = 0

    def lines(self, width: int, _block: str = BLOCK) -> Iterator[Line]:
        """Yield its lines."""
        for line in wrapped(self.text, max(width - self.indent, LEAST_ROOM)):
            yield ((" " * self.indent, ""), (line, self.style))


@dataclass(frozen=True)
class Bullets(Block):
    """Sentences that wrap under themselves behind a hyphen."""

    sentences: tuple[str, ...]
    style: str = ""

    def lines(self, width: int, _block: str = BLOCK) -> Iterator[Line]:
        """Yield its lines."""
        for sentence in self.sentences:
            margin = MARGIN
            for line in wrapped(sentence, max(width - len(MARGIN), LEAST_ROOM)):
                yield ((margin, ""), (line, self.style))
                margin = " " * len(MARGIN)


def bullets(title: str, lines: Iterable[str], style: str = "") -> Iterator[Block]:
    """Yield a bold title, the lines, a blank line; nothing at all where there are no lines."""
    if sentences := tuple(lines):
        yield Paragraph(title, "bold")
        yield Bullets(sentences, style)
        yield Paragraph()


@dataclass(frozen=True)
class Columns(Block):
    """A table of numbers, of which the last column is words that wrap."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]

    def lines(self, width: int, _block: str = BLOCK) -> Iterator[Line]:
        """Yield its lines, the headings first."""
        table = [self.headings, *self.rows]
        widths = [max(map(len, column)) for column in list(zip(*table, strict=True))[:-1]]
        for row in table:
            left = " " + "".join(f" {cell:>{n}} " for cell, n in zip(row, widths, strict=False)) + " "
            for line in wrapped(row[-1], max(width - len(left) - 1, LEAST_ROOM)):
                yield ((left + line, ""),)
                left = " " * len(left)


@dataclass(frozen=True)
class Page(Block):
    """Blocks below each other."""

    parts: tuple[Block, ...]

    def lines(self, width: int, block: str = BLOCK) -> Iterator[Line]:
        """Yield the lines of all."""
        for part in self.parts:
            yield from part.lines(width, block)
