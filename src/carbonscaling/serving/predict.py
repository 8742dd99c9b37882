"""Speed, latencies and watts of servings, one or many at once, as the factors have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from carbonscaling.arrays import Array, Number, stacked
from carbonscaling.carbon.power import capped_throughput
from carbonscaling.catalog.factors import factor
from carbonscaling.formula import formula
from carbonscaling.record import dataclass
from carbonscaling.serving.cycle import TERMS, Cycle, cycle, sharing_experts, tokens_per_s
from carbonscaling.serving.effects import HEAT, POWER, PRIORS, effects, heat_effects
from carbonscaling.serving.factors import ServingFactors
from carbonscaling.serving.grouping import readings
from carbonscaling.serving.numbers import Demand, Placed
from carbonscaling.serving.port import placed
from carbonscaling.serving.question import Question, Speculation

__all__ = ["ANY_PROMPT", "Predicted", "Worked", "demand_of", "draft_of", "predict", "serving_power", "worked"]


LAUNCHED = ("layer", "expert_layer", "step", "sequence")
"""Terms of a cycle that are the device's own as far as their priors go: launches that a graph holds (decision 230)."""
PRODUCTS = ("matmul", "routed", "prefill")
"""Terms of a cycle that the clock of the matrix units moves, as far as they do not wait for memory."""
TILE = 16.0
"""Rows of the least tile that matrix units take (`step.skinny_time`)."""
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
    peak, bandwidth, idle, tdp, chip : array
        FLOP/s, bytes/s and W of a device; the last is what its chip may draw on any board.
    """

    questions: tuple[Question, ...]
    cycle: Cycle
    terms: Array
    peak: Array
    bandwidth: Array
    idle: Array
    tdp: Array
    chip: Array

    def some(self, which: NDArray[np.intp]) -> Worked:
        """Return some of the servings."""
        n = len(self.questions)
        c = self.cycle
        fields = (c.batch, c.room, c.ranks, c.flops, c.bytes, c.prompt, c.gained, c.handover)
        numbers = (np.broadcast_to(x, n)[which] for x in fields)
        own = Cycle((), *numbers)
        of_devices = (self.peak, self.bandwidth, self.idle, self.tdp, self.chip)
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
    "min(idle + (chip - idle)·heat, tdp)",
    unit="W",
    source="ml_energy",
    place="decisions 140 and 425: heat by cause of the cycle's time, of what the chip may draw",
)
def serving_power(idle: Number, tdp: Number, chip: Number, heat: Number) -> Number:
    """Power of a device that serves: a share of what its chip may draw on any board, which this board's rating caps.

    >>> float(serving_power(100.0, 700.0, 700.0, 0.5)), float(serving_power(100.0, 350.0, 700.0, 0.5))
    (400.0, 350.0)
    """
    return np.minimum(idle + (chip - idle) * heat, tdp)


def worked(questions: Sequence[Question]) -> Worked:
    """Work out the cycles of some servings, at least one.

    Raises
    ------
    InputError
        A device has no unit for a format, or the time of an architecture is not modelled.
    """
    s = sharing_experts(stacked([placed(q) for q in questions]))
    found, n = _cycles(s, demand_of(questions), questions), len(questions)
    devices = [q.cluster.device for q in questions]
    work = Worked(
        tuple(questions), found, np.stack([np.broadcast_to(term, n) for term in found.terms]),
        np.asarray(s.formats.peak), np.asarray(s.silicon.bandwidth),
        np.array([d.idle_power.si for d in devices]), np.array([d.tdp.si for d in devices]),
        np.array([(d.chip_power or d.tdp).si for d in devices]),
    )  # fmt: skip
    return _clocked(work, s.formats.gemm_efficiency) if np.any(work.chip > work.tdp) else work


def _clocked(work: Worked, efficiency: Number) -> Worked:
    """Return servings with their products at the clock that a board leaves which is rated below its chip's demand.

    The demand is that of the physics before any row. A limit takes clock and leaves memory and links (decision 170).
    """
    seconds = work.terms * np.array([[PRIORS[term][0]] for term in TERMS])
    hot = (heat_of(work, seconds) * np.array([[HEAT[name]] for name in POWER])).sum(0)
    demand = np.where(work.chip > work.tdp, np.maximum(work.idle + (work.chip - work.idle) * hot, work.tdp), work.tdp)
    clock = capped_throughput(demand, work.tdp, work.idle, factor("power.cap_exponent.default").si)
    at = [TERMS.index(term) for term in PRODUCTS]
    computed = work.cycle.flops / (work.peak * efficiency * work.terms[at].sum(0))
    slower = 1.0 + np.minimum(computed, 1.0) * (1.0 / clock - 1.0)
    terms = work.terms.copy()
    terms[at] *= slower
    return replace(work, terms=terms, cycle=work.cycle._replace(prompt=work.cycle.prompt * slower))


def demand_of(questions: Sequence[Question]) -> Demand:
    """Return what arrives at some servings; every field an array."""
    told = [q.speculation or Speculation(0.0, 0.0) for q in questions]
    return Demand(
        np.array([ANY_PROMPT if q.prompt is None else max(q.prompt, 1.0) for q in questions]),
        np.array([max(q.output, 1.0) for q in questions]),
        np.array([np.inf if q.in_flight is None else q.in_flight for q in questions]),
        np.array([float(q.drawn) for q in questions]),
        np.array([float(q.engine.family == "trtllm") for q in questions]),
        np.array([q.prompt_spread for q in questions]),
        np.array([q.output_spread for q in questions]),
        np.array([q.reused for q in questions]),
        np.array([t.tokens for t in told]),
        np.array([t.acceptance for t in told]),
        np.array([float(q.mode == "static") for q in questions]),
        np.array([readings(q) for q in questions]),
    )


def draft_of(q: Question) -> Placed | None:
    """Return the model that proposes tokens, on the ranks of the model that checks them; None where none does.

    Raises
    ------
    InputError
        The time of its architecture is not modelled.
    """
    if q.speculation is None or q.speculation.draft is None:
        return None
    return placed(replace(q, spec=q.speculation.draft, layout=q.layout._replace(ep=1.0)))


def _cycles(s: Placed, demand: Demand, questions: Sequence[Question]) -> Cycle:
    """Return the cycles of all; where some have a draft, each kind is worked out for all and its own taken."""
    drafts = [draft_of(q) for q in questions]
    alone = cycle(s, demand)
    if not any(drafts):
        return alone
    each = stacked([placed(q) if d is None else d for q, d in zip(questions, drafts, strict=True)])
    has, n = np.array([d is not None for d in drafts]), len(questions)
    both = cycle(s, demand, each)
    terms = tuple(np.where(has, b, a) for a, b in zip(alone.terms, both.terms, strict=True))
    rest = (
        np.where(has, np.broadcast_to(b, n), np.broadcast_to(a, n)) for a, b in zip(alone[1:], both[1:], strict=True)
    )
    return Cycle(terms, *rest)


def heat_of(work: Worked, seconds: Array) -> Array:
    """Return what draws power, by `effects.POWER`: shares of a cycle by cause, of FLOP/s, of bandwidth, of full tiles."""
    total = seconds.sum(0)
    share = dict(zip(TERMS, seconds / total, strict=True))
    # What launches take where a graph holds them is a device's own; what is beyond waits for the host, and the device idles.
    # Routed experts have few rows a tile whatever is in flight.
    filled = share["matmul"] * np.minimum(work.cycle.batch / TILE, 1.0) + share["routed"]
    lean = {t: np.minimum(share[t], work.terms[TERMS.index(t)] * PRIORS[t][0] / total) for t in LAUNCHED}
    return np.stack([
        share["matmul"] + share["routed"], share["attention"] + share["drawing"], share["prefill"],
        share["comm"] + share["sum"] + share["exchange"], sum(lean.values()), sum(share[t] - lean[t] for t in LAUNCHED),
        work.cycle.flops / (total * work.peak), work.cycle.bytes / (total * work.bandwidth), filled,
    ])  # fmt: skip


def predict(work: Worked, factors: ServingFactors) -> Predicted:
    """Return speed, latencies and watts."""
    seconds = work.terms * factors.time.factors([effects(q) for q in work.questions])
    total = seconds.sum(0)
    batch = np.broadcast_to(work.cycle.batch, total.shape)
    gained = np.broadcast_to(work.cycle.gained, total.shape)
    speed = np.asarray(tokens_per_s(batch, work.cycle.ranks, total, gained))
    hot = (heat_of(work, seconds) * factors.heat.factors([heat_effects(q) for q in work.questions])).sum(0)
    watts = np.asarray(serving_power(work.idle, work.tdp, work.chip, hot))
    at = TERMS.index("prefill")
    scale = np.divide(seconds[at], work.terms[at], out=np.ones_like(total), where=work.terms[at] > 0)
    apart = np.array([q.mode == "disaggregated" for q in work.questions])
    between = np.where(apart, total - seconds[at], total)  # prompts of others wait elsewhere
    first = between + work.cycle.prompt * scale + np.where(apart, work.cycle.handover, 0.0)
    return Predicted(speed, between / gained, first, watts, watts / speed, batch, seconds)
