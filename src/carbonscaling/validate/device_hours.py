"""Device-hours of whole trainings before the fact: model, tokens and device count in, nothing of the run's own speed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from carbonscaling.catalog import models
from carbonscaling.errors import InputError
from carbonscaling.study.answer import estimate
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.scenario import Scenario
from carbonscaling.validate.carbon_runs import CarbonRun

__all__ = ["HoursCheck", "check_device_hours"]

ASSUMED_DEVICES = 512
"""Device count of a run that does not say: device-hours hardly depend on it."""


@dataclass(frozen=True)
class HoursCheck:
    """Reported device-hours of a run beside ours, with the best setting that the search finds."""

    name: str
    n_devices: int
    assumed: bool
    reported: float
    ours: float

    @property
    def error(self) -> float:
        """Ours over reported, less one."""
        return self.ours / self.reported - 1.0


def _model(run: CarbonRun) -> str | None:
    name = re.sub(r"\s+", "-", run.name.partition(" (")[0].strip().lower())
    try:
        return models.model(name).name
    except InputError:
        return None


def check_device_hours(runs: Sequence[CarbonRun]) -> tuple[HoursCheck, ...]:
    """Estimate every run whose model the catalogue knows and whose tokens and device-hours are given."""
    found: dict[tuple[str, float], HoursCheck] = {}
    for run in runs:
        model, hours = _model(run), run.hours
        if model is None or not hours or not run.tokens_b or (model, hours) in found:
            continue
        n = int(run.n_devices or ASSUMED_DEVICES)
        try:
            answer = estimate(Scenario(model=model, tokens=run.tokens_b * 1e9, device=run.device, devices=n))
        except InputError:
            continue
        if isinstance(answer, Estimate):
            found[model, hours] = HoursCheck(run.name, n, run.n_devices is None, hours, answer.device_hours)
    return tuple(found.values())
