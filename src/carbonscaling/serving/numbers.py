"""The plain numbers that the formulas of serving take; every field may be a float or an array."""

from __future__ import annotations

from carbonscaling.arrays import Number
from carbonscaling.hints import NamedTuple
from carbonscaling.perf.machine import Formats, Silicon
from carbonscaling.perf.numbers import Workload

__all__ = ["Cache", "Demand", "Layout", "Placed", "Stored"]


class Cache(NamedTuple):
    """What a sequence leaves in memory, over all layers.

    Attributes
    ----------
    full : elements a token of context, in layers that see all of it. windowed : the same in layers that see `window` tokens.
    window : tokens. picked : of `full`, what a step reads of `picks` tokens alone, where an indexer picks keys.
    picks : tokens. state : elements a sequence, however long: state spaces and linear attention.
    heads : key and value heads that tensor-parallel ranks can split; 1 for latents, which every rank holds.
    """

    full: Number
    windowed: Number
    window: Number
    picked: Number
    picks: Number
    state: Number
    heads: Number


class Stored(NamedTuple):
    """Bytes an element in memory: of attention and dense matrices, of routed experts, of the head, of keys and values."""

    matrix: Number
    expert: Number
    head: Number
    cache: Number


class Layout(NamedTuple):
    """How many devices hold a copy, and how: tensor, pipeline, expert ranks; `replicas` of attention share the experts.

    ``devices = tp * pp * replicas``; with ``ep > 1`` the experts lie on all ranks of `ep`, whose tokens they exchange.
    """

    tp: Number
    pp: Number
    ep: Number
    replicas: Number

    @property
    def devices(self) -> Number:
        """Devices in all."""
        return self.tp * self.pp * self.replicas


class Demand(NamedTuple):
    """What arrives.

    Attributes
    ----------
    prompt, output : mean tokens of a request in and out. in_flight : requests at a time over all devices.
    drawn : share of tokens that are drawn by top-p. reserved : 1 where a sequence keeps room for its last token from its first
    on, 0 where for those it has. prompt_spread, output_spread : standard deviation of the lengths over their mean.
    reused : share of a prompt's tokens whose keys and values are kept from earlier requests.
    proposed, acceptance : tokens that a draft proposes a step, and the chance that one is kept.
    together : 1 where all start as one batch, 0 where each starts when it comes.
    readings : times that a step reads keys and values: once, but for kernels that work a query head at a time.
    """

    prompt: Number
    output: Number
    in_flight: Number
    drawn: Number = 0.0
    reserved: Number = 0.0
    prompt_spread: Number = 0.0
    output_spread: Number = 0.0
    reused: Number = 0.0
    proposed: Number = 0.0
    acceptance: Number = 0.0
    together: Number = 0.0
    readings: Number = 1.0


class Placed(NamedTuple):
    """A model on devices in number formats: all that the time of a pass depends on but its tokens."""

    work: Workload
    cache: Cache
    stored: Stored
    layout: Layout
    silicon: Silicon
    formats: Formats
    attention: Number
    """Share of peak of the fused attention of long prompts."""
