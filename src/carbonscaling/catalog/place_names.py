"""Names that two places have: states of the United States and provinces of Canada beside countries and other cities."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from carbonscaling.catalog.grids import Area, areas, cloud_regions
from carbonscaling.catalog.regions import known_place, place, slug
from carbonscaling.errors import InputError

__all__ = ["check_listed", "read_as", "states"]

_STATE = re.compile(r"(?:US|CA)-[A-Z]{2}")


@lru_cache(maxsize=1)
def states() -> Mapping[str, Area]:
    """Return the states and provinces by their postal codes and names, in lower case: ``ca`` and ``california``."""
    found: dict[str, Area] = {}
    for code, area in areas().items():
        if area.kind == "zone" and _STATE.fullmatch(code):
            found[code[3:].lower()] = found[slug(area.name.partition(",")[0])] = area
    return found


def read_as(name: str) -> str | None:
    """Return in words what place a name was read as; None where the name is its own, and no other place's.

    >>> read_as("france"), read_as("CA"), read_as("georgia")
    (None, 'Canada; the grid of California is US-CA', 'the country Georgia; the grid of the state is US-GA')
    """
    there, typed = place(name), slug(name)
    rival = states().get(typed)
    if rival is not None and not there.provider and there.zone != rival.code:
        state = rival.name.partition(",")[0]
        if state == there.title:
            return f"the country {state}; the grid of the state is {rival.code}"
        return f"{there.title}; the grid of {state} is {rival.code}"
    if typed == slug(there.name) or typed == slug(there.title):
        return None
    return f"{there.name} ({there.title})" if there.provider else there.title


def check_listed(names: Sequence[str], where: str | None = None) -> None:
    """Refuse a list in which a city stands before a state: "Paris, Texas" is one place as people write it, and two as a list.

    Raises
    ------
    InputError
        With what to write for the one and for the two.
    """
    for city, state in itertools.pairwise(names):
        area = states().get(slug(state))
        if area is None or _is_region(city):
            continue
        one = f"{area.code} for {area.name.partition(',')[0]}"
        both = next((other for other in (_code(state), area.code) if other), area.code)
        known = _code(city) is not None
        raise InputError(
            "one place or two?", where=where, key="region", value=f"{city}, {state}",
            allowed="regions of clouds, countries, zones, and cities without their state",
            remedy=f"write {one}" + (f"; for {city} and {state} write {city},{both}" if known else ""),
        )  # fmt: skip


def _code(name: str) -> str | None:
    """Return the code of the area that a name is read as; None where it is none."""
    there = known_place(name)
    if there is None:
        return None
    return there.iso3 if there.zone == there.iso3 else there.zone


def _is_region(name: str) -> bool:
    """Say whether a name is a region's of a cloud, a country's or a zone's own, and no city's."""
    there = known_place(name)
    if there is None:
        return False
    typed = slug(name)
    own = (there.name, there.title, there.zone, there.iso3, areas()[there.iso3].iso2)
    return there.provider != "" or typed in map(slug, own) or typed in cloud_regions()
