"""A ZeRO-3 that collects weights parameter by parameter: what it loses to the host, and what it must fetch twice."""

from __future__ import annotations

import numpy as np

from carbonscaling.formula import formula
from carbonscaling.perf.numbers import Number, Workload

__all__ = ["fetched_twice", "listing_time", "parameter_wait"]

KEPT = 1e9
"""Parameters used meanwhile up to which a fetched one is kept: DeepSpeed's `stage3_max_reuse_distance`, as it ships."""

MATRICES = 4.0
"""Parameters of a layer worth splitting: into and out of attention, into and out of the feed-forward block."""

COPIES = 3.0
"""Passes over the weights beside the transfer: a new tensor is filled with zeros, and the result copied into it."""


@formula(
    "4·layers·ranks·gather_rank + 3·params·weight_bytes/bandwidth",
    unit="s",
    source="deepspeed",
    place="each collective of one parameter lists a slice for every rank, copies it, and passes it once around the ring",
)
def parameter_wait(
    layers: Number, ranks: Number, gather_rank: Number, params: Number, weight_bytes: Number, bandwidth: Number
) -> Number:
    """Time in which a rank collects all its weights and the links move nothing.

    Parameters
    ----------
    layers : layers on a stage.
    ranks : devices that share one copy.
    gather_rank : s a rank and parameter.
    params : dense parameters of the rank before sharding.
    weight_bytes : bytes of each.
    bandwidth : bytes/s of the device's memory, as reached.
    """
    return listing_time(MATRICES * layers, ranks, gather_rank) + COPIES * params * weight_bytes / bandwidth


@formula(
    "tensors·ranks·gather_rank",
    unit="s",
    source="deepspeed_zero",
    place="AllGatherCoalescedHandle.wait, zero/partition_parameters.py: of what came together each tensor is put together anew",
)
def listing_time(tensors: Number, ranks: Number, gather_rank: Number) -> Number:
    """Time in which a host lists a slice for every rank of each of many tensors that a layer collects together."""
    return tensors * ranks * gather_rank


def fetched_twice(work: Workload, tp: Number) -> Number:
    """Share of the weights that full recomputation fetches and the backward pass must fetch once more.

    A matrix is kept between the two if the layer's later ones, forward and backward, hold fewer than `KEPT` parameters.
    """
    into, out = 0.75 * work.p_attention / tp, 0.25 * work.p_attention / tp
    half = 0.5 * work.p_dense / tp
    again = (
        into * (2.0 * (out + 2.0 * half) > KEPT) + out * (4.0 * half > KEPT) + half * (2.0 * half > KEPT)
    )  # fmt: skip
    return again / np.maximum(into + out + 2.0 * half, 1.0)
