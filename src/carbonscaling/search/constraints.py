"""What makes a setting impossible, each with the reason it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from carbonscaling.perf.numbers import Number, Schedule, Setting, Workload

__all__ = ["RULES", "Rule"]


@dataclass(frozen=True)
class Rule:
    """A constraint: its name, why it rejects, and the test (true where a setting violates it)."""

    name: str
    reason: str
    violated: Callable[[Setting, Workload, bool], Number]


def _batch(s: Setting, _work: Workload, _strict: bool) -> Number:
    return s.n_micro < 1


def _layers(s: Setting, work: Workload, strict: bool) -> Number:
    too_many = s.pp * s.vpp > work.n_layers
    return too_many | (work.n_layers % s.pp != 0) if strict else too_many


def _interleave(s: Setting, _work: Workload, _strict: bool) -> Number:
    idle = (s.vpp > 1) & ((s.pp == 1) | (s.schedule != Schedule.ONE_F_ONE_B))
    return idle | ((s.vpp > 1) & (s.n_micro % s.pp != 0))


def _width(s: Setting, work: Workload, strict: bool) -> Number:
    heads = (work.n_heads % s.tp != 0) if work.n_heads else False
    inner = ((work.d_ff % s.tp != 0) if work.d_ff else False) | (
        (work.d_ff_expert % s.etp != 0) if work.d_ff_expert else False
    )
    paper = (4 * work.d_model**2) % s.tp != 0 if strict else False
    return heads | inner | paper | np.zeros_like(s.tp, dtype=bool)


def _experts(s: Setting, work: Workload, strict: bool) -> Number:
    if not work.n_experts:
        return (s.ep > 1) | (s.etp > 1)
    # The papers' DP is dp / ep, a whole number (ruling R9); that DP·EP divides the batch is the batch rule.
    paper = s.dp % s.ep != 0 if strict else False
    return (work.n_experts % s.ep != 0) | ((s.tp * s.cp * s.dp) % (s.ep * s.etp) != 0) | paper


def _sharding(s: Setting, _work: Workload, _strict: bool) -> Number:
    group = s.dp * s.cp
    return (group % s.shard != 0) | ((s.zero == 0) & (s.shard != group)) | ((s.zero >= 1) & (group == 1))


def _zero_pipeline(s: Setting, _work: Workload, _strict: bool) -> Number:
    return (s.zero >= 2) & (s.pp > 1)


def _sequence(s: Setting, work: Workload, _strict: bool) -> Number:
    return (work.seq_len % (2 * s.cp) != 0) & (s.cp > 1)


def _dualpipe(s: Setting, _work: Workload, _strict: bool) -> Number:
    return ((s.schedule != Schedule.ONE_F_ONE_B) & (s.pp == 1)) | (
        (s.schedule == Schedule.DUALPIPE) & ((s.pp % 2 != 0) | (s.n_micro < 2 * s.pp))
    )


RULES: tuple[Rule, ...] = (
    Rule("batch", "the batch does not split into equal micro-batches over the replicas", _batch),
    Rule("width", "tensor parallelism does not divide attention heads or feed-forward width", _width),
    Rule("layers", "more pipeline chunks than layers, or (paper rules) stages that do not divide the layers", _layers),
    Rule(
        "interleaving", "interleaving needs a 1F1B pipeline and micro-batches in multiples of its stages", _interleave
    ),
    Rule("experts", "the expert group does not divide the experts, or the devices of a stage", _experts),
    Rule("sharding", "the ZeRO stage or sharding group does not fit the data-parallel group", _sharding),
    Rule(
        "zero_pipeline", "ZeRO-2 and 3 re-reduce every micro-batch and are not combined with a pipeline", _zero_pipeline
    ),
    Rule("sequence", "context parallelism does not divide the sequence", _sequence),
    Rule(
        "schedule", "the schedule needs a pipeline (DualPipe: an even one, with two micro-batches a stage)", _dualpipe
    ),
)
"""Checked in this order; a setting counts under the first rule it violates."""
