"""Device-hours of published frontier runs: reported, this model's, and version 2's two baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from carbonscaling.baselines import fit_regression, history, llmcarbon_speed
from carbonscaling.model.params import active_params, total_params
from carbonscaling.study.answer import estimate
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.reported import reported_runs
from carbonscaling.units import HOUR

__all__ = ["NAMES", "Run", "runs"]

NAMES: Mapping[str, str] = {
    "deepseek-v3": "DeepSeek-V3", "bloom-176b": "BLOOM", "llama-3.1-405b": "Llama-3.1", "palm-540b": "PaLM",
}  # fmt: skip
"""Runs of version 2's figures that have a public configuration; its 32B mixture of experts has none."""


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes
    ----------
    name, device : str
    reported, ours, regression, llmcarbon : float
        Device-hours.
    answer : Estimate
    """

    name: str
    device: str
    reported: float
    ours: float
    regression: float
    llmcarbon: float
    answer: Estimate


@lru_cache(maxsize=4)
def runs(mode: str) -> tuple[Run, ...]:
    """Estimate every frontier run from its reported configuration; paper mode is uncalibrated and counts no overhead."""
    found = []
    for key, name in NAMES.items():
        run = reported_runs()[key]
        plain = replace(run.scenario, calibration="none", run_overhead=1.0)
        answer = estimate(plain if mode == "paper" else run.as_told)
        if isinstance(answer, Estimate) and run.device_hours is not None:
            spec, tokens, device = answer.resolved.spec, answer.resolved.tokens, answer.resolved.cluster.device
            active = float(active_params(spec))
            regression = fit_regression(history(), key).device_hours(6.0 * active * tokens)
            speed = llmcarbon_speed(active, float(total_params(spec)), device)
            found.append(Run(name, device.id, run.device_hours.si / HOUR, answer.device_hours, regression,
                             tokens / speed / HOUR, answer))  # fmt: skip
    return tuple(found)
