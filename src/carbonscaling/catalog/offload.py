"""Links between devices and their hosts, and the memory there, for states that are kept off the device."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from carbonscaling.catalog.read import packaged, shipped
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.record import dataclass
from carbonscaling.sources import Datum

__all__ = ["HostSide", "host_side"]


@dataclass(frozen=True)
class _Reached:
    link: Datum
    memory: Datum


@dataclass(frozen=True)
class _Rows:
    link: Mapping[str, Datum]
    memory: Mapping[str, Datum]
    neighbours: Mapping[str, Datum]
    reached: _Reached


@dataclass(frozen=True)
class HostSide:
    """What a device finds in its host.

    Attributes
    ----------
    link, memory : Datum
        As shipped: of the link to the host, and of the memory of one CPU.
    to_host, bandwidth, capacity : float
        A device's part of them: bytes/s to the host, one direction; bytes/s and bytes of its memory.
    """

    link: Datum
    memory: Datum
    to_host: float
    bandwidth: float
    capacity: float


@lru_cache(maxsize=1)
def _rows() -> _Rows:
    return shipped(_Rows, packaged("carbonscaling.catalog", "offload.toml"))


def host_side(cluster: Cluster, devices: float | None = None) -> HostSide:
    """Return the host's side of a cluster; half of its memory may be used.

    Parameters
    ----------
    devices : float, optional
        Devices at work; hosts are full otherwise. One works on the memory of one CPU at most.
    """
    found, host, family = _rows(), cluster.host, cluster.device.architecture
    own = cluster.device.id  # a part beside a processor with a link of its own
    link, memory = (rows.get(own, rows.get(family, rows["default"])) for rows in (found.link, found.memory))
    sharing = min(devices or host.devices_per_host, host.devices_per_host)
    behind_one = min(sharing, found.neighbours.get(family, found.neighbours["default"]).value)
    return HostSide(
        link,
        memory,
        link.si * found.reached.link.value / behind_one,
        min(max(1, host.n_cpus) / sharing, 1.0) * memory.si * found.reached.memory.value,
        USABLE * host.cpu_memory.si / sharing,
    )


USABLE = 0.5
"""Share of the host's memory that states may take: a judgement, the rest is left to data loading and the system."""
