"""What every printed report has: one page with its own style, and the works that it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import resources

from carbonscaling.catalog.references import references
from carbonscaling.reporting.document.html import Markup, listed, node

__all__ = ["cited", "page"]


def cited(keys: Sequence[str]) -> Markup:
    """Return the works behind a report as a list; keys that the catalogue does not have are left out."""
    known = references()
    entries = [known[key] for key in keys if key in known]
    return node(
        "div",
        listed(f"{r.authors}: {r.title}. {r.venue}, {r.year}. {r.url} [{r.key}]" for r in entries),
        class_="small",
    )


def page(title: str, body: Iterable[Markup]) -> str:
    """Return a whole HTML file that needs nothing beside it; its style is ready for print."""
    style = resources.files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    head = node(
        "head", Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        node("title", title), node("style", Markup(style)),
    )  # fmt: skip
    return "<!doctype html>\n" + node("html", head, node("body", node("main", *body)), lang="en") + "\n"
