"""Timetables made without foresight: policies that see an hour's intensity when it comes, and must meet the deadline."""

from __future__ import annotations

import numpy as np

from carbonscaling.hints import NamedTuple
from carbonscaling.timetable.job import AFTER, BEFORE, PAUSED, Array, Job, Steps

__all__ = ["Advised", "advised_ratios", "at_once", "waiting_for"]


def at_once(job: Job, place: int = 0) -> tuple[Steps, Steps]:
    """Return the timetable of a run that begins now, in the first way, and never pauses."""
    actions = np.where(np.arange(job.horizon) < job.n_steps, 0, AFTER)
    return actions, np.full(job.horizon, place)


def waiting_for(
    job: Job, intensity: Array, most: float | Array, place: int = 0, longest: int | None = None
) -> tuple[Steps, Steps]:  # fmt: skip
    """Return the timetable of a run that works only in hours that are clean enough, until the deadline leaves no choice.

    Parameters
    ----------
    job : Job
    intensity : array, shape (steps,)
    most : float or array, shape (steps of work,)
        Greatest intensity at which it works of its own accord, for every step of work where they differ.
    place : int
    longest : int, optional
        Steps of work that the deadline must leave room for, where the run does not know its own.
    """
    actions, done, room = np.full(job.horizon, AFTER), 0, longest or job.n_steps
    limits = np.broadcast_to(most, room)
    for t in range(job.horizon):
        if done == job.n_steps:
            break
        works = intensity[t] <= limits[done] or job.horizon - t <= room - done
        actions[t] = 0 if works else PAUSED if done else BEFORE
        done += int(works)
    return actions, np.full(job.horizon, place)


class Advised(NamedTuple):
    """Bounds on the mean carbon of a policy that follows advice with some probability, over the least possible.

    Attributes
    ----------
    consistent : float
        Where the advice is right.
    robust : float
        Whatever the advice is.
    """

    consistent: float
    robust: float


def advised_ratios(trust: float, follows: Advised, careful: Advised) -> Advised:
    """Return what is promised where a policy that believes its advice is followed with probability `trust`, else a careful one.

    The combination of advice and a robust policy of Lechowicz et al. (2024, arXiv 2310.20598) and of LACS (Bostandoost et al.
    2024, arXiv 2404.15211), for a run that works on all of its devices or on none: drawn once, before it begins. Its mean is
    the same combination of both, whose bounds follow.

    Parameters
    ----------
    trust : float
        0 to 1.
    follows, careful : Advised

    Examples
    --------
    >>> advised_ratios(0.5, Advised(1.0, 4.0), Advised(2.0, 2.0))
    Advised(consistent=1.5, robust=3.0)
    """
    return Advised(*(trust * a + (1.0 - trust) * b for a, b in zip(follows, careful, strict=True)))
