"""HTML put together from escaped text: elements, tables, the page around them."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from importlib import resources

from carbonscaling.catalog.references import references

__all__ = ["Markup", "cited", "listed", "node", "page", "table"]


class Markup(str):
    """Text that is HTML already; every other string is escaped when it becomes part of some."""

    __slots__ = ()


def node(tag: str, *children: object, **attributes: object) -> Markup:
    """Return an element; strings among its children are escaped.

    >>> node("p", "a < b", class_="note")
    '<p class="note">a &lt; b</p>'
    """
    given = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"' for name, value in attributes.items()
    )
    inner = "".join(child if isinstance(child, Markup) else html.escape(str(child), quote=False) for child in children)
    return Markup(f"<{tag}{given}>{inner}</{tag}>")


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], numbers: Sequence[int] = ()) -> Markup:
    """Return a table; the columns in `numbers` are set to the right."""

    def cell(tag: str, i: int, value: object) -> Markup:
        kind = {"class": "n"} if i in numbers else {}
        return node(tag, value, **kind)

    body = [node("tr", *(cell("td", i, value) for i, value in enumerate(row))) for row in rows]
    named = (cell("th" if name else "td", i, name) for i, name in enumerate(heads))
    head = node("thead", node("tr", *named)) if any(heads) else Markup()
    return node("table", head, node("tbody", *body))


def listed(lines: Iterable[object]) -> Markup:
    """Return a list, empty where there are no lines."""
    items = [node("li", line) for line in lines]
    return node("ul", *items) if items else Markup()


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
