"""What people type, led to the page that answers it: entries of the index, which the site's search asks before any text."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path

from sphinx.application import Sphinx

__all__ = ["index_words", "searched"]


@lru_cache(maxsize=1)
def searched() -> dict[str, tuple[str, ...]]:
    """Return what people type, by the page that answers it."""
    file = Path(__file__).parents[2] / "search.toml"
    pages = tomllib.loads(file.read_text(encoding="utf-8"))
    return {page: tuple(word.strip() for word in words.split(";")) for page, words in pages.items()}


def index_words(_app: Sphinx, page: str, source: list[str]) -> None:
    """Write a page's words into the index, below its title."""
    words = searched().get(page)
    if words:
        entries = ", ".join(f"! {word}" for word in words)
        below = f"\\1\n\n```{{index}} {entries}\n```"
        source[0] = re.sub(r"^(# .*)$", below, source[0], count=1, flags=re.MULTILINE)
