"""Predicted beside measured speeds, row by row, whatever the rows train."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from carbonscaling.calibration.profile import Calibration
from carbonscaling.record import dataclass
from carbonscaling.validate.replay import complete
from carbonscaling.validate.score import Score, score
from carbonscaling.validate.speed.measured import measured_speed
from carbonscaling.validate.speed.runs import replay_rows

__all__ = ["Beside", "beside", "scored"]


@dataclass(frozen=True)
class Beside:
    """A row's measured speed and ours, in tokens/s and device.

    Attributes
    ----------
    id, model, device, precision : str
    seq_len, n_devices : int
    layout : str
        Tensor, pipeline and context parallelism.
    measured, predicted, low, high : float
        `low` and `high` are the ends of the 90 % interval.
    fits : bool
        Whether the memory model says that it does.
    """

    id: str
    model: str
    device: str
    precision: str
    seq_len: int
    n_devices: int
    layout: str
    measured: float
    predicted: float
    low: float
    high: float
    fits: bool


def beside(rows: Sequence[Mapping[str, str]], calibration: Calibration) -> list[Beside]:
    """Predict every row that has a measured speed, from its inputs alone."""
    completed = complete(rows)
    predictions = replay_rows(rows, calibration, completed)
    found = []
    for i, replay in zip(completed[0], completed[1], strict=True):
        p, measured = predictions[i], measured_speed(rows[i], replay)
        if measured is None or p.tokens_per_s_per_device is None:
            continue
        s = replay.setting
        found.append(
            Beside(
                p.id, rows[i]["model"], rows[i]["device"], rows[i]["precision"], replay.spec.seq_len, int(replay.n_devices),
                f"TP{s.tp:g} PP{s.pp:g} CP{s.cp:g}", measured, p.tokens_per_s_per_device, p.low or 0.0, p.high or 0.0,
                p.status == "ok",
            )
        )  # fmt: skip
    return found


def scored(found: Sequence[Beside]) -> Score | None:
    """Return how right the predictions are; None where there are none."""
    if not found:
        return None
    columns = [np.array([getattr(b, name) for b in found]) for name in ("predicted", "measured", "low", "high")]
    return score(*columns)
