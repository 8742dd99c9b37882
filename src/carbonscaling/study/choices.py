"""Where, on what, how many, how fast and when: every combination of a few options, least carbon, least cost, the front."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import field, replace

from carbonscaling.carbon.assess import CarbonModel, assess, idling
from carbonscaling.carbon.footprint import footprint
from carbonscaling.carbon.hourly import Passage, mean_by_start, passage
from carbonscaling.carbon.result import Footprint
from carbonscaling.carbon.windows import ALWAYS
from carbonscaling.catalog.factors import factor
from carbonscaling.catalog.regions import NO_CONTRACT, common_basis, place
from carbonscaling.errors import InputError
from carbonscaling.fields import check_fields
from carbonscaling.record import dataclass
from carbonscaling.study.answer import estimate, plan
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.hours import hour_of, hours_of, profile_of
from carbonscaling.study.infeasible import Infeasible
from carbonscaling.study.outcome import contracted, hire
from carbonscaling.study.resolve import carbon_of
from carbonscaling.study.scenario import Scenario
from carbonscaling.units import DAY, HOUR, KWH, TONNE

__all__ = ["Choice", "Options", "best", "choices", "front"]

NOT_CARBON = ("paper", "time", "cost")
"""Objectives whose best setting does not depend on the region."""


@dataclass(frozen=True)
class Options:
    """What may be chosen; an empty one leaves the scenario's own.

    Attributes
    ----------
    regions, devices : tuple of str
    counts : tuple of int
    deadlines : tuple of float
        Days.
    starts : tuple of float or str
        Hours after the profile's first, or dates and moments (ISO 8601).
    pause_above : tuple of float
        g/kWh above which work stops; infinity never pauses.
    power_limits : tuple of float
        Watts a device; infinity is none.
    windows : tuple of str
        Hours in which work may go on: always, night, weekend, or hours such as 20-8; with @ZONE in that zone's time.
    best_start : bool
        The start within the profile at which a run without pauses meets the least, beside those asked for.
    """

    regions: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    deadlines: tuple[float, ...] = ()
    starts: tuple[float | str, ...] = ()
    pause_above: tuple[float, ...] = ()
    power_limits: tuple[float, ...] = ()
    windows: tuple[str, ...] = ()
    best_start: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no list of names or numbers."""
        check_fields(self)

    def check(self, scenario: Scenario) -> None:
        """Refuse options that contradict each other or the scenario."""
        if scenario.hourly is None and (self.starts or self.pause_above or self.windows or self.best_start):
            raise InputError(
                "start times and pauses need carbon intensity by the hour",
                key="hourly",
                remedy="add --hourly FILE.csv",
            )
        if scenario.hourly is not None and len(self.regions) > 1:
            raise InputError(
                "one hourly profile cannot stand for several regions", key="regions", value=", ".join(self.regions),
                remedy="compare regions without the profile, or one region with it",
            )  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """One combination and what it takes.

    Attributes
    ----------
    region, device : str
    n_devices : int
    deadline_days : float, optional
    start_hour, pause_above_g_per_kwh, power_limit_w : float, optional
    start, window : str
        Moment at which it begins, and the hours in which it works; empty without a profile.
    carbon_intensity_g_per_kwh : float
        Location-based, while working.
    pue : float
        Energy of the building over that of its machines.
    days : float
        From start to end, pauses included.
    paused_days : float
    energy_kwh, operational_tco2e, market_tco2e, embodied_tco2e, total_tco2e : float
        By average intensity, for reports.
    marginal_tco2e : float
        Total with the marginal intensity of the hour before it is saved, for choices between times of one grid.
    cost_usd : float, optional
    basis : str
        What the carbon intensity counts: the same for every choice.
    price_basis : str
        What is bought, and where the price is from; empty where none is known.
    infeasible : str
        Why there is no answer, if there is none.
    """

    region: str
    device: str
    n_devices: int = 0
    deadline_days: float | None = None
    start_hour: float | None = None
    pause_above_g_per_kwh: float | None = None
    power_limit_w: float | None = None
    days: float = math.nan
    paused_days: float = 0.0
    mfu: float = math.nan
    energy_kwh: float = math.nan
    operational_tco2e: float = math.nan
    market_tco2e: float = math.nan
    embodied_tco2e: float = math.nan
    total_tco2e: float = math.nan
    low_tco2e: float = math.nan
    high_tco2e: float = math.nan
    marginal_tco2e: float = math.nan
    water_litres: float = math.nan
    cost_usd: float | None = None
    basis: str = ""
    price_basis: str = ""
    start: str = ""
    window: str = ""
    carbon_intensity_g_per_kwh: float = math.nan
    pue: float = math.nan
    infeasible: str = field(default="")


