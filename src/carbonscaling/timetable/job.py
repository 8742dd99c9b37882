"""A run cut into the steps of an hourly profile, the ways in which it may work, and what a timetable of it takes."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from carbonscaling.arrays import Array
from carbonscaling.record import dataclass

__all__ = ["AFTER", "BEFORE", "PAUSED", "Array", "Job", "Steps", "taken"]

Steps = npt.NDArray[np.int64]
PAUSED, BEFORE, AFTER = -1, -2, -3
"""Not working with the devices held; before the run begins, and after it ends, when nobody holds them."""


@dataclass(frozen=True)
class Job:
    """What a run takes step by step, in kg CO2e or USD; ways are rows, then places, steps of time columns.

    Attributes
    ----------
    work : float
        Units of work.
    speeds : tuple of int
        Units that every way of working does in a step.
    groups : tuple of int
        Ways of one group follow each other without a pause; another one begins after a paused step.
    working : array, shape (ways, places, steps)
        A whole step at work.
    paused : array, shape (places, steps)
        A whole step without.
    restart : array, shape (places, steps)
        Starting again at the end of a paused step, over the pause's own.
    moving : array, shape (places, steps)
        Arriving in a place by the end of a paused step, over the pause's own.
    """

    work: float
    speeds: tuple[int, ...]
    groups: tuple[int, ...]
    working: Array
    paused: Array
    restart: Array
    moving: Array

    @property
    def n_places(self) -> int:
        """Places."""
        return int(self.paused.shape[0])

    @property
    def horizon(self) -> int:
        """Steps until the deadline."""
        return int(self.paused.shape[1])

    @property
    def n_steps(self) -> int:
        """Steps of work in the first way."""
        return max(1, math.ceil(self.work / self.speeds[0] - 1e-9))

    @property
    def least_steps(self) -> int:
        """Steps of work in the fastest way."""
        return max(1, math.ceil(self.work / max(self.speeds) - 1e-9))


def shares(job: Job, ways: Steps) -> Array:
    """Return the share of every step of work that is work, of ways one after another: 1 but for the last.

    Raises
    ------
    ValueError
        They do less than the job's work, or more than its last step holds.
    """
    done = np.cumsum(np.array(job.speeds)[ways])
    before = int(done[-1] - job.speeds[ways[-1]]) if len(done) else 0
    if not len(done) or not before < job.work <= done[-1] * (1.0 + 1e-12):
        raise ValueError(f"{done[-1] if len(done) else 0} units of work, and not {job.work:g}")
    share = np.ones(len(ways))
    share[-1] = min(1.0, (job.work - before) / job.speeds[ways[-1]])
    return share


def taken(job: Job, actions: Steps, places: Steps) -> float:
    """Return what a timetable takes, in the job's unit.

    Parameters
    ----------
    job : Job
    actions : array of int, shape (steps,)
        A way of working, `PAUSED`, `BEFORE` the run or `AFTER` it.
    places : array of int, shape (steps,)
        Where the devices are held at the end of every step.

    Raises
    ------
    ValueError
        It does not do the job's work, or changes the group without a pause.
    """
    at_work = np.flatnonzero(actions >= 0)
    ways = actions[at_work]
    share = shares(job, ways)
    group = np.array(job.groups)[ways]
    if ((np.diff(at_work) == 1) & (np.diff(group) != 0)).any():
        raise ValueError("another group of ways without a pause")
    total = float((share * job.working[ways, places[at_work], at_work]).sum())
    waits = np.flatnonzero(actions == PAUSED)
    total += float(job.paused[places[waits], waits].sum())
    for t in waits:
        if actions[t + 1] >= 0:
            total += float(job.restart[places[t], t])
        if places[t] != places[t - 1]:
            total += float(job.moving[places[t], t])
    return float(total)
