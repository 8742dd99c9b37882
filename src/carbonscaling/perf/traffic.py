"""Times of one layer's collectives: of tensor ranks, and of experts."""

from __future__ import annotations

from collections.abc import Callable

from carbonscaling.perf.collectives import all_gather_time, all_to_all_time, group_bandwidth, inner_ranks
from carbonscaling.perf.experts import copies_per_token, dispatch_bytes, remote_dispatch_bytes
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Number, Workload

__all__ = ["Collective", "collective", "exchange_time"]

Collective = Callable[[Number, Number, Number, Number, Number, Number, Number], Number]
"""A function of `perf.collectives`: size, ranks, ranks in a domain, link, network, latencies of both."""


def collective(kind: Collective, size: Number, n: Number, stride: Number, machine: Machine) -> Number:
    """Time of a collective over `n` ranks that lie `stride` devices apart."""
    inner = inner_ranks(n, stride, machine.domain)
    link = group_bandwidth(machine.link, n, machine.axes, machine.axis_length, machine.pairs)
    return kind(size, n, inner, link, machine.nic, machine.link_latency, machine.nic_latency)


def exchange_time(work: Workload, machine: Machine, own: Number, ep: Number, etp: Number) -> Number:
    """Time to send a rank's own routed tokens to their experts and back, plain and unhidden."""
    h, comm = work.d_model, machine.comm_bytes
    inner = inner_ranks(ep, etp, machine.domain)
    link = group_bandwidth(machine.link, ep, machine.axes, machine.axis_length, machine.pairs)
    copies = copies_per_token(work.top_k, work.node_limit, ep / inner, machine.relay)
    exchange: Number = 0.0
    for element_bytes in (machine.dispatch_bytes, machine.combine_bytes):
        size = dispatch_bytes(own, work.top_k, h, element_bytes)
        remote = remote_dispatch_bytes(own, copies, h, element_bytes, ep, inner)
        exchange = exchange + all_to_all_time(
            size, remote, ep, inner, link, machine.nic * machine.exchange, machine.link_latency, machine.nic_latency
        )
    # Ranks that share an expert gather each other's routed tokens, and scatter their sums.
    return exchange + 2.0 * collective(all_gather_time, own * etp * work.top_k * h * comm, etp, 1.0, machine)
