"""What a setting takes, once for every reader: search, answer, sweep, levers and robustness ask here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from carbonscaling.carbon.assess import CarbonModel, idling, total_interval
from carbonscaling.carbon.boundary import Boundary, boundary_j, boundary_kg
from carbonscaling.carbon.contracts import Contracts, contracted_intensity, covered_share, under_contract
from carbonscaling.carbon.footprint import CarbonNumbers, FootprintParts, footprint
from carbonscaling.carbon.hourly import Hours
from carbonscaling.hints import NamedTuple
from carbonscaling.perf.goodput import run_time
from carbonscaling.perf.numbers import Number, Setting
from carbonscaling.record import dataclass
from carbonscaling.scalar import at
from carbonscaling.search.bounds import ROUNDING
from carbonscaling.search.objectives import Outcome
from carbonscaling.study.hours import contract_of, hours_of
from carbonscaling.study.resolve import Resolved, carbon_of
from carbonscaling.study.scenario import Scenario
from carbonscaling.units import HOUR, to_si

__all__ = [
    "RunFootprint",
    "Takes",
    "carbon_interval",
    "contract_uses",
    "contracted",
    "held_devices",
    "hire",
    "idle_share",
    "run_footprint",
    "speed",
    "takes",
    "utilisation",
]


class RunFootprint(NamedTuple):
    """What a run takes, central values; floats or arrays alike.

    Attributes
    ----------
    duration_s : seconds of the whole run, overhead included.
    utilisation : model-FLOPs utilisation of a steady step.
    parts : energy (J), carbon (kg CO2e) and water (L) of the run by part, as `FootprintParts`.
    boundary_kg : carbon of the lines beside the final run.
    total_kg : all carbon, ``parts.total_kg`` and ``boundary_kg`` together.
    cost_usd : money; not-a-number where no price is known.
    """

    duration_s: Number
    utilisation: Number
    parts: FootprintParts
    boundary_kg: Number
    total_kg: Number
    cost_usd: Number


@dataclass(frozen=True)
class Takes:
    """Maps settings and their step times to what they take; called, it is the `outcome` of a `Question`.

    Attributes
    ----------
    r : Resolved
    numbers : CarbonNumbers
        Floats, or arrays of draws.
    overhead : float or array
        Run time over its own steady state.
    peak_mfu : float or array
        FLOP/s of a device against which its utilisation counts.
    boundary : Boundary, optional
        Lines beside the final run; None where there are none.
    hours : Hours, optional
        Carbon intensity by the hour from the start of the run on, in place of that of `numbers`.
    contract : Contracts, optional
        Covers a share of each run's electricity, where totals are market-based.
    """

    r: Resolved
    numbers: CarbonNumbers
    overhead: Number
    peak_mfu: Number
    boundary: Boundary | None
    hours: Hours | None
    contract: Contracts | None

    def duration(self, settings: Setting, step_s: Number) -> Number:
        """Return the seconds of the whole run."""
        return run_time(self.r.steps_of(settings), step_s, self.overhead)

    def __call__(self, settings: Setting, step_s: Number) -> Outcome:
        """Return what settings with these step times take."""
        return self._outcome(settings, step_s, self.hours.mean if self.hours else None)

    @property
    def least(self) -> Callable[[Setting, Number], Outcome] | None:
        """What no slower setting on as many devices takes less than, where that is not the outcome itself.

        Energy grows with the run time, and so does the least mean intensity of runs at least that long; their product bounds
        the emissions from below, which themselves may fall as a run reaches into cleaner hours. Where a user's exponent
        lets power fall faster than speed, idle power alone is counted. A contract that delivers by the hour covers more of a
        longer run: the cleaner of its electricity and the rest's bounds both.
        """
        steep, hours, contract, n = bool(np.any(self.numbers.exponent > 1.0)), self.hours, self.contract, self.numbers
        grows = contract is not None and contract.mwh is not None and contract.match == "hour"
        if hours is None and not steep and not grows:
            return None
        floor = self
        bought = math.inf
        if contract is not None and (grows or hours is not None):
            bought = contract.g_per_kwh
            cleanest = np.minimum(n.carbon_intensity, to_si(bought, "g/kWh"))
            floor = replace(floor, numbers=n._replace(carbon_intensity=ROUNDING * cleanest), contract=None)
        if steep:
            floor = replace(floor, numbers=floor.numbers._replace(busy_w=np.minimum(n.busy_w, n.idle_w)))
        intensity = (lambda h: ROUNDING * np.minimum(hours.least_mean(h), bought)) if hours else None
        return lambda settings, step_s: floor._outcome(settings, step_s, intensity)

    def _outcome(self, settings: Setting, step_s: Number, intensity: Callable[[Any], Any] | None) -> Outcome:
        run = self.run(settings, step_s, intensity)
        return Outcome(run.duration_s, run.total_kg, run.cost_usd, run.parts.energy_j)

    def run(self, settings: Setting, step_s: Number, intensity: Callable[[Any], Any] | None = None) -> RunFootprint:
        """Return what runs take, with their parts.

        Parameters
        ----------
        settings : Setting
        step_s : float or array
        intensity : callable, optional
            Carbon intensity in g/kWh of a run by its hours, in place of that of `numbers`.
        """
        n = np.asarray(held_devices(self.r.scenario, settings), dtype=float)
        duration = self.duration(settings, step_s)
        numbers = self.numbers._replace(idle_share=1.0 - settings.n_devices / n)
        if intensity is not None:
            numbers = numbers._replace(carbon_intensity=to_si(intensity(duration / HOUR), "g/kWh"))
        with np.errstate(divide="ignore"):  # bounds of a search may be 0 s; the power model clips what follows
            mfu = utilisation(self.r, step_s, settings.n_devices, self.peak_mfu, self.r.batch_of(settings))
            if self.contract is not None:
                alone = footprint(numbers, n, duration, mfu)
                more = boundary_j(vars(self.boundary), numbers, n, duration, alone) if self.boundary else 0.0
                share = covered_share(self.contract, alone.energy_j, duration, more)
                bought = to_si(self.contract.g_per_kwh, "g/kWh")
                mixed = contracted_intensity(share, bought, numbers.carbon_intensity)
                numbers = numbers._replace(carbon_intensity=mixed)
        money = self.r.price.si if self.r.price else math.nan
        return run_footprint(numbers, n, duration, mfu, money, vars(self.boundary) if self.boundary else None)


def run_footprint(
    numbers: CarbonNumbers,
    n_devices: Number,
    duration_s: Number,
    mfu: Number,
    price: Number,
    beside: Mapping[str, Number] | None,
) -> RunFootprint:
    """Return what runs of known length take, at a price in USD per device-second, with shares beside them (`Boundary`)."""
    parts: FootprintParts = at(footprint, numbers, n_devices, duration_s, mfu)
    extra = 0.0 if beside is None else boundary_kg(beside, numbers, n_devices, duration_s, parts)
    total: Number = np.asarray(parts.total_kg, dtype=float) + extra
    return RunFootprint(duration_s, mfu, parts, extra, total, hire(price, n_devices, duration_s))


def hire(price: Number, n_devices: Number, duration_s: Number) -> Number:
    """Return what devices cost in USD for as long as they are held, at a price in USD per device-second."""
    return price * n_devices * duration_s


def takes(
    r: Resolved,
    *,
    numbers: CarbonNumbers | None = None,
    overhead: Number | None = None,
    peak_mfu: Number | None = None,
) -> Takes:
    """Return what settings of a scenario take, with other constants where they are given."""
    s, market = r.scenario, r.carbon.scope2 == "market"
    settled = market and r.carbon.covered  # the intensity is that of one run, with its hours and its contract
    return Takes(
        r,
        numbers=r.carbon.numbers if numbers is None else numbers,
        overhead=r.run_overhead.si if overhead is None else overhead,
        peak_mfu=r.machine.formats.peak_mfu if peak_mfu is None else peak_mfu,
        boundary=None if s.boundary == Boundary() else s.boundary,
        hours=None if settled else hours_of(s),
        contract=contract_of(s) if market and s.contracts.kind != "none" and not settled else None,
    )


def held_devices(s: Scenario, settings: Setting) -> Number:
    """Devices that a run holds: those of its layout, or as many as it was given, whether it uses them or not."""
    return np.maximum(settings.n_devices, float(s.devices or 0))


def idle_share(s: Scenario, setting: Setting) -> float:
    """Share of the devices that a run holds and its layout leaves idle."""
    return float(1.0 - setting.n_devices / held_devices(s, setting))


def speed(tokens_per_step: Number, step_s: Number, pace: Number, n_devices: Number) -> Number:
    """Tokens a second and device of steps of `step_s`, each of which takes `pace` times as long in the mean of a run."""
    return tokens_per_step / (step_s * pace) / n_devices


def utilisation(
    r: Resolved, step_s: Number, n_devices: Number, peak_mfu: Number | None = None, batch: Number | None = None
) -> Number:
    """Model FLOP/s of a device over its peak, at a step time; of the run's batch unless another is given."""
    peak = r.machine.formats.peak_mfu if peak_mfu is None else peak_mfu
    return (r.batch if batch is None else batch) * r.seq_len * r.work.model_flops / (step_s * n_devices * peak)


