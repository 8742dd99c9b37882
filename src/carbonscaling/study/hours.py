"""Carbon intensity by the hour in an answer: the mean of the hours that the run meets."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from carbonscaling.carbon.hourly import HourlyProfile, passage
from carbonscaling.catalog.hourly import load_profile
from carbonscaling.study.scenario import Scenario
from carbonscaling.units import HOUR

__all__ = ["hours_met", "intensity_met", "profile_of"]


def profile_of(s: Scenario) -> HourlyProfile | None:
    """Return the scenario's profile, or None.

    Raises
    ------
    InputError
        The file cannot be used.
    """
    if s.hourly is None:
        return None
    path = Path(s.hourly)
    return _read(s.hourly, path.stat().st_mtime_ns if os.path.isfile(path) else 0)


@lru_cache(maxsize=8)
def _read(path: str, _changed: int) -> HourlyProfile:
    return load_profile(path)


def intensity_met(s: Scenario, duration_s: float | None) -> float | None:
    """Return the mean intensity in g/kWh over a run of `duration_s`, or over the whole profile while that is unknown.

    None where the scenario has no profile.
    """
    profile = profile_of(s)
    if profile is None:
        return None
    return (
        profile.average if duration_s is None else passage(profile, s.start_hour, duration_s / HOUR).working_g_per_kwh
    )


def hours_met(s: Scenario, duration_s: float) -> tuple[str, ...]:
    """Return a note on the hours that a run meets; none without a profile."""
    profile, met = profile_of(s), intensity_met(s, duration_s)
    if profile is None or met is None:
        return ()
    return (
        f"{met:.4g} g/kWh over the {duration_s / HOUR:.4g} hours from hour {s.start_hour:g} of the profile (begins "
        f"{profile.begin}, {len(profile.g_per_kwh)} hours, mean {profile.average:.4g}, by which settings were compared)",
    )
