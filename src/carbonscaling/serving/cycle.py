"""The cycle of continuous batching: a token for every sequence in flight, and a share of the next prompts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from carbonscaling.arrays import Number
from carbonscaling.formula import formula
from carbonscaling.serving.numbers import Demand, Placed
from carbonscaling.serving.step import cached_bytes, decode, prefill, weight_bytes

__all__ = ["TERMS", "Cycle", "batch_of", "cycle", "held", "mean_context", "sharing_experts", "tokens_per_s"]

USABLE = 0.9
"""Share of the memory that weights and caches may fill: the default of vLLM (gpu_memory_utilization) and TensorRT-LLM."""
LEAST = 0.02
"""Share that caches get where weights leave less: a row that ran did have room."""
CHUNK = 8192.0
"""Prompt tokens of a pass: the default budget of vLLM and TensorRT-LLM (max_num_batched_tokens, max_num_tokens)."""
MOST = 2048.0
"""Sequences of a replica at a time where only memory limits them: TensorRT-LLM's default (max_batch_size)."""

TERMS = (
    "matmul", "routed", "attention", "comm", "prefill", "layer", "step", "sequence", "expert_layer", "sum", "exchange",
)  # fmt: skip
"""What a cycle's time is made of. The first five are seconds of the silicon, which factors scale; the others are counts, which
factors turn into seconds: layers, steps, sequences, layers with experts, sums over tensor ranks, exchanges among experts."""


class Cycle(NamedTuple):
    """One cycle of a replica.

    Attributes
    ----------
    terms : a number by `TERMS`. batch : sequences of a pass. room : sequences of a replica that memory holds.
    flops, bytes : of one device. prompt : seconds of the silicon for one prompt alone.
    """

    terms: tuple[Number, ...]
    batch: Number
    room: Number
    flops: Number
    bytes: Number
    prompt: Number


@formula("prompt + output/2", unit="1", source="kwon_2023", place="a sequence grows by a token a step")
def mean_context(prompt: Number, output: Number) -> Number:
    """Mean tokens that a sequence has, from its prompt to its last token."""
    return prompt + output / 2.0


@formula("batch/(tp·cycle)", unit="1/s", source="kwon_2023", place="a token for every sequence and cycle")
def tokens_per_s(batch: Number, tp: Number, cycle_s: Number) -> Number:
    """Output tokens a second and device; the stages of a pipeline work on a batch each."""
    return batch / (tp * cycle_s)


def held(s: Placed, context: Number) -> Number:
    """Sequences of a mean context that a replica's memory holds."""
    capacity = USABLE * s.silicon.capacity
    free = np.maximum(capacity - weight_bytes(s), LEAST * capacity)
    return free * s.layout.pp / cached_bytes(s.cache, context, s.layout.tp, s.stored.cache)


def sharing_experts(s: Placed) -> Placed:
    """Return the serving with experts spread over all replicas where one replica could not hold them."""
    layout = s.layout
    full = weight_bytes(s) > USABLE * s.silicon.capacity
    spread = full & (layout.replicas > 1.0) & (layout.ep <= 1.0)
    return s._replace(layout=layout._replace(ep=np.where(spread, layout.replicas * layout.tp, layout.ep)))


def batch_of(s: Placed, demand: Demand) -> tuple[Number, Number]:
    """Return the sequences of a pass, and those that memory holds; `demand.in_flight` may be infinite: as many as fit."""
    room = held(s, mean_context(demand.prompt, demand.output))
    asked = demand.in_flight / s.layout.replicas
    sequences = np.where(np.isinf(asked), np.minimum(room, MOST), np.minimum(asked, room))
    return np.maximum(sequences / s.layout.pp, 1.0), room


def cycle(s: Placed, demand: Demand) -> Cycle:
    """Return one cycle of a serving.

    Parameters
    ----------
    s : Placed
    demand : Demand
        Fields of both may be arrays.
    """
    batch, room = batch_of(s, demand)
    step = decode(s, batch, mean_context(demand.prompt, demand.output))
    chunk = np.clip(batch * demand.prompt, demand.prompt, CHUNK)
    pass_ = prefill(s, chunk, demand.prompt)
    share = batch * demand.prompt / demand.output / chunk  # of a pass, for every token that each sequence gets
    silicon = pass_.matmul + pass_.routed + pass_.attention
    terms = (
        step.matmul, step.routed, step.attention, step.comm + share * pass_.comm, share * silicon, step.layers, 1.0, batch,
        s.work.n_moe, step.sums, step.exchanges,
    )  # fmt: skip
    alone = demand.prompt / chunk * (silicon + pass_.comm)
    return Cycle(terms, batch, room, step.flops + share * pass_.flops, step.bytes + share * pass_.bytes, alone)
