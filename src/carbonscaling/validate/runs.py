"""Replay a file of measured configurations: predict each from its inputs, with an interval, or say why not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carbonscaling.calibration.profile import Calibration, apply
from carbonscaling.errors import InputError
from carbonscaling.evidence.row import Unusable, parse_row
from carbonscaling.perf.step import StepTime
from carbonscaling.units import GB
from carbonscaling.validate.fit import Sample, predicted_speed, sample
from carbonscaling.validate.interval import bounds, features
from carbonscaling.validate.measured import measured_speed
from carbonscaling.validate.record import Replay, complete_row
from carbonscaling.validate.stacked import predict_memory, predict_step

__all__ = ["Prediction", "complete", "replay_rows", "scored_sample"]


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


Completed = tuple[list[int], list[Replay], dict[int, str]]
"""Positions of the rows that can be replayed, their replays, and the reason of every other row."""


def complete(rows: Sequence[Mapping[str, str]]) -> Completed:
    """Complete every row that can be: its index, its replay; and the reason of every other."""
    index: list[int] = []
    replays: list[Replay] = []
    reasons: dict[int, str] = {}
    for i, row in enumerate(rows):
        try:
            replays.append(complete_row(parse_row(row)))
            index.append(i)
        except Unusable as verdict:
            reasons[i] = str(verdict)
        except InputError as error:  # a shape that cannot be: one row's fault, not the file's
            reasons[i] = f"{error.problem}: {error.key} {error.value}"
    return index, replays, reasons


def _bottlenecks(step: StepTime, n: int) -> list[str]:
    lines = np.array([np.broadcast_to(np.asarray(value, dtype=float), (n,)) for value in step])
    return [StepTime._fields[k] for k in np.argmax(lines, axis=0)]


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
    index, replays, reasons = complete(rows) if completed is None else completed
    found: dict[int, Prediction] = {
        i: Prediction(rows[i].get("id") or str(i), "unusable", reason) for i, reason in reasons.items()
    }
    if replays:
        s = sample(replays, np.ones(len(replays)))
        speed = predicted_speed(s, calibration)
        low, high = bounds(speed, features(replays, calibration), calibration.interval)
        machine = apply(s.stacked.machine, calibration.factors(s.architectures, s.devices, s.stacks))
        step = predict_step(s.stacked, machine)
        need = predict_memory(s.stacked, machine)
        total, limit, seconds = (np.asarray(v, dtype=float) for v in (need.total, need.limit, step.total))
        limiting = _bottlenecks(step, len(replays))
        for k, (i, r) in enumerate(zip(index, replays, strict=True)):
            if not math.isfinite(speed[k]) or speed[k] <= 0:
                found[i] = Prediction(r.row.id, "unusable", "the inputs lead to no finite step time")
                continue
            found[i] = Prediction(
                id=r.row.id,
                status="ok" if total[k] <= limit[k] else "too_large",
                reason="; ".join(r.inferred),
                step_time_s=float(seconds[k]),
                tokens_per_s_per_device=float(speed[k]),
                low=float(low[k]),
                high=float(high[k]),
                memory_gb=float(total[k]) / GB,
                bottleneck=limiting[k],
            )
    return [found[i] for i in range(len(rows))]


def scored_sample(
    rows: Sequence[Mapping[str, str]], completed: Completed | None = None
) -> tuple[Sample | None, NDArray[np.int64]]:
    """Return the rows that can be replayed and have a measurement (None if there are none), and their positions.

    Only pre-training rows that are no proxies count. `completed` is what `complete` returned for these rows, where it is known.
    """
    index, replays, _ = complete(rows) if completed is None else completed
    kept, speeds, where = [], [], []
    for i, r in zip(index, replays, strict=True):
        if r.row.mode not in ("", "pretrain") or r.row.kind == "proxy":
            continue
        measured = measured_speed(rows[i], r)
        if measured is not None and math.isfinite(measured):
            kept.append(r)
            speeds.append(measured)
            where.append(i)
    return sample(kept, np.array(speeds)) if kept else None, np.array(where, dtype=np.int64)
