"""HTML anchors of generated Markdown pages, so that links to them are checked like any other."""

from __future__ import annotations

import re

from sphinx.application import Sphinx

__all__ = ["named_anchors"]

_ANCHOR = re.compile(r'<a id="([\w.-]+)"></a>')


def named_anchors(_app: Sphinx, _page: str, source: list[str]) -> None:
    """Turn ``<a id="x"></a>``, which any Markdown reader shows, into a target that the build knows."""
    source[0] = _ANCHOR.sub(r"[]{#\1}", source[0])
