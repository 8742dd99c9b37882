"""The works the catalogue's numbers come from, by key."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from carbonscaling.catalog.parsed import parsed
from carbonscaling.catalog.read import shipped
from carbonscaling.errors import InputError, nearest
from carbonscaling.sources import Reference

__all__ = ["reference", "references"]


@lru_cache(maxsize=1)
def references() -> dict[str, Reference]:
    """Return every shipped reference by key.

    Raises
    ------
    ValueError
        Two files define the same key differently.
    """
    found: dict[str, Reference] = {}
    for entry in sorted(Path(__file__).parent.iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".toml"):
            for key, row in parsed(entry.read_text(encoding="utf-8")).items():
                item = shipped(Reference, {"key": key, **row})
                if found.setdefault(key, item) != item:
                    raise ValueError(f"reference {key} is defined twice ({entry.name})")
    return found


def reference(key: str) -> Reference:
    """Return one reference.

    Raises
    ------
    InputError
        No such key.
    """
    known = references()
    if key not in known:
        raise InputError(
            "unknown reference",
            value=key,
            suggestion=nearest(key, known),
            remedy="carbonscaling catalog list references",
        )
    return known[key]
