"""Collectives timed alone, device by device."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from carbonscaling import evidence
from carbonscaling.catalog import hardware
from carbonscaling.catalog.efficiency import efficiency
from carbonscaling.catalog.stacks import stack
from carbonscaling.errors import InputError
from carbonscaling.perf import build
from carbonscaling.perf.collectives import all_gather_time, all_reduce_time, group_bandwidth, inner_ranks
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.precision import precision
from carbonscaling.units import GB
from carbonscaling.validate.components.record import Component
from carbonscaling.validate.score import score

__all__ = ["check_collectives"]

LARGE = 16 * 2**20
"""Bytes: messages from here on are bound by bandwidth, smaller ones by latency."""
_BUS = {"all_reduce": 2.0, "all_gather": 1.0}


def _seconds(row: Mapping[str, str], n: float) -> float | None:
    """Measured time, from the bus bandwidth where the row states no time."""
    if row["time_us"]:
        return float(row["time_us"]) * 1e-6
    if row["collective"] in _BUS and row["busbw_gbs"]:
        return _BUS[row["collective"]] * (n - 1.0) / n * float(row["bytes"]) / (float(row["busbw_gbs"]) * GB)
    return None


def _inner(machine: Machine, row: Mapping[str, str], n: float) -> float:
    """Ranks on one host: as many as fit, or as many as the source put there."""
    stated = re.search(r"devices_per_node (\d+)", row["notes"])
    return float(stated[1]) if stated else float(inner_ranks(n, 1.0, machine.silicon.domain))


def _predicted(machine: Machine, row: Mapping[str, str], n: float, inner: float, size: float) -> float | None:
    silicon = machine.silicon
    link = group_bandwidth(silicon.link, n, silicon.axes, silicon.axis_length, silicon.pairs)
    ways = {"all_reduce": all_reduce_time, "all_gather": all_gather_time}
    if row["collective"] in ways:
        time = ways[row["collective"]](size, n, inner, link, silicon.nic, silicon.link_latency, silicon.nic_latency)
        return float(time)
    if row["collective"] != "send_recv":
        return None
    near = inner > 1
    return float(size / (link if near else silicon.nic) + (silicon.link_latency if near else silicon.nic_latency))


def _machine(name: str) -> Machine | None:
    """Machine of a device named alone or as its standard server; other boards are not in the catalogue."""
    if "(" in name and not name.endswith("(DGX)"):
        return None
    name = name.removesuffix(" (DGX)")
    try:
        device = hardware.device(name)
    except InputError:
        return None
    half = "bf16" if "bf16" in device.peak else "fp16"
    return build.machine(hardware.cluster(device), precision(half), efficiency(device), stack("plain"))


def check_collectives() -> tuple[Component, ...]:
    """Score times by device, kind and size of message."""
    groups: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in evidence.rows("collectives"):
        if not row["bytes"] or not row["n_devices"] or float(row["n_devices"]) < 2:
            continue
        machine, n, size = _machine(row["device"]), float(row["n_devices"]), float(row["bytes"])
        if machine is None:
            continue
        inner = _inner(machine, row, n)
        if not float(n / inner).is_integer():
            continue
        measured, predicted = _seconds(row, n), _predicted(machine, row, n, inner, size)
        if measured is None or predicted is None:
            continue
        name = row["device"].removesuffix(" (DGX)")
        kind = row["collective"].replace("_", "-")
        where = "across hosts" if n > inner else "16 MB and more" if size >= LARGE else "below 16 MB"
        groups[f"{name}, {kind}, {where}"].append((predicted, measured))
    return tuple(
        Component(
            "collectives", name, len(pairs), score(*np.array(pairs).T),
            remark="the source's network is not that of the catalogue's host" if name.endswith("hosts") else "",
        )
        for name, pairs in sorted(groups.items())
    )  # fmt: skip
