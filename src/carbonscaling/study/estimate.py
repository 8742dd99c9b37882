"""An answer: what a scenario takes, every total with its parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, get_type_hints

from carbonscaling.carbon.result import Footprint
from carbonscaling.model.params import total_params
from carbonscaling.perf.memory import Memory
from carbonscaling.perf.numbers import Number, Recompute, Schedule, Setting
from carbonscaling.perf.step import StepTime
from carbonscaling.search.result import Candidate
from carbonscaling.study.accuracy import memory_error, step_error
from carbonscaling.study.best_run import BestRun
from carbonscaling.study.found import SearchReport, search_dict
from carbonscaling.study.outcome import assessed, held_devices, speed, utilisation
from carbonscaling.study.remedies import setting_words
from carbonscaling.study.resolve import Resolved
from carbonscaling.study.scenario import Scenario
from carbonscaling.study.shown import FIGURES, headline, html_table, span
from carbonscaling.study.summary import Summary
from carbonscaling.study.sweep.extra import need
from carbonscaling.study.versions import schema_id
from carbonscaling.units import DAY, GB, HOUR
from carbonscaling.words import data

if TYPE_CHECKING:
    from polars import DataFrame

__all__ = ["Estimate", "Infeasible", "Lever", "SearchReport", "carbon_dict"]


@dataclass(frozen=True)
class Lever:
    """One uncertain input and what its range does to an answer.

    Attributes
    ----------
    name : str
        What is uncertain.
    low, high : str
        Its range, with unit.
    quantity : str
        The answer it moves.
    at_low, at_high, central : float
        The answer at both ends and at the central value.
    source : str
    """

    name: str
    low: str
    high: str
    quantity: str
    at_low: float
    at_high: float
    central: float
    source: str

    @property
    def swing(self) -> float:
        """Relative width of the effect."""
        return abs(self.at_high - self.at_low) / self.central if self.central else 0.0


@dataclass(frozen=True)
class Infeasible:
    """No setting answers the question: why, how near, and what would help.

    It answers everything that an `Estimate` answers: there is no run, so every figure of one is None, and so are its parts;
    there are no intervals, levers or warnings. Only `summary` (and what is made of it) tells what the nearest setting would
    take if it fitted, as a table of many answers needs it; read it beside `feasible`.

    Attributes
    ----------
    reason : str
        One sentence.
    search : SearchReport, optional
        None where people's practice settled the layout.
    remedies : tuple of str
    would : Estimate, optional
        What the nearest setting would take if it fitted; the one asked for, where the layout was given whole.
    """

    scenario: Scenario
    resolved: Resolved
    reason: str
    search: SearchReport | None
    remedies: tuple[str, ...]
    would: Estimate | None = None

    feasible: ClassVar[bool] = False
    setting: ClassVar[None] = None
    step: ClassVar[None] = None
    memory: ClassVar[None] = None
    steady_s: ClassVar[None] = None
    duration_s: ClassVar[None] = None
    footprint: ClassVar[None] = None
    cost_usd: ClassVar[None] = None
    levers: ClassVar[tuple[Lever, ...]] = ()
    best_run: ClassVar[None] = None
    warnings: ClassVar[tuple[str, ...]] = ()
    n_devices: ClassVar[None] = None
    tokens_per_s_per_device: ClassVar[None] = None
    model_flops_per_device: ClassVar[None] = None
    mfu: ClassVar[None] = None
    best_mfu: ClassVar[None] = None
    device_hours: ClassVar[None] = None

    def __repr__(self) -> str:
        """Return why there is no answer, in a few lines; printed too."""
        return "\n  remedy: ".join((self.headline, *self.remedies[:3]))

    def _repr_html_(self) -> str:
        """Return the same as a table, for notebooks."""
        return html_table(self.headline, [(f"remedy: {remedy}",) for remedy in self.remedies[:3]])

    @property
    def headline(self) -> str:
        """Why there is no answer."""
        r = self.resolved
        return f"Nothing feasible for {r.spec.name} on {r.cluster.device.name}: {self.reason}"

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """Intervals by figure: none."""
        return {}

    def intervals_of(self, _candidate: Candidate) -> dict[str, tuple[float, float]]:
        """Return the intervals of one of the settings found: none fits, so none."""
        return {}

    def summary(self) -> dict[str, Any]:
        """Return the flat summary of what would be if it fitted; None for everything that is not known."""
        return self.would.summary() if self.would else dict.fromkeys(Summary.__annotations__)

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain data, see ``docs/schema``."""
        return {
            "schema": schema_id("answer"),
            "feasible": False,
            "reason": self.reason,
            "remedies": list(self.remedies),
            "summary": self.summary(),
            "search": search_dict(self.search) if self.search else None,
            "notes": list(self.resolved.notes),
        }

    def to_frame(self) -> DataFrame:
        """Return the summary as a table of one row, see `Estimate.to_frame`."""
        return _frame(self.feasible, self.summary(), self.reason)


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
    levers : tuple of Lever
        What would change the answer most, first first.
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
    levers: tuple[Lever, ...] = ()
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
            for key, name, write in FIGURES
            if summary[key] is not None
        ]
        setting = repr(self).split("\n")[2].strip()
        return html_table(self.headline.split("\n")[0], [*rows, ("", setting, "")], ("", "value", "90 % interval"))

    @property
    def headline(self) -> str:
        """The answer in two sentences, a line each."""
        return headline(self.summary(), self.resolved.cluster.device.name)

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
    def best_mfu(self) -> float | None:
        """Utilisation of the fastest published run of this device and size, counted as `mfu` is."""
        return (
            None if self.best_run is None else self.best_run.model_flops / float(self.resolved.machine.formats.peak_mfu)
        )

    @property
    def device_hours(self) -> float:
        """Devices times hours of the whole run, overhead included."""
        return self.n_devices * self.duration_s / HOUR

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
            "stack": r.stack.name,
            "practice": self.scenario.practice,
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
            "recompute": Recompute.NAMES[int(s.recompute)],
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
        low, high = r.time(self.n_devices).si_range
        step, memory = step_error(r.setup, self.n_devices, r.calibration), memory_error(r.calibration)
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
        r, n = self.resolved, candidate.n_devices
        time = r.time(n)
        run = assessed(self.scenario, r, n, candidate.duration_s, float(utilisation(r, candidate.step_s, n)))
        days = candidate.duration_s / DAY
        return {
            "carbon_interval_tco2e": (run.low_tco2e, run.high_tco2e),
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
            "step_time_s": _parts(self.step),
            "memory_bytes": _parts(self.memory),
            "carbon": carbon_dict(f),
            "levers": [{**vars(lever), "swing": lever.swing} for lever in self.levers],
            "search": search_dict(self.search, self.intervals_of) if self.search else None,
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
        return _frame(self.feasible, self.summary(), None)


def _frame(feasible: bool, summary: dict[str, Any], reason: str | None) -> DataFrame:
    """Return one row; columns of text are text and the others numbers, whether anything is known or not."""
    polars = need("polars", "sweep")
    columns = {str: polars.String, int: polars.Int64, float: polars.Float64, float | None: polars.Float64}
    kinds = {name: columns.get(held, polars.String) for name, held in get_type_hints(Summary).items()}
    schema = {"feasible": polars.Boolean, **kinds, "reason": polars.String}
    frame: DataFrame = polars.DataFrame([{"feasible": feasible, **summary, "reason": reason}], schema=schema)
    return frame


def carbon_dict(f: Footprint) -> dict[str, Any]:
    """Return a footprint as plain data: parts that add up, intervals, both scope 2 methods, conventions."""
    return {
        "mode": f.mode,
        "amortisation": f.amortisation,
        "embodied_route": f.embodied_route,
        "carbon_basis": f.carbon_basis,
        "carbon_intensity_g_per_kwh": f.carbon_intensity_g_per_kwh,
        "pue": f.pue,
        "parts": {k: float(v) for k, v in f.parts._asdict().items()},
        "interval_tco2e": [f.low_tco2e, f.high_tco2e],
        "intervals": {k: list(v) for k, v in f.intervals.items()},
        "upstream_g_per_kwh": f.upstream_g_per_kwh,
        "scope2": f.scope2,
        "location": {**vars(f.location), "interval_tco2e": list(f.location.interval_tco2e)},
        "market": {**vars(f.market), "interval_tco2e": list(f.market.interval_tco2e)},
        "boundary": [vars(line) for line in f.lines],
        "widest": [vars(w) for w in f.widest],
        "device_kg_by_route": dict(f.device_kg_by_route),
        "water_litres": f.water_litres,
        "water_on_site_litres": f.water_on_site_litres,
    }


def _whole(value: Number) -> float | int:
    return int(value) if float(value).is_integer() else float(value)


def _parts(values: Any) -> dict[str, float]:
    return {**{k: float(v) for k, v in values._asdict().items()}, "total": float(values.total)}
