"""What makes a setting impossible, each with the reason it is given."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from carbonscaling.arrays import Number, Truth
from carbonscaling.perf.numbers import Schedule, Setting, Workload
from carbonscaling.perf.pipeline import in_turns, routes_again
from carbonscaling.record import dataclass
from carbonscaling.search.divisors import divides

__all__ = [
    "ALLOWED",
    "ENDS",
    "RULES",
    "Rule",
    "combined_barred",
    "first_batch_violation",
    "first_recompute_violation",
    "first_shape_violation",
]
__all__ += ["first_sharding_violation", "first_violation", "never_allowed", "never_shards", "splits_unevenly"]


ENDS = 2.0
"""Embedding and head, which a pipeline may count as layers."""


@dataclass(frozen=True)
class Rule:
    """A constraint: its name, why it rejects, and the test (true where a setting violates it)."""

    name: str
    reason: str
    violated: Callable[[Setting, Workload, bool], Truth]


def splits_unevenly(s: Setting, _work: Workload, _strict: bool) -> Truth:
    """Whether a setting violates the first rule, on which pipeline, experts and recomputation have no bearing."""
    return s.n_micro < 1


def _width(s: Setting, work: Workload, strict: bool) -> Truth:
    whole = divides(s.tp, work.n_heads) & divides(s.tp, work.d_ff) & divides(s.etp, work.d_ff_expert)
    return np.logical_not(whole & ((not strict) | divides(s.tp, 4.0 * work.d_model * work.d_model)))


def _layers(s: Setting, work: Workload, strict: bool) -> Truth:
    # The embedding and the head may each be a chunk of their own, as in Llama 3 405B (section 3.3.2); not by the papers' rules.
    chunks = np.where(work.crossed > 0, 1.0, work.n_layers + np.where(strict, 0.0, ENDS))
    return (s.pp * s.vpp > chunks) | (strict & np.logical_not(divides(s.pp, work.n_layers)))


def _interleave(s: Setting, _work: Workload, _strict: bool) -> Truth:
    idle = (s.pp == 1) | np.logical_not(in_turns(s.schedule))
    return (s.vpp > 1) & (idle | np.logical_not(divides(s.pp, s.n_micro)))


def _experts(s: Setting, work: Workload, strict: bool) -> Truth:
    none = (work.n_experts == 0) & ((s.ep > 1) | (s.etp > 1))
    even = divides(s.ep, work.n_experts) & divides(s.ep * s.etp, s.tp * s.cp * s.dp)
    # The papers' DP is dp / ep, a whole number (ruling R9); that DP·EP divides the batch is the batch rule. Their TP shards
    # experts like all else.
    apart = (work.n_experts > 0) & (s.etp != s.tp)
    return none | np.logical_not(even & ((not strict) | (divides(s.ep, s.dp) & np.logical_not(apart))))


def _sharding(s: Setting, _work: Workload, _strict: bool) -> Truth:
    group = s.dp * s.cp
    return (
        np.logical_not(divides(s.shard, group)) | ((s.zero == 0) & (s.shard != group)) | ((s.zero >= 1) & (group == 1))
    )


def _zero_pipeline(s: Setting, _work: Workload, _strict: bool) -> Truth:
    return (s.zero >= 2) & (s.pp > 1)


def _sequence(s: Setting, work: Workload, _strict: bool) -> Truth:
    whole_heads = (work.dealt == 0) | divides(s.tp * s.cp, work.n_heads)
    whole = divides(2.0 * s.cp, work.seq_len) & whole_heads & (work.crossed == 0)
    return np.logical_not(whole) & (s.cp > 1)


def _schedule(s: Setting, _work: Workload, _strict: bool) -> Truth:
    dualpipe = (s.schedule == Schedule.DUALPIPE) & (np.logical_not(divides(2.0, s.pp)) | (s.n_micro < 2 * s.pp))
    return (np.logical_not(in_turns(s.schedule)) & (s.pp == 1)) | dualpipe


def _fraction(s: Setting, _work: Workload, _strict: bool) -> Truth:
    return (s.recompute == 0) & (s.recompute_percent != 100)


def _alone(s: Setting, _work: Workload, _strict: bool) -> Truth:
    """No traffic between experts' ranks to hide."""
    return (s.schedule == Schedule.COMBINED) & (s.ep <= 1)


def _unpaired(s: Setting, _work: Workload, _strict: bool) -> Truth:
    return (s.schedule == Schedule.COMBINED) & ((s.n_micro < 2) | _unchunked(s))


def _unchunked(s: Setting) -> Truth:
    return (s.pp > 1) & (s.vpp == 1)


def _whole(s: Setting, _work: Workload, _strict: bool) -> Truth:
    return (s.schedule == Schedule.COMBINED) & routes_again(s.recompute)


