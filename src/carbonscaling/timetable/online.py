"""Timetables made without foresight: policies that see an hour's intensity when it comes, and must meet the deadline."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from carbonscaling.timetable.job import AFTER, BEFORE, PAUSED, Array, Job, Steps

__all__ = ["Advised", "advised_ratios", "at_once", "competitive_ratio", "reservation", "waiting_for"]


def at_once(job: Job, place: int = 0) -> tuple[Steps, Steps]:
    """Return the timetable of a run that begins now, in the first way, and never pauses."""
    actions = np.where(np.arange(job.horizon) < job.n_steps, 0, AFTER)
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
        actions[t] = 0 if works else PAUSED if done else BEFORE
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


class Advised(NamedTuple):
    """Bounds on the mean carbon of a policy that follows advice with some probability, over the least possible.

    Attributes
    ----------
    consistent : float
        Where the advice is the best timetable.
    robust : float
        Whatever the advice is.
    """

    consistent: float
    robust: float


def advised_ratios(trust: float, least: float, most: float) -> Advised:
    """Return what is promised where the advice is followed with probability `trust`, and else the `reservation`.

    The combination of advice and a robust policy of Lechowicz et al. (2024, arXiv 2310.20598), which LACS (Bostandoost et
    al. 2024, arXiv 2404.15211) has too, for a run that works on all of its devices or on none: drawn once, before it begins.
    Its mean is the same combination of both, whose bounds follow: the reservation takes at most a times the least possible,
    a = `competitive_ratio`; good advice the least, any other at most most/least times it, as one step of work fits into one
    step of time.

    Parameters
    ----------
    trust : float
        0 to 1.
    least, most : float
        Bounds of the intensity.

    Examples
    --------
    >>> advised_ratios(0.5, 100.0, 400.0)
    Advised(consistent=1.5, robust=3.0)
    """
    ratio = competitive_ratio(least, most)
    return Advised(trust + (1.0 - trust) * ratio, trust * most / least + (1.0 - trust) * ratio)
