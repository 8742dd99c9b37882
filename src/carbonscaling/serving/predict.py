"""Speed, latencies and watts of servings, one or many at once, as the factors have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carbonscaling.arrays import Number, stacked
from carbonscaling.formula import formula
from carbonscaling.serving.build import serving
from carbonscaling.serving.cycle import TERMS, Cycle, cycle, sharing_experts, tokens_per_s
from carbonscaling.serving.effects import effects, heat_effects
from carbonscaling.serving.factors import ServingFactors
from carbonscaling.serving.numbers import Demand
from carbonscaling.serving.question import Question

__all__ = ["ANY_PROMPT", "Predicted", "Worked", "predict", "serving_power", "worked"]

Array = NDArray[np.float64]

ANY_PROMPT = 161.0
"""Tokens of a prompt where nobody says: the mean of ShareGPT's conversations (Kwon et al. 2023, figure 11;
from memory of the work)."""


@dataclass(frozen=True)
class Worked:
    """What servings do before any factor: a cycle for each, and the numbers of their devices.

    Attributes
    ----------
    questions : tuple of Question
    cycle : Cycle
        Fields are arrays, one entry a question.
    terms : array, shape (terms, questions)
    tp, peak, bandwidth, idle, tdp : array
        Ranks that split a layer; FLOP/s, bytes/s and W of a device.
    """

    questions: tuple[Question, ...]
    cycle: Cycle
    terms: Array
    tp: Array
    peak: Array
    bandwidth: Array
    idle: Array
    tdp: Array

    def some(self, which: NDArray[np.intp]) -> Worked:
        """Return some of the servings."""
        n = len(self.questions)
        c = self.cycle
        numbers = (np.broadcast_to(x, n)[which] for x in (c.batch, c.room, c.flops, c.bytes, c.prompt))
        own = Cycle((), *numbers)
        of_devices = (self.tp, self.peak, self.bandwidth, self.idle, self.tdp)
        return Worked(
            tuple(self.questions[i] for i in which), own, self.terms[:, which], *(x[which] for x in of_devices)
        )


@dataclass(frozen=True)
class Predicted:
    """What is said of servings; every field an array.

    Attributes
    ----------
    speed : output tokens a second and device. tpot_s, ttft_s : s between tokens, and to the first one of a request that finds a
        place. watts : of a device. joules : of the devices, an output token. batch : sequences of a pass. seconds : of a
        cycle, by `cycle.TERMS`.
    """

    speed: Array
    tpot_s: Array
    ttft_s: Array
    watts: Array
    joules: Array
    batch: Array
    seconds: Array


@formula(
    "idle + (tdp - idle)·min(heat, 1)",
    unit="W",
    source="ml_energy",
    place="decision 140: heat by cause of the cycle's time",
)
def serving_power(idle: Number, tdp: Number, heat: Number) -> Number:
    """Power of a device that serves, which its limit caps.

    >>> float(serving_power(100.0, 700.0, 0.5))
    400.0
    """
    return idle + (tdp - idle) * np.minimum(heat, 1.0)


def worked(questions: Sequence[Question]) -> Worked:
    """Work out the cycles of some servings, at least one.

    Raises
    ------
    InputError
        A device has no unit for a format, or the time of an architecture is not modelled.
    """
    s = sharing_experts(stacked([serving(q.spec, q.cluster, q.weights, q.kv, q.layout) for q in questions]))
    demand = Demand(
        np.array([ANY_PROMPT if q.prompt is None else max(q.prompt, 1.0) for q in questions]),
        np.array([max(q.output, 1.0) for q in questions]),
        np.array([np.inf if q.in_flight is None else q.in_flight for q in questions]),
    )
    found, n = cycle(s, demand), len(questions)
    devices = [q.cluster.device for q in questions]
    return Worked(
        tuple(questions), found, np.stack([np.broadcast_to(term, n) for term in found.terms]),
        np.asarray(s.layout.tp), np.asarray(s.formats.peak), np.asarray(s.silicon.bandwidth),
        np.array([d.idle_power.si for d in devices]), np.array([d.tdp.si for d in devices]),
    )  # fmt: skip


def heat_of(work: Worked, seconds: Array) -> Array:
    """Return what draws power, by `effects.POWER`: shares of a cycle by cause, of peak FLOP/s and of bandwidth."""
    total = seconds.sum(0)
    share = dict(zip(TERMS, seconds / total, strict=True))
    return np.stack([
        share["matmul"] + share["routed"], share["attention"], share["prefill"],
        share["comm"] + share["sum"] + share["exchange"], share["layer"] + share["expert_layer"],
        share["step"] + share["sequence"], work.cycle.flops / (total * work.peak), work.cycle.bytes / (total * work.bandwidth),
    ])  # fmt: skip


def predict(work: Worked, factors: ServingFactors) -> Predicted:
    """Return speed, latencies and watts."""
    seconds = work.terms * factors.time.factors([effects(q) for q in work.questions])
    total = seconds.sum(0)
    batch = np.broadcast_to(work.cycle.batch, total.shape)
    speed = np.asarray(tokens_per_s(batch, work.tp, total))
    hot = (heat_of(work, seconds) * factors.heat.factors([heat_effects(q) for q in work.questions])).sum(0)
    watts = np.asarray(serving_power(work.idle, work.tdp, hot))
    scale = np.divide(seconds[4], work.terms[4], out=np.ones_like(total), where=work.terms[4] > 0)
    first = total + work.cycle.prompt * scale
    return Predicted(speed, total, first, watts, watts / speed, batch, seconds)
