"""When a run should work: the best timetable over real hours, beside policies without foresight."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from carbonscaling.carbon.contracts import Contracts
from carbonscaling.errors import InputError
from carbonscaling.study.answer import answered
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.infeasible import Infeasible
from carbonscaling.study.scenario import Scenario, replace
from carbonscaling.study.scheduling.jobs import Jobs, jobs_of
from carbonscaling.study.scheduling.options import Timetabling
from carbonscaling.study.scheduling.profiles import Window, window_of
from carbonscaling.study.scheduling.ways import Way, ways_of
from carbonscaling.timetable.bounded import least_within
from carbonscaling.timetable.job import BEFORE, PAUSED, Job, Steps, shares, taken
from carbonscaling.timetable.offline import Timetable, least
from carbonscaling.timetable.online import (
    Advised,
    advised_ratios,
    at_once,
    competitive_ratio,
    reservation,
    waiting_for,
)
from carbonscaling.units import DAY, HOUR, TONNE

__all__ = ["Policy", "Schedule", "schedule"]


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


@dataclass(frozen=True)
class Schedule:
    """Timetables of a run within a deadline.

    Attributes
    ----------
    answer : Estimate
        The run itself.
    asked : Timetabling
    places : tuple of str
    ways : tuple of Way
        How hours may be worked, the run as it is first.
    policies : tuple of Policy
        At once; waiting with what history says and with a guarantee; by the forecast and with a trust in it; the best with
        every hour known.
    guarantee : float, optional
        Bound of the guaranteed policy: its operational carbon over the least possible, where pauses cost nothing.
    advised : Advised, optional
        Bounds of the policy that trusts the forecast, in the same sense.
    forecast_error : float, optional
        Mean absolute error of the forecast over the mean intensity.
    floor : float, optional
        Under a bound: what no timetable that keeps it falls below, in t or USD.
    filled : int
        Hours without a value, among those of the window, that were bridged.
    """

    answer: Estimate
    asked: Timetabling
    places: tuple[str, ...]
    ways: tuple[Way, ...]
    policies: tuple[Policy, ...]
    guarantee: float | None
    advised: Advised | None
    forecast_error: float | None
    floor: float | None
    filled: int

    @property
    def within_days(self) -> float:
        """Deadline in days from the first hour."""
        return self.asked.within_days


def schedule(scenario: Scenario, asked: Timetabling | float, /, **options: Any) -> Schedule | Infeasible:
    """Say when a run works, pauses and moves, and with how much, for the least carbon or money within a deadline.

    Every step of the profile is decided: work in a place, as usual, under a power limit or on fewer devices, or wait with the
    devices held at idle power, while their embodied carbon goes on. Before the run begins nobody holds them. A move, and
    another number of devices, take one paused step. The run is that of the profile's mean intensity.

    Parameters
    ----------
    scenario : Scenario
        With `hourly`; its `start_hour` is the first hour in which work may begin.
    asked : Timetabling or float
        What may be chosen; or the days until the deadline alone.
    **options
        Fields of `Timetabling`, in place of those of `asked`.

    Raises
    ------
    InputError
        No profile, profiles of unlike steps, a deadline that is too near, a bound that nothing keeps, or a value out of range.
    """
    t = dataclasses.replace(asked, **options) if isinstance(asked, Timetabling) else Timetabling(asked, **options)
    window = window_of(scenario, t)
    plain = replace(
        scenario, hourly=None, carbon_intensity_g_per_kwh=window.home.average, start_hour=0.0, contracts=Contracts()
    )
    answer = answered(plain)
    if isinstance(answer, Infeasible):
        return answer
    ways = ways_of(answer, t)
    jobs = jobs_of(answer, ways, window, t, scenario.contracts)
    found, ratio, advised = _without_foresight(jobs.carbon, window)
    if t.forecast is not None and jobs.forecast is not None:
        planned, _ = _best(dataclasses.replace(jobs, carbon=jobs.forecast), t)
        found.append(("by the forecast", planned.actions, planned.places))
    best, floor = _best(jobs, t)
    made = [_policy(*one, jobs, window, ways) for one in found]
    by_name = {policy.name: policy for policy in made}
    if advised is not None and "by the forecast" in by_name:
        made.append(_mixed(t.trust, by_name["by the forecast"], by_name["waits, with a guarantee"]))
    made.append(_policy("every hour known", best.actions, best.places, jobs, window, ways))
    return Schedule(
        answer=answer,
        asked=t,
        places=window.names,
        ways=ways,
        policies=tuple(made),
        guarantee=ratio,
        advised=advised(t.trust) if advised is not None and t.forecast is not None else None,
        forecast_error=window.forecast_error,
        floor=floor,
        filled=window.filled,
    )


def _without_foresight(
    job: Job, window: Window
) -> tuple[list[tuple[str, Steps, Steps]], float | None, Callable[[float], Advised] | None]:
    """Return the timetables that nobody needs a forecast for, and what is promised of them."""
    if job.n_steps > job.horizon:
        return [], None, None
    found = [("at once", *at_once(job))]
    known = np.asarray(window.home.g_per_kwh)
    usual = float(np.quantile(known, min(1.0, job.n_steps / job.horizon)))
    found.append(("waits, by the distribution", *waiting_for(job, window.g[0], usual)))
    low, high = float(known.min()), float(known.max())
    if not 0.0 < low < high:
        return found, None, None
    found.append(("waits, with a guarantee", *waiting_for(job, window.g[0], reservation(low, high))))
    return found, competitive_ratio(low, high), lambda trust: advised_ratios(trust, low, high)


def _best(jobs: Jobs, asked: Timetabling) -> tuple[Timetable, float | None]:
    """Return the timetable that takes least, and under a bound what none that keeps it falls below."""
    money = jobs.money
    if money is None and (asked.least == "cost" or asked.under_usd is not None):
        raise InputError(
            "no price is known", key="price_usd_per_device_hour", remedy="give --price-usd-per-device-hour"
        )
    of, other = (jobs.carbon, money) if asked.least == "carbon" else (money, jobs.carbon)
    most = asked.under_usd if asked.least == "carbon" else asked.under_tco2e
    assert of is not None
    if most is None or other is None:
        return least(of), None
    unit = (1.0, TONNE) if asked.least == "carbon" else (TONNE, 1.0)
    found = least_within(of, other, most * unit[0])
    if found.timetable is None:
        key = "under_usd" if asked.least == "carbon" else "under_tco2e"
        raise InputError(
            "no timetable keeps this bound", key=key, value=most, allowed=f"{found.least_other / unit[0]:.6g} or more",
            remedy="allow more, or more days",
        )  # fmt: skip
    return found.timetable, found.floor / unit[1]


def _mixed(trust: float, one: Policy, other: Policy) -> Policy:
    """Return the mean of following one policy with a probability and another else."""

    def mean(name: str) -> float:
        return trust * float(getattr(one, name)) + (1.0 - trust) * float(getattr(other, name))

    figures = {
        name: mean(name) for name in ("total_tco2e", "days", "paused_days", "n_pauses", "n_moves", "slowed_days")
    }
    usd = None if one.cost_usd is None else mean("cost_usd")
    return Policy(name=f"trusts the forecast by {trust:.0%}, mean", cost_usd=usd, blocks=(), **figures)


def _policy(
    name: str, actions: Steps, places: Steps, jobs: Jobs, window: Window, ways: tuple[Way, ...]
) -> Policy:  # fmt: skip
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
