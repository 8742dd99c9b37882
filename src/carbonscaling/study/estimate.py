"""An answer: what a scenario takes, every total with its parts."""

from __future__ import annotations

import math
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from carbonscaling.carbon.assessment import Assessment
from carbonscaling.carbon.result import Footprint
from carbonscaling.evidence.best_run import BestRun
from carbonscaling.model.params import total_params
from carbonscaling.perf.memory import Memory
from carbonscaling.perf.numbers import Number, Recompute, Schedule, Setting
from carbonscaling.perf.step import StepTime
from carbonscaling.record import dataclass
from carbonscaling.search.result import Candidate
from carbonscaling.study.accuracy import memory_error
from carbonscaling.study.asked import found_with
from carbonscaling.study.found import SearchReport, row_of, search_dict
from carbonscaling.study.history import Needed, shipped_practice
from carbonscaling.study.levers import Lever, levers
from carbonscaling.study.outcome import carbon_interval, held_devices, idle_share, speed, utilisation
from carbonscaling.study.plain import carbon_dict, frame, parts
from carbonscaling.study.resolve import Resolved
from carbonscaling.study.scenario import Scenario, Unstated
from carbonscaling.study.shown import figures, headline, html_table, price_words, setting_words, span, with_beside
from carbonscaling.study.trained import trained_as
from carbonscaling.study.usual import Usual, usual
from carbonscaling.study.variety import Alternative, others
from carbonscaling.study.versions import schema_id
from carbonscaling.units import DAY, GB, HOUR
from carbonscaling.words import data

if TYPE_CHECKING:
    from polars import DataFrame

    from carbonscaling.study.summary import Summary

__all__ = ["Estimate"]


