"""The hardware of a measured row: its device by name, host and network from what the row says of its interconnect."""

from __future__ import annotations

import re
from typing import NamedTuple

from carbonscaling.catalog import hardware
from carbonscaling.errors import InputError
from carbonscaling.evidence.row import RunRow, Unusable
from carbonscaling.hardware.device import Device

__all__ = ["Place", "place"]


class Place(NamedTuple):
    """A device, its host by name (None: the usual one), and Gbit/s of network a device (None: the host's)."""

    device: Device
    host: str | None
    nic_gbps: float | None


def place(row: RunRow, notes: list[str]) -> Place:
    """Device by name; host and network from what the row says of its interconnect."""
    try:
        device = hardware.device(row.device)
    except InputError as error:
        raise Unusable(f"unknown device {row.device!r}") from error
    text = row.interconnect.lower()
    host = None
    if "jean zay" in text:
        host = "jean-zay-v100" if device.architecture == "Volta" else "jean-zay-a100"
    elif "dgx-2" in text and device.architecture == "Volta":
        host = "dgx-2"
    cluster = hardware.cluster(device, host)
    per_host = cluster.host.devices_per_host
    # "Gb" are bits, "GB" bytes; a node's compute network has four cards or more. Memory and links inside are none.
    cards = [
        int(k) * float(g) * (8 if unit == "GB" else 1)
        for k, what, g, unit in re.findall(
            r"(\d+)\s*[x×]\s*([A-Za-z0-9 -]*?)(\d{2,3})\s*(G[bB])(?:ps|/[sS])", row.interconnect
        )
        if int(k) >= 4 and "nvlink" not in what.lower()
    ]
    total = re.search(r"(\d{3,4})\s*gb/s\s*(?:node-to-node|inter)|inter-node\s*(\d{3,4})\s*gb/s", text)
    each = re.search(r"(\d{3})\s*gb/s\s*(?:ib|roce|ndr|hdr)?[a-z ]*per gpu", text)
    gbps = None
    if host is None and device.kind != "tpu":
        if each:
            gbps = float(each.group(1))
        elif total:
            gbps = float(total.group(1) or total.group(2)) / per_host
        elif cards and device.vendor == "NVIDIA":
            gbps = max(cards) / per_host
    if not gbps and row.n_devices and row.n_devices > cluster.host.domain_size:
        notes.append(f"network of {cluster.host.name}")
    return Place(device, host, gbps or None)
