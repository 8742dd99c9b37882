"""When a run should work: the timetable of least carbon over real hours, beside policies without foresight."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from carbonscaling.carbon.footprint import footprint
from carbonscaling.carbon.profile import HourlyProfile
from carbonscaling.errors import InputError
from carbonscaling.study.answer import answered
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.hours import file_and_column, hours_of, profile_of
from carbonscaling.study.infeasible import Infeasible
from carbonscaling.study.scenario import Scenario, replace
from carbonscaling.timetable.job import BEFORE, PAUSED, Job, Steps, carbon_of_timetable
from carbonscaling.timetable.offline import Timetable, least_carbon
from carbonscaling.timetable.online import at_once, competitive_ratio, reservation, waiting_for
from carbonscaling.units import DAY, HOUR, KWH

__all__ = ["Policy", "Schedule", "schedule"]

Array = npt.NDArray[np.float64]


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
    n_pauses, n_moves : int
    cost_usd : float, optional
        Devices while they are held, pauses included.
    blocks : tuple of (str, str, str)
        Stretches of work: begin, end (ISO 8601), place.
    """

    name: str
    total_tco2e: float
    days: float
    paused_days: float
    n_pauses: int
    n_moves: int
    cost_usd: float | None
    blocks: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Schedule:
    """Timetables of a run within a deadline.

    Attributes
    ----------
    answer : Estimate
        The run itself.
    places : tuple of str
    within_days : float
    policies : tuple of Policy
        At once; waiting with what history says and with a guarantee; the best with every hour known.
    guarantee : float, optional
        Bound of the guaranteed policy: its operational carbon over the least possible, where pauses cost nothing.
    filled : int
        Hours without a value in the profiles that were bridged.
    """

    answer: Estimate
    places: tuple[str, ...]
    within_days: float
    policies: tuple[Policy, ...]
    guarantee: float | None
    filled: int


def schedule(
    scenario: Scenario, within_days: float, *, columns: Iterable[str] = (), restart_hours: float = 0.0,
    moving_kwh: float = 0.0, released: bool = False,
) -> Schedule | Infeasible:  # fmt: skip
    """Say when a run works, pauses and moves for the least carbon within a deadline.

    Every step of the profile is decided: work in a place, or wait with the devices held at idle power, while their embodied
    carbon goes on. Before the run begins nobody holds them. A move takes one paused step. The run is that of the profile's
    mean intensity.

    Parameters
    ----------
    scenario : Scenario
        With `hourly`; its `start_hour` is the first hour in which work may begin.
    within_days : float
        Days from there by which the run must have ended.
    columns : iterable of str
        Columns of the profile's file: places that the run may move between; the scenario's own if not given.
    restart_hours : float
        Hours at working power, within the pause, to write a checkpoint and to start again.
    moving_kwh : float
        Energy of bringing the states to another place.
    released : bool
        Whether a pause gives the devices back, so that nobody pays, powers or holds them for this run.

    Raises
    ------
    InputError
        No profile, profiles of unlike steps, a deadline that is too near, or a value out of range.
    """
    profiles = _profiles(scenario, tuple(columns))
    plain = replace(scenario, hourly=None, carbon_intensity_g_per_kwh=profiles[0][1].average, start_hour=0.0)
    answer = answered(plain)
    if isinstance(answer, Infeasible):
        return answer
    step = profiles[0][1].step_h
    for key, value, most in (("restart_hours", restart_hours, step), ("moving_kwh", moving_kwh, math.inf)):
        if not 0.0 <= value <= most:
            raise InputError(
                f"{key} is out of range", key=key, value=value, allowed=f"0 to {most:g}", remedy="correct it"
            )
    if not 0.0 < within_days <= 36525.0:
        raise InputError("the deadline is out of range", key="within_days", value=within_days, allowed="more than 0 days",
                         remedy="give days from the first hour")  # fmt: skip
    if scenario.start_hour % step:
        raise InputError("a start within a step of the profile", key="start_hour", value=scenario.start_hour,
                         allowed=f"a multiple of {step:g} hours", remedy="begin with a step")  # fmt: skip
    first, horizon = int(scenario.start_hour / step), int(within_days * 24.0 / step + 1e-9)
    g = np.array([np.resize(np.roll(p.g_per_kwh, -first), horizon) for _, p in profiles])
    job = _job(answer, g, step, restart_hours, moving_kwh, released)
    names = tuple(name for name, _ in profiles)
    home = profiles[0][1]
    known = np.asarray(home.g_per_kwh)
    found: list[tuple[str, Steps, Steps]] = [("at once", *at_once(job))] if job.n_steps <= horizon else []
    guarantee = None
    if found:
        usual = float(np.quantile(known, min(1.0, job.n_steps / horizon)))
        found.append(("waits, by the distribution", *waiting_for(job, g[0], usual)))
        if known.min() > 0.0 and known.max() > known.min():
            bounds = float(known.min()), float(known.max())
            guarantee, wait = competitive_ratio(*bounds), reservation(*bounds)
            found.append(("waits, with a guarantee", *waiting_for(job, g[0], wait)))
    best: Timetable = least_carbon(job)
    found.append(("every hour known", best.actions, best.places))
    return Schedule(
        answer=answer,
        places=names,
        within_days=within_days,
        policies=tuple(_policy(name, job, a, p, answer, home, first, names, released) for name, a, p in found),
        guarantee=guarantee,
        filled=sum(p.filled for _, p in profiles),
    )


