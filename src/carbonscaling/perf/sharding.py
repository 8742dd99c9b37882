"""Data parallelism and ZeRO: what each rank keeps, what it sends, how much of that hides behind compute."""

from __future__ import annotations

import numpy as np

from carbonscaling.formula import formula
from carbonscaling.hints import NamedTuple
from carbonscaling.perf.collectives import all_gather_time, all_reduce_time
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Number
from carbonscaling.perf.traffic import collective

__all__ = ["PerStep", "exposed_time", "gradient_time", "optimizer_time", "parameter_time"]


class PerStep(NamedTuple):
    """Seconds of communication: once a step, and again for every micro-batch."""

    once: Number
    each: Number


def gradient_time(
    params: Number, n: Number, shard: Number, stride: Number, zero: Number, wait: Number, machine: Machine
) -> PerStep:
    """Seconds a rank spends reducing gradients.

    ZeRO-0 sums over all `n` replicas. ZeRO-1 reduce-scatters inside the sharding group and sums the shards across
    groups. ZeRO-2 and 3 keep gradients sharded, so they reduce after every micro-batch (Rajbhandari 2020, section 7).

    Parameters
    ----------
    params : parameters this rank holds a gradient of before sharding.
    n, shard : replicas, and how many of them share one copy of the sharded states.
    stride : distance in devices between neighbouring replicas.
    wait : s that a ZeRO-3 lost to its host adds to each reduction, as `parameter_wait` counts them.
    """
    size = params * machine.software.grad_comm_bytes
    plain = collective(all_reduce_time, size, n, stride, machine)
    scatter = collective(all_gather_time, size, shard, stride, machine)
    across = collective(all_reduce_time, size / shard, n / shard, stride * shard, machine)
    return PerStep(
        once=np.where(zero >= 2, across, np.where(zero >= 1, scatter + across, plain)),
        each=np.where(zero >= 2, scatter + np.where(params > 0, wait, 0.0), 0.0),
    )


def parameter_time(
    params: Number, shard: Number, stride: Number, zero: Number, wait: Number, machine: Machine
) -> PerStep:
    """Seconds a rank spends gathering weights: once after the update (ZeRO-1, 2), or every time it collects them (3)."""
    size = params * np.minimum(machine.software.weight_bytes, machine.formats.comm_bytes)
    gather = collective(all_gather_time, size, shard, stride, machine)
    return PerStep(
        once=np.where((zero >= 1) & (zero < 3), gather, 0.0),
        each=np.where(zero >= 3, gather + np.where(params > 0, wait, 0.0), 0.0),
    )


@formula(
    "max(0, comm − overlap·window) + (contention − 1)·min(comm, overlap·window)",
    unit="s",
    source="simumax",
    place="overlap; contention from Centauri-type measurements",
)
def exposed_time(comm: Number, window: Number, overlap: Number, contention: Number) -> Number:
    """Time that communication adds to a step when a share of a compute `window` can hide it.

    Compute that shares the memory system with communication slows down by `contention`.
    """
    hidden = np.minimum(comm, overlap * window)
    return comm - hidden + (contention - 1.0) * hidden


@formula(
    "params·(2·optimizer_bytes + 2·grad_bytes + weight_bytes) / bandwidth",
    unit="s",
    source="rajbhandari_2020",
    place="section 3.1: states read and written once",
)
def optimizer_time(
    params: Number, optimizer_bytes: Number, grad_bytes: Number, weight_bytes: Number, bandwidth: Number
) -> Number:
    """Time of a memory-bound optimizer update of `params` local parameters, gradient norm included."""
    return params * (2.0 * optimizer_bytes + 2.0 * grad_bytes + weight_bytes) / bandwidth
