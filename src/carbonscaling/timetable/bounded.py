"""The timetable that takes least of one thing under a bound on another, with a proof of how near it is to the least."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from carbonscaling.hints import NamedTuple
from carbonscaling.timetable.job import Job, taken
from carbonscaling.timetable.offline import MOST_STATES, Span, Timetable, least
from carbonscaling.timetable.programme import solvable, solved

__all__ = ["Bounded", "in_reach", "least_in_span", "least_within"]

MOST_ROUNDS = 25
NEAR = 1e-3
"""Share of the floor that a timetable may lie above it without a further search, and noise that then breaks ties."""
SEED = 466


class Bounded(NamedTuple):
    """A timetable within a bound; None where none is.

    Attributes
    ----------
    timetable : Timetable, optional
    floor : float
        No timetable within the bound takes less.
    least_other : float
        The least of what is bounded.
    """

    timetable: Timetable | None
    floor: float
    least_other: float


def least_within(job: Job, other: Job, most: float, *, closely: bool = True) -> Bounded:
    """Return the timetable that takes least of `job` among those that take at most `most` of `other`.

    Lagrange: for every weight w >= 0 the least of ``job + w other``, less w times the bound, is a floor under all that keep
    the bound. The weight is moved to where the line through the best two timetables so far, one on either side of the
    bound, is lowest, until no timetable lies below that line: the front's corners about the bound are then known. Between
    corners a timetable may be hidden that is better than the corner, by no more than the floor says; where they lie far apart,
    because many timetables tie, a search with noise on the hours finds some between. Where more than a thousandth is left,
    a solver closes it (`programme`) if there is one, `closely` is asked for and the question is small enough.

    Raises
    ------
    InputError
        As `least`.
    """
    free = least(job)
    if taken(other, free.actions, free.places) <= most:
        return Bounded(free, free.total, taken(other, free.actions, free.places))
    cheapest = least(other)
    if cheapest.total > most:
        return Bounded(None, float("inf"), cheapest.total)
    best, floor = _corner(job, other, most, free, cheapest)
    found = _measured(job, best)
    if found.total > floor + NEAR * abs(floor):
        noise = np.random.default_rng(SEED).uniform(1.0 - NEAR, 1.0 + NEAR, job.horizon)
        noisy = replace(job, working=job.working * noise)
        found = min(
            found, _measured(job, _corner(noisy, other, most, least(noisy), cheapest)[0]), key=lambda x: x.total
        )
    if closely and found.total > floor + NEAR * abs(floor) and solvable(job):
        better = solved(job, other, most, found.total)
        floor = max(floor, better.floor)
        if better.timetable is not None and taken(other, *better.timetable) <= most * (1.0 + 1e-9):
            nearer = Timetable(*better.timetable, taken(job, *better.timetable))
            found = min(found, nearer, key=lambda x: x.total)
    return Bounded(found, min(floor, found.total), cheapest.total)


def in_reach(job: Job, steps: float) -> bool:
    """Whether every first step may be tried, with as much effort as the largest question of `least`."""
    return steps * job.horizon * max(1.0, job.work) * job.n_places * len(job.speeds) <= MOST_STATES


def least_in_span(job: Job, steps: float) -> Timetable:
    """Return the timetable that takes least and holds devices for so many steps at most, from begin to end.

    Exact: every first step is tried, but those whose cheapest steps alone, without any pause, take more than the best so far.

    Raises
    ------
    InputError
        As `least`.
    """
    length = math.ceil(steps)
    speeds = np.array(job.speeds, dtype=float)[:, None, None]
    unit, most = (job.working / speeds).min(axis=(0, 1)), float(max(job.speeds))
    full = int(job.work // most)
    rest = job.work - full * most

    def floor(first: int) -> float:
        own = np.sort(unit[first : first + length])
        if len(own) < full + (rest > 0.0):
            return math.inf
        return float(most * own[:full].sum() + (rest * own[full] if rest > 0.0 else 0.0))

    floors = [floor(first) for first in range(job.horizon)]
    best = Timetable(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), math.inf)
    for first in np.argsort(floors, kind="stable").tolist():
        if floors[first] >= best.total:
            break
        found = least(job, Span(first, steps))
        best = found if found.total < best.total else best
    return best


def _measured(job: Job, found: Timetable) -> Timetable:
    return found._replace(total=taken(job, found.actions, found.places))


def _corner(job: Job, other: Job, most: float, free: Timetable, cheapest: Timetable) -> tuple[Timetable, float]:
    """Return the front's corner next to the bound that keeps it, and the floor.

    `free` takes least of `job` and breaks the bound, `cheapest` takes least of `other`.
    """

    def point(x: Timetable) -> tuple[float, float]:
        return taken(job, x.actions, x.places), taken(other, x.actions, x.places)

    best, over, within, floor = cheapest, point(free), point(cheapest), free.total
    if over[1] <= most:
        return free, floor
    for _ in range(MOST_ROUNDS):
        weight = (within[0] - over[0]) / (over[1] - within[1])
        found = least(_weighed(job, other, weight))
        floor = max(floor, found.total - weight * most)
        new = point(found)
        if found.total >= within[0] + weight * within[1] - 1e-12 * abs(within[0]) or new in (over, within):
            break
        if new[1] <= most:
            best, within = found, new
        else:
            over = new
    return best, floor


def _weighed(job: Job, other: Job, weight: float) -> Job:
    """Return a job that takes ``job + weight * other``."""
    both = {
        name: getattr(job, name) + weight * getattr(other, name) for name in ("working", "paused", "restart", "moving")
    }
    return replace(job, **both)
