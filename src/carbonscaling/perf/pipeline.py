"""Pipeline schedules: how long the slowest path through the stages is."""

from __future__ import annotations

import numpy as np

from carbonscaling.arrays import Truth
from carbonscaling.formula import formula
from carbonscaling.perf.numbers import Number, Recompute, Schedule

__all__ = ["bubble_time", "fullest_stage", "in_turns", "layers_in_flight", "layers_on_stage", "paired_share"]
__all__ += ["recomputed_share", "routes_again"]


def in_turns(schedule: Number) -> Truth:
    """Whether a stage takes one forward and one backward pass in turn, and may hold several chunks: 1F1B, combined or not."""
    return (schedule == Schedule.ONE_F_ONE_B) | (schedule == Schedule.COMBINED)


def routes_again(recompute: Number) -> Truth:
    """Whether the backward pass sends tokens to their experts once more."""
    return (recompute == Recompute.FULL) | (recompute == Recompute.FEED_FORWARD)


@formula(
    "1F1B, combined or not, (p−1)/v·(F+B); ZB1P (p−1)·(F+B−2W); DualPipe (p/2−1)·(F&B+B−3W)",
    unit="s",
    source="deepseek_v3",
    place="table 2; interleaving: Narayanan 2021, section 2.2.2",
)
def bubble_time(pp: Number, vpp: Number, forward: Number, backward: Number, weight: Number, schedule: Number) -> Number:
    """Idle time of a pipeline per step.

    Parameters
    ----------
    pp, vpp : stages, and model chunks on each.
    forward, backward, weight : s of one micro-batch on one stage; `weight` is the weight-gradient part of `backward`.
        Where stages differ, the fullest one waits for the others while the first micro-batch comes to it and the last one
        leaves: theirs is the time that counts, their mean.
    schedule : code of `Schedule`.
    """
    plain = (pp - 1.0) / vpp * (forward + backward)
    zero_bubble = (pp - 1.0) * np.maximum(forward + backward - 2.0 * weight, 0.0)
    both = forward + backward
    dualpipe = np.maximum(pp / 2.0 - 1.0, 0.0) * np.maximum(both + backward - 3.0 * weight, 0.0)
    others = np.where(schedule == Schedule.ZERO_BUBBLE, zero_bubble, dualpipe)
    return np.where(in_turns(schedule), plain, others)


@formula(
    "max(0, 1 − ((v − 1)·p + 1)/(v·n_micro))",
    unit="1",
    source="megatron_combined",
    place="fill and drain stay exposed; chunks that a last stage takes before its first pair: megatron/core/pipeline_parallel/"
    "schedules.py lines 960 to 970",
)
def paired_share(pp: Number, vpp: Number, n_micro: Number) -> Number:
    """Share of a combined 1F1B schedule's passes that run in pairs, on the stage that everybody waits for, the last one.

    The forward passes before its first backward one have nothing beside them, nor have as many backward ones at the end.
    """
    return np.maximum(0.0, 1.0 - ((vpp - 1.0) * pp + 1.0) / (vpp * np.maximum(n_micro, 1.0)))


@formula("⌈n_layers/(pp·vpp)⌉·vpp", unit="1", source="narayanan_2021", place="section 2.2; uneven stages: the fullest")
def layers_on_stage(n_layers: Number, pp: Number, vpp: Number) -> Number:
    """Layers on the fullest stage."""
    return np.ceil(n_layers / (pp * vpp)) * vpp


@formula(
    "per_layer·min(max(vpp·⌈c⌉, e), max(0, n_layers − (pp − 1)·vpp·⌊c⌋) + e), e = ends/per_layer, c = (n_layers + e)/(pp·vpp);"
    " head last, where pp·vpp divides n_layers: per_layer·(n_layers/pp + e)",
    unit="s",
    source="narayanan_2021",
    place="section 2.2; layers dealt out so that the stage with the head is no longer than need be, or evenly",
)
def fullest_stage(
    n_layers: Number, pp: Number, vpp: Number, per_layer: Number, ends: Number, head_last: Number
) -> Number:
    """Time of one micro-batch on the fullest stage.

    Every stage but one holds the same number of layers in each of its chunks; the last one holds those left, and the ends of
    the model. That number is the mean rounded up, so that the others are the longer ones, or down, so that the last one is:
    no other number does better.

    Parameters
    ----------
    per_layer : s of a layer, forward and backward.
    ends : s of embedding and head.
    head_last : 1 where every stage holds the same number of layers and the last one the ends besides, if that number comes
        out whole; 0 where layers are dealt around them, as they are where it does not.
    """
    e = ends / per_layer
    mean = (n_layers + e) / (pp * vpp)
    others = np.maximum(vpp * np.ceil(mean), e)
    last = np.maximum(n_layers - (pp - 1.0) * vpp * np.floor(mean), 0.0) + e
    even = layers_on_stage(n_layers, pp, vpp) * pp == n_layers
    dealt = np.where((head_last > 0) & even, n_layers / pp + e, np.minimum(others, last))
    return per_layer * np.where(pp > 1, dealt, n_layers + e)


@formula(
    "per_stage·min(pp, n_micro)·(1 + (p−1)/(p·v) if v > 1); DualPipe: per_stage·(p+1)",
    unit="1",
    source="korthikanti_2022",
    place="section 4.2.3; DualPipe: DeepSeek-V3, table 2",
)
def layers_in_flight(per_stage: Number, pp: Number, vpp: Number, n_micro: Number, schedule: Number) -> Number:
    """Layer activations that the first stage holds at once, in layers of one micro-batch."""
    depth = np.minimum(pp, n_micro)
    interleaved = np.where(vpp > 1, 1.0 + (pp - 1.0) / (pp * vpp), 1.0)
    dualpipe = np.minimum(pp + 1.0, n_micro)
    return per_stage * np.where(schedule == Schedule.DUALPIPE, dualpipe, depth * interleaved)


@formula(
    "⌈per_stage·percent/100⌉/per_stage",
    unit="1",
    source="korthikanti_2022",
    place="section 5: checkpoint some layers; whole layers of the fullest stage",
)
def recomputed_share(n_layers: Number, pp: Number, vpp: Number, percent: Number) -> Number:
    """Share of layers that recompute, as whole layers of a stage."""
    per_stage = layers_on_stage(n_layers, pp, vpp)
    return np.ceil(per_stage * percent / 100.0) / per_stage
