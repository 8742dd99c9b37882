"""The timetable of least carbon, with every hour known: exact, by dynamic programming over progress, place and pause."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from carbonscaling.errors import InputError
from carbonscaling.timetable.job import AFTER, BEFORE, PAUSED, Job, Steps

__all__ = ["Timetable", "least_carbon"]

Array = npt.NDArray[np.float64]
MOST_STATES = 1_500_000_000
MOST_PLACES = 63
"""A byte says where a state came from: a place, at work or paused."""
ON, AGAIN, FIRST = 0, 1, 2
"""How a step of work begins: after another, after a pause, or as the first."""


class Timetable(NamedTuple):
    """Where the run works at every step (a place, or paused, before, after), where it is held, and its carbon in kg."""

    actions: Steps
    places: Steps
    kg: float


def least_carbon(job: Job) -> Timetable:
    """Return the timetable that emits least by the deadline; of equal ones the one that ends first.

    The state is how many steps of work are done, where the devices are, and whether they work; a step of time takes all of
    them on at once, so that the effort is steps times places times steps of work.

    Raises
    ------
    InputError
        The deadline is too near, or the question too large.
    """
    n, r, t_end = job.n_steps, job.n_places, job.horizon
    if n > t_end:
        raise InputError(
            "the deadline is too near", key="within_days", value=t_end, allowed=f"{n} steps of the profile or more",
            remedy="give more days, or more devices",
        )  # fmt: skip
    if (size := 2 * n * r * t_end) > MOST_STATES or r > MOST_PLACES:
        raise InputError(
            "too many steps to decide at once", value=f"{size:.2g} states",
            allowed=f"at most {MOST_STATES:.2g}, in {MOST_PLACES} places",
            remedy="shorten the deadline, compare fewer places, or give a profile by the hour",
        )  # fmt: skip
    working, paused = (np.full((r, n + 1), np.inf) for _ in range(2))
    began, stayed = (np.zeros((t_end, r, n + 1), dtype=np.int8) for _ in range(2))
    share = np.ones(n + 1)
    share[n] = job.last
    best, end = np.inf, (0, 0)
    for t in range(t_end):
        again = paused + (job.restart[:, t - 1, None] if t else 0.0)
        began[t, :, 1:] = np.where(again < working, AGAIN, ON)[:, :-1]
        began[t, :, 1] = FIRST
        now = np.full((r, n + 1), np.inf)
        now[:, 1:] = np.minimum(working, again)[:, :-1]
        now[:, 1] = 0.0
        now += (job.working[:, t, None] + job.held) * share
        paused, stayed[t] = _pausing(job, t, working, paused)
        working = now
        place = int(working[:, n].argmin())
        if working[place, n] < best:
            best, end = float(working[place, n]), (t, place)
    return Timetable(*_traced(job, end, began, stayed), best)


def _pausing(job: Job, t: int, working: Array, paused: Array) -> tuple[Array, npt.NDArray[np.int8]]:
    """Return the least carbon of states that pause in step `t`, and where each of them was in the step before.

    A move costs the same wherever it comes from, so that only the two cheapest places matter as origins.
    """
    r, columns = job.n_places, np.arange(working.shape[1])
    here, waited = np.minimum(working, paused), (paused < working).astype(np.int8)
    least, came = here.copy(), np.arange(r, dtype=np.int8)[:, None] + r * waited
    if r > 1:
        first = here.argmin(axis=0)
        rest = here.copy()
        rest[first, columns] = np.inf
        second = rest.argmin(axis=0)
        for place in range(r):
            other = np.where(first == place, second, first)
            there = here[other, columns] + job.moving[place, t]
            better = there < least[place]
            least[place] = np.where(better, there, least[place])
            came[place] = np.where(better, other + r * waited[other, columns], came[place])
    least += job.paused[:, t, None] + job.held
    least[:, [0, -1]] = np.inf
    return least, came


def _traced(
    job: Job, end: tuple[int, int], began: npt.NDArray[np.int8], stayed: npt.NDArray[np.int8]
) -> tuple[Steps, Steps]:
    """Return the actions and places that lead to the end of the last step of work."""
    t, place = end
    actions, places = np.full(job.horizon, AFTER), np.full(job.horizon, place)
    k, at_work = job.n_steps, True
    while True:
        places[t] = place
        actions[t] = place if at_work else PAUSED
        if at_work:
            how = began[t, place, k]
            if how == FIRST:
                actions[:t], places[:t] = BEFORE, place
                return actions, places
            k, at_work = k - 1, how == ON
        else:
            source = int(stayed[t, place, k])
            at_work, place = source < job.n_places, source % job.n_places
        t -= 1
