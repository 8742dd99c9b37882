"""The hours of a timetable: intensity place by place, a forecast of it, and prices of electricity."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from carbonscaling.carbon.profile import HourlyProfile, load_profile
from carbonscaling.carbon.profile_files import PRICE
from carbonscaling.errors import InputError
from carbonscaling.record import dataclass
from carbonscaling.study.hours import file_and_column, hours_of, profile_of
from carbonscaling.study.scenario import Scenario, replace
from carbonscaling.study.scheduling.options import Timetabling
from carbonscaling.timetable.job import Array

__all__ = ["Window", "window_of"]


@dataclass(frozen=True)
class Window:
    """The hours from the first in which work may begin to the deadline.

    Attributes
    ----------
    home : HourlyProfile
        Of the first place.
    names : tuple of str
    first : int
        Step of the profile at which it begins.
    g : array, shape (places, steps)
        g/kWh.
    forecast : array, optional
        The same, as it was forecast.
    usd_per_mwh : array, optional
        Of electricity.
    filled : int
        Steps of it without a value that were bridged.
    """

    home: HourlyProfile
    names: tuple[str, ...]
    first: int
    g: Array
    forecast: Array | None
    usd_per_mwh: Array | None
    filled: int

    @property
    def step_h(self) -> float:
        """Hours of a step."""
        return self.home.step_h

    @property
    def forecast_error(self) -> float | None:
        """Mean absolute error of the forecast over the mean intensity; None without a forecast."""
        return None if self.forecast is None else float(np.abs(self.forecast - self.g).mean() / self.g.mean())


def window_of(s: Scenario, asked: Timetabling) -> Window:
    """Return the hours of a timetable.

    Raises
    ------
    InputError
        No profile, profiles of unlike steps or beginnings, or a value out of range.
    """
    profiles = _profiles(s, asked.columns)
    home = profiles[0][1]
    step = home.step_h
    if asked.restart_hours > step:
        raise InputError("restart_hours is out of range", key="restart_hours", value=asked.restart_hours,
                         allowed=f"0 to {step:g}, a step of the profile", remedy="correct it")  # fmt: skip
    if s.start_hour % step:
        raise InputError("a start within a step of the profile", key="start_hour", value=s.start_hour,
                         allowed=f"a multiple of {step:g} hours", remedy="begin with a step")  # fmt: skip
    first, horizon = int(s.start_hour / step), int(asked.within_days * 24.0 / step + 1e-9)
    names = tuple(name for name, _ in profiles)

    def cut(found: list[HourlyProfile]) -> Array:
        return np.array([_around(p.g_per_kwh, first, horizon) for p in found])

    told, prices = _forecast(s, asked, names), _prices(asked, names)
    for key, found in (("forecast", told), ("prices", prices)):
        for other in found:
            if (other.step_h, other.begin) != (step, home.begin):
                raise InputError(
                    f"{key} of other hours", key=key, value=f"{other.begin}, steps of {other.step_h:g} hours",
                    allowed=f"{home.begin}, steps of {step:g} hours", remedy="write it at the hours of the --hourly file",
                )  # fmt: skip
    blank = [_around(np.bincount(p.blank, minlength=len(p.g_per_kwh)), first, horizon) for _, p in profiles]
    return Window(
        home, names, first, cut([p for _, p in profiles]), cut(told) if told else None, cut(prices) if prices else None,
        int(np.sum(blank)),
    )  # fmt: skip


def _around(values: npt.ArrayLike, first: int, horizon: int) -> Array:
    """Return so many steps from one on; beyond its end a profile begins again."""
    return np.resize(np.roll(np.asarray(values, dtype=float), -first), horizon)


def _profiles(s: Scenario, columns: tuple[str, ...]) -> list[tuple[str, HourlyProfile]]:
    if s.hourly is None:
        raise InputError("a schedule needs carbon intensity by the hour", key="hourly", remedy="add --hourly FILE.csv")
    path, column = file_and_column(s.hourly)
    names = columns or (column or s.region,)
    asked = [replace(s, hourly=f"{path}:{name}") if columns else s for name in names]
    if hours_of(asked[0]) is None:
        raise InputError(
            "a market intensity among your factors stands in the place of the hours", key="factors", value=s.factors,
            remedy="leave market_intensity out of your factors: where every hour is the same the run begins at once",
        )  # fmt: skip
    found = [(name, profile_of(one)) for name, one in zip(names, asked, strict=True)]
    known = [(name, profile) for name, profile in found if profile is not None]
    for name, profile in known:
        if (profile.step_h, profile.begin) != (known[0][1].step_h, known[0][1].begin):
            raise InputError("profiles of unlike steps or beginnings", key="columns", value=name,
                             remedy="give columns of one file")  # fmt: skip
    return known


def _forecast(s: Scenario, asked: Timetabling, names: tuple[str, ...]) -> list[HourlyProfile]:
    if asked.forecast is None:
        return []
    files = [f"{asked.forecast}:{name}" for name in names] if asked.columns else [asked.forecast]
    found = [profile_of(replace(s, hourly=file)) for file in files]
    return [profile for profile in found if profile is not None]


def _prices(asked: Timetabling, names: tuple[str, ...]) -> list[HourlyProfile]:
    """Return prices place by place: one for all where a column is named, or where there is one place."""
    if asked.prices is None:
        return []
    path, column = file_and_column(asked.prices)
    if column is None and asked.columns:
        return [load_profile(path, name, what=PRICE) for name in names]
    return [load_profile(path, column, what=PRICE)] * len(names)