@dataclass(frozen=True)
class Estimate:
    """What a training run takes.

    Attributes
    ----------
    scenario, resolved : the question, looked up.
    setting : Setting
        Parallelism, as whole numbers.
    step : StepTime
        Seconds of a steady step by cause; they add up to ``step.total``.
    memory : Memory
        Bytes on the fullest device by use.
    steady_s, duration_s : float
        Seconds of the run at steady state, and with its overhead.
    footprint : Footprint
        Energy and carbon with interval.
    cost_usd : float, optional
        None where no price is known.
    search : SearchReport, optional
        None where the setting was given whole.
    best_run : BestRun, optional
        The fastest published run of this device and size; None where nobody published one.
    warnings : tuple of str
    """

    scenario: Scenario
    resolved: Resolved
    setting: Setting
    step: StepTime
    memory: Memory
    steady_s: float
    duration_s: float
    footprint: Footprint
    cost_usd: float | None
    search: SearchReport | None = None
    best_run: BestRun | None = None
    warnings: tuple[str, ...] = field(default=())

    feasible: ClassVar[bool] = True

    def __repr__(self) -> str:
        """Return the answer in four lines; printed too."""
        r, need = self.resolved, self.memory
        return (
            f"{self.headline}\n"
            f"  setting: {setting_words(self.setting)}; {r.recipe.name}, stack {r.stack.name}\n"
            f"  memory: {data(float(need.total))} of {data(float(need.limit))} a device"
        )

    def _repr_html_(self) -> str:
        """Return the answer as a table of its figures with their 90 % intervals, for notebooks."""
        found, summary = self.intervals, self.summary()
        rows = [
            (name, write(summary[key]), span(found[key], write) if key in found else "")
            for key, name, write in figures(self.counts_beside)
            if summary[key] is not None
        ]
        setting = repr(self).split("\n")[2].strip()
        return html_table(self.headline.split("\n")[0], [*rows, ("", setting, "")], ("", "value", "90 % interval"))

    @cached_property
    def levers(self) -> tuple[Lever, ...]:
        """What would change the answer most, widest first."""
        return levers(self.resolved, self.setting)

    @cached_property
    def alternatives(self) -> tuple[Alternative, ...]:
        """Settings that something else than the objective speaks for; none where no layout was searched."""
        s, r = self.scenario, self.resolved
        if self.search is None or self.search.n_layouts < 2 or "paper" in (s.space, s.carbon_mode):
            return ()
        return (*self.search.preferred, *others(s, r, *found_with(r, s, self.setting), self.setting))

    @cached_property
    def usual(self) -> tuple[Usual, ...]:
        """What measured runs choose where the scenario leaves the choice open; none on TPUs nor by the papers' rules."""
        s, r = self.scenario, self.resolved
        if r.cluster.device.kind == "tpu" or "paper" in (s.space, s.carbon_mode):
            return ()
        return usual(s, r.work, self.setting)

    @property
    def headline(self) -> str:
        """The answer in two sentences, a line each."""
        lines = [(line.name, line.share, line.energy_kwh) for line in self.footprint.lines]
        return headline(self.summary(), self.resolved.cluster.device.name, price_words(self.resolved.price), lines)

    @property
    def counts_beside(self) -> bool:
        """Whether anything is counted beside the run: totals then hold more than the run."""
        return any(line.share for line in self.footprint.lines)

    @property
    def n_devices(self) -> int:
        """Devices the run occupies, those that its layout leaves idle included."""
        return int(held_devices(self.scenario, self.setting))

    @property
    def tokens_per_s_per_device(self) -> float:
        """Speed at the scenario's pace: of a steady step, or of the whole run."""
        r = self.resolved
        return float(speed(r.batch * r.seq_len, self.step.total, r.pace, self.n_devices))

    @property
    def model_flops_per_device(self) -> float:
        """Model FLOP/s a device achieves in steady state (attention counted over the causal half)."""
        r = self.resolved
        return float(speed(r.batch * r.seq_len, self.step.total, 1.0, self.n_devices) * r.work.model_flops)

    @property
    def mfu(self) -> float:
        """Model-FLOPs utilisation against the peak of the recipe's matrix format."""
        return float(utilisation(self.resolved, self.step.total, self.n_devices))

    @property
    def idle_share(self) -> float:
        """Share of the devices that the layout leaves idle."""
        return idle_share(self.scenario, self.setting)

    @property
    def working_mfu(self) -> float:
        """`mfu` of the devices at work alone: what their power follows."""
        return float(utilisation(self.resolved, self.step.total, self.setting.n_devices))

    @property
    def best_mfu(self) -> float | None:
        """Utilisation of the fastest published run of this device and size, counted as `mfu` is."""
        return None if self.best_run is None else self.best_run.mfu(float(self.resolved.machine.formats.peak_mfu))

    @property
    def device_hours(self) -> float:
        """Devices times hours of the whole run, overhead included."""
        return self.n_devices * self.duration_s / HOUR

    @property
    def assessment(self) -> Assessment:
        """What `footprint` is the footprint of."""
        r = self.resolved
        return Assessment(r.carbon, self.n_devices, self.duration_s, self.working_mfu, r.time(), self.scenario.boundary)

    @property
    def needed(self) -> Needed | None:
        """Device-hours that people needed where `device_hours` can be reached, with 90 % interval; None in the papers' mode."""
        if self.scenario.carbon_mode == "paper":
            return None
        return shipped_practice().needed(self.scenario.history).times(self.device_hours)

    def summary(self) -> dict[str, Any]:
        """Return the flat summary: one row of numbers, units in the names."""
        s, f, r = self.setting, self.footprint, self.resolved
        embodied = f.embodied_tco2e
        found: Summary = {
            "model": r.spec.name,
            "device": r.cluster.device.id,
            "region": f.region,
            "objective": self.scenario.objective,
            "n_devices": self.n_devices,
            "duration_days": self.duration_s / DAY,
            "steady_days": self.steady_s / DAY,
            "run_overhead": r.run_overhead.si,
            "device_hours": self.device_hours,
            "n_params": float(total_params(r.spec)),
            "tokens": r.tokens,
            "training_flops": r.tokens * float(r.work.model_flops),
            "n_steps": r.n_steps,
            "mfu": self.mfu,
            "model_tflops_per_device": self.model_flops_per_device / 1e12,
            "tokens_per_s_per_device": self.tokens_per_s_per_device,
            "step_time_s": float(self.step.total),
            "memory_per_device_gb": float(self.memory.total) / GB,
            "memory_limit_gb": float(self.memory.limit) / GB,
            "energy_kwh": f.energy_kwh,
            "water_litres": f.water_litres,
            "carbon_operational_tco2e": f.operational_tco2e,
            "carbon_operational_market_tco2e": f.market.operational_tco2e,
            "carbon_embodied_tco2e": embodied,
            "carbon_boundary_tco2e": f.boundary_tco2e,
            "carbon_total_tco2e": f.total_tco2e,
            "carbon_low_tco2e": f.low_tco2e,
            "carbon_high_tco2e": f.high_tco2e,
            "cost_usd": self.cost_usd,
            "carbon_run_tco2e": f.operational_tco2e + embodied,
            "energy_total_kwh": f.energy_kwh + math.fsum(line.energy_kwh for line in f.lines),
            "water_total_litres": f.water_litres + math.fsum(line.water_litres for line in f.lines),
            "cost_total_usd": None if self.cost_usd is None else with_beside(self.cost_usd, [x.share for x in f.lines]),
            "stack": r.stack.name,
            "practice": self.scenario.practice,
            "pace": self.scenario.pace,
            "tp": int(s.tp),
            "pp": int(s.pp),
            "dp": int(s.dp),
            "ep": int(s.ep),
            "etp": int(s.etp),
            "cp": int(s.cp),
            "vpp": int(s.vpp),
            "zero_stage": int(s.zero),
            "shard": int(s.shard),
            "micro_batch": _whole(s.micro_batch),
            "n_micro": _whole(s.n_micro),
            "global_batch_seqs": _whole(r.batch),
            "seq_len": r.seq_len,
            "recompute": Recompute.said(s),
            "recompute_percent": int(s.recompute_percent),
            "schedule": Schedule.NAMES[int(s.schedule)],
            "precision": r.recipe.name,
            "carbon_mode": f.mode,
            "loss": r.loss,
        }
        return {**found}

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """90 % intervals of the figures of `summary`, by their names there."""
        r, f = self.resolved, self.footprint
        low, high = r.time().si_range
        step, memory = r.step_error(), memory_error(r.calibration)
        speed = self.tokens_per_s_per_device
        found = {
            "tokens_per_s_per_device": (speed / step.si_range[1], speed / step.si_range[0]),
            "duration_days": (low * self.duration_s / DAY, high * self.duration_s / DAY),
            "device_hours": (low * self.device_hours, high * self.device_hours),
            "energy_kwh": f.intervals["energy_kwh"],
            "water_litres": f.intervals["water_litres"],
            "carbon_operational_tco2e": f.intervals["operational_tco2e"],
            "carbon_embodied_tco2e": f.intervals["embodied_tco2e"],
            "carbon_total_tco2e": f.intervals["total_tco2e"],
        }
        if self.cost_usd is not None:
            found["cost_usd"] = (low * self.cost_usd, high * self.cost_usd)
        if memory is not None:
            need = float(self.memory.total) / GB
            found["memory_per_device_gb"] = (need * memory.si_range[0], need * memory.si_range[1])
        return found

    def intervals_of(self, candidate: Candidate) -> dict[str, tuple[float, float]]:
        """Return the 90 % intervals of one of the settings found, by its own run time, utilisation and device count."""
        time, days = self.resolved.time(), candidate.duration_s / DAY
        run = candidate.setting, candidate.step_s, candidate.duration_s
        own = run == (self.setting, self.step.total, self.duration_s)
        return {
            "carbon_interval_tco2e": self.footprint.intervals["total_tco2e"]
            if own
            else carbon_interval(self.scenario, self.resolved, *run),
            "duration_interval_days": (days * time.si_range[0], days * time.si_range[1]),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain data: flat ``summary``, breakdowns that add up, rejections, what matters most."""
        f = self.footprint
        return {
            "schema": schema_id("answer"),
            "feasible": True,
            "summary": self.summary(),
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "needed": self.needed and self.needed._asdict(),
            "step_time_s": parts(self.step),
            "memory_bytes": parts(self.memory),
            "carbon": {**carbon_dict(f), "region_stated": not isinstance(self.scenario.region, Unstated)},
            "trained": trained_as(self.scenario, self.resolved.spec, self.resolved.seq_len)._asdict(),
            "levers": [{**vars(lever), "swing": lever.swing} for lever in self.levers],
            "search": search_dict(self.search, self.intervals_of) if self.search else None,
            "alternatives": [{"what": what, **row_of(c, self.resolved.seq_len)} for what, c in self.alternatives],
            "price": price_words(self.resolved.price),
            "usual": [u._asdict() for u in self.usual],
            "open": self.resolved.left._asdict(),
            "best_run": None if self.best_run is None else {**vars(self.best_run), "mfu": self.best_mfu},
            "notes": list(self.resolved.notes),
            "warnings": list(self.warnings),
            "sources": list(f.sources),
        }

    def to_frame(self) -> DataFrame:
        """Return the summary as a table (Polars) of one row: the same columns for every answer, feasible or not.

        Raises
        ------
        InputError
            Polars is not installed (extra ``sweep``).
        """
        return frame(self.feasible, self.summary(), None)


def _whole(value: Number) -> float | int:
    return int(value) if float(value).is_integer() else float(value)