def _profiles(s: Scenario, columns: tuple[str, ...]) -> list[tuple[str, HourlyProfile]]:
    if s.hourly is None:
        raise InputError("a schedule needs carbon intensity by the hour", key="hourly", remedy="add --hourly FILE.csv")
    path, column = file_and_column(s.hourly)
    names = columns or (column or s.region,)
    asked = [replace(s, hourly=f"{path}:{name}") if columns else s for name in names]
    if s.contracts.kind != "none" or hours_of(asked[0]) is None:
        raise InputError(
            "what is bought, or a factor of yours, stands in the place of the hours", key="hourly", value=s.hourly,
            remedy="leave the contract out, and carbon_intensity out of your factors",
        )  # fmt: skip
    found = []
    for name, one in zip(names, asked, strict=True):
        profile = profile_of(one)
        assert profile is not None
        found.append((name, profile))
    for name, profile in found:
        if (profile.step_h, profile.begin) != (found[0][1].step_h, found[0][1].begin):
            raise InputError("profiles of unlike steps or beginnings", key="columns", value=name,
                             remedy="give columns of one file")  # fmt: skip
    return found


def _job(e: Estimate, g: Array, step: float, restart_hours: float, moving_kwh: float, released: bool) -> Job:
    hours, f = e.duration_s / HOUR, e.footprint
    idle = footprint(e.resolved.carbon.numbers._replace(idle_share=1.0), e.n_devices, HOUR, 0.0)
    at_work_kwh, idle_kwh = f.energy_kwh / hours, float(idle.energy_j) / KWH
    kg = g / 1e3
    n = max(1, math.ceil(hours / step - 1e-9))
    waiting = 0.0 if released else idle_kwh
    held = f.embodied_tco2e * 1e3 / hours * step
    return Job(
        n_steps=n,
        last=hours / step - (n - 1),
        working=kg * at_work_kwh * step + (held if released else 0.0),
        paused=kg * waiting * step,
        restart=kg * (at_work_kwh - waiting) * restart_hours,
        moving=kg * moving_kwh,
        held=0.0 if released else held,
    )


def _policy(
    name: str, job: Job, actions: Steps, places: Steps, e: Estimate, home: HourlyProfile, first: int, names: tuple[str, ...],
    released: bool,
) -> Policy:  # fmt: skip
    at_work, waits, step = np.flatnonzero(actions >= 0), np.flatnonzero(actions == PAUSED), home.step_h
    begin, last = int(at_work[0]), int(at_work[-1])
    changes = np.flatnonzero(np.diff(np.concatenate(([BEFORE], actions))) != 0)
    held_h = (len(at_work) - 1 + job.last if released else last - begin + job.last) * step
    price = e.resolved.price
    starts = [int(t) for t in changes if actions[t] >= 0]
    ends = [next((int(t) for t in changes if t > start), job.horizon) for start in starts]
    return Policy(
        name=name,
        total_tco2e=carbon_of_timetable(job, actions, places) / 1e3,
        days=(last + job.last) * step * HOUR / DAY,
        paused_days=len(waits) * step * HOUR / DAY,
        n_pauses=len(starts) - 1,
        n_moves=int((np.diff(places[begin : last + 1]) != 0).sum()),
        cost_usd=None if price is None else price.si * e.n_devices * held_h * HOUR,
        blocks=tuple(
            (home.at((first + a) * step), home.at((first + b) * step), names[int(actions[a])])
            for a, b in zip(starts, ends, strict=True)
        ),
    )
