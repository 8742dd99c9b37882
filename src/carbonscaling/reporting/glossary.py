"""What a term means: the glossary, the names in formulas (nomenclature), the keys of scenarios and devices."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from rich.console import Group, RenderableType
from rich.text import Text

from carbonscaling.catalog.read import packaged
from carbonscaling.errors import InputError, nearest
from carbonscaling.fields import field_help
from carbonscaling.formula import formulas
from carbonscaling.hardware.device import Device, Host
from carbonscaling.record import dataclass
from carbonscaling.serving.scenario import Serving
from carbonscaling.software.options import Software
from carbonscaling.study.scenario import Layout, Scenario

__all__ = ["Term", "glossary", "term", "term_page"]

_KEYS: Mapping[type, str] = {
    Scenario: "key of a scenario", Layout: "key of a scenario's layout", Software: "key of a scenario's software",
    Serving: "key of a serving", Device: "key of a device's file", Host: "key of a host's file",
}  # fmt: skip


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


@lru_cache(maxsize=1)
def _keys() -> Mapping[str, Term]:
    """Return the entry of each key, of the first that has it."""
    told = [(key, words, see) for kind, see in _KEYS.items() for key, words in field_help(kind).items() if words]
    return {_plain(key): Term(key, words, see=see) for key, words, see in reversed(told)}


def term(name: str) -> Term:
    """Return what a word means.

    Parameters
    ----------
    name : str
        A term in any usual spelling (``MFU``, ``pipeline bubble``), a name in formulas (``k_half``), or a key (``bf16_share``).

    Raises
    ------
    InputError
        None of them; names the nearest.
    """
    found = _spellings().get(_plain(name)) or _symbol(name) or _keys().get(_plain(name))
    if found is None:
        known = {**_keys(), **_spellings()}
        near = nearest(_plain(name), known)
        raise InputError(
            "no such term", value=name, suggestion=known[near].name if near else None,
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
