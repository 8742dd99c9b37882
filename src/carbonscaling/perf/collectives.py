"""Collectives over two tiers: a scale-up domain (switch or torus) and the network between domains.

A group of `n` ranks has `inner` of them in each domain and ``n / inner`` domains. Sizes are the full message; bandwidths
are per device and direction; latencies per hop.
"""

from __future__ import annotations

import numpy as np

from carbonscaling.formula import formula
from carbonscaling.perf.numbers import Number

__all__ = ["all_gather_time", "all_reduce_time", "all_to_all_time", "doublings", "group_bandwidth", "inner_ranks"]


START = 6.0
"""Hops that the start of a ring takes as long as: 24 us on NVIDIA's switches, 6 on TPUs (decision 0533)."""


@formula("min(n, max(1, domain/stride))", unit="1", source="megatron_core", place="rank order tp, cp, dp, pp")
def inner_ranks(n: Number, stride: Number, domain: Number) -> Number:
    """Ranks of a group that share a scale-up domain, when neighbours in the group are `stride` devices apart."""
    return np.minimum(n, np.maximum(1.0, domain / stride))


@formula(
    "bandwidth·(1 − 1/n²) on a switch; torus ·min(axes, ⌈log n / log axis_length⌉)/axes; mesh ·min(n−1, pairs)/pairs",
    unit="B/s",
    source="xla_perf_tables",
    place="switch: timings; torus: a ring uses both directions of each axis it spans; mesh: the links to the group's own",
)
def group_bandwidth(bandwidth: Number, n: Number, axes: Number, axis_length: Number, pairs: Number) -> Number:
    """Share of a device's scale-up bandwidth that collectives of `n` ranks inside one domain can use.

    On a switch two ranks reach three quarters of what eight do, four 0.95, on Ampere, Hopper and Blackwell alike.

    Parameters
    ----------
    bandwidth : bytes/s per device and direction, all links together.
    axes, axis_length : of a torus; ``axes = 0`` elsewhere.
    pairs : peers that a mesh splits the links over; 0 elsewhere.
    """
    spanned = np.ceil(np.log(np.maximum(n, 2.0)) / np.log(axis_length) - 1e-9)
    torus = np.minimum(axes, np.maximum(spanned, 1.0)) / np.maximum(axes, 1.0)
    mesh = np.minimum(np.maximum(n - 1.0, 1.0), pairs) / np.maximum(pairs, 1.0)
    ranks = np.maximum(n, 2.0)
    few = 1.0 - 1.0 / (ranks * ranks)
    return bandwidth * np.where(axes > 0, torus, np.where(pairs > 0, mesh, few))


@formula("log2 of min(max(domains, 4), 64)/4", unit="1", source="fabric_survey", place="4 to 64 nodes")
def doublings(domains: Number) -> Number:
    """Count how often the number of scale-up domains doubled beyond the few that a fabric's share was measured on."""
    return np.log2(np.minimum(np.maximum(domains, 4.0), 64.0) / 4.0)


def _hops(n: Number) -> Number:
    """Latency steps of a collective over n ranks: a ring for few, a tree beyond."""
    return np.minimum(n - 1.0, 2.0 * np.log2(np.maximum(n, 1.0)))


def _start(n: Number) -> Number:
    return np.where(n > 1.0, START, 0.0)


def _steps(inner: Number) -> Number:
    """Latency steps inside a domain, the start among them."""
    return _start(inner) + _hops(inner)


@formula(
    "(g−1)/g·size/link + (N−1)/N·(size/g)/nic + [size>0]·((6·[g>1] + hops(g))·link_latency + hops(N)·nic_latency), "
    "g = inner, N = n/g",
    unit="s",
    source="thakur_2005",
    place="ring all-gather, hierarchical over two tiers",
)
def all_gather_time(
    size: Number, n: Number, inner: Number, link: Number, nic: Number, link_latency: Number, nic_latency: Number
) -> Number:
    """Time to gather `size` bytes from n ranks to all, or to reduce-scatter them; 0 for one rank, and for no bytes."""
    domains = n / inner
    latency = _steps(inner) * link_latency + _hops(domains) * nic_latency
    return (
        (inner - 1.0) / inner * size / link
        + (domains - 1.0) / domains * (size / inner) / nic
        + np.where(size > 0.0, 1.0, 0.0) * latency
    )


@formula(
    "2·all_gather_time − [size>0]·6·[g>1]·link_latency",
    unit="s",
    source="thakur_2005",
    place="reduce-scatter then all-gather, started once",
)
def all_reduce_time(
    size: Number, n: Number, inner: Number, link: Number, nic: Number, link_latency: Number, nic_latency: Number
) -> Number:
    """Time to sum `size` bytes over n ranks; 0 for one rank, and for no bytes."""
    start = np.where(size > 0.0, 1.0, 0.0) * _start(inner) * link_latency
    return 2.0 * all_gather_time(size, n, inner, link, nic, link_latency, nic_latency) - start


@formula(
    "max((inner−1)/n·size/link, remote/nic) + (6·[inner>1] + hops(inner))·link_latency + nic_latency·[N>1]",
    unit="s",
    source="deepep",
    place="dispatch and combine: NVLink and network parts run side by side",
)
def all_to_all_time(
    size: Number,
    remote: Number,
    n: Number,
    inner: Number,
    link: Number,
    nic: Number,
    link_latency: Number,
    nic_latency: Number,
) -> Number:
    """Time of an all-to-all in which each rank sends `size` bytes, `remote` of them out of its domain."""
    local = (inner - 1.0) / n * size / link
    latency = _steps(inner) * link_latency + np.where(n > inner, nic_latency, 0.0)
    longest: Number = np.maximum(local, remote / nic)
    return longest + latency
