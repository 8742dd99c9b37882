"""The cycle of continuous batching: a token for every sequence in flight, and a share of the next prompts."""

from __future__ import annotations

import numpy as np

from carbonscaling.arrays import Number
from carbonscaling.formula import formula
from carbonscaling.hints import NamedTuple
from carbonscaling.serving.numbers import Demand, Placed
from carbonscaling.serving.speculation import gained_tokens
from carbonscaling.serving.step import cached_bytes, decode, drawing_time, prefill, weight_bytes

__all__ = ["TERMS", "Cycle", "batch_of", "cycle", "held", "mean_context", "room_of", "sharing_experts", "tokens_per_s"]

USABLE = 0.9
"""Share of the memory that weights and caches may fill: the default of vLLM (gpu_memory_utilization) and TensorRT-LLM."""
LEAST = 0.02
"""Share that caches get where weights leave less: a row that ran did have room."""
CHUNK = 8192.0
"""Prompt tokens of a pass: the default budget of vLLM and TensorRT-LLM (max_num_batched_tokens, max_num_tokens)."""
MOST = 2048.0
"""Sequences of a replica at a time where only memory limits them: TensorRT-LLM's default (max_batch_size)."""

TERMS = (
    "matmul", "routed", "attention", "comm", "prefill", "drawing", "layer", "step", "sequence", "expert_layer",
    "sum", "exchange",
)  # fmt: skip
"""What a cycle's time is made of. The first six are seconds of the silicon, which factors scale; the others are counts, which
factors turn into seconds: layers, steps, sequences, layers with experts, sums over tensor ranks, exchanges among experts."""


class Cycle(NamedTuple):
    """One cycle of a replica.

    Attributes
    ----------
    terms : a number by `TERMS`. batch : sequences of a pass. room : sequences of a replica that memory holds.
    ranks : devices that work on one pass, and wait for it.
    flops, bytes : of one device. prompt : seconds of the silicon for one prompt alone. gained : tokens a sequence and cycle.
    handover : seconds that one prompt's keys and values take over a device's own network, to a device that goes on with them.
    """

    terms: tuple[Number, ...]
    batch: Number
    room: Number
    ranks: Number
    flops: Number
    bytes: Number
    prompt: Number
    gained: Number = 1.0
    handover: Number = 0.0


@formula(
    "prompt + output·(1 + spread²)/2",
    unit="1",
    source="feller_1968",
    place="renewal theory: a step meets long answers more often, which grow by a token a step",
)
def mean_context(prompt: Number, output: Number, spread: Number = 0.0) -> Number:
    """Mean tokens that a sequence in flight has, between its prompt and its last token.

    Parameters
    ----------
    spread : standard deviation of the answers' lengths over their mean.

    >>> mean_context(100.0, 400.0), mean_context(100.0, 400.0, 1.0)
    (300.0, 500.0)
    """
    return prompt + output * (1.0 + spread * spread) / 2.0


@formula("batch·gained/(ranks·cycle)", unit="1/s", source="kwon_2023", place="a token for every sequence and cycle")
def tokens_per_s(batch: Number, ranks: Number, cycle_s: Number, gained: Number = 1.0) -> Number:
    """Output tokens a second and device, where `ranks` devices work on one batch."""
    return batch * gained / (ranks * cycle_s)


def held(s: Placed, context: Number, draft: Placed | None = None) -> Number:
    """Sequences of a mean context that a replica's memory holds, a draft's weights and cache beside the model's."""
    capacity = USABLE * s.silicon.capacity
    weights, kept = weight_bytes(s), cached_bytes(s.cache, context, s.layout.tp, s.stored.cache)
    if draft is not None:
        weights = weights + weight_bytes(draft)
        kept = kept + cached_bytes(draft.cache, context, draft.layout.tp, draft.stored.cache)
    return np.maximum(capacity - weights, LEAST * capacity) * s.layout.pp / kept


