"""What ways of deciding come to: at once, waiting without foresight, a mean of two; as figures that people compare."""

from __future__ import annotations

import math

import numpy as np

from carbonscaling.hints import NamedTuple
from carbonscaling.study.scheduling.jobs import Jobs
from carbonscaling.study.scheduling.profiles import Window
from carbonscaling.study.scheduling.ways import Way
from carbonscaling.timetable.job import BEFORE, PAUSED, Job, Steps, shares, taken
from carbonscaling.timetable.limits import Lengths, limits_of, promised
from carbonscaling.timetable.online import Advised, at_once, waiting_for
from carbonscaling.units import DAY, HOUR, TONNE

__all__ = ["Online", "Policy", "mixed", "policy_of", "without_foresight"]


class Policy(NamedTuple):
    """What one way of deciding comes to.

    Attributes
    ----------
    name : str
    total_tco2e : float
        Operation by the hours met and embodied carbon while the devices are held, boundary lines left out.
    days : float
        From the schedule's first hour to the end of the run.
    paused_days : float
        Held without work.
    n_pauses, n_moves : float
    slowed_days : float
        At work under a power limit or on fewer devices.
    cost_usd : float, optional
        Devices while they are held, pauses included, and their electricity where it has a price by the hour.
    blocks : tuple of (str, str, str)
        Stretches of work: begin, end (ISO 8601), place and what is other than usual; none for a mean of two policies.
    """

    name: str
    total_tco2e: float
    days: float
    paused_days: float
    n_pauses: float
    n_moves: float
    slowed_days: float
    cost_usd: float | None
    blocks: tuple[tuple[str, str, str], ...]


class Online(NamedTuple):
    """Timetables that nobody needs a forecast for, and what is promised of them.

    Attributes
    ----------
    found : tuple of (str, Steps, Steps)
        By name, the last the one with a guarantee where there is one.
    spread : float
        Greatest intensity of the profile over its least.
    guarantee : float, optional
    by_length : tuple of (Steps, Steps)
        Where the length is not known: the one that believes the planned length, and the one that does not.
    learned : tuple of Advised, optional
        What is promised of these two.
    """

    found: tuple[tuple[str, Steps, Steps], ...]
    spread: float = 1.0
    guarantee: float | None = None
    by_length: tuple[tuple[Steps, Steps], ...] = ()
    learned: tuple[Advised, Advised] | None = None


def without_foresight(job: Job, window: Window, length: tuple[float, float]) -> Online:
    """Return the timetables of policies that see an hour when it comes, the length as shares of the job's own work."""
    if job.n_steps > job.horizon:
        return Online(())
    known, g = np.asarray(window.home.g_per_kwh), window.g[0]
    usual = float(np.quantile(known, min(1.0, job.n_steps / job.horizon)))
    simple = (("at once", *at_once(job)), ("waits, by the distribution", *waiting_for(job, g, usual)))
    low, high = float(known.min()), float(known.max())
    if not 0.0 < low < high:
        return Online(simple)
    spread, own = high / low, job.work / job.speeds[0]
    exact = Lengths(max(own, 1.0), job.n_steps)
    limits = limits_of(spread, exact)
    safe = ("waits, with a guarantee", *waiting_for(job, g, low * limits.by_step))
    found = Online((*simple, safe), spread, promised(limits, spread, exact))
    longest = max(math.ceil(own * length[1] - 1e-9), job.n_steps)
    if longest > job.horizon or length[0] >= length[1]:
        return found
    believed, doubted = Lengths(own, longest), Lengths(own * min(1.0, length[0]), longest)

    def one(lengths: Lengths) -> tuple[tuple[Steps, Steps], Advised]:
        own = limits_of(spread, lengths)
        promise = Advised(promised(own, spread, believed), promised(own, spread, doubted))
        return waiting_for(job, g, low * own.by_step, longest=longest), promise

    (trusting, first), (careful, second) = one(believed), one(doubted)
    return found._replace(by_length=(trusting, careful), learned=(first, second))


def mixed(trusted: str, trust: float, one: Policy, other: Policy) -> Policy:
    """Return the mean of following one policy with a probability and another else."""

    def mean(name: str) -> float:
        return trust * float(getattr(one, name)) + (1.0 - trust) * float(getattr(other, name))

    figures = {
        name: mean(name) for name in ("total_tco2e", "days", "paused_days", "n_pauses", "n_moves", "slowed_days")
    }
    usd = None if one.cost_usd is None else mean("cost_usd")
    return Policy(name=f"trusts the {trusted} by {trust:.0%}, mean", cost_usd=usd, blocks=(), **figures)


def policy_of(
    name: str, actions: Steps, places: Steps, jobs: Jobs, window: Window, ways: tuple[Way, ...]
) -> Policy:  # fmt: skip
    """Return what a timetable comes to."""
    job, home, step = jobs.carbon, window.home, window.step_h
    at_work, waits = np.flatnonzero(actions >= 0), np.flatnonzero(actions == PAUSED)
    begin, last = int(at_work[0]), int(at_work[-1])
    share = shares(job, actions[at_work])
    changes = np.flatnonzero(np.diff(np.concatenate(([BEFORE], actions))) != 0)
    starts = [int(t) for t in changes if actions[t] >= 0]
    ends = [next((int(t) for t in changes if t > start), job.horizon) for start in starts]

    def words(t: int) -> str:
        way = ways[int(actions[t])].name
        return window.names[int(places[t])] + (f", {way}" if way else "")

    return Policy(
        name=name,
        total_tco2e=taken(job, actions, places) / TONNE,
        days=(last + float(share[-1])) * step * HOUR / DAY,
        paused_days=len(waits) * step * HOUR / DAY,
        n_pauses=sum(1 for start in starts[1:] if actions[start - 1] == PAUSED),
        n_moves=int((np.diff(places[begin : last + 1]) != 0).sum()),
        slowed_days=float(share[actions[at_work] > 0].sum()) * step * HOUR / DAY,
        cost_usd=None if jobs.money is None else taken(jobs.money, actions, places),
        blocks=tuple(
            (home.at((window.first + a) * step), home.at((window.first + b) * step), words(a))
            for a, b in zip(starts, ends, strict=True)
        ),
    )
