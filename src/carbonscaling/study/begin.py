"""When to begin: the start that meets the cleanest hours of a grid's typical year, and what it saved in each year."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from carbonscaling.carbon.hourly import mean_by_start
from carbonscaling.carbon.profile import HourlyProfile
from carbonscaling.catalog.grid_hours import hours_by_year
from carbonscaling.catalog.grids import Basis
from carbonscaling.record import dataclass

__all__ = ["Begin", "best_begin", "typical_hours"]

FIRST = datetime(2025, 1, 1)
"""A year of 365 days stands for all."""
LONG_H = 168.0


@dataclass(frozen=True)
class Begin:
    """The best start of a run in a grid's typical year.

    Attributes
    ----------
    when : str
        As people say it: ``Oct 3, 05:00 UTC``, or ``Oct 3``.
    saves : float
        Share of operational carbon saved against the mean of all starts, in the mean of the years.
    years : Mapping[int, float]
        The same in each year.
    """

    when: str
    saves: float
    years: dict[int, float]


def typical_hours(code: str, basis: Basis) -> npt.NDArray[np.float64] | None:
    """Return an area's intensity by month and hour over the year's mean (12 x 24), the mean of its years; None if unknown."""
    years = hours_by_year(code, basis)
    return np.mean(list(years.values()), axis=0) if years else None


MONTHS = np.repeat(np.arange(12), [24 * monthrange(FIRST.year, month)[1] for month in range(1, 13)])


def _by_start(months: npt.NDArray[np.float64], duration_h: float) -> npt.NDArray[np.float64]:
    """Return the mean that a run meets by the hour of its start, over that of the year."""
    year = months[MONTHS, np.arange(len(MONTHS)) % 24]
    met: npt.NDArray[np.float64] = mean_by_start(HourlyProfile(FIRST.isoformat(), tuple(year.tolist())), duration_h)
    return np.asarray(met / year.mean())


def _said(hour: int, duration_h: float) -> str:
    """Return an hour of the year in words; of a run that lasts a week or more the hour of the day says nothing."""
    moment = FIRST + timedelta(hours=hour)
    clock = f", {moment:%H:%M} UTC" if duration_h < LONG_H else ""
    return f"{moment:%b} {moment.day}{clock}"


@lru_cache(maxsize=256)
def best_begin(code: str, basis: Basis, duration_h: float) -> Begin | None:
    """Return the best start of a run without pauses; None where an area's hours are not known.

    Parameters
    ----------
    code : str
        Of an area.
    basis : {"operational", "life-cycle"}
    duration_h : float
        Run time in hours.
    """
    typical = typical_hours(code, basis)
    if typical is None:
        return None
    met = _by_start(typical, duration_h)
    best = int(met.argmin())
    return Begin(
        _said(best, duration_h),
        float(1.0 - met[best]),
        {year: float(1.0 - _by_start(months, duration_h)[best]) for year, months in hours_by_year(code, basis).items()},
    )
