"""How a grid's intensity goes through the day and the year: each month's mean of every hour, over the year's mean."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from carbonscaling.catalog.grids import Basis
from carbonscaling.files import PACKAGE

__all__ = ["HOURS_SOURCE", "hours_by_year"]

HOURS_SOURCE = "electricity_maps_hours_2025"
"""Key of the hours' source."""
PER_MILLE = 1000.0


@lru_cache(maxsize=1)
def _table() -> Mapping[tuple[str, str], Mapping[int, npt.NDArray[np.float64]]]:
    path = PACKAGE / "catalog" / "grids" / "electricity_maps_hours.csv"
    found: dict[tuple[str, str], dict[int, npt.NDArray[np.float64]]] = {}
    for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))):
        years = found.setdefault((row["code"], row["basis"]), {})
        months = years.setdefault(int(row["year"]), np.empty((12, 24)))
        months[int(row["month"]) - 1] = [float(row[f"h{hour:02d}"]) / PER_MILLE for hour in range(24)]
    return found


def hours_by_year(code: str, basis: Basis) -> Mapping[int, npt.NDArray[np.float64]]:
    """Return an area's intensity by month and hour (UTC), a table of 12 x 24 for each year; empty where none is known.

    Parameters
    ----------
    code : str
        Of an area.
    basis : {"operational", "life-cycle"}

    Returns
    -------
    Mapping[int, ndarray]
        Over the mean of its year, hence without unit.
    """
    return _table().get((code, basis), {})
