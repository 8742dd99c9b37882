"""Target in, plan out: the devices and the start with which a run ends by a date, within limits, with some confidence."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np

from carbonscaling.errors import InputError
from carbonscaling.hints import NamedTuple
from carbonscaling.record import dataclass
from carbonscaling.study.answer import estimate, plan
from carbonscaling.study.chances import Chances, as_needed, begun_at, chances
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.hours import profile_of
from carbonscaling.study.infeasible import Infeasible
from carbonscaling.study.scenario import Scenario, replace
from carbonscaling.units import DAY

__all__ = ["Assured", "Failures", "Target", "Tried", "assured"]

STEP = 1.09
"""Ratio of the device counts that are tried; about the fewest, every whole host is."""
ENOUGH = 4
"""Counts that keep a target after which "paper", which takes the fewest, tries no more."""
MOST_TIMES = 8.0
"""Times the devices that would do without chance, up to which counts are tried."""


@dataclass(frozen=True)
class Target:
    """What a plan is held to.

    Attributes
    ----------
    by : str, optional
        Day (YYYY-MM-DD) before which the run must have ended.
    within_days : float, optional
        Days from the earliest start, in place of a date.
    not_before : str, optional
        Earliest start (YYYY-MM-DD); today if not given, with hours the scenario's `start_hour`.
    confidence : float
        Probability of keeping all that is asked: 0.9, or 90.
    under_kwh, under_tco2e, under_usd : float
        Most energy, carbon and money.
    """

    by: str | None = None
    within_days: float | None = None
    not_before: str | None = None
    confidence: float = 0.9
    under_kwh: float = math.inf
    under_tco2e: float = math.inf
    under_usd: float = math.inf

    def __post_init__(self) -> None:
        """Refuse what is no target."""
        if (self.by is None) == (self.within_days is None):
            raise InputError("a target needs a date or days", key="by", allowed="--by DATE or --within-days DAYS",
                             remedy="give one of them")  # fmt: skip
        if not 0.0 < self.share < 1.0:
            raise InputError(
                "no confidence", key="confidence", value=self.confidence,
                allowed="more than 0, less than 1 (or 1 to 100, in percent)", remedy="for instance 0.9",
            )  # fmt: skip
        for key in ("within_days", "under_kwh", "under_tco2e", "under_usd"):
            if (value := getattr(self, key)) is not None and not value > 0.0:
                raise InputError(
                    f"{key} is out of range", key=key, value=value, allowed="more than 0", remedy="correct it"
                )

    @property
    def share(self) -> float:
        """The confidence between 0 and 1."""
        return self.confidence / 100.0 if self.confidence > 1.0 else self.confidence


@dataclass(frozen=True)
class Failures:
    """What the chances of a run follow from, as in `chances`."""

    write_s: float
    restart_s: float
    mtbf_device_hours: float | None = None
    interval_s: float | None = None
    device_variation: float | None = None

    def of(self, answer: Estimate) -> Chances:
        """Return the chances of an answer."""
        return chances(answer, **vars(self))


class Tried(NamedTuple):
    """What a number of devices comes to at its best start.

    Attributes
    ----------
    n_devices : int
    start_days : float
        From the earliest start.
    probability : float
        That all that is asked is kept.
    days, total_tco2e : float
        From start to end, and carbon: at the confidence asked for.
    mean_tco2e, mean_kwh : float
    mean_usd : float, optional
    """

    n_devices: int
    start_days: float
    probability: float
    days: float
    total_tco2e: float
    mean_tco2e: float
    mean_kwh: float
    mean_usd: float | None


@dataclass(frozen=True)
class Assured:
    """The plan that keeps a target.

    Attributes
    ----------
    target : Target
    answer : Estimate, optional
        The run; None where none keeps the target.
    chances : Chances, optional
        Of the run, at its start.
    best : Tried
        The plan; where none keeps the target the most likely one.
    start : str
        Its start, ISO 8601: the latest that keeps the target, or by the hour the cleanest.
    tried : tuple of Tried
        By number of devices.
    as_needed : float, optional
        Probability that the plan keeps the target where it needs what makers of published trainings needed; None without one.
    """

    target: Target
    answer: Estimate | None
    chances: Chances | None
    best: Tried
    start: str
    tried: tuple[Tried, ...]
    as_needed: float | None = None

    @property
    def feasible(self) -> bool:
        """Whether a plan keeps the target."""
        return self.answer is not None

    def to_dict(self) -> dict[str, Any]:
        """Return the target and the plan as plain data."""
        return {
            "target": {name: value for name, value in vars(self.target).items() if value not in (None, math.inf)},
            "feasible": self.feasible, "start": self.start, "best": self.best._asdict(),
            "summary": None if self.answer is None else self.answer.summary(),
            "chances": None if self.chances is None else self.chances.summary(),
            "tried": [tried._asdict() for tried in self.tried], "as_needed": self.as_needed,
        }  # fmt: skip


class _Span(NamedTuple):
    """From the earliest start to the date, in days; with a profile, the hour of it at which it begins."""

    earliest: str
    days: float
    hour: float | None

    def at(self, start_days: float) -> str:
        if self.hour is None:
            return (date.fromisoformat(self.earliest) + timedelta(days=math.floor(start_days))).isoformat()
        return self.earliest


def _span(s: Scenario, target: Target) -> _Span:
    profile = profile_of(s)
    if profile is not None:
        begin = profile.hours_until(target.not_before) if target.not_before else s.start_hour
        days = target.within_days or (profile.hours_until(str(target.by)) - begin) / 24.0
        span = _Span(profile.at(begin), days, begin)
    else:
        first = _day(target.not_before, "not_before") if target.not_before else date.today()
        days = target.within_days or float((_day(str(target.by), "by") - first).days)
        span = _Span(first.isoformat(), days, None)
    if span.days <= 0.0:
        raise InputError("the date is no later than the start", key="by", value=target.by, allowed=f"after {span.earliest}",
                         remedy="give a later one")  # fmt: skip
    return span


def _day(text: str, key: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError("not a date", key=key, value=text, allowed="YYYY-MM-DD", remedy="correct it") from error


def assured(
    scenario: Scenario, target: Target, *, write_s: float, restart_s: float, mtbf_device_hours: float | None = None,
    interval_s: float | None = None, device_variation: float | None = None,
) -> Assured | Infeasible:  # fmt: skip
    """Find the plan that keeps a target with some confidence, the best by the scenario's objective.

    Every count is answered with its fastest setting. Without hours any start up to the latest is as good, which is the one
    returned; with hours every day's start is tried, and the one with the least mean carbon is. "paper" takes the fewest
    devices, to the host; the other objectives the best of the counts tried, which are 9 % apart.

    Parameters
    ----------
    scenario : Scenario
        `devices` fixes the count; dates and deadlines of its own are the target's.
    target : Target
    write_s, restart_s, mtbf_device_hours, interval_s, device_variation : float
        As in `chances`.

    Raises
    ------
    InputError
        A date or a value out of range.
    """
    failures = Failures(write_s, restart_s, mtbf_device_hours, interval_s, device_variation)
    span = _span(scenario, target)
    s = replace(scenario, finish_by=None, start_date=None, max_days=None)
    if s.hourly is not None and span.hour is not None:
        s = replace(s, start_hour=span.hour)
    made: dict[int, tuple[Estimate, Tried]] = {}

    def of(n: int) -> Tried | None:
        if n not in made:
            answer = estimate(replace(s, devices=n, objective="time"))
            if not isinstance(answer, Estimate):
                return None
            made[n] = answer, _tried(answer, target, failures, span)
        return made[n][1]

    if s.devices is not None:
        counts: list[int] = [s.devices]
    else:
        least = plan(replace(s, max_days=span.days, objective="paper"))
        if isinstance(least, Infeasible):
            return least
        host = int(least.resolved.cluster.host.devices_per_host)
        counts = list(_counts(least.n_devices, host, s.max_devices))
    found: list[Tried] = []
    for n in counts:
        if (tried := of(n)) is not None:
            found.append(tried)
        if s.objective == "paper" and sum(one.probability >= target.share for one in found) >= ENOUGH:
            break
    if s.objective == "paper" and s.devices is None:
        _refine(of, found, target.share, host)
    every = tuple(sorted((tried for _, tried in made.values()), key=lambda x: x.n_devices))
    if not every:
        raise InputError("no layout uses so many devices", key="devices", value=s.devices, remedy="give another count")
    kept = [tried for tried in every if tried.probability >= target.share]
    if not kept:
        best = max(every, key=lambda x: x.probability)
        return Assured(target, None, None, best, span.at(best.start_days), every)
    best = min(kept, key=lambda tried: _key(s.objective, tried))
    answer = made[best.n_devices][0]
    hour = None if span.hour is None else span.hour + 24.0 * best.start_days
    profile = profile_of(s)
    start = span.at(best.start_days) if profile is None or hour is None else profile.at(hour)
    found_at = failures.of(answer)
    limits = span.days - best.start_days, target.under_kwh, target.under_tco2e, target.under_usd
    found_at = found_at if hour is None else begun_at(found_at, answer, hour)
    return Assured(target, answer, found_at, best, start, every, as_needed(answer, *limits))


def _key(objective: str, tried: Tried) -> tuple[float, int]:
    """Return what is least by an objective; of equals the fewest devices."""
    by = {
        "time": tried.start_days + tried.days, "carbon": tried.mean_tco2e, "energy": tried.mean_kwh,
        "cost": math.inf if tried.mean_usd is None else tried.mean_usd,
    }  # fmt: skip
    return by.get(objective, 0.0), tried.n_devices


def _counts(first: int, host: int, most: int) -> Iterator[int]:
    """Yield whole hosts from the fewest devices that would do without chance, about 9 % apart."""
    n = float(first)
    last = 0
    while n <= min(MOST_TIMES * first, most):
        whole = max(1, round(n)) if n < host else math.ceil(n / host - 1e-9) * host
        if whole != last and whole <= most:
            yield whole
        last, n = whole, max(n * STEP, n + 1.0)


def _refine(of: Callable[[int], Tried | None], found: list[Tried], share: float, host: int) -> None:
    """Try the hosts between the most devices that fail and the fewest that keep the target."""
    passing = next((i for i, tried in enumerate(found) if tried.probability >= share), None)
    if not passing:
        return
    low, high = found[passing - 1].n_devices, found[passing].n_devices
    while high - low > (step := host if high > host else 1):
        middle = low + max(1, (high - low) // step // 2) * step
        tried = of(middle)
        if tried is not None and tried.probability >= share:
            high = middle
        else:
            low = middle


def _tried(answer: Estimate, target: Target, failures: Failures, span: _Span) -> Tried:
    """Return what an answer comes to at its best start."""
    found, n = failures.of(answer), answer.n_devices
    if span.hour is None:
        return _latest(n, found, target, span.days)
    every = [
        _at(n, begun_at(found, answer, span.hour + 24.0 * day), target, span.days, float(day))
        for day in range(max(1, math.ceil(span.days - answer.steady_s / DAY)))
    ]
    kept = [tried for tried in every if tried.probability >= target.share]
    return min(kept, key=lambda x: x.mean_tco2e) if kept else max(every, key=lambda x: x.probability)


def _latest(n: int, c: Chances, target: Target, days: float) -> Tried:
    """Return the latest whole day on which a run may begin; the earliest where none will do."""
    kept = c.kept(target.under_kwh, target.under_tco2e, target.under_usd)
    ends = np.sort(np.where(kept, c.days, np.inf))
    needed = float(ends[min(len(ends) - 1, math.ceil(target.share * len(ends)) - 1)])
    return _at(n, c, target, days, max(0.0, math.floor(days - needed + 1e-9)) if math.isfinite(needed) else 0.0)


def _at(n: int, c: Chances, target: Target, days: float, start_days: float) -> Tried:
    probability = c.within(days - start_days, target.under_kwh, target.under_tco2e, target.under_usd)
    return Tried(
        n, start_days, probability, float(np.quantile(c.days, target.share)),
        float(np.quantile(c.carbon_tco2e, target.share)), float(c.carbon_tco2e.mean()),
        float(c.energy_kwh.mean()), None if c.cost_usd is None else float(c.cost_usd.mean()),
    )  # fmt: skip