def contracted(s: Scenario, model: CarbonModel, n_devices: float, duration_s: float, mfu: float) -> CarbonModel:
    """Return the carbon factors of one run under the scenario's contract, which covers as much as the run's energy says."""
    if s.contracts.kind == "none":
        return model
    return under_contract(model, contract_of(s), *contract_uses(s, model, n_devices, duration_s, mfu))


def contract_uses(
    s: Scenario, model: CarbonModel, n_devices: float, duration_s: float, mfu: float
) -> tuple[float, float, float]:
    """Return what a contract's volume is spent on: the run's energy (J), its length (s), and the energy of what is beside."""
    alone = footprint(model.numbers, n_devices, duration_s, mfu)
    more = boundary_j(vars(s.boundary), model.numbers, n_devices, duration_s, alone)
    return float(alone.energy_j), duration_s, float(more)


def carbon_interval(
    s: Scenario, r: Resolved, setting: Setting, step_s: float, duration_s: float
) -> tuple[float, float]:
    """Return the 5th and 95th percentiles of one run's carbon in t CO2e, by the hours that it meets."""
    n_devices = int(held_devices(s, setting))
    mfu = float(utilisation(r, step_s, setting.n_devices, batch=r.batch_of(setting)))
    own = hours_of(s) is not None or r.carbon.covered
    model = carbon_of(s, r.cluster, duration_s=duration_s) if own else r.carbon
    model = contracted(s, idling(model, idle_share(s, setting)), n_devices, duration_s, mfu)
    return total_interval(model, n_devices, duration_s, mfu, boundary=s.boundary, time=r.time())
