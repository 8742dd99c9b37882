"""Optimizer states in the host's memory: what that frees on the device, and what the update then takes."""

from __future__ import annotations

import numpy as np

from carbonscaling.formula import formula
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Number

__all__ = ["offloaded_share", "offloaded_update_time"]


def offloaded_share(optimizer_bytes: Number, machine: Machine) -> Number:
    """Share of a device's optimizer states that lies in the host: all that is asked for, as far as its memory goes.

    Parameters
    ----------
    optimizer_bytes : bytes of the states of one device, after sharding.
    """
    return np.minimum(machine.offload, machine.host_capacity / np.maximum(optimizer_bytes, 1.0))


@formula(
    "params·(grad_bytes + weight_bytes)/host_link + params·(2·optimizer_bytes + 2·grad_bytes + weight_bytes)/host_bandwidth",
    unit="s",
    source="ren_2021",
    place="section 4: gradients to the host, update there, weights back; here without any overlap",
)
def offloaded_update_time(
    params: Number, optimizer_bytes: Number, grad_bytes: Number, weight_bytes: Number, host_link: Number,
    host_bandwidth: Number,
) -> Number:  # fmt: skip
    """Time to send gradients of `params` local parameters to the host, update them there, and send weights back.

    Parameters
    ----------
    host_link : bytes/s between a device and its host, one direction.
    host_bandwidth : bytes/s of the host's memory, per device.
    """
    sent = params * (grad_bytes + weight_bytes) / host_link
    return sent + params * (2.0 * optimizer_bytes + 2.0 * grad_bytes + weight_bytes) / host_bandwidth
