"""Carbon intensity by the hour: what a run meets that begins at some hour, and pauses while the grid is dirty."""

from __future__ import annotations

import math
from dataclasses import field

import numpy as np

from carbonscaling.arrays import Array, Number
from carbonscaling.carbon.profile import HourlyProfile
from carbonscaling.carbon.windows import ALWAYS, open_steps
from carbonscaling.errors import InputError
from carbonscaling.formula import formula
from carbonscaling.record import dataclass

__all__ = ["Hours", "Passage", "mean_by_start", "mean_intensity", "passage"]


@formula("met/hours", unit="g/kWh", source="sci_21031", place="intensity over the time of use")
def mean_intensity(met: Number, hours: Number) -> Number:
    """Mean carbon intensity in g/kWh of some hours.

    Parameters
    ----------
    met : g/kWh*h
        Intensity of each hour times its length, added up.
    hours : h
    """
    return met / hours


@dataclass(frozen=True)
class Hours:
    """The hours from some start on: what runs of any length meet that do not pause.

    Attributes
    ----------
    profile : HourlyProfile
    start_hour : float
        Hours after the profile's begin, at least 0.
    """

    profile: HourlyProfile
    start_hour: float
    _ends: Array = field(init=False, repr=False, compare=False)
    _sums: Array = field(init=False, repr=False, compare=False)
    _least: Array = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Add up one pass through the profile, step by step."""
        around, length = _from(self.profile, self.start_hour)
        ends = np.concatenate(([0.0], np.cumsum(length)))
        sums = np.concatenate(([0.0], np.cumsum(length * around)))
        means = np.concatenate(([around[0]], sums[1:] / ends[1:]))
        object.__setattr__(self, "_ends", ends)
        object.__setattr__(self, "_sums", sums)
        tail = self._mean_beyond(ends[-1])
        object.__setattr__(self, "_least", np.minimum.accumulate(np.append(means, tail)[::-1])[::-1])

    def mean(self, duration_h: Number) -> Number:
        """Mean intensity in g/kWh over the first `duration_h` hours; floats or arrays."""
        hours = np.maximum(duration_h, SHORTEST_H)
        passes = np.floor(hours / self._ends[-1])
        whole, rest = passes * self._sums[-1], np.interp(hours - passes * self._ends[-1], self._ends, self._sums)
        return mean_intensity(whole + rest, hours)

    def least_mean(self, duration_h: Number) -> Number:
        """Intensity in g/kWh that no run of at least `duration_h` hours falls below in the mean; floats or arrays.

        Within an hour a mean moves one way, towards that hour's intensity, so that the least ones are at the ends of hours;
        beyond one pass every mean is that of the profile and what a part of a pass lacks, spread over the whole run.
        """
        hours = np.maximum(duration_h, SHORTEST_H)
        place = np.searchsorted(self._ends, hours)
        within = np.minimum(self.mean(hours), self._least[np.minimum(place, len(self._ends))])
        return np.where(hours < self._ends[-1], within, self._mean_beyond(hours))

    def _mean_beyond(self, hours: Number) -> Number:
        average = self._sums[-1] / self._ends[-1]
        lack = (self._sums - average * self._ends).min()
        least: Number = np.maximum(average + lack / hours, min(self.profile.g_per_kwh))
        return least


SHORTEST_H = 1e-12
"""A run of no length meets what one of this length meets."""


def _from(profile: HourlyProfile, start_hour: float) -> tuple[Array, Array]:
    """Return the intensities of a pass that begins at some hour, and how many hours of each step belong to it."""
    return _around(np.asarray(profile.g_per_kwh, dtype=float), start_hour / profile.step_h), _lengths(
        profile, start_hour
    )


def _around(values: Array, start: float) -> Array:
    turned = np.roll(values, -(int(start // 1.0) % len(values)))
    return np.append(turned, turned[0])


def _lengths(profile: HourlyProfile, start_hour: float) -> Array:
    offset = (start_hour / profile.step_h) % 1.0
    length = np.ones(len(profile.g_per_kwh) + 1)
    length[0], length[-1] = 1.0 - offset, offset
    return length * profile.step_h


def mean_by_start(profile: HourlyProfile, duration_h: float) -> Array:
    """Return the mean intensity in g/kWh that a run of `duration_h` meets, for a start at each step of the profile.

    Examples
    --------
    >>> mean_by_start(HourlyProfile("2026-01-01", (100.0, 300.0, 200.0)), 2.0).tolist()
    [200.0, 250.0, 150.0]
    """
    g = np.asarray(profile.g_per_kwh, dtype=float)
    passes, rest = divmod(max(duration_h, SHORTEST_H) / profile.step_h, len(g))
    whole, part = int(rest), rest % 1.0
    sums = np.concatenate(([0.0], np.cumsum(np.concatenate((g, g)))))
    first = np.arange(len(g))
    met = sums[first + whole] - sums[first] + part * np.take(g, first + whole, mode="wrap")
    mean: Array = (passes * g.sum() + met) / (passes * len(g) + rest)
    return mean


@dataclass(frozen=True)
class Passage:
    """What a run meets.

    Attributes
    ----------
    start_hour : float
        Hours after the profile's begin.
    working_h, paused_h : float
        They add up to the time from start to end.
    working_g_per_kwh, paused_g_per_kwh : float
        Mean intensity while working, and while paused (nought without a pause).
    """

    start_hour: float
    working_h: float
    paused_h: float
    working_g_per_kwh: float
    paused_g_per_kwh: float


def passage(
    profile: HourlyProfile, start_hour: float, duration_h: float, pause_above: float = math.inf, window: str = ALWAYS
) -> Passage:
    """Return what a run of `duration_h` working hours meets from `start_hour`, pausing above a threshold.

    Whole passes through the profile are counted at once, so that a run of years costs no more than one of days.

    Parameters
    ----------
    profile : HourlyProfile
    start_hour : float
        Hours after the profile's begin, at least 0.
    duration_h : float
    pause_above : float
        g/kWh; work stops in hours above.
    window : str
        Hours in which work may go on, see `open_steps`.

    Raises
    ------
    InputError
        The threshold leaves no hour to work in.
    """
    g = np.asarray(profile.g_per_kwh, dtype=float)
    free = open_steps(profile, window) if window != ALWAYS else np.ones(len(g), dtype=bool)
    if not np.any(free & (g <= pause_above)):
        least = g[free].min() if free.any() else g.min()
        raise InputError(
            "no hour of the profile is clean enough to work in", key="pause_above" if free.any() else "windows",
            value=pause_above if free.any() else window, allowed=f"{least:g} g/kWh or more",
            remedy="raise the threshold, or widen the window",
        )  # fmt: skip
    hours, length = _from(profile, start_hour)
    allowed = _around(free.astype(float), start_hour / profile.step_h) > 0.0
    working = np.where(allowed & (hours <= pause_above), length, 0.0)
    paused = length - working
    passes = np.ceil(duration_h / working.sum()) - 1.0
    left = duration_h - passes * working.sum()
    done = np.minimum(np.cumsum(working), left)
    last = np.diff(done, prepend=0.0)
    # A pause after the last worked hour is no part of the run.
    waited = np.where(np.arange(len(last)) <= np.flatnonzero(last > 0.0)[-1], paused, 0.0)
    worked = passes * working + last
    rest = passes * paused + waited
    paused_h = float(rest.sum())
    return Passage(
        start_hour,
        float(worked.sum()),
        paused_h,
        float(worked @ hours / worked.sum()),
        float(rest @ hours / paused_h) if paused_h > 0.0 else 0.0,
    )