def choices(scenario: Scenario, options: Options, done: Callable[[int, int], None] | None = None) -> tuple[Choice, ...]:
    """Answer the scenario for every combination; those that have no answer say why.

    The setting is searched again wherever it can change: by device, power limit, count and deadline always, by region only
    where the objective is carbon. Start times and pauses take the setting as it is, which the scenario's own start hour has
    a say in.

    Parameters
    ----------
    scenario : Scenario
    options : Options
    done : callable, optional
        Told after every search: how many are done, of how many.

    Raises
    ------
    InputError
        An unknown name, or contradictory options.
    """
    options.check(scenario)
    regions = options.regions or (scenario.region,)
    if len(regions) > 1:
        scenario = replace(scenario, basis=common_basis(map(place, regions), scenario.basis))
    devices: Sequence[str] = options.devices or (scenario.device,)
    counts: Sequence[int | None] = options.counts or (scenario.devices,)
    deadlines: Sequence[float | None] = options.deadlines or (scenario.max_days,)
    limits: Sequence[float | None] = tuple(x if math.isfinite(x) else None for x in options.power_limits) or (
        scenario.power_limit,
    )
    grid = list(itertools.product(devices, limits, counts, deadlines, regions))
    found: list[Choice] = []
    known: dict[tuple[str, float | None, int | None, float | None, str], Estimate | Infeasible] = {}
    for i, (device, limit, count, days, region) in enumerate(grid):
        s = replace(scenario, device=device, power_limit=limit, devices=count, max_days=days, region=region)
        alike = scenario.objective in NOT_CARBON and scenario.budget_carbon is None
        key = (device, limit, count, days, "" if alike else region)
        if key not in known:
            known[key] = estimate(s) if count is not None and days is None else plan(s)
        answer = known[key]
        if isinstance(answer, Infeasible):
            found.append(Choice(region, device, count or 0, days, infeasible=answer.reason))
        else:
            found += _variants(s, answer, options, days)
        if done is not None:
            done(i + 1, len(grid))
    return tuple(found)


def _variants(s: Scenario, answer: Estimate, options: Options, deadline: float | None) -> list[Choice]:
    """Return one choice for every start, pause and window of a setting."""
    rows = []
    for start in _starts(s, options, answer.duration_s / HOUR):
        for threshold in options.pause_above or (math.inf,):
            for window in options.windows or (ALWAYS,):
                rows.append(_choice(replace(s, start_hour=start), answer, deadline, threshold, window))
    return rows


def _starts(s: Scenario, options: Options, duration_h: float) -> list[float]:
    """Return the hours at which to begin: those asked for, and the best of the profile."""
    profile = profile_of(s)
    if profile is None:
        return [s.start_hour]
    found = [hour_of(start, profile) for start in options.starts]
    if options.best_start:
        found.append(float(mean_by_start(profile, duration_h).argmin()) * profile.step_h)
    return found or [s.start_hour]


