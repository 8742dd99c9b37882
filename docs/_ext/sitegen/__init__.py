"""What the documentation generates from the package: formulas, nomenclature, references, schemas, API, outputs.

Each page states what a person has to say; tables and outputs come from the package at build time, so they cannot go stale.
"""

from __future__ import annotations

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from sitegen.anchors import named_anchors
from sitegen.api import check_complete, write_pages
from sitegen.directives import DIRECTIVES
from sitegen.entries import write_entries
from sitegen.figures import draw_figures
from sitegen.gallery import draw_gallery
from sitegen.searched import index_words

__all__ = ["setup"]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directives and the generated pages."""
    for name, directive in DIRECTIVES.items():
        app.add_directive(name, directive)
    app.connect("builder-inited", write_pages)
    app.connect("builder-inited", write_entries)
    app.connect("builder-inited", draw_figures)
    app.connect("builder-inited", draw_gallery)
    app.connect("source-read", named_anchors)
    app.connect("source-read", index_words)
    app.connect("env-check-consistency", check_complete)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
