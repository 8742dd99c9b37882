"""Values as they are: nothing in a table is taken for markup, and no control byte reaches a terminal."""

from __future__ import annotations

__all__ = ["literal"]


def literal(text: str) -> str:
    r"""Return text with what cannot be printed written out.

    >>> literal("[red]x" + chr(27) + "[2J" + chr(10))
    '[red]x\\x1b[2J\\n'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