def combined_barred(s: Setting, work: Workload, strict: bool = False) -> Truth:
    """Whether a setting asks for combined 1F1B where it cannot be.

    Megatron-Core, megatron/core/transformer/transformer_config.py lines 3002 to 3046, at commit d98e8a64.
    """
    return _alone(s, work, strict) | _unpaired(s, work, strict) | _whole(s, work, strict)


RULES: tuple[Rule, ...] = (
    Rule("batch", "the batch does not split into equal micro-batches over the replicas", splits_unevenly),
    Rule("width", "tensor parallelism does not divide attention heads or feed-forward width", _width),
    Rule(
        "layers",
        "more pipeline chunks than layers and ends (an encoder-decoder: than one), or (paper rules) stages that do not divide "
        "the layers",
        _layers,
    ),
    Rule(
        "interleaving", "interleaving needs a 1F1B pipeline and micro-batches in multiples of its stages", _interleave
    ),
    Rule(
        "experts",
        "the expert group does not divide the experts, or the devices of a stage (paper rules: or not sharded like the rest)",
        _experts,
    ),
    Rule("sharding", "the ZeRO stage or sharding group does not fit the data-parallel group", _sharding),
    Rule(
        "zero_pipeline", "ZeRO-2 and 3 re-reduce every micro-batch and are not combined with a pipeline", _zero_pipeline
    ),
    Rule(
        "sequence",
        "context parallelism does not divide the sequence, or the heads that it deals out, or there is an encoder",
        _sequence,
    ),
    Rule(
        "schedule", "the schedule needs a pipeline (DualPipe: an even one, with two micro-batches a stage)", _schedule
    ),
    Rule("fraction", "a share of layers to recompute without any recomputation", _fraction),
    Rule(
        "combined",
        "combined 1F1B needs experts over several devices, two micro-batches, chunks where there is a pipeline, and no full "
        "recomputation",
        combined_barred,
    ),
)
"""Checked in this order; a setting counts under the first rule it violates."""

ALLOWED = len(RULES)
"""What the three functions below return where no rule is violated."""


def first_violation(s: Setting, work: Workload, strict: bool) -> Number:
    """Place in `RULES` of the first rule violated of those in which neither sharding nor recomputation plays a part."""
    return np.minimum(first_shape_violation(s, work, strict), first_batch_violation(s, work, strict))


def first_shape_violation(s: Setting, work: Workload, strict: bool) -> Number:
    """Place in `RULES` of the first rule violated of those of `first_violation` in which micro-batches play no part."""
    place = np.where(_sequence(s, work, strict), 7, np.where(_alone(s, work, strict), 10, ALLOWED))
    place = np.where(_experts(s, work, strict), 4, place)
    place = np.where(_layers(s, work, strict), 2, place)
    return np.where(_width(s, work, strict), 1, place)


def first_batch_violation(s: Setting, work: Workload, strict: bool) -> Number:
    """Place in `RULES` of the first rule violated of those in which micro-batches play a part."""
    place = np.where(_schedule(s, work, strict), 8, np.where(_unpaired(s, work, strict), 10, ALLOWED))
    place = np.where(_interleave(s, work, strict), 3, place)
    return np.where(splits_unevenly(s, work, strict), 0, place)


def never_allowed(s: Setting, work: Workload, strict: bool) -> Truth:
    """Whether a rule is violated however many replicas and micro-batches there are."""
    other = np.logical_not(in_turns(s.schedule))
    unpiped = (s.pp == 1) & ((s.vpp > 1) | other)
    mixed = (s.vpp > 1) & other
    odd = (s.schedule == Schedule.DUALPIPE) & np.logical_not(divides(2.0, s.pp))
    bare = (s.schedule == Schedule.COMBINED) & ((s.ep <= 1) | _unchunked(s))
    return (
        unpiped | mixed | odd | bare | _layers(s, work, strict) | _width(s, work, strict) | _sequence(s, work, strict)
    )


def never_shards(s: Setting, work: Workload, strict: bool) -> Truth:
    """Whether a ZeRO stage is ruled out whatever its sharding group."""
    return _zero_pipeline(s, work, strict)


def first_sharding_violation(s: Setting, work: Workload, strict: bool) -> Number:
    """Place in `RULES` of the first of the two rules about ZeRO and its group; micro-batches play no part."""
    return np.where(_sharding(s, work, strict), 5, np.where(_zero_pipeline(s, work, strict), 6, ALLOWED))


def first_recompute_violation(s: Setting, work: Workload, strict: bool) -> Number:
    """Place in `RULES` of the first rule about recomputation, on which, with the schedule, alone it depends."""
    return np.where(_fraction(s, work, strict), 9, np.where(_whole(s, work, strict), 10, ALLOWED))
