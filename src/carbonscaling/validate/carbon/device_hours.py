"""Device-hours of whole trainings before the fact, read twice, and with or without time lost.

Once a plan: model, tokens, device count and number format, nothing else of the run. Once with what its authors published of
the recipe (batch, sequence length, recomputation, layout), still nothing of its speed. The default overhead of a run
(1.15 times its steady state) is in both; where the run's own is published, a further figure has that instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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


def _model(run: CarbonRun) -> str | None:
    name = re.sub(r"\s+", "-", run.name.partition(" (")[0].strip().lower())
    try:
        return models.model(name).name
    except InputError:
        return None


def _row(run: CarbonRun) -> Mapping[str, str]:
    """Return the training configuration of the same whole run, if the shipped ones have it."""
    for row in evidence.rows("runs"):
        if row["kind"] == "full_run" and row["device_hours"] and row["tokens_b"] and run.hours and run.tokens_b:
            same = abs(float(row["device_hours"]) / run.hours - 1.0), abs(float(row["tokens_b"]) / run.tokens_b - 1.0)
            if max(same) < SAME:
                return row
    return {}


def _published(plan: Scenario, row: Mapping[str, str]) -> tuple[Scenario, str]:
    """Return the plan with the recipe that was published, and what that is."""
    known: dict[str, Any] = {
        field: int(float(row[column]))
        for field, column in (("batch", "global_batch_seqs"), ("seq_len", "seq_len"))
        if row.get(column)
    }
    said = [f"{field} {value}" for field, value in known.items()]
    if row.get("recompute") in ("none", "selective", "full"):
        known["layout"] = Layout(recompute=row["recompute"])  # type: ignore[arg-type]
        said.append(f"recompute {row['recompute']}")
    return replace(plan, **known), ", ".join(said)


def _hours(s: Scenario) -> Estimate | None:
    try:
        answer = estimate(s)
    except InputError:
        return None
    return answer if isinstance(answer, Estimate) else None


def _check(run: CarbonRun, model: str, hours: float) -> HoursCheck | None:
    n = int(run.n_devices or ASSUMED_DEVICES)
    plan = Scenario(model=model, tokens=(run.tokens_b or 0.0) * 1e9, device=run.device, devices=n)
    row = _row(run)
    whole = next(
        (r for r in reported_runs().values() if r.scenario.model == model and _same_run(r.scenario, run)), None
    )
    if whole is not None:
        plan = replace(plan, precision=whole.as_told.precision)
        recipe, said = whole.as_told, "the whole setting"
    else:
        plan = replace(plan, precision="fp8" if row.get("precision") == "fp8" else None)
        recipe, said = _published(plan, row)
    planned = _hours(plan)
    if planned is None:
        return None
    known = _hours(recipe) if said else None
    own = own_overhead(whole, known) if whole is not None and known is not None else None
    return HoursCheck(
        run.name, n, run.n_devices is None, hours, planned.device_hours, n * planned.steady_s / HOUR,
        said if known is not None else "", known.device_hours if known else None,
        known.n_devices * known.steady_s / HOUR * own if known is not None and own is not None else None,
    )  # fmt: skip


def _same_run(s: Scenario, run: CarbonRun) -> bool:
    return s.devices == run.n_devices and hardware.device(s.device).id == hardware.device(run.device).id


def check_device_hours(runs: Sequence[CarbonRun]) -> tuple[HoursCheck, ...]:
    """Estimate every run whose model the catalogue knows and whose tokens and device-hours are given."""
    found: dict[tuple[str, float], HoursCheck] = {}
    for run in runs:
        model, hours = _model(run), run.hours
        if model is None or not hours or not run.tokens_b or (model, hours) in found:
            continue
        try:
            check = _check(run, model, hours)
        except InputError:  # a device that the catalogue lacks
            continue
        if check is not None:
            found[model, hours] = check
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
