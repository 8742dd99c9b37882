"""Links between devices and their hosts, and the memory there, for states that are kept off the device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from carbonscaling.catalog.read import packaged, shipped
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.sources import Datum

__all__ = ["HostSide", "host_side"]


@dataclass(frozen=True)
class _Rows:
    link: Mapping[str, Datum]
    memory: Mapping[str, Datum]


@dataclass(frozen=True)
class HostSide:
    """What a device finds in its host: bytes/s to it, one direction, and bytes/s and bytes of memory per device.

    Attributes
    ----------
    link, memory : Datum
        As shipped: of the link, and of the memory of one CPU.
    bandwidth, capacity : float
        A device's part of the host's memory, in bytes/s and bytes.
    """

    link: Datum
    memory: Datum
    bandwidth: float
    capacity: float


@lru_cache(maxsize=1)
def _rows() -> _Rows:
    return shipped(_Rows, packaged("carbonscaling.catalog", "offload.toml"))


def host_side(cluster: Cluster) -> HostSide:
    """Return the host's side of a cluster; half of its memory may be used."""
    found, host = _rows(), cluster.host
    memory = found.memory["default"]
    share = 1.0 / host.devices_per_host
    return HostSide(
        found.link.get(cluster.device.architecture, found.link["default"]),
        memory,
        max(1, host.n_cpus) * memory.si * share,
        USABLE * host.cpu_memory.si * share,
    )


USABLE = 0.5
"""Share of the host's memory that states may take: a judgement, the rest is left to data loading and the system."""
