"""Rows whose weights and states lie in their host: fully sharded ones that their devices could not hold by far."""

from __future__ import annotations

from carbonscaling.catalog.offload import host_side
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.memory import memory
from carbonscaling.perf.numbers import Setting, Workload
from carbonscaling.validate.habits import habits_of, store, stored
from carbonscaling.validate.row import RunRow

__all__ = ["in_host"]

BEYOND = 1.25
"""Need over limit that no error of the memory model explains (decision 0030): such a row ran, so its states were elsewhere."""

MASTER = 4.0
"""Bytes that a gather fetches where float32 shards are the only copy: FairScale casts on the device."""


def in_host(
    row: RunRow, work: Workload, machine: Machine, setting: Setting, cluster: Cluster, precision: str, notes: list[str]
) -> Machine:
    """Return the machine of a row, with weights, gradients and states in the host where they cannot be elsewhere."""
    h = habits_of(row, cluster.device)
    need = memory(work, store(h, machine, precision, row, setting), stored(h, setting))
    if cluster.device.kind == "tpu" or setting.zero < 3 or need.total <= BEYOND * need.limit:
        return machine
    side = host_side(cluster, setting.n_devices)
    notes.append("weights and states in the host: the devices cannot hold them")
    return machine._replace(
        offload=1.0,
        streamed=machine.weight_bytes if h.master_apart.value else MASTER,
        host_link=side.to_host,
        host_bandwidth=side.bandwidth,
        host_capacity=side.capacity,
    )
