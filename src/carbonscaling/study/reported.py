"""Published runs beside our estimates of them: the reported setting, the setting a search would choose, device-hours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache

from carbonscaling.catalog.read import build, packaged
from carbonscaling.model.flops import hardware_flops_per_token, training_flops_per_token
from carbonscaling.record import dataclass
from carbonscaling.sources import Datum
from carbonscaling.study.answer import estimate
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.infeasible import Infeasible
from carbonscaling.study.scenario import Layout, Scenario
from carbonscaling.units import HOUR

__all__ = ["ReportedRow", "ReportedRun", "Told", "own_overhead", "reported_runs", "reported_table"]


@dataclass(frozen=True)
class Told:
    """What a source says of its software and layout, and where it runs or computes otherwise than the catalogue has it."""

    stack: str
    layout: Layout
    precision: str | None = None
    nic_gbps: float | None = None
    fabric: str | None = None


@dataclass(frozen=True)
class ReportedRun:
    """A published run, its steady-state speed in the source's own unit, its device-hours.

    Attributes
    ----------
    scenario : Scenario
        On the papers' machine, which knows no software: every degree given, inferred where the source is silent.
    told : Told
        What the source says.
    """

    title: str
    scenario: Scenario
    told: Told
    tokens_per_s_per_device: Datum | None = None
    model_tflops_per_device: Datum | None = None
    hardware_tflops_per_device: Datum | None = None
    device_hours: Datum | None = None

    @property
    def as_told(self) -> Scenario:
        """The run as its source tells it; what that leaves open is settled as people do who run its software."""
        s, told = self.scenario, self.told
        return replace(
            s, stack=told.stack, layout=told.layout, practice="typical",
            precision=told.precision or s.precision, nic_gbps=told.nic_gbps or s.nic_gbps, fabric=told.fabric,
        )  # fmt: skip


@dataclass(frozen=True)
class ReportedRow:
    """One line of the comparison.

    Attributes
    ----------
    name, title : str
    estimate : Estimate or Infeasible
        With the reported setting.
    unit : str
        Of the speed as the source reports it.
    reported, ours : float
        Steady-state speed.
    searched : Estimate or Infeasible
        Best setting for the same devices and batch.
    searched_speed : float, optional
    reported_hours, our_hours : float, optional
        Device-hours of the whole run; ours with the default overhead.
    """

    name: str
    title: str
    estimate: Estimate | Infeasible
    unit: str
    reported: float
    ours: float | None
    searched: Estimate | Infeasible
    searched_speed: float | None
    reported_hours: float | None
    our_hours: float | None
    source: str

    @property
    def error(self) -> float | None:
        """Ours over reported, less one."""
        return None if self.ours is None else self.ours / self.reported - 1.0


@lru_cache(maxsize=1)
def reported_runs() -> Mapping[str, ReportedRun]:
    """Return the shipped published runs by name."""
    return {
        name: build(ReportedRun, row, f"reported.toml: {name}")
        for name, row in packaged("carbonscaling.catalog", "reported.toml").items()
    }


def _tokens(e: Estimate) -> float:
    return e.tokens_per_s_per_device


def _model_tflops(e: Estimate) -> float:
    flops = training_flops_per_token(e.resolved.spec, e.resolved.seq_len, "full")
    return e.tokens_per_s_per_device * flops / 1e12


def _hardware_tflops(e: Estimate) -> float:
    flops = hardware_flops_per_token(e.resolved.spec, e.resolved.seq_len, "full", recomputed=1.0)
    return e.tokens_per_s_per_device * flops / 1e12


_SPEEDS: tuple[tuple[str, str, Callable[[Estimate], float]], ...] = (
    ("tokens_per_s_per_device", "tokens/s/device", _tokens),
    ("model_tflops_per_device", "model TFLOP/s/device", _model_tflops),
    ("hardware_tflops_per_device", "hardware TFLOP/s/device", _hardware_tflops),
)


def _speed(run: ReportedRun) -> tuple[Datum, str, Callable[[Estimate], float]]:
    """Return the reported speed, its unit, and how an estimate says the same."""
    field, unit, speed = next(s for s in _SPEEDS if getattr(run, s[0]) is not None)
    datum: Datum = getattr(run, field)
    return datum, unit, speed


def own_overhead(run: ReportedRun, ours: Estimate) -> float | None:
    """Return a run's reported device-hours over what its reported steady speed would have taken, or None."""
    if run.device_hours is None:
        return None
    datum, _, speed = _speed(run)
    steady_s = ours.n_devices * ours.steady_s * speed(ours) / datum.value
    return run.device_hours.si / steady_s


def reported_table() -> tuple[ReportedRow, ...]:
    """Estimate every published run as its source tells it, and search a setting of our own for the same devices."""
    rows = []
    for name, run in reported_runs().items():
        datum, unit, speed = _speed(run)
        ours = estimate(run.as_told)
        free = estimate(replace(run.as_told, layout=Layout(), practice="best", flash=None))
        rows.append(
            ReportedRow(
                name=name,
                title=run.title,
                estimate=ours,
                unit=unit,
                reported=datum.value,
                ours=speed(ours) if isinstance(ours, Estimate) else None,
                searched=free,
                searched_speed=speed(free) if isinstance(free, Estimate) else None,
                reported_hours=run.device_hours.si / HOUR if run.device_hours else None,
                our_hours=ours.device_hours if isinstance(ours, Estimate) and run.device_hours else None,
                source=datum.source,
            )
        )
    return tuple(rows)
