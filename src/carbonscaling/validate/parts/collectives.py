"""Collectives timed alone, device by device."""

from __future__ import annotations

import re
from collections.abc import Mapping

from carbonscaling import evidence
from carbonscaling.catalog import hardware
from carbonscaling.catalog.efficiency import efficiency
from carbonscaling.errors import InputError
from carbonscaling.perf import build
from carbonscaling.perf.collectives import all_gather_time, all_reduce_time, group_bandwidth, inner_ranks
from carbonscaling.perf.machine import Silicon
from carbonscaling.units import GB
from carbonscaling.validate.parts.part import Component, Outcome, lines

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


def _inner(silicon: Silicon, row: Mapping[str, str], n: float) -> float:
    """Ranks on one host: as many as fit, or as many as the source put there."""
    stated = re.search(r"devices_per_node (\d+)", row["notes"])
    return float(stated[1]) if stated else float(inner_ranks(n, 1.0, silicon.domain))


def _predicted(silicon: Silicon, row: Mapping[str, str], n: float, inner: float, size: float) -> float | None:
    link = group_bandwidth(silicon.link, n, silicon.axes, silicon.axis_length, silicon.pairs)
    ways = {"all_reduce": all_reduce_time, "all_gather": all_gather_time}
    if row["collective"] in ways:
        time = ways[row["collective"]]
        return float(time(size, n, inner, link, silicon.nic, silicon.link_latency, silicon.nic_latency))
    if row["collective"] != "send_recv":
        return None
    return float(size / link + silicon.link_latency if inner > 1 else size / silicon.nic + silicon.nic_latency)


def _silicon(name: str) -> Silicon | None:
    """Silicon of a device named alone or as its standard server; other boards are not in the catalogue."""
    if "(" in name and not name.endswith("(DGX)"):
        return None
    try:
        device = hardware.device(name.removesuffix(" (DGX)"))
    except InputError:
        return None
    return build.silicon(hardware.cluster(device), efficiency(device))


def outcome(row: Mapping[str, str]) -> Outcome:
    """Return the time of a row in seconds, by device, kind and size of message."""
    silicon = _silicon(row["device"])
    if silicon is None:
        return Outcome(reason=f"unknown device {row['device']!r}")
    if not row["bytes"] or not row["n_devices"] or float(row["n_devices"]) < 2:
        return Outcome(reason="no bytes, or fewer than two devices")
    n, size = float(row["n_devices"]), float(row["bytes"])
    inner = _inner(silicon, row, n)
    predicted, measured = _predicted(silicon, row, n, inner, size), _seconds(row, n)
    if predicted is None or not float(n / inner).is_integer():
        return Outcome(reason=f"{row['collective']} is not predicted" if predicted is None else "hosts of unequal size")
    if measured is None:
        return Outcome(predicted=predicted)
    where = "across hosts" if n > inner else "16 MB and more" if size >= LARGE else "below 16 MB"
    kind = row["collective"].replace("_", "-")
    return Outcome((f"{row['device'].removesuffix(' (DGX)')}, {kind}, {where}",), predicted, measured)


def _remark(group: str) -> str:
    return "the source's network is not that of the catalogue's host" if group.endswith("hosts") else ""


def check_collectives() -> tuple[Component, ...]:
    """Score times of the shipped rows."""
    return lines("collectives", map(outcome, evidence.rows("collectives")), remark=_remark)
