"""Four whole runs with published steady state and overhead: speed and device-hours, ours and others'."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from carbonscaling import evidence
from carbonscaling.baselines.compare import predict
from carbonscaling.calibration.profile import Calibration, shipped_calibration
from carbonscaling.catalog.read import packaged, shipped
from carbonscaling.evidence.left_out import shipped_left_out
from carbonscaling.evidence.row import parse_row
from carbonscaling.record import dataclass
from carbonscaling.software.options import Software
from carbonscaling.sources import Datum
from carbonscaling.study.accuracy import features
from carbonscaling.units import HOUR
from carbonscaling.validate.replay import complete_row
from carbonscaling.validate.score import Score, score
from carbonscaling.validate.speed.measured import measured_speed
from carbonscaling.validate.speed.runs import replay_rows

__all__ = ["Method", "PublishedRun", "published_runs", "score_methods"]

OURS = {
    "left out": "this project, fitted without the run's source",
    "shipped": "this project as shipped: the fit has seen all four runs",
    "unfitted": "this project at device level",
}


@dataclass(frozen=True)
class _Entry:
    steady: str
    whole: str
    overhead: Datum


@dataclass(frozen=True)
class PublishedRun:
    """One run.

    Attributes
    ----------
    name : str
    overhead : float
        Device-hours of the whole run over those of its steady state, as published.
    speed : float
        Measured steady state, tokens/s/device.
    hours : float
        Reported device-hours.
    tokens : float
    predicted : Mapping[str, float]
        Steady state by method, tokens/s/device.
    low, high : float
        90 % interval of the device-hours with the default overhead instead of the published one, as a plan states it: the
        interval of the left-out steady state and the range of the overhead together.
    """

    name: str
    overhead: float
    speed: float
    hours: float
    tokens: float
    predicted: Mapping[str, float]
    low: float
    high: float

    def device_hours(self, method: str) -> float:
        """Device-hours that a method's steady state and the published overhead lead to."""
        return self.tokens / (self.predicted[method] * HOUR) * self.overhead


@dataclass(frozen=True)
class Method:
    """How one method does on the four runs: steady state, and device-hours with the published overhead."""

    name: str
    speed: Score
    hours: Score


def _default_hours(tokens: float, speed: float, ends: tuple[float, float], overhead: Datum) -> tuple[float, float]:
    """Return the device-hours that a left-out speed and the default overhead span, with a plan's interval (`Resolved.time`).

    Parameters
    ----------
    ends : tuple of float
        How far the step's 90 % interval reaches below and above, on the logarithm, as a plan has it, which names no kernels.
    """
    hours = tokens / (speed * HOUR) * overhead.si
    low, high = (
        hours * math.exp(side * math.hypot(reach, math.log(end / overhead.si)))
        for side, reach, end in zip((-1.0, 1.0), ends, overhead.si_range, strict=True)
    )
    return low, high


def published_runs() -> tuple[PublishedRun, ...]:
    """Return the four runs with every method's prediction."""
    rows = {row["id"]: row for row in evidence.rows("runs")}
    left = {r.id: r for r in shipped_left_out() if r.fold == "source"}
    found = []
    for name, table in packaged("carbonscaling.baselines", "published.toml").items():
        entry = shipped(_Entry, table)
        steady, whole = rows[entry.steady], rows[entry.whole]
        replay = complete_row(parse_row(steady))
        ours = [
            replay_rows([steady], c)[0].tokens_per_s_per_device for c in (shipped_calibration(), Calibration("none"))
        ]
        tokens, held = float(whole["tokens_b"]) * 1e9, left[entry.steady]
        stated = replace(replay.setup, scenario=replace(replay.scenario, software=Software()))
        ends = shipped_calibration().ends(features(stated, shipped_calibration(), replay.settled.open)) or (0.0, 0.0)
        low, high = _default_hours(tokens, held.predicted, ends, replay.setup.efficiency.run_overhead)
        found.append(
            PublishedRun(
                name=name,
                overhead=entry.overhead.si,
                speed=measured_speed(steady, replay) or float("nan"),
                hours=float(whole["device_hours"]),
                tokens=tokens,
                predicted={
                    **dict(zip(OURS, (held.predicted, *(float(v or 0.0) for v in ours)), strict=True)),
                    **predict(replay),
                },
                low=low,
                high=high,
            )
        )
    return tuple(found)


def score_methods(runs: tuple[PublishedRun, ...]) -> tuple[Method, ...]:
    """Score every method on the steady states, and on the device-hours with each run's published overhead."""
    speed, hours = np.array([r.speed for r in runs]), np.array([r.hours for r in runs])
    return tuple(
        Method(
            name=name,
            speed=score(np.array([r.predicted[name] for r in runs]), speed),
            hours=score(np.array([r.device_hours(name) for r in runs]), hours),
        )
        for name in runs[0].predicted
    )
