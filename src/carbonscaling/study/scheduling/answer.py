"""When a run should work: the best timetable over real hours, beside policies without foresight."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from carbonscaling.carbon.contracts import Contracts
from carbonscaling.errors import InputError, NothingFitsError
from carbonscaling.record import dataclass, stated
from carbonscaling.study.answer import answered
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.infeasible import Infeasible
from carbonscaling.study.scenario import Scenario, replace
from carbonscaling.study.scheduling.jobs import Jobs, jobs_of
from carbonscaling.study.scheduling.options import Timetabling
from carbonscaling.study.scheduling.policies import Policy, mixed, policy_of, without_foresight
from carbonscaling.study.scheduling.profiles import Window, window_of
from carbonscaling.study.scheduling.ways import Way, ways_of
from carbonscaling.study.scheduling.windows import OnWindows, compared, random_windows
from carbonscaling.timetable.bounded import in_reach, least_in_span, least_within
from carbonscaling.timetable.offline import Timetable, least
from carbonscaling.timetable.online import Advised, advised_ratios
from carbonscaling.units import DAY, TONNE
from carbonscaling.words import plain

__all__ = ["Schedule", "schedule"]


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
        At once; waiting with what history says and with a guarantee; by the forecast and with a trust in it; with a trust
        in its planned length alone; the best with every hour known.
    guarantee : float, optional
        Bound of the guaranteed policy: its operational carbon over the least possible, where pauses cost nothing.
    advised : Advised, optional
        Bounds of the policy that trusts the forecast, in the same sense.
    learned : Advised, optional
        Bounds of the policy that trusts its planned length, whose true one is not known before it ends.
    forecast_error : float, optional
        Mean absolute error of the forecast over the mean intensity.
    floor : float, optional
        Under a bound: what no timetable that keeps it falls below, in t or USD.
    filled : int
        Hours without a value, among those of the window, that were bridged.
    windows : tuple of OnWindows
        What the policies come to on random windows of the profile.
    """

    answer: Estimate
    asked: Timetabling
    places: tuple[str, ...]
    ways: tuple[Way, ...]
    policies: tuple[Policy, ...]
    guarantee: float | None
    advised: Advised | None
    learned: Advised | None
    forecast_error: float | None
    floor: float | None
    filled: int
    windows: tuple[OnWindows, ...] = ()

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
    scenario = stated(Scenario, scenario, {})
    window = window_of(scenario, t)
    plain = replace(
        scenario, hourly=None, carbon_intensity_g_per_kwh=window.home.average, start_hour=0.0, contracts=Contracts()
    )
    answer = answered(plain)
    if isinstance(answer, Infeasible):
        return answer
    ways = ways_of(answer, t)
    found = _timetabled(answer, ways, window, t, scenario.contracts)
    if not t.windows:
        return found
    windows = random_windows(scenario, t, window)
    every = tuple(_timetabled(answer, ways, w, t, scenario.contracts, closely=False) for w in windows)
    return dataclasses.replace(found, windows=compared([one.policies for one in every]))


def _timetabled(
    answer: Estimate, ways: tuple[Way, ...], window: Window, t: Timetabling, contracts: Contracts, *, closely: bool = True
) -> Schedule:  # fmt: skip
    """Return the timetables of a run within a window; `closely` as of `least_within`."""
    jobs = jobs_of(answer, ways, window, t, contracts)
    if jobs.carbon.least_steps > jobs.carbon.horizon:
        days = math.ceil(jobs.carbon.least_steps * window.step_h / 24.0 * 100.0) / 100.0
        raise NothingFitsError(
            "the deadline is too near", key="within_days", value=t.within_days,
            allowed=f"{plain(days)} days or more, in whole steps of the profile", remedy="give more days, or more devices",
        )  # fmt: skip
    online = without_foresight(jobs.carbon, window, _length(answer, t))
    found = list(online.found)
    if t.forecast is not None and jobs.forecast is not None:
        planned, _ = _best(dataclasses.replace(jobs, carbon=jobs.forecast), t, closely)
        found.append(("by the forecast", planned.actions, planned.places))
    best, floor = _best(jobs, t, closely)
    made = [policy_of(*one, jobs, window, ways) for one in found]
    by_name = {policy.name: policy for policy in made}
    forecast = None
    if online.guarantee is not None and "by the forecast" in by_name:
        made.append(mixed("forecast", t.trust, by_name["by the forecast"], by_name["waits, with a guarantee"]))
        careful = Advised(online.guarantee, online.guarantee)
        forecast = advised_ratios(t.trust, Advised(1.0, online.spread), careful)
    if online.learned is not None:
        two = (policy_of("", *one, jobs, window, ways) for one in online.by_length)
        made.append(mixed("planned length", t.trust, *two))
    made.append(policy_of("every hour known", best.actions, best.places, jobs, window, ways))
    return Schedule(
        answer=answer,
        asked=t,
        places=window.names,
        ways=ways,
        policies=tuple(made),
        guarantee=online.guarantee,
        advised=forecast,
        learned=None if online.learned is None else advised_ratios(t.trust, *online.learned),
        forecast_error=window.forecast_error,
        floor=floor,
        filled=window.filled,
    )


def _length(answer: Estimate, asked: Timetabling) -> tuple[float, float]:
    """Return the shortest and the longest time over the planned one."""
    if asked.lengths:
        return asked.lengths[0], asked.lengths[1]
    low, high = answer.intervals["duration_days"]
    days = answer.duration_s / DAY
    return min(1.0, low / days), max(1.0, high / days)


def _best(jobs: Jobs, asked: Timetabling, closely: bool) -> tuple[Timetable, float | None]:
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
    if jobs.usd_a_step is not None and asked.least == "carbon" and in_reach(of, most / jobs.usd_a_step):
        held = least_in_span(of, most / jobs.usd_a_step)
        if math.isfinite(held.total):
            return held, held.total / TONNE
    found = least_within(of, other, most * unit[0], closely=closely)
    if found.timetable is None:
        key = "under_usd" if asked.least == "carbon" else "under_tco2e"
        raise InputError(
            "no timetable keeps this bound", key=key, value=most, allowed=f"{found.least_other / unit[0]:.6g} or more",
            remedy="allow more, or more days",
        )  # fmt: skip
    return found.timetable, found.floor / unit[1]
