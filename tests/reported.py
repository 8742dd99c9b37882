"""Published runs beside our estimates of them: the reported setting, the setting a search would choose, device-hours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from carbonscaling.model.flops import hardware_flops_per_token, training_flops_per_token
from carbonscaling.sources import Datum
from carbonscaling.study.answer import estimate
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.infeasible import Infeasible
from carbonscaling.study.reported import ReportedRun, reported_runs
from carbonscaling.study.scenario import Layout
from carbonscaling.units import HOUR

__all__ = ["ReportedRow", "reported_table"]


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
