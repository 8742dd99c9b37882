"""Bubble formulas against schedules played out event by event."""

from __future__ import annotations

import numpy as np

from carbonscaling.perf.numbers import Schedule
from carbonscaling.perf.pipeline import bubble_time
from carbonscaling.validate.components.record import Component
from carbonscaling.validate.components.schedule import Kind, interleaved_order, play, zero_bubble_order
from carbonscaling.validate.score import score

__all__ = ["check_pipeline"]

FORWARD, BACKWARD, WEIGHT = 1.0, 2.0, 1.0
STAGES, ROUNDS, CHUNKS = (2, 4, 8, 16), (1, 2, 4, 8), (2, 3, 4)


def _formula(pp: int, vpp: int, n_micro: int, schedule: int) -> float:
    idle = bubble_time(float(pp), float(vpp), FORWARD, BACKWARD, WEIGHT, float(schedule))
    return float(n_micro * (FORWARD + BACKWARD) + idle)


def _passes(vpp: int) -> dict[Kind, float]:
    return {"forward": FORWARD / vpp, "backward": BACKWARD / vpp}


def check_pipeline() -> tuple[Component, ...]:
    """Score step times of three schedules over stages, micro-batches and chunks."""
    pairs: dict[str, list[tuple[float, float]]] = {"1F1B": [], "interleaved": [], "zero-bubble": []}
    for pp in STAGES:
        for n_micro in (pp * rounds for rounds in ROUNDS):
            played = play(interleaved_order(pp, 1, n_micro), _passes(1))
            pairs["1F1B"].append((_formula(pp, 1, n_micro, Schedule.ONE_F_ONE_B), played))
            for vpp in CHUNKS:
                played = play(interleaved_order(pp, vpp, n_micro), _passes(vpp))
                pairs["interleaved"].append((_formula(pp, vpp, n_micro, Schedule.ONE_F_ONE_B), played))
            if n_micro >= 2 * pp:
                apart: dict[Kind, float] = {"forward": FORWARD, "backward": BACKWARD - WEIGHT, "weight": WEIGHT}
                played = play(zero_bubble_order(pp, n_micro), apart)
                pairs["zero-bubble"].append((_formula(pp, 1, n_micro, Schedule.ZERO_BUBBLE), played))
    return tuple(
        Component(
            "pipeline", name, len(found), score(*np.array(found).T), remark="step time, played out event by event"
        )
        for name, found in pairs.items()
    )
