"""Carbon intensity by the hour in an answer: the mean of the hours that the run meets."""

from __future__ import annotations

import math
import os
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from carbonscaling.carbon.contracts import Contracts, from_day
from carbonscaling.carbon.hourly import Hours, passage
from carbonscaling.carbon.profile import HourlyProfile, load_profile
from carbonscaling.carbon.windows import ALWAYS
from carbonscaling.catalog.user_factors import load_factors
from carbonscaling.errors import InputError
from carbonscaling.study.scenario import Scenario
from carbonscaling.units import HOUR

__all__ = ["contract_of", "file_and_column", "hour_of", "hours_met", "hours_of", "intensity_met", "profile_of"]


def profile_of(s: Scenario) -> HourlyProfile | None:
    """Return the scenario's profile, or None.

    Raises
    ------
    InputError
        The file cannot be used.
    """
    if s.hourly is None:
        return None
    path, column = file_and_column(s.hourly)
    return _read(path, column, s.basis, Path(path).stat().st_mtime_ns if os.path.isfile(path) else 0)


def file_and_column(hourly: str) -> tuple[str, str | None]:
    """Return the file of a profile and the column that is named behind it: ``hours.csv:ERCO``."""
    path, _, column = hourly.rpartition(":")
    return (hourly, None) if not path or os.path.isfile(hourly) or not os.path.isfile(path) else (path, column)


@lru_cache(maxsize=8)
def _read(path: str, column: str | None, basis: str | None, _changed: int) -> HourlyProfile:
    return load_profile(path, column, basis)


MOST_HOURS = 1e6


def hour_of(start: float | str, profile: HourlyProfile) -> float:
    """Return a start in hours after the profile's first: such hours, or a date or moment (ISO 8601).

    Raises
    ------
    InputError
        It is neither, or before the profile.
    """
    try:
        hour = float(start)
    except ValueError:
        return profile.hours_until(str(start))
    if not 0.0 <= hour <= MOST_HOURS:
        raise InputError("a start out of range", key="starts", value=start, allowed=f"0 to {MOST_HOURS:g} hours, or a date",
                         remedy="correct it")  # fmt: skip
    return hour


def hours_of(s: Scenario) -> Hours | None:
    """Return the hours that a run meets; None without a profile, or where the total counts a user's factor of the market.

    Raises
    ------
    InputError
        A file cannot be used.
    """
    profile = profile_of(s)
    if profile is None or (s.scope2 == "market" and s.factors and "market_intensity" in load_factors(s.factors)):
        return None
    return _hours(profile, s.start_hour)


@lru_cache(maxsize=8)
def _hours(profile: HourlyProfile, start_hour: float) -> Hours:
    return Hours(profile, start_hour)


def contract_of(s: Scenario) -> Contracts:
    """Return the scenario's contract with the days of the run for which it holds, where it ends on a day.

    Raises
    ------
    InputError
        Nothing says when the run begins.
    """
    profile = profile_of(s) if s.contracts.until is not None and s.contracts.run_begins is None else None
    return from_day(s.contracts, None if profile is None else datetime.fromisoformat(profile.at(s.start_hour)))


def intensity_met(
    s: Scenario, duration_s: float | None, pause_above: float = math.inf, window: str = ALWAYS
) -> float | None:
    """Return the mean intensity in g/kWh over a run of `duration_s`, or over the whole profile while that is unknown.

    None as in `hours_of`. Hours above `pause_above`, or outside `window`, are waited out.
    """
    hours = hours_of(s)
    if hours is None:
        return None
    if duration_s is None:
        return hours.profile.average
    if pause_above < math.inf or window != ALWAYS:
        return passage(hours.profile, s.start_hour, duration_s / HOUR, pause_above, window).working_g_per_kwh
    return float(hours.mean(duration_s / HOUR))


def hours_met(s: Scenario, duration_s: float) -> tuple[str, ...]:
    """Return a note on the hours that a run meets; none without a profile."""
    hours, met = hours_of(s), intensity_met(s, duration_s)
    if hours is None or met is None:
        return ()
    profile = hours.profile
    said = f", {profile.basis}" if profile.basis else ""
    bridged = f", {profile.filled} steps without a value bridged" if profile.filled else ""
    return (
        f"{met:.4g} g/kWh over the {duration_s / HOUR:.4g} hours from hour {s.start_hour:g} of the profile (begins "
        f"{profile.begin}, {profile.hours:g} hours, mean {profile.average:.4g}{said}{bridged}); settings were compared by the "
        "hours that each of them meets",
    )
