"""Device-hours of whole trainings before the fact, read twice, and with or without time lost.

Once a plan: model, tokens, device count and number format, nothing else of the run. Once with what its authors published of
the recipe (batch, sequence length, recomputation, layout), still nothing of its speed. The default overhead of a run
(1.15 times its steady state) is in both; where the run's own is published, a further figure has that instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from carbonscaling import evidence
from carbonscaling.catalog import hardware, models
from carbonscaling.errors import InputError
from carbonscaling.evidence.carbon_run import CarbonRun
from carbonscaling.study.answer import estimate
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.reported import own_overhead, reported_runs
from carbonscaling.study.scenario import Layout, Scenario
from carbonscaling.units import HOUR

__all__ = ["HoursCheck", "check_device_hours", "hours_summary"]

ASSUMED_DEVICES = 512
"""Device count of a run that does not say: device-hours hardly depend on it."""
SAME = 0.005
"""Relative difference of device-hours up to which two rows are one run."""


@dataclass(frozen=True)
class HoursCheck:
    """Reported device-hours of a run beside ours, with the best setting that the search finds.

    Attributes
    ----------
    name : str
    n_devices : int
    assumed : bool
        Whether the device count is.
    reported, planned : float
        Device-hours; ours from model, tokens, count and format, with the default overhead.
    steady : float
        The plan's without overhead.
    recipe : str
        What is published of the recipe; empty where nothing is.
    known : float, optional
        Device-hours with that recipe and the default overhead.
    own : float, optional
        With that recipe and the run's own overhead.
    """

    name: str
    n_devices: int
    assumed: bool
    reported: float
    planned: float
    steady: float
    recipe: str = ""
    known: float | None = None
    own: float | None = None

    @property
    def error(self) -> float:
        """Planned over reported, less one."""
        return self.planned / self.reported - 1.0


def _row(run: CarbonRun, hours: float) -> Mapping[str, str]:
    """Return the training configuration of the same whole run, if the shipped ones have it."""
    for row in evidence.rows("runs"):
        if row["kind"] == "full_run" and row["device_hours"] and row["tokens_b"] and run.tokens_b:
            same = float(row["device_hours"]) / hours - 1.0, float(row["tokens_b"]) / run.tokens_b - 1.0
            if max(map(abs, same)) < SAME:
                return row
    return {}


def _published(plan: Scenario, row: Mapping[str, str]) -> tuple[Scenario, str]:
    """Return the plan with the recipe that was published, and what that is."""
    columns = (("batch", "global_batch_seqs"), ("seq_len", "seq_len"))
    known: dict[str, Any] = {field: int(float(row[column])) for field, column in columns if row.get(column)}
    said = [f"{field} {value}" for field, value in known.items()]
    if row.get("recompute") in ("none", "selective", "full"):
        known["layout"] = Layout(recompute=row["recompute"])  # type: ignore[arg-type]
        said.append(f"recompute {row['recompute']}")
    return replace(plan, **known), ", ".join(said)


def _check(run: CarbonRun, hours: float) -> HoursCheck | None:
    """Return the check of a run; None where nothing that fits its devices is found.

    Raises
    ------
    InputError
        The catalogue lacks the model or the device.
    """
    model = models.model(_name(run)).name
    device, n = hardware.device(run.device).id, int(run.n_devices or ASSUMED_DEVICES)
    plan = Scenario(model=model, tokens=(run.tokens_b or 0.0) * 1e9, device=run.device, devices=n)
    asked = (model, run.n_devices, device)
    whole = next(
        (w for w in reported_runs().values() if asked == (w.scenario.model, w.scenario.devices, _device(w.scenario))),
        None,
    )
    if whole is not None:
        plan = replace(plan, precision=whole.as_told.precision)
        recipe, said = whole.as_told, "the whole setting"
    else:
        row = _row(run, hours)
        plan = replace(plan, precision="fp8" if row.get("precision") == "fp8" else None)
        recipe, said = _published(plan, row)
    planned, known = estimate(plan), estimate(recipe) if said else None
    if not isinstance(planned, Estimate):
        return None
    check = HoursCheck(run.name, n, run.n_devices is None, hours, planned.device_hours, n * planned.steady_s / HOUR)
    if not isinstance(known, Estimate):
        return check
    own = own_overhead(whole, known) if whole is not None else None
    with_own = None if own is None else known.n_devices * known.steady_s / HOUR * own
    return replace(check, recipe=said, known=known.device_hours, own=with_own)


def _name(run: CarbonRun) -> str:
    return re.sub(r"\s+", "-", run.name.partition(" (")[0].strip().lower())


def _device(s: Scenario) -> str:
    return hardware.device(s.device).id


def check_device_hours(runs: Sequence[CarbonRun]) -> tuple[HoursCheck, ...]:
    """Estimate every run whose model and device the catalogue knows and whose tokens and device-hours are given."""
    found: dict[tuple[str, float], HoursCheck] = {}
    for run in runs:
        with suppress(InputError):
            check = _check(run, run.hours) if run.hours and run.tokens_b else None
            if check is not None:
                found.setdefault((models.model(_name(run)).name, check.reported), check)
    return tuple(found.values())


def hours_summary(checks: Sequence[HoursCheck]) -> dict[str, tuple[int, float]]:
    """Return number of runs and mean absolute error by reading."""
    readings = {
        "planned": [(c.planned, c.reported) for c in checks],
        "planned, without overhead": [(c.steady, c.reported) for c in checks],
        "recipe known": [(c.known, c.reported) for c in checks if c.known],
        "recipe and own overhead known": [(c.own, c.reported) for c in checks if c.own],
    }
    return {
        name: (len(pairs), sum(abs(ours / reported - 1.0) for ours, reported in pairs) / len(pairs))
        for name, pairs in readings.items()
        if pairs
    }
