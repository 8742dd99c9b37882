"""Carbon intensity by the hour: what a run meets that begins at some hour, and pauses while the grid is dirty."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from carbonscaling.arrays import Number
from carbonscaling.carbon.profile import HourlyProfile
from carbonscaling.errors import InputError

__all__ = ["Hours", "Passage", "passage"]

Array = npt.NDArray[np.float64]


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
        """Add up one pass through the profile, hour by hour."""
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
        mean: Number = (whole + rest) / hours
        return mean

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
    """Return the intensities of a pass that begins at some hour, and how much of each hour belongs to it."""
    g = np.asarray(profile.g_per_kwh, dtype=float)
    first, offset = divmod(start_hour, 1.0)
    around = np.roll(g, -(int(first) % len(g)))
    length = np.ones(len(g) + 1)
    length[0], length[-1] = 1.0 - offset, offset
    return np.append(around, around[0]), length


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


def passage(profile: HourlyProfile, start_hour: float, duration_h: float, pause_above: float = math.inf) -> Passage:
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

    Raises
    ------
    InputError
        The threshold leaves no hour to work in.
    """
    g = np.asarray(profile.g_per_kwh, dtype=float)
    if not np.any(g <= pause_above):
        raise InputError(
            "no hour of the profile is clean enough to work in", key="pause_above", value=pause_above,
            allowed=f"{g.min():g} g/kWh or more", remedy="raise the threshold",
        )  # fmt: skip
    hours, length = _from(profile, start_hour)
    working = np.where(hours <= pause_above, length, 0.0)
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
