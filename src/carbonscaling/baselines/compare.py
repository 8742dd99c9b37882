"""Every baseline on the same measured rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from carbonscaling.baselines.constant_mfu import constant_mfu_speed
from carbonscaling.baselines.llmcarbon import llmcarbon_speed
from carbonscaling.baselines.regression import Point, Regression, fit_regression, history
from carbonscaling.model.params import active_params, total_params
from carbonscaling.record import dataclass
from carbonscaling.units import HOUR
from carbonscaling.validate.replay import Completed, Replay, complete
from carbonscaling.validate.score import COUNTED, Score, score, source_medians
from carbonscaling.validate.speed.measured import measured_speed

__all__ = ["BASELINES", "Comparison", "compare", "predict"]

BASELINES: Mapping[str, str] = {
    "reg": "power law through the device-hours of past A100 and H100 trainings (hardware-blind)",
    "llmcarbon": "LLMCarbon before the fact: A100 polynomials, anything but 80 GB a V100",
    "constant_mfu": "40 % of the 16-bit peak",
}
"""Baselines by name, and what each does."""

TOKENS_PER_PARAM = 20.0
"""Length of a training that a row does not state (Hoffmann 2022), for the regression over whole trainings."""


@dataclass(frozen=True)
class Comparison:
    """How one method does on a set of rows.

    Attributes
    ----------
    name : str
    what : str
    score : Score
        Of tokens per second and device.
    median_of_sources : float
        Median of the sources' median errors: every source counts once.
    """

    name: str
    what: str
    score: Score
    median_of_sources: float


@lru_cache(maxsize=1)
def _history() -> tuple[Point, ...]:
    return history()


@lru_cache(maxsize=512)
def _regression(without: str) -> Regression:
    return fit_regression(_history(), without)


def predict(replay: Replay) -> dict[str, float]:
    """Return every baseline's tokens per second and device for a row; its own training is left out of the regression."""
    active, device = float(active_params(replay.spec)), replay.cluster.device
    half = "bf16" if "bf16" in device.peak else "fp16"
    tokens = (replay.row.tokens_b or 0.0) * 1e9 or TOKENS_PER_PARAM * active
    hours = _regression(replay.row.model).device_hours(6.0 * active * tokens)
    return {
        "reg": tokens / (hours * HOUR),
        "llmcarbon": llmcarbon_speed(active, float(total_params(replay.spec)), device),
        "constant_mfu": float(constant_mfu_speed(active, device.peak_flops(half))),
    }


def compare(
    rows: Sequence[Mapping[str, str]],
    ours: Mapping[str, float] | None = None,
    completed: Completed | None = None,
    *,
    every: bool = False,
) -> tuple[Comparison, ...]:
    """Score every baseline on the rows with a measured speed.

    Parameters
    ----------
    rows : sequence of mappings
        Schema of ``runs.csv``; only pre-training rows on GPUs and TPUs that are no proxies count, unless `every`.
    ours : mapping, optional
        This project's tokens/s/device by row id; only rows it holds are then scored, and it becomes the first line.
    completed : Completed, optional
        What `complete` returned for these rows, where it is known already.
    """
    table: list[tuple[str, float, dict[str, float]]] = []
    for i, replay in zip(*(completed or complete(rows))[:2], strict=True):
        counts = replay.row.mode in ("", "pretrain") and replay.row.kind != "proxy"
        counts = counts and replay.cluster.device.kind in COUNTED
        measured = measured_speed(rows[i], replay) if counts or every else None
        if measured is None or (ours is not None and replay.row.id not in ours):
            continue
        found = predict(replay)
        if ours is not None:
            found = {"ours": ours[replay.row.id], **found}
        table.append((replay.row.source, measured, found))
    if not table:
        return ()
    sources, measured_all = [t[0] for t in table], np.array([t[1] for t in table])
    lines = []
    for name in table[0][2]:
        predicted = np.maximum(np.array([t[2][name] for t in table]), 1e-9)
        medians = source_medians(sources, predicted, measured_all)
        what = BASELINES.get(name, "this project")
        lines.append(Comparison(name, what, score(predicted, measured_all), float(np.median(medians))))
    return tuple(lines)
