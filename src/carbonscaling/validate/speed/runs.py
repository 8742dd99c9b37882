"""A file of measured configurations: each predicted from its inputs, or why not, and the score where speeds were measured."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from carbonscaling.calibration.interval import bounds
from carbonscaling.calibration.profile import Calibration, apply
from carbonscaling.errors import InputError
from carbonscaling.files import csv_text, make_folder, write_file
from carbonscaling.perf.memory import memory
from carbonscaling.perf.step import StepTime, step_time
from carbonscaling.record import dataclass
from carbonscaling.study.scenario import Scenario
from carbonscaling.study.scenario_file import scenario_toml
from carbonscaling.units import GB
from carbonscaling.validate.replay import Completed, complete
from carbonscaling.validate.score import Score, score
from carbonscaling.validate.speed.crossval import features
from carbonscaling.validate.speed.fit import Sample, predicted_speed, sample
from carbonscaling.validate.speed.measured import measured_speed

__all__ = ["COLUMNS", "Prediction", "Replayed", "replay_file", "replay_rows", "scored_sample", "write_scenarios"]


@dataclass(frozen=True)
class Prediction:
    """Outcome of one row.

    Attributes
    ----------
    id : str
    status : str
        ``ok``, ``too_large`` (predicted all the same, but the memory model says it does not fit), ``unusable``.
    reason : str
        Why unusable; else what was inferred.
    step_time_s, tokens_per_s_per_device, low, high : float, optional
        Prediction and its 90 % interval.
    memory_gb : float, optional
    bottleneck : str
        Largest line of the step.
    """

    id: str
    status: str
    reason: str
    step_time_s: float | None = None
    tokens_per_s_per_device: float | None = None
    low: float | None = None
    high: float | None = None
    memory_gb: float | None = None
    bottleneck: str = ""


PRETRAINING = ("", "pretrain")
"""Modes of rows whose speed is scored with all others'."""
COLUMNS = tuple(f.name for f in fields(Prediction))
"""Columns of the file of predictions."""


def replay_rows(
    rows: Sequence[Mapping[str, str]], calibration: Calibration, completed: Completed | None = None
) -> list[Prediction]:
    """Predict every row from its inputs alone; the measured columns may be absent and are never read.

    Parameters
    ----------
    rows : sequence of mapping
    calibration : Calibration
    completed : Completed, optional
        What `complete` returned for these rows, where it is known already.
    """
    index, replays, reasons = completed or complete(rows)
    found = {i: Prediction(rows[i].get("id") or str(i), "unusable", reason) for i, reason in reasons.items()}
    if replays:
        s = sample(replays, np.ones(len(replays)))
        speed = predicted_speed(s, calibration)
        low, high = bounds(speed, features(replays, calibration), calibration.interval)
        machine = apply(s.machine, calibration.factors(s.architectures, s.devices, s.stacks))
        step, need = step_time(s.work, machine, s.setting), memory(s.work, machine, s.setting)
        seconds, total, limit, *lines = np.broadcast_arrays(step.total, need.total, need.limit, *step)
        longest = np.argmax(lines, axis=0)
        for k, (i, r) in enumerate(zip(index, replays, strict=True)):
            if not math.isfinite(speed[k]) or speed[k] <= 0:
                found[i] = Prediction(r.row.id, "unusable", "the inputs lead to no finite step time")
                continue
            found[i] = Prediction(
                r.row.id, "ok" if total[k] <= limit[k] else "too_large", "; ".join(r.inferred), float(seconds[k]),
                float(speed[k]), float(low[k]), float(high[k]), float(total[k]) / GB, StepTime._fields[longest[k]],
            )  # fmt: skip
    return [found[i] for i in range(len(rows))]


def scored_sample(
    rows: Sequence[Mapping[str, str]], completed: Completed | None = None
) -> tuple[Sample | None, NDArray[np.int64]]:
    """Return the rows that can be replayed and have a measurement (None if there are none), and their positions.

    Only pre-training rows that are no proxies count. `completed` is what `complete` returned for these rows, where it is known.
    """
    index, replays, _ = completed or complete(rows)
    kept, speeds, where = [], [], []
    for i, r in zip(index, replays, strict=True):
        if r.row.mode not in PRETRAINING or r.row.kind == "proxy":
            continue
        measured = measured_speed(rows[i], r)
        if measured is not None and math.isfinite(measured):
            kept.append(r)
            speeds.append(measured)
            where.append(i)
    return sample(kept, np.array(speeds)) if kept else None, np.array(where, dtype=np.int64)


@dataclass(frozen=True)
class Replayed:
    """Outcome of a file.

    Attributes
    ----------
    predictions : list of Prediction
        One per row, in order.
    scenarios : dict of str to Scenario
        What every usable row states, by its id.
    counts, reasons, aside : dict
        Rows by status; unusable rows by reason; rows that no score counts, as they do not pre-train, by what they train.
    score : Score, optional
        None where no row has a measured speed. The shipped rows' score with the shipped calibration is in-sample.
    """

    predictions: list[Prediction]
    scenarios: dict[str, Scenario]
    counts: dict[str, int]
    reasons: dict[str, int]
    aside: dict[str, int]
    score: Score | None

    def csv(self) -> str:
        """Return the predictions as CSV text."""
        return csv_text(COLUMNS, map(vars, self.predictions))


def write_scenarios(found: Replayed, folder: Path, calibration: str) -> int:
    """Write the scenario of every usable row as ``ID.toml``; return how many.

    Parameters
    ----------
    found : Replayed
    folder : Path
        Made if it is not there.
    calibration : str
        Which the predictions were made with: "shipped", or a file.

    Raises
    ------
    InputError
        An id that cannot be the name of a file, or a folder that cannot be written to.
    """
    notes = {p.id: p.reason for p in found.predictions}
    make_folder(folder)
    for name, scenario in found.scenarios.items():
        if not name or name != Path(name).name or name.startswith("."):
            raise InputError("an id cannot be the name of a file", key="id", value=name, remedy="choose another id")
        own = replace(scenario, calibration=calibration)
        write_file(folder / f"{name}.toml", scenario_toml(own, notes.get(name, "")))
    return len(found.scenarios)


def replay_file(rows: Sequence[Mapping[str, str]], calibration: Calibration) -> Replayed:
    """Predict every row from its inputs, then score those that have a measured speed."""
    completed = complete(rows)
    predictions = replay_rows(rows, calibration, completed)
    scored = None
    sampled, where = scored_sample(rows, completed)
    if sampled is not None:
        use = [k for k, i in enumerate(where) if predictions[i].tokens_per_s_per_device is not None]
        columns = [
            np.array([getattr(predictions[where[k]], name) for k in use], dtype=float)
            for name in ("tokens_per_s_per_device", "low", "high")
        ]
        if use:
            scored = score(columns[0], sampled.measured[use], columns[1], columns[2])
    unusable = [p for p in predictions if p.status == "unusable"]
    return Replayed(
        predictions=predictions,
        scenarios={r.row.id: r.scenario for r in completed[1]},
        counts=dict(Counter(p.status for p in predictions)),
        reasons=dict(Counter(p.reason for p in unusable)),
        aside=dict(Counter(r.row.mode for r in completed[1] if r.row.mode not in PRETRAINING)),
        score=scored,
    )
