"""What the catalogue holds that has grown old: numbers of electricity, data centres and prices by the year they hold for."""

from __future__ import annotations

from collections.abc import Iterator

from carbonscaling.catalog.factors import factor, factor_ids
from carbonscaling.catalog.grids import areas, cloud_regions, grid_quantities, series
from carbonscaling.catalog.prices import price_bases, prices
from carbonscaling.record import dataclass

__all__ = ["Aged", "aged"]

MOST_YEARS = 2


@dataclass(frozen=True)
class Aged:
    """Numbers of one kind, source and year.

    Attributes
    ----------
    kind : str
        grid, with what it counts; factor; price.
    source : str
        Key of a reference.
    year : int
    names : tuple of str
    """

    kind: str
    source: str
    year: int
    names: tuple[str, ...]


def _dated() -> Iterator[tuple[str, str, int, str]]:
    """Return kind, source, year and name of everything that ages; of a grid the newest year alone."""
    for code in (*areas(), *cloud_regions()):
        for quantity in grid_quantities():
            years = series(code, quantity)
            if years:
                year = max(years)
                yield f"grid: {quantity}", years[year][1], year, code
    for name in factor_ids():
        datum = factor(name)
        if name.startswith("facility.") and datum.year:
            yield "factor", datum.source, datum.year, name
    for basis in price_bases():
        for name, datum in prices(basis).items():
            if datum.year:
                yield f"price: {basis}", datum.source, datum.year, name


def aged(this_year: int, most_years: int = MOST_YEARS) -> tuple[Aged, ...]:
    """Return what holds for a year more than `most_years` before `this_year`, oldest first."""
    found: dict[tuple[str, str, int], list[str]] = {}
    for kind, source, year, name in _dated():
        if year < this_year - most_years:
            found.setdefault((kind, source, year), []).append(name)
    return tuple(
        Aged(*key, tuple(names)) for key, names in sorted(found.items(), key=lambda item: (item[0][2], item[0]))
    )
