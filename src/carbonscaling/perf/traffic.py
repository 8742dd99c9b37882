"""Times of one layer's collectives: of tensor ranks, of context ranks, and of experts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from carbonscaling.perf.collectives import all_gather_time, all_to_all_time, doublings, group_bandwidth, inner_ranks
from carbonscaling.perf.experts import copies_in_turn, copies_per_token, dispatch_bytes, remote_dispatch_bytes
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Number, Workload

__all__ = ["Collective", "collective", "context_times", "exchange_time"]

Collective = Callable[[Number, Number, Number, Number, Number, Number, Number], Number]
"""A function of `perf.collectives`: size, ranks, ranks in a domain, link, network, latencies of both."""


def collective(kind: Collective, size: Number, n: Number, stride: Number, machine: Machine) -> Number:
    """Time of a collective over `n` ranks that lie `stride` devices apart."""
    silicon = machine.silicon
    inner = inner_ranks(n, stride, silicon.domain)
    link = group_bandwidth(silicon.link, n, silicon.axes, silicon.axis_length, silicon.pairs)
    nic = silicon.nic * np.power(silicon.nic_doubling, doublings(n / inner))
    return kind(size, n, inner, link, nic, silicon.link_latency, silicon.nic_latency)


def context_times(
    work: Workload, machine: Machine, batch: Number, tp: Number, cp: Number, scores: Number, scores_back: Number
) -> tuple[Number, Number]:
    """Forward and backward time that context ranks wait for each other's keys and values.

    They pass around a ring while scores are computed (Liu et al. 2023, arXiv 2310.01889, section 3); backward their gradients
    go along. Or heads are dealt out: queries, keys and values are exchanged for those of whole sequences before, results
    after, both with nothing beside (DeepSpeed-Ulysses, Jacobs et al. 2023, arXiv 2309.14509, section 3); a rank with less
    than a key/value head gets a whole one. What scans along a sequence has its heads dealt out in either case, and with them
    all that it projects (Megatron-Core, ``ssm/mamba_context_parallel.py`` and ``ssm/gated_delta_net.py``).

    Parameters
    ----------
    scores, scores_back : s of attention that the ring can hide behind.
    """
    tokens, ways = batch * work.seq_len, tp * cp
    size = tokens * work.d_kv / tp * machine.formats.comm_bytes
    ring = work.attended * collective(all_gather_time, size, cp, tp, machine)
    overlap = machine.software.overlap
    head = (work.d_query + work.d_context) / np.maximum(work.n_heads, 1.0)
    before = work.d_query / ways + np.maximum(work.d_kv / ways, np.minimum(head, work.d_kv))
    dealt = work.attended * _dealing_time(machine, tokens, (before, work.d_context / ways), tp, cp)
    mixed = work.mixed * _dealing_time(machine, tokens, (work.n_mix / ways, work.d_mix / ways), tp, cp)
    return (
        np.where(work.dealt > 0, dealt, np.maximum(0.0, ring - overlap * scores)) + mixed,
        np.where(work.dealt > 0, dealt, np.maximum(0.0, 2.0 * ring - overlap * scores_back)) + mixed,
    )


def _dealing_time(machine: Machine, tokens: Number, widths: tuple[Number, Number], tp: Number, cp: Number) -> Number:
    """Time to exchange a layer's pieces of the sequence for heads, and back: as much in either pass."""
    silicon = machine.silicon
    inner = inner_ranks(cp, tp, silicon.domain)
    link = group_bandwidth(silicon.link, cp, silicon.axes, silicon.axis_length, silicon.pairs)
    nic = silicon.nic * np.power(silicon.nic_doubling, doublings(cp / inner))
    found: Number = 0.0
    for width in widths:
        size = tokens * width * machine.formats.comm_bytes
        remote = size * (cp - inner) / cp
        found = found + all_to_all_time(size, remote, cp, inner, link, nic, silicon.link_latency, silicon.nic_latency)
    return found


def exchange_time(work: Workload, machine: Machine, own: Number, ep: Number, etp: Number) -> Number:
    """Time to send a rank's own routed tokens to their experts and back, plain and unhidden.

    Or to gather all tokens of the experts' ranks on each of them, and to scatter the sums of what their experts make of them
    (Megatron-Core, ``moe/token_dispatcher.py``, *MoEAllGatherTokenDispatcher*).
    """
    silicon, formats, software = machine
    h, comm = np.where(work.d_routed > 0, work.d_routed, work.d_model), formats.comm_bytes
    inner = inner_ranks(ep, etp, silicon.domain)
    link = group_bandwidth(silicon.link, ep, silicon.axes, silicon.axis_length, silicon.pairs)
    copies = np.where(
        software.in_turn > 0,
        copies_in_turn(work.top_k, work.n_experts, ep / inner, software.relay),
        copies_per_token(work.top_k, work.node_limit, ep / inner, software.relay),
    )
    exchange: Number = 0.0
    for element_bytes in (formats.dispatch_bytes, formats.combine_bytes):
        size = dispatch_bytes(own, work.top_k, h, element_bytes)
        remote = remote_dispatch_bytes(own, copies, h, element_bytes, ep, inner)
        exchange = exchange + all_to_all_time(
            size, remote, ep, inner, link, silicon.nic * silicon.exchange, silicon.link_latency, silicon.nic_latency
        )
    # Ranks that share an expert gather each other's routed tokens, and scatter their sums.
    exchange = exchange + 2.0 * collective(all_gather_time, own * etp * work.top_k * h * comm, etp, 1.0, machine)
    gathered = 2.0 * collective(all_gather_time, own * ep * etp * h * comm, ep * etp, 1.0, machine)
    return np.where(software.everywhere > 0, gathered, exchange)
