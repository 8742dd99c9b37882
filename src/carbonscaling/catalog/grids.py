"""The shipped table of grids: what one area's electricity emits and drinks, by quantity and year, each with its source."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Literal, get_args

from carbonscaling.catalog.factors import factor
from carbonscaling.files import PACKAGE
from carbonscaling.record import dataclass
from carbonscaling.sources import Datum

__all__ = [
    "Area",
    "Basis",
    "CloudRegion",
    "Quantity",
    "areas",
    "changing",
    "cloud_regions",
    "grid_quantities",
    "names_elsewhere",
    "newest",
    "series",
]

Basis = Literal["operational", "life-cycle"]
Quantity = Literal[
    "generation",
    "life-cycle",
    "consumed",
    "residual",
    "operating-margin",
    "carbon-free",
    "water",
    "water-stress",
    "metals",
    "primary-energy",
    "renewable-share",
    "nuclear-share",
]
"""Intensities: of generation alone, life-cycle of generation (of what a zone consumes where its country has no other),
life-cycle of what is consumed, imports included. Shares are of a country's generation."""

CLEAN_G_PER_KWH = 150.0
"""At or below it a dry year or a plant that stands still moves the average most."""
PRIOR_CHANGES = 2
"""Changes from year to year that the average of all grids counts for, beside the grid's own."""
Z95 = 1.6448536269514722


@dataclass(frozen=True)
class Area:
    """A country or a zone inside one.

    Attributes
    ----------
    code : str
        ISO 3166 alpha-3 code of a country, the source's own code of a zone.
    kind : str
        country or zone.
    iso2, iso3 : str
        Of the country.
    name : str
    names : tuple of str
        Other names, cities among them.
    """

    code: str
    kind: str
    iso2: str
    iso3: str
    name: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class CloudRegion:
    """A provider's region and the grids that it is on.

    Attributes
    ----------
    provider, name, city, iso3 : str
    grid : str
        Area or Google Cloud region with the grid's generation intensity, empty where none is published.
    zone : str
        Area with the life-cycle intensity.
    water : str
        Area with the water of generation, where it is smaller than the country.
    wue : float, optional
        On-site water of this region in L/kWh.
    """

    provider: str
    name: str
    city: str
    iso3: str
    grid: str
    zone: str
    water: str
    wue: float | None


def _rows(name: str) -> Iterator[list[str]]:
    """Return the rows of a table under its heading."""
    rows = csv.reader(_lines(name))
    next(rows)
    return rows


def _lines(name: str) -> list[str]:
    return (PACKAGE / "catalog" / "grids" / name).read_text(encoding="utf-8").splitlines()


@lru_cache(maxsize=1)
def areas() -> Mapping[str, Area]:
    """Return every area by its code."""
    return {
        code: Area(code, kind, iso2, iso3, name, tuple(filter(None, names.split(";"))))
        for code, kind, iso2, iso3, name, names in _rows("places.csv")
    }


@lru_cache(maxsize=1)
def names_elsewhere() -> Mapping[str, tuple[str, ...]]:
    """Return the names of countries in other languages, by the country's code."""
    return {code: tuple(names.split(";")) for code, names in _rows("names.csv")}


@lru_cache(maxsize=1)
def cloud_regions() -> Mapping[str, CloudRegion]:
    """Return every cloud region by its provider's id."""
    return {
        region: CloudRegion(provider, region, city, iso3, grid, zone, water, float(wue) if wue else None)
        for provider, region, city, iso3, grid, zone, water, wue in _rows("regions.csv")
    }


@lru_cache(maxsize=2)
def _by_area(name: str) -> Mapping[str, list[str]]:
    """Return the lines of a table by the area that they begin with: most questions are about one or two."""
    found: dict[str, list[str]] = {}
    for line in _lines(name)[1:]:
        found.setdefault(line.partition(",")[0], []).append(line)
    return found


@lru_cache(maxsize=1024)
def _of_area(code: str) -> Mapping[str, Mapping[int, tuple[float, str]]]:
    """Return value and source by year, by quantity."""
    found: dict[str, dict[int, tuple[float, str]]] = {}
    for _, quantity, year, value, source in csv.reader(_by_area("grids.csv").get(code, ())):
        found.setdefault(quantity, {})[int(year)] = (float(value), source)
    for _, year, value in csv.reader(_by_area("electricity_maps.csv").get(code, ())):
        found.setdefault("consumed", {})[int(year)] = (float(value), "electricity_maps_2025")
    if "consumed" in found:
        found.setdefault("life-cycle", found["consumed"])
    return found


def series(code: str, quantity: Quantity) -> Mapping[int, tuple[float, str]]:
    """Return what is published of an area by year: value and the source's key; empty where nothing is."""
    return _of_area(code).get(quantity, {})


def grid_quantities() -> tuple[Quantity, ...]:
    """Return what an area may have a series of."""
    return get_args(Quantity)


LEAST_G_PER_KWH = 1e-3
"""Below, an average is nought: no change is read off it."""


def _width(change: float, own: Sequence[float]) -> float:
    """Return the half-width on the logarithm of one side: the usual change and the grid's own, by their counts."""
    usual = math.log(change) / Z95
    squares = PRIOR_CHANGES * usual**2 + math.fsum(step**2 for step in own)
    return Z95 * math.sqrt(squares / (PRIOR_CHANGES + len(own)))


def changing(value: float, years: Mapping[int, float]) -> tuple[float, float]:
    """Return the range of an annual average another year: what grids of its kind changed by, and what this one did.

    Parameters
    ----------
    value : float
        Newest average in g/kWh.
    years : Mapping[int, float]
        The averages of its years; two that follow each other make one change.

    Examples
    --------
    Without a history of its own, a clean grid and a dirty one:

    >>> [round(end, 1) for end in changing(100.0, {2024: 100.0})], [round(end) for end in changing(400.0, {2024: 400.0})]
    ([41.0, 172.0], [308, 492])
    """
    usual = factor("grid.change.clean" if value <= CLEAN_G_PER_KWH else "grid.change.carbon_heavy")
    own = [
        math.log(years[year + 1] / before)
        for year, before in years.items()
        if before >= LEAST_G_PER_KWH and years.get(year + 1, 0.0) >= LEAST_G_PER_KWH
    ]
    low, high = usual.si_range
    return value * math.exp(-_width(1.0 / low, own)), value * math.exp(_width(high, own))


def newest(code: str, quantity: Quantity, unit: str, basis: str, remark: str = "") -> Datum | None:
    """Return the newest value of an area with the range that its years give it; None where nothing is published."""
    years = series(code, quantity)
    if not years:
        return None
    year = max(years)
    value, source = years[year]
    low, high = changing(value, {y: v for y, (v, own) in years.items() if own == source})
    return Datum(value, unit, source, low, high, year, basis, remark)
