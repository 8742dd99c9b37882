"""Boxes and words of an SVG picture, from the top down."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from textwrap import wrap

__all__ = ["LEFT", "RIGHT", "WIDTH", "Canvas"]

WIDTH, LEFT, RIGHT = 1000.0, 92.0, 976.0
"""Width of a picture, and the ends of what is drawn in it beside labels."""
_LETTER = 0.58
"""Width of a letter over its size, about."""


@dataclass
class Canvas:
    """A picture while it is drawn.

    Attributes
    ----------
    y : float
        How far down it has come.
    pieces : list of str
    """

    y: float = 16.0
    pieces: list[str] = field(default_factory=list)

    def box(self, x: float, y: float, width: float, height: float, fill: str, tip: str = "", line: str = "") -> None:
        """Draw a box with a text that shows when it is pointed at."""
        inside = f"<title>{escape(tip)}</title>" if tip else ""
        stroke = f' stroke="{line}" stroke-width="0.8"' if line else ""
        self.pieces.append(
            f'<rect x="{x:.2f}" y="{y:.2f}" width="{max(width, 0.05):.2f}" height="{height:.2f}" fill="{fill}"{stroke}>'
            f"{inside}</rect>"
        )

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float = 12,
        anchor: str = "start",
        bold: bool = False,
        fill: str = "#222",
    ) -> None:
        """Write words; `y` is their base line."""
        weight = ' font-weight="bold"' if bold else ""
        self.pieces.append(
            f'<text x="{x:.2f}" y="{y:.2f}" font-size="{size:g}" text-anchor="{anchor}" fill="{fill}"{weight}>'
            f"{escape(words)}</text>"
        )

    def lines(self, words: str) -> None:
        """Write words from the left edge to the right one, in as many lines as they need, and go on below them."""
        for line in wrap(words, int((RIGHT - 24) / (12 * _LETTER))):
            self.y += 16
            self.text(24, self.y, line)

    def heading(self, words: str) -> None:
        """Write the heading of a part, and go on below it."""
        self.y += 26
        self.text(24, self.y, words, size=14, bold=True)
        self.y += 10

    def legend(self, entries: list[tuple[str, str]]) -> None:
        """Write names with their colours, in as many lines as they need, and go on below them."""
        x = LEFT
        for name, colour in entries:
            width = 22 + len(name) * 11 * _LETTER + 14
            if x + width > RIGHT:
                x, self.y = LEFT, self.y + 16
            self.box(x, self.y, 11, 11, colour)
            self.text(x + 16, self.y + 10, name, size=11)
            x += width
        self.y += 20

    def svg(self) -> str:
        """Return the picture."""
        height = self.y + 14
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {height:.0f}" '
            f'width="{WIDTH:g}" height="{height:.0f}" '
            'font-family="Helvetica, Arial, sans-serif">',
            f'<rect width="{WIDTH:g}" height="{height:.0f}" fill="white"/>', *self.pieces, "</svg>", "",
        ])  # fmt: skip