def room_of(s: Placed, demand: Demand, draft: Placed | None = None) -> Number:
    """Sequences that a replica's memory holds: with what they have in the mean, or whole where the engine keeps that free."""
    context = mean_context(demand.prompt, demand.output, demand.output_spread)
    whole = demand.prompt + demand.output * (1.0 + demand.output_spread * demand.output_spread)
    return held(s, np.where(demand.reserved > 0.0, whole, context), draft)


def sharing_experts(s: Placed) -> Placed:
    """Return the serving with experts spread over all replicas where one replica could not hold them."""
    layout = s.layout
    full = weight_bytes(s) > USABLE * s.silicon.capacity
    spread = full & (layout.replicas > 1.0) & (layout.ep <= 1.0)
    return s._replace(layout=layout._replace(ep=np.where(spread, layout.replicas * layout.tp, layout.ep)))


def batch_of(s: Placed, demand: Demand, draft: Placed | None = None) -> tuple[Number, Number, Number]:
    """Return the sequences of a pass, those that memory holds, and the devices that work on one pass.

    `demand.in_flight` may be infinite: as many as fit. The stages of a pipeline work on a batch each, as far as there are
    sequences. A batch that starts together stays together: its stages take turns, and what memory does not hold of it
    follows in as few equal parts as will do.
    """
    room = room_of(s, demand, draft)
    asked, together = demand.in_flight / s.layout.replicas, demand.together > 0.0
    parts = np.where(together, np.ceil(np.where(np.isinf(asked), 1.0, asked) / np.maximum(room, 1.0)), 1.0)
    sequences = np.where(np.isinf(asked), np.minimum(room, MOST), np.minimum(asked / parts, room))
    batch = np.maximum(np.where(together, sequences, sequences / s.layout.pp), 1.0)
    return batch, room, s.layout.tp * s.layout.pp * batch / np.maximum(sequences, 1e-9)


def cycle(s: Placed, demand: Demand, draft: Placed | None = None) -> Cycle:
    """Return one cycle of a serving.

    Parameters
    ----------
    s : Placed
    demand : Demand
        Fields of both may be arrays.
    draft : Placed, optional
        The model that proposes tokens, one at a time; none where what proposes takes no time of the devices.
    """
    batch, room, ranks = batch_of(s, demand, draft)
    context = mean_context(demand.prompt, demand.output, demand.output_spread)
    gained = gained_tokens(demand.acceptance, demand.proposed)
    fresh = demand.prompt * (1.0 - demand.reused)
    step = decode(s, batch, context, demand.proposed + 1.0, demand.readings)
    chunk = np.clip(batch * fresh, fresh, CHUNK)
    pass_ = prefill(s, chunk, demand.prompt, demand.prompt_spread, demand.reused)
    share = gained * batch * fresh / demand.output / chunk  # of a pass, for the tokens that each sequence gets
    rate = s.silicon.bandwidth * s.silicon.memory_efficiency
    silicon = pass_.matmul + pass_.routed + pass_.attention + pass_.comm
    own: tuple[Number, ...] = (step.matmul, step.routed, step.attention, step.comm)
    counts: tuple[Number, ...] = (step.layers, 1.0, batch, s.work.n_moe, step.sums, step.exchanges)
    flops, moved = step.flops + share * pass_.flops, step.bytes + share * pass_.bytes
    if draft is not None:
        told, n = decode(draft, batch, context, readings=demand.readings), demand.proposed
        own = tuple(a + n * b for a, b in zip(own, (told.matmul, told.routed, told.attention, told.comm), strict=True))
        more = (told.layers, 0.0, 0.0, draft.work.n_moe, told.sums, told.exchanges)
        counts = tuple(a + n * b for a, b in zip(counts, more, strict=True))
        flops, moved = flops + n * told.flops, moved + n * told.bytes
    drawn = drawing_time(demand.drawn * batch * (demand.proposed + 1.0), s.work.vocab_size, rate)
    sent = cached_bytes(s.cache, demand.prompt, s.layout.tp, s.stored.cache) / np.maximum(s.silicon.nic, 1.0)
    return Cycle(
        (*own, share * silicon, drawn, *counts), batch, room, ranks, flops, moved, fresh / chunk * silicon, gained, sent
    )
