"""Devices in hosts on a network: what a training job runs on."""

from __future__ import annotations

from carbonscaling.errors import InputError
from carbonscaling.hardware.check import check_count
from carbonscaling.hardware.device import Device, Host
from carbonscaling.record import dataclass

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
