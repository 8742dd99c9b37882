"""A run cut into the steps of an hourly profile, and the carbon of a timetable of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["PAUSED", "Job", "carbon_of_timetable"]

Array = npt.NDArray[np.float64]
Steps = npt.NDArray[np.int64]
PAUSED, BEFORE, AFTER = -1, -2, -3
"""Not working with the devices held; before the run begins, and after it ends, when nobody holds them."""


@dataclass(frozen=True)
class Job:
    """What a run emits step by step, in kg CO2e; places are rows, steps of time columns.

    Attributes
    ----------
    n_steps : int
        Steps of work.
    last : float
        Share of the last of them that is work, in (0, 1].
    working, paused : array, shape (places, steps)
        Carbon of a whole step at work, and of one without.
    restart : array, shape (places, steps)
        Carbon of starting again at the end of a paused step, over the pause's own.
    moving : array, shape (places, steps)
        Carbon of arriving in a place by the end of a paused step, over the pause's own.
    held : float
        Embodied carbon of a step in which the devices are held.
    """

    n_steps: int
    last: float
    working: Array
    paused: Array
    restart: Array
    moving: Array
    held: float

    @property
    def n_places(self) -> int:
        """Places."""
        return int(self.working.shape[0])

    @property
    def horizon(self) -> int:
        """Steps until the deadline."""
        return int(self.working.shape[1])


def carbon_of_timetable(job: Job, actions: Steps, places: Steps) -> float:
    """Return the carbon of a timetable in kg.

    Parameters
    ----------
    job : Job
    actions : array of int, shape (steps,)
        A place to work in, `PAUSED`, `BEFORE` the run or `AFTER` it.
    places : array of int, shape (steps,)
        Where the devices are held at the end of every step.

    Raises
    ------
    ValueError
        It does not work as many steps as the job has.
    """
    at_work = np.flatnonzero(actions >= 0)
    if len(at_work) != job.n_steps:
        raise ValueError(f"{len(at_work)} steps of work, and not {job.n_steps}")
    share = np.ones(len(at_work))
    share[-1] = job.last
    total = float((share * job.working[actions[at_work], at_work]).sum())
    waits = np.flatnonzero(actions == PAUSED)
    total += float(job.paused[places[waits], waits].sum()) + job.held * (at_work[-1] - at_work[0] + job.last)
    for t in waits:
        if actions[t + 1] >= 0:
            total += float(job.restart[places[t], t])
        if places[t] != places[t - 1]:
            total += float(job.moving[places[t], t])
    return float(total)
