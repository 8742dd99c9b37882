"""The timetable that takes least, with every hour known: exact, by dynamic programming over work, place, way and pause."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from carbonscaling.errors import InputError, NothingFitsError
from carbonscaling.hints import NamedTuple
from carbonscaling.timetable.job import AFTER, BEFORE, PAUSED, Array, Job, Steps

__all__ = ["Span", "Timetable", "least"]

Codes = npt.NDArray[np.int8]
MOST_STATES = 1_500_000_000
MOST_CODES = 127
"""A byte says where a state came from: a place, and a way of working or a pause."""


class Timetable(NamedTuple):
    """How the run works at every step (a way, or paused, before, after), where it is held, and what it takes."""

    actions: Steps
    places: Steps
    total: float


class _Ways(NamedTuple):
    """The ways of working of a job: those of every group, and from how much work on a step of each ends the run."""

    groups: tuple[tuple[int, ...], ...]
    group_of: tuple[int, ...]
    ends_from: tuple[int, ...]
    end_share: tuple[Array, ...]


def _ways(job: Job, n: int) -> _Ways:
    names = sorted(set(job.groups))
    groups = tuple(tuple(m for m, g in enumerate(job.groups) if g == name) for name in names)
    ends = tuple(max(0, math.ceil(job.work - v - 1e-9)) for v in job.speeds)
    share = tuple(
        np.minimum(1.0, (job.work - np.arange(first, n)) / v) for first, v in zip(ends, job.speeds, strict=True)
    )
    return _Ways(groups, tuple(names.index(g) for g in job.groups), ends, share)


class Span(NamedTuple):
    """When a run holds devices: its first step, and for how many at most, of the last the share that is work."""

    first: int
    steps: float


def least(job: Job, span: Span | None = None) -> Timetable:
    """Return the timetable that takes least by the deadline; of equal ones the one that ends first.

    The state is how much work is done, where the devices are, and how they work or that they do not; a step of time takes
    all of them on at once, so that the effort is steps times places times ways times units of work.

    Parameters
    ----------
    job : Job
    span : Span, optional
        What the run may not leave; its total is infinite where that is too short.

    Raises
    ------
    InputError
        The deadline is too near, or the question too large.
    """
    n, r, t_end, m_ways = max(1, math.ceil(job.work - 1e-9)), job.n_places, job.horizon, len(job.speeds)
    ways = _ways(job, n)
    _check(job, n, len(ways.groups))
    every = range(t_end) if span is None else range(span.first, min(t_end, span.first + math.ceil(span.steps)))
    on, paused = np.full((m_ways, r, n), np.inf), np.full((r, n), np.inf)
    began = np.zeros((t_end, len(ways.groups), r, n), dtype=np.int8)
    stayed = np.zeros((t_end, r, n), dtype=np.int8)
    best, end = np.inf, (0, 0, 0, 0)
    for t in every:
        again = paused + (job.restart[:, t - 1, None] if t else 0.0)
        now = np.full((m_ways, r, n), np.inf)
        for g, members in enumerate(ways.groups):
            source, code = _source(on, members, again, m_ways, span is None or t == span.first)
            began[t, g] = code
            for m in members:
                first, v = ways.ends_from[m], job.speeds[m]
                if first:
                    now[m, :, v : v + first] = source[:, :first] + job.working[m, :, t, None]
                last = source[:, first:] + job.working[m, :, t, None] * ways.end_share[m]
                if span is not None:
                    late = t - span.first + ways.end_share[m] > span.steps * (1.0 + 1e-12)
                    last = np.where(late, np.inf, last)
                place, k = divmod(int(last.argmin()), n - first)
                if last[place, k] < best:
                    best, end = float(last[place, k]), (t, m, place, first + k)
        paused, stayed[t] = _pausing(job, t, on, paused)
        on = now
    if not math.isfinite(best):
        nothing = np.full(t_end, AFTER)
        return Timetable(nothing, nothing, best)
    return Timetable(*_traced(job, ways, end, began, stayed), best)


def _check(job: Job, n: int, n_groups: int) -> None:
    r, t_end, m_ways = job.n_places, job.horizon, len(job.speeds)
    if job.least_steps > t_end:
        raise NothingFitsError(
            "the deadline is too near", key="within_days", value=t_end,
            allowed=f"{job.least_steps} steps of the profile or more", remedy="give more days, or more devices",
        )  # fmt: skip
    if (size := (1 + n_groups) * n * r * t_end) > MOST_STATES or r * (m_ways + 1) > MOST_CODES:
        raise InputError(
            "too many steps to decide at once", value=f"{size:.2g} states",
            allowed=f"at most {MOST_STATES:.2g}, in {MOST_CODES // (m_ways + 1)} places",
            remedy="shorten the deadline, compare fewer places, power limits or counts, or give a profile by the hour",
        )  # fmt: skip


def _source(
    on: Array, members: tuple[int, ...], again: Array, m_ways: int, begins: bool
) -> tuple[Array, Codes]:  # fmt: skip
    """Return the least that leads to work in a group of ways, and from where: a way, a pause (`m_ways`), or the beginning."""
    if len(members) == 1:
        source, code = on[members[0]], np.int8(members[0])
    else:
        among = on[list(members)].argmin(axis=0)
        source, code = np.take_along_axis(on[list(members)], among[None], 0)[0], np.array(members, dtype=np.int8)[among]
    came: Codes = np.where(again < source, np.int8(m_ways), code)
    source = np.minimum(source, again)
    source[:, 0], came[:, 0] = 0.0 if begins else np.inf, m_ways + 1
    return source, came


def _pausing(job: Job, t: int, on: Array, paused: Array) -> tuple[Array, Codes]:
    """Return the least of states that pause in step `t`, and where each of them was in the step before.

    A move takes the same wherever it comes from, so that only the two cheapest places matter as origins.
    """
    m_ways, (r, n) = len(on), paused.shape
    if m_ways == 1:
        before, how = on[0], np.int8(0)
    else:
        how = on.argmin(axis=0).astype(np.int8)
        before = np.take_along_axis(on, how[None].astype(np.intp), 0)[0]
    here = np.minimum(before, paused)
    code: Codes = np.where(paused < before, np.int8(m_ways), how)
    own = np.arange(r, dtype=np.int8)[:, None] * np.int8(m_ways + 1) + code
    found, came = here.copy(), own
    if r > 1:
        columns = np.arange(n)
        first = here.argmin(axis=0)
        rest = here.copy()
        rest[first, columns] = np.inf
        second = rest.argmin(axis=0)
        came = own.copy()
        for place in range(r):
            other = np.where(first == place, second, first)
            there = here[other, columns] + job.moving[place, t]
            better = there < found[place]
            found[place] = np.where(better, there, found[place])
            came[place] = np.where(better, own[other, columns], came[place])
    found += job.paused[:, t, None]
    found[:, 0] = np.inf
    return found, came


def _traced(job: Job, ways: _Ways, end: tuple[int, int, int, int], began: Codes, stayed: Codes) -> tuple[Steps, Steps]:
    """Return the actions and places that lead to the end of the last step of work."""
    t, way, place, k = end
    m_ways = len(job.speeds)
    actions, places = np.full(job.horizon, AFTER), np.full(job.horizon, place)
    while True:
        places[t] = place
        actions[t] = PAUSED if way == m_ways else way
        if way == m_ways:
            place, way = divmod(int(stayed[t, place, k]), m_ways + 1)
        else:
            way = int(began[t, ways.group_of[way], place, k])
        if way == m_ways + 1:
            actions[:t], places[:t] = BEFORE, place
            return actions, places
        k -= job.speeds[way] if way < m_ways else 0
        t -= 1
