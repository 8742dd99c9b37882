"""Carbon intensity of consecutive steps of time, as the usual files have it."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from carbonscaling.carbon.profile_files import INTENSITY, Quantity, Reading, readings
from carbonscaling.errors import InputError
from carbonscaling.files import TABLE, read_text
from carbonscaling.record import dataclass

__all__ = ["HourlyProfile", "load_profile", "moment"]

STEPS = tuple(timedelta(minutes=m) for m in (5, 10, 15, 20, 30, 60))
MOST_BLANK = 24.0
"""Hours in a row without a value that are bridged by a straight line."""


@dataclass(frozen=True)
class HourlyProfile:
    """Carbon intensity of consecutive steps; beyond its end it begins again.

    Attributes
    ----------
    begin : str
        First step, ISO 8601.
    g_per_kwh : tuple of float
    step_h : float
        Hours of a step: a twelfth to 1.
    basis : str
        What the intensities count, as far as the file says.
    blank : tuple of int
        Steps without a value that were bridged.
    """

    begin: str
    g_per_kwh: tuple[float, ...]
    step_h: float = 1.0
    basis: str = ""
    blank: tuple[int, ...] = ()

    @property
    def filled(self) -> int:
        """Steps without a value that were bridged."""
        return len(self.blank)

    @property
    def average(self) -> float:
        """Mean over the profile."""
        return float(np.mean(self.g_per_kwh))

    @property
    def hours(self) -> float:
        """Length in hours."""
        return len(self.g_per_kwh) * self.step_h

    def at(self, start_hour: float) -> str:
        """Return the moment so many hours after the first, ISO 8601."""
        return (datetime.fromisoformat(self.begin) + timedelta(hours=start_hour)).isoformat(timespec="minutes")

    def hours_until(self, start: str) -> float:
        """Return the hours from the profile's first to a date or moment (ISO 8601).

        Raises
        ------
        InputError
            It is no moment, before the first, or only one of the two has a time zone.
        """
        first, then = datetime.fromisoformat(self.begin), moment(start)
        if then.tzinfo is None and first.tzinfo is not None:
            then = then.replace(tzinfo=first.tzinfo)
        if first.tzinfo is None and then.tzinfo is not None:
            raise InputError(
                "a start with a time zone, where the profile's times have none", key="start", value=start,
                remedy="leave the zone out, or write it in every row of the profile",
            )  # fmt: skip
        hours = (then - first) / timedelta(hours=1)
        if hours < 0.0:
            raise InputError(
                "a start before the profile begins", key="start", value=start, allowed=f"{self.begin} or later",
                remedy="give a later date; beyond its end the profile begins again",
            )  # fmt: skip
        return hours


def moment(text: str) -> datetime:
    """Return a date or moment written in ISO 8601.

    Raises
    ------
    InputError
        It is none.
    """
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InputError(
            "not a date", key="start", value=text, allowed="ISO 8601, such as 2026-03-01 or 2026-03-01T22:00+01:00",
            remedy="correct it",
        ) from error  # fmt: skip


def load_profile(
    path: str | Path, column: str | None = None, basis: str | None = None, what: Quantity = INTENSITY
) -> HourlyProfile:
    """Return the profile of a file: plain CSV, Electricity Maps' or ENTSO-E's CSV, or WattTime's JSON.

    Parameters
    ----------
    path : path
    column : str, optional
        Column of a plain CSV file that holds several places; ``g_per_kwh``, or the only one, if not given.
    basis : {"operational", "life-cycle"}, optional
        Which of two columns of Electricity Maps' files; operational (direct) if not given.
    what : Quantity
        What the values are: intensities, or prices of electricity, for which plain CSV is read alone.

    Raises
    ------
    InputError
        A column is missing, a time or a number cannot be read, an intensity is negative, or the steps overlap, leave a
        gap or run backwards; the message names the line.
    """
    where = str(path)
    listed, counts = readings(read_text(Path(path), TABLE), where, column, basis, what)
    if not listed:
        raise InputError("no rows", where=where, remedy="give at least one hour below the header")
    step = _step(listed, where)
    for before, now in itertools.pairwise(listed):
        _check_step(before.time, now.time, step, now.where)
    values, blank = _bridged(listed, step / timedelta(hours=1))
    return HourlyProfile(listed[0].time.isoformat(), values, step / timedelta(hours=1), counts, blank)


def _step(listed: list[Reading], where: str) -> timedelta:
    """Return the time from row to row, by the first two."""
    if len(listed) == 1:
        return STEPS[-1]
    step = _difference(listed[0].time, listed[1].time, listed[1].where)
    if step not in STEPS and timedelta(0) < step < STEPS[-1]:
        raise InputError("an odd step of time", where=where, key="time", value=str(step),
                         allowed="5, 10, 15, 20, 30 or 60 minutes", remedy="give one of these")  # fmt: skip
    return step if step in STEPS else STEPS[-1]


def _difference(before: datetime, now: datetime, where: str) -> timedelta:
    try:
        return now - before
    except TypeError as error:
        raise InputError("times with and without a zone", where=where, key="time",
                         remedy="write the same zone in every row") from error  # fmt: skip


def _check_step(before: datetime, now: datetime, step: timedelta, where: str) -> None:
    found = _difference(before, now, where)
    if found == step:
        return
    problem = (
        "hours overlap"
        if timedelta(0) <= found < step
        else "hours run backwards"
        if found < step
        else "hours are missing"
    )
    raise InputError(
        problem, where=where, key="time", value=now.isoformat(), allowed=f"{(before + step).isoformat()}: one row a step",
        remedy="sort the rows, remove double ones, fill gaps; write UTC where clocks change",
    )  # fmt: skip


def _bridged(listed: list[Reading], step_h: float) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Return the values with short gaps bridged, and which these are."""
    values = np.array([np.nan if reading.g_per_kwh is None else reading.g_per_kwh for reading in listed])
    blank = np.isnan(values)
    if not blank.any():
        return tuple(values.tolist()), ()
    known = np.flatnonzero(~blank)
    if not len(known):
        raise InputError("no value in any row", where=listed[0].where, remedy="give the file with its intensities")
    edges = np.diff(np.concatenate(([-1], known, [len(values)]))) - 1
    worst = int(edges.argmax())
    if edges[worst] * step_h > MOST_BLANK:
        first = listed[int(known[worst - 1]) + 1 if worst else 0]
        raise InputError(
            "values are missing for too long", where=first.where, value=f"{edges[worst] * step_h:g} hours",
            allowed=f"at most {MOST_BLANK:g} hours in a row", remedy="fill the gap, or cut the file there",
        )  # fmt: skip
    bridged = np.interp(np.arange(len(values)), known, values[known])
    return tuple(bridged.tolist()), tuple(np.flatnonzero(blank).tolist())
