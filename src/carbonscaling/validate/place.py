"""The hardware of a measured row: its device by name, host and network from what the row says of its interconnect."""

from __future__ import annotations

import re

from carbonscaling.catalog import hardware
from carbonscaling.errors import InputError
from carbonscaling.evidence.row import RunRow, Unusable
from carbonscaling.hardware.device import Device
from carbonscaling.hints import NamedTuple
from carbonscaling.validate.network import network

__all__ = ["Place", "place"]


_OF_NODE = re.compile(r"\bnodes? of (\d+)\b|\b(\d+)(?: gpus?| devices?| [a-z]?\d{2,3}s?)? (?:per|a) node")


class Place(NamedTuple):
    """A device, its host by name, Gbit/s of network a device, and kind of network; None where the usual host says it."""

    device: Device
    host: str | None
    nic_gbps: float | None
    fabric: str | None


def _device(row: RunRow) -> Device:
    """Return a device by its name, with the memory that the row states where that names a part of its own."""
    whole = f"{row.device}-{row.device_memory_gb:g}" if row.device_memory_gb else row.device
    try:
        return hardware.device(whole if hardware.is_device(whole) else row.device)
    except InputError as unknown:
        raise Unusable(f"unknown device {row.device!r}") from unknown


def _of_fewer(device: Device, text: str) -> str | None:
    """Return the host of as many devices as a text says of a node, where the catalogue has one beside the usual."""
    told = _OF_NODE.search(text)
    host = f"{device.default_host}-{told[1] or told[2]}" if told else ""
    return host if host in hardware.host_names() else None


def place(row: RunRow, notes: list[str]) -> Place:
    """Device by name; host and network from what the row says of its interconnect."""
    device = _device(row)
    text = row.interconnect.lower()
    named = None
    if "jean zay" in text and device.architecture in ("Volta", "Ampere"):
        named = "jean-zay-v100" if device.architecture == "Volta" else "jean-zay-a100"
    elif "dgx-2" in text and device.architecture == "Volta":
        named = "dgx-2"
    host = named or _of_fewer(device, text)
    cluster = hardware.cluster(device, host)
    told = network(row.interconnect, row.device, device.architecture, cluster.host.devices_per_host)
    gbps, fabric = (told.gbps, told.fabric) if named is None and device.kind == "gpu" else (None, None)
    if not gbps and row.n_devices and row.n_devices > cluster.host.domain_size:
        notes.append(f"network of {cluster.host.name}")
    return Place(device, host, gbps, fabric)
