"""States in the host's memory: what that frees on the device, what the update then takes, and what streams back."""

from __future__ import annotations

import numpy as np

from carbonscaling.formula import formula
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Number

__all__ = ["HOST_GRADIENT", "offloaded_share", "offloaded_update_time", "streamed_time"]

HOST_GRADIENT = 4.0
"""Bytes of a gradient in the host: DeepSpeed and FairScale cast to float32 before they send it (decision 0006)."""


def offloaded_share(optimizer_bytes: Number, machine: Machine) -> Number:
    """Share of a device's optimizer states that lies in the host: all that is asked for, as far as its memory goes.

    Parameters
    ----------
    optimizer_bytes : bytes of the states of one device, after sharding.
    """
    return np.minimum(machine.software.offload, machine.silicon.host_capacity / np.maximum(optimizer_bytes, 1.0))


@formula(
    "params·sent_bytes/host_link + params·(2·optimizer_bytes + 4·grad_bytes + weight_bytes)/host_bandwidth",
    unit="s",
    source="ren_2021",
    place="section 4.1: gradients to the host, update there, weights back; here without any overlap",
)
def offloaded_update_time(
    params: Number, optimizer_bytes: Number, grad_bytes: Number, weight_bytes: Number, sent_bytes: Number,
    host_link: Number, host_bandwidth: Number,
) -> Number:  # fmt: skip
    """Time to send gradients of `params` local parameters to the host, update them there, and send weights back.

    The host reads gradients for their norm, reads and writes them to scale them, and reads them for the update.

    Parameters
    ----------
    sent_bytes : bytes a parameter that the update sends, there and back; 0 where they stream during the passes.
    host_link : bytes/s between a device and its host, one direction.
    host_bandwidth : bytes/s of the host's memory, per device.
    """
    sent = params * sent_bytes / host_link
    return sent + params * (2.0 * optimizer_bytes + 4.0 * grad_bytes + weight_bytes) / host_bandwidth


@formula(
    "params·element_bytes/host_link",
    unit="s",
    source="fairscale",
    place="weights kept in the host: a shard comes for every gather, its gradients go after every backward pass",
)
def streamed_time(params: Number, element_bytes: Number, host_link: Number) -> Number:
    """Time of `params` local parameters on the link to the host, one way."""
    return params * element_bytes / host_link
