"""Bubble formulas against schedules played out event by event."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from carbonscaling.perf.numbers import Schedule
from carbonscaling.perf.pipeline import bubble_time
from carbonscaling.validate.parts.part import Component, Outcome, lines
from carbonscaling.validate.parts.schedule import Kind, interleaved_order, play, zero_bubble_order

__all__ = ["check_pipeline"]

FORWARD, BACKWARD, WEIGHT = 1.0, 2.0, 1.0
STAGES, ROUNDS, CHUNKS = (2, 4, 8, 16), (1, 2, 4, 8), (2, 3, 4)


def _formula(pp: int, vpp: int, n_micro: int, schedule: int) -> float:
    idle = bubble_time(float(pp), float(vpp), FORWARD, BACKWARD, WEIGHT, float(schedule))
    return float(n_micro * (FORWARD + BACKWARD) + idle)


def _played() -> Iterator[Outcome]:
    for pp, rounds in product(STAGES, ROUNDS):
        n_micro = pp * rounds
        for vpp in (1, *CHUNKS):
            played = play(interleaved_order(pp, vpp, n_micro), {"forward": FORWARD / vpp, "backward": BACKWARD / vpp})
            yield Outcome(
                ("interleaved" if vpp > 1 else "1F1B",), _formula(pp, vpp, n_micro, Schedule.ONE_F_ONE_B), played
            )
        if rounds >= 2:
            apart: dict[Kind, float] = {"forward": FORWARD, "backward": BACKWARD - WEIGHT, "weight": WEIGHT}
            played = play(zero_bubble_order(pp, n_micro), apart)
            yield Outcome(("zero-bubble",), _formula(pp, 1, n_micro, Schedule.ZERO_BUBBLE), played)


def check_pipeline() -> tuple[Component, ...]:
    """Score step times of three schedules over stages, micro-batches and chunks."""
    return lines("pipeline", _played(), remark=lambda _group: "step time, played out event by event")
