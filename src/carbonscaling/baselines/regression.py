"""Regression over history: device-hours of past A100 and H100 trainings against their compute, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from carbonscaling import evidence
from carbonscaling.errors import InputError
from carbonscaling.record import dataclass

__all__ = ["Point", "Regression", "fit_regression", "history"]

_DEVICES = ("A100", "H100")


@dataclass(frozen=True)
class Point:
    """A whole training of the past: FLOPs by 6·N·D with active parameters, and the device-hours it took."""

    model: str
    flops: float
    device_hours: float


@dataclass(frozen=True)
class Regression:
    """A power law through history: device-hours = exp(intercept)·flops^slope.

    Attributes
    ----------
    n : int
        Trainings it was fitted to.
    spread : float
        Standard deviation of the residuals' logarithm.
    """

    intercept: float
    slope: float
    n: int
    spread: float

    def device_hours(self, flops: float) -> float:
        """Device-hours for a compute budget, on whatever device."""
        return math.exp(self.intercept + self.slope * math.log(flops))


def _number(row: Mapping[str, str], column: str) -> float:
    try:
        return float(row.get(column) or 0.0)
    except ValueError:
        return 0.0


def history(rows: Sequence[Mapping[str, str]] | None = None) -> tuple[Point, ...]:
    """Return the whole pre-trainings on A100 and H100 that state parameters, tokens and device-hours."""
    found = []
    for row in evidence.rows("runs") if rows is None else rows:
        params = _number(row, "active_params_b") or _number(row, "params_b")
        tokens, hours = _number(row, "tokens_b"), _number(row, "device_hours")
        wanted = row.get("kind") == "full_run" and row.get("mode") == "pretrain"
        if wanted and str(row.get("device", "")).startswith(_DEVICES) and params * tokens * hours > 0:
            found.append(Point(str(row["model"]).lower(), 6.0 * params * tokens * 1e18, hours))
    return tuple(found)


def fit_regression(points: Sequence[Point], without: str = "") -> Regression:
    """Fit by least squares of logarithms.

    Parameters
    ----------
    without : str
        Model whose own trainings are left out.

    Raises
    ------
    InputError
        Fewer than three trainings are left.
    """
    name = without.lower()
    kept = [p for p in points if not name or (name not in p.model and p.model not in name)]
    if len(kept) < 3:
        raise InputError(
            "too few trainings for a regression", value=len(kept), allowed="3 or more", remedy="give more whole runs"
        )
    x, y = np.log([p.flops for p in kept]), np.log([p.device_hours for p in kept])
    slope, intercept = np.polyfit(x, y, 1)
    return Regression(float(intercept), float(slope), len(kept), float(np.std(y - slope * x - intercept)))