def _choice(s: Scenario, e: Estimate, deadline: float | None, threshold: float, window: str = ALWAYS) -> Choice:
    r, duration_s = e.resolved, e.duration_s
    model = carbon_of(s, r.cluster, duration_s=duration_s, pause_above=threshold, window=window)
    model = contracted(s, idling(model, e.idle_share), e.n_devices, duration_s, e.working_mfu)
    run = assess(model, e.n_devices, duration_s, e.working_mfu, boundary=s.boundary, time=r.time())
    profile = profile_of(s)
    way = passage(profile, s.start_hour, duration_s / HOUR, threshold, window) if profile else None
    paused_s = way.paused_h * HOUR if way else 0.0
    days = (duration_s + paused_s) / DAY
    named = dict(
        region=s.region, device=s.device, basis=model.location.basis, n_devices=e.n_devices, deadline_days=deadline,
        start_hour=s.start_hour if way else None,
        start=profile.at(s.start_hour) if profile else "",
        window=window if profile else "",
        carbon_intensity_g_per_kwh=run.location.carbon_intensity_g_per_kwh,
        pue=run.pue,
        pause_above_g_per_kwh=threshold if math.isfinite(threshold) else None,
        power_limit_w=s.power_limit,
    )  # fmt: skip
    if deadline is not None and days > deadline * (1.0 + 1e-9):
        return Choice(**named, infeasible=f"takes {days:.3g} days, the deadline is {deadline:g}")  # type: ignore[arg-type]
    energy, operational, market, embodied, water, marginal = _figures(e, model, run, way)
    price = r.price.si if r.price else None
    total = operational + embodied + run.boundary_tco2e
    shift = total - run.total_tco2e
    return Choice(
        **named,  # type: ignore[arg-type]
        days=days,
        paused_days=paused_s / DAY,
        mfu=e.mfu,
        energy_kwh=energy,
        operational_tco2e=operational,
        market_tco2e=market,
        price_basis="" if r.price is None else f"{r.price.basis or 'given'} [{r.price.source}]",
        embodied_tco2e=embodied,
        total_tco2e=total,
        low_tco2e=max(run.low_tco2e + shift, 0.0),
        high_tco2e=run.high_tco2e + shift,
        marginal_tco2e=marginal + embodied + run.boundary_tco2e,
        water_litres=water,
        cost_usd=None if price is None else float(hire(price, e.n_devices, duration_s + paused_s)),
    )


def _figures(
    e: Estimate, model: CarbonModel, run: Footprint, way: Passage | None
) -> tuple[float, float, float, float, float, float]:
    """Return energy, operational, market-based, embodied, water, and by marginal intensity, with pauses at idle power.

    Market-based carbon follows the hours as the location-based does, unless something else than the location stands behind it.
    """
    marginal = (place(e.scenario.region).marginal or factor("grid.marginal.default")).si * KWH * 1e3
    if way is None or not way.paused_h:
        return (
            run.energy_kwh, run.operational_tco2e, run.market.operational_tco2e, run.embodied_tco2e, run.water_litres,
            run.energy_kwh * marginal / 1e6,
        )  # fmt: skip
    numbers = model.numbers._replace(idle_share=1.0)
    idle = footprint(numbers, e.n_devices, way.paused_h * HOUR, 0.0)
    waited = float(idle.energy_j) / KWH
    energy = run.energy_kwh + waited
    met = way.paused_g_per_kwh if hours_of(e.scenario) else run.carbon_intensity_g_per_kwh
    operational = run.operational_tco2e + waited * met / 1e6
    embodied = run.embodied_tco2e + float(idle.total_kg - idle.operational_kg) / TONNE
    own = run.market.carbon_intensity_g_per_kwh
    bought = run.market.operational_tco2e + waited * (met if run.market.basis == NO_CONTRACT else own) / 1e6
    return energy, operational, bought, embodied, run.water_litres + float(idle.water_l), energy * marginal / 1e6


def best(found: Sequence[Choice], figure: str) -> Choice | None:
    """Return the feasible choice with the least of a figure, of equals the one with least carbon; None without any."""
    known = [c for c in found if not c.infeasible and getattr(c, figure) is not None]
    return min(known, key=lambda c: (float(getattr(c, figure)), c.total_tco2e), default=None)


def front(found: Sequence[Choice]) -> tuple[Choice, ...]:
    """Return the choices that none beats in both carbon and cost, least carbon first."""
    known = sorted(
        (c for c in found if not c.infeasible and c.cost_usd is not None), key=lambda c: (c.total_tco2e, c.cost_usd)
    )
    kept: list[Choice] = []
    cheapest = math.inf
    for c in known:
        if c.cost_usd is not None and c.cost_usd < cheapest:
            kept.append(c)
            cheapest = c.cost_usd
    return tuple(kept)
