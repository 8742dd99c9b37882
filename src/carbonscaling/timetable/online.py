"""Timetables made without foresight: policies that see an hour's intensity when it comes, and must meet the deadline."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from carbonscaling.timetable.job import AFTER, BEFORE, PAUSED, Job, Steps

__all__ = ["at_once", "competitive_ratio", "reservation", "waiting_for"]

Array = npt.NDArray[np.float64]


def at_once(job: Job, place: int = 0) -> tuple[Steps, Steps]:
    """Return the timetable of a run that begins now and never pauses."""
    actions = np.where(np.arange(job.horizon) < job.n_steps, place, AFTER)
    return actions, np.full(job.horizon, place)


def waiting_for(job: Job, intensity: Array, most: float, place: int = 0) -> tuple[Steps, Steps]:
    """Return the timetable of a run that works only in hours that are clean enough, until the deadline leaves no choice.

    Parameters
    ----------
    job : Job
    intensity : array, shape (steps,)
    most : float
        Greatest intensity at which it works of its own accord.
    place : int
    """
    actions, done = np.full(job.horizon, AFTER), 0
    for t in range(job.horizon):
        if done == job.n_steps:
            break
        works = intensity[t] <= most or job.horizon - t <= job.n_steps - done
        actions[t] = place if works else PAUSED if done else BEFORE
        done += int(works)
    return actions, np.full(job.horizon, place)


def reservation(least: float, most: float) -> float:
    """Return the greatest intensity at which to work where nothing but bounds is known: sqrt(least most).

    The reservation price of El-Yaniv, Fiat, Karp and Turpin, Algorithmica 30 (2001), section 2.
    """
    return math.sqrt(least * most)


def competitive_ratio(least: float, most: float) -> float:
    """Return the carbon of waiting for the `reservation` over the least possible, at worst: sqrt(most/least).

    One step of work fits into one step of time. Where enough steps are below the reservation each costs at most it, and the
    least possible at least `least`. Where they are not, all of them are worked, and those that the deadline forces cost at
    most `most`, where the best has to take as many above the reservation.

    Examples
    --------
    >>> competitive_ratio(100.0, 400.0)
    2.0
    """
    return math.sqrt(most / least)
