"""What a term means: the glossary, and the names in formulas (nomenclature)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from rich.console import Group, RenderableType
from rich.text import Text

from carbonscaling.catalog.read import packaged
from carbonscaling.errors import InputError, nearest
from carbonscaling.formula import formulas
from carbonscaling.record import dataclass

__all__ = ["Term", "glossary", "term", "term_page"]


@dataclass(frozen=True)
class Term:
    """An entry.

    Attributes
    ----------
    name : str
    meaning : str
    names : tuple of str
        Other spellings.
    formula, unit : str
        Empty where there is none.
    see : str
        Options and commands that go on from here.
    source : str
        Key of the work that the term is from; empty where it is everybody's.
    """

    name: str
    meaning: str
    names: tuple[str, ...] = ()
    formula: str = ""
    unit: str = ""
    see: str = ""
    source: str = ""


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", name.lower())


@lru_cache(maxsize=1)
def glossary() -> Mapping[str, Term]:
    """Return every term of the glossary by name."""
    rows = packaged("carbonscaling.reporting", "glossary.toml")
    return {name: Term(name, **{**row, "names": tuple(row.get("names", ()))}) for name, row in rows.items()}


@lru_cache(maxsize=1)
def _spellings() -> Mapping[str, Term]:
    found = {_plain(name): one for one in glossary().values() for name in one.names}
    return found | {_plain(name): one for name, one in glossary().items()}


def _symbol(name: str) -> Term | None:
    """Return the entry of a name in formulas."""
    rows = packaged("carbonscaling.reporting", "nomenclature.toml")
    row = rows.get(name) or next((row for key, row in rows.items() if key.rpartition(":")[2] == name), None)
    users = ", ".join(f.name for f in formulas().values() if re.search(rf"\b{re.escape(name)}\b", f.expression))
    return Term(name, row["meaning"], formula=f"in {users}" if users else "", unit=row["unit"]) if row else None


def term(name: str) -> Term:
    """Return what a word means.

    Parameters
    ----------
    name : str
        A term in any usual spelling (``MFU``, ``pipeline bubble``), or a name in formulas (``k_half``).

    Raises
    ------
    InputError
        Neither; names the nearest.
    """
    found = _spellings().get(_plain(name)) or _symbol(name)
    if found is None:
        near = nearest(_plain(name), _spellings())
        raise InputError(
            "no such term", value=name, suggestion=_spellings()[near].name if near else None,
            allowed=", ".join(sorted(glossary(), key=str.lower)), remedy="ask for one of these, or give a scenario to explain",
        )  # fmt: skip
    return found


def term_page(one: Term) -> Group:
    """Return the page of a term."""
    lines: list[RenderableType] = [Text(one.name, style="bold"), Text(one.meaning)]
    lines += [Text(f"  {one.formula}")] if one.formula else []
    said = [("also", ", ".join(one.names)), ("unit", one.unit), ("see", one.see), ("source", one.source)]
    lines += [Text(f"  {head}: {text}", style="dim") for head, text in said if text and text != "1"]
    return Group(*lines)
