"""Devices in hosts on a network: what a training job runs on."""

from __future__ import annotations

from dataclasses import dataclass

from carbonscaling.errors import InputError
from carbonscaling.hardware.check import check_count
from carbonscaling.hardware.device import Device, Host
from carbonscaling.hardware.fabric import TORUS_AXES, groups_needed, one_direction, pair_link, torus_link, torus_shape

__all__ = ["Cluster"]


@dataclass(frozen=True)
class Cluster:
    """One kind of device in one kind of host.

    Attributes
    ----------
    device : Device
    host : Host
    max_devices : int, optional
        How many exist; None for as many as wanted.

    Raises
    ------
    InputError
        `max_devices` is below one.
    """

    device: Device
    host: Host
    max_devices: int | None = None

    def __post_init__(self) -> None:
        """Refuse an empty cluster."""
        if self.max_devices is not None:
            check_count(self.max_devices, "max_devices", f"cluster of {self.device.id}")

    @property
    def link_bandwidth(self) -> float:
        """Scale-up bandwidth of a device in one direction over all its links, in B/s."""
        return float(one_direction(self.device.link_bandwidth.si))

    @property
    def pair_bandwidth(self) -> float:
        """Scale-up bandwidth from a device to one neighbour in one direction, in B/s.

        Everything behind a switch, one of the direct links in a mesh, one link of a torus.
        """
        total = self.device.link_bandwidth.si
        if self.axes:
            return float(torus_link(total, self.axes))
        if self.host.topology == "mesh":
            return float(pair_link(total, self.host.domain_size))
        return self.link_bandwidth

    @property
    def network_bandwidth(self) -> float:
        """Scale-out bandwidth of a device in one direction, in B/s."""
        return self.host.nic_bandwidth.si

    @property
    def axes(self) -> int:
        """Axes of the torus; 0 where the scale-up domain is none."""
        return TORUS_AXES.get(self.host.topology, 0)

    def n_hosts(self, n_devices: int) -> int:
        """Hosts that `n_devices` occupy, the last one perhaps in part."""
        return int(groups_needed(self.check(n_devices), self.host.devices_per_host))

    def n_domains(self, n_devices: int) -> int:
        """Scale-up domains that `n_devices` occupy."""
        return int(groups_needed(self.check(n_devices), self.host.domain_size))

    def slice_shape(self, n_devices: int) -> tuple[int, ...]:
        """Sides of the torus slice that `n_devices` form in one pod; empty where there is no torus.

        The most cube-like shape is taken; a job on several pods has the shape of its share of one.
        """
        if not self.axes:
            return ()
        return torus_shape(-(-self.check(n_devices) // self.n_domains(n_devices)), self.axes)

    def rings(self, n_devices: int) -> tuple[bool, ...]:
        """Which sides of `slice_shape` close into a ring (Austin et al. 2025, chapter 2, networking)."""
        multiple = self.host.ring_multiple
        return tuple(multiple > 0 and side % multiple == 0 for side in self.slice_shape(n_devices))

    def check(self, n_devices: int) -> int:
        """Return `n_devices`, or say why the cluster cannot give so many.

        Raises
        ------
        InputError
            Fewer than one, or more than `max_devices`.
        """
        if n_devices < 1 or (self.max_devices is not None and n_devices > self.max_devices):
            most = "any number" if self.max_devices is None else str(self.max_devices)
            raise InputError(
                "the cluster does not have that many devices",
                key="n_devices",
                value=n_devices,
                allowed=f"1 to {most}",
                remedy="raise max_devices or ask for fewer",
            )
        return n_devices
