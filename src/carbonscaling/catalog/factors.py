"""The shipped carbon factors, each with unit, range and source: look-ups by identifier and device."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from carbonscaling.catalog.parsed import parsed
from carbonscaling.catalog.read import shipped
from carbonscaling.errors import InputError, nearest
from carbonscaling.files import PACKAGE
from carbonscaling.sources import Datum

__all__ = ["device_row", "factor", "factor_ids", "node_row", "pue"]


def factor(factor_id: str) -> Datum:
    """Return one factor, e.g. ``power.exponent.default`` or ``embodied.measured.device.h100``.

    Raises
    ------
    InputError
        No such factor.
    """
    known = _factors()
    if factor_id not in known:
        raise InputError(
            "unknown factor",
            value=factor_id,
            suggestion=nearest(factor_id, known),
            remedy="carbonscaling catalog list factors",
        )
    return known[factor_id]


def factor_ids() -> tuple[str, ...]:
    """Return the identifiers of all factors but regions."""
    return tuple(_factors())


def pue(name: str = "default") -> Datum:
    """Return a power usage effectiveness: default, paper, google, jean_zay or industry.

    Raises
    ------
    InputError
        No such row.
    """
    return factor(f"facility.pue.{name}")


@lru_cache(maxsize=1024)
def device_row(table: str, device_id: str) -> Datum | None:
    """Return the row of `table` whose key begins `device_id` (the longest such), else its default, else None.

    >>> device_row("power.busy_ratio", "h100-sxm").value
    0.94
    """
    rows = {key.removeprefix(table + "."): row for key, row in _factors().items() if key.startswith(table + ".")}
    plain = _plain(device_id.removeprefix("paper-"))
    matches = [key for key in rows if plain.startswith(_plain(key))]
    return rows[max(matches, key=len)] if matches else rows.get("default")


@lru_cache(maxsize=64)
def node_row(table: str, process_node: str) -> Datum:
    """Return the row of `table` for the nearest process node, by the ratio of the nodes' names in nm.

    Raises
    ------
    InputError
        `process_node` names no length.
    """
    length = re.search(r"\d+", process_node)
    if length is None:
        raise InputError(
            "a process node needs a length", key="process_node", value=process_node, allowed="12nm, 7nm, 5nm, 4nm, …"
        )
    nm = int(length[0])
    rows = {int(key.split(".")[-1][:-2]): row for key, row in _factors().items() if key.startswith(table + ".")}
    return rows[min(rows, key=lambda known: max(known / nm, nm / known))]


@lru_cache(maxsize=1)
def _factors() -> Mapping[str, Datum]:
    found: dict[str, Datum] = {}
    for entry in sorted((PACKAGE / "catalog" / "factors").iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".toml"):
            table = parsed(entry.read_text(encoding="utf-8"))
            for key, row in _leaves(table, entry.name.removesuffix(".toml")):
                found[key] = shipped(Datum, row)
    return found


def _leaves(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, value in table.items():
        if "value" in value:
            yield f"{prefix}.{key}", value
        else:
            yield from _leaves(value, f"{prefix}.{key}")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
