"""Collectives timed alone, device by device."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from carbonscaling import evidence
from carbonscaling.catalog import hardware
from carbonscaling.catalog.efficiency import efficiency
from carbonscaling.errors import InputError
from carbonscaling.evidence.row import Cells, Row, Unusable, number, value
from carbonscaling.perf import build
from carbonscaling.perf.collectives import (
    all_gather_time,
    all_reduce_time,
    all_to_all_time,
    group_bandwidth,
    inner_ranks,
)
from carbonscaling.perf.machine import Silicon
from carbonscaling.units import GB
from carbonscaling.validate.parts.part import Component, Outcome, judged, lines

__all__ = ["check_collectives", "collective_outcomes"]

LARGE = 16 * 2**20
"""Bytes: messages from here on are bound by bandwidth, smaller ones by latency."""
BUS = {"all_reduce": 2.0, "all_gather": 1.0, "reduce_scatter": 1.0, "all_to_all": 1.0}
"""Bytes that a device sends for each byte of the message, but for the share that stays with it (nccl-tests' convention)."""


def _silicon(row: Row) -> Silicon:
    """Silicon of a device named alone or as its standard server, with the network that the row states.

    Raises
    ------
    Unusable
        Another board, or a device that the catalogue does not know.
    """
    name = row["device"].removesuffix(" (DGX)")
    try:
        device = hardware.device(name)
        if "(" in name:
            raise Unusable(f"{name} is no board of the catalogue")
    except InputError as error:
        raise Unusable(f"unknown device {name!r}") from error
    cards, each = number("nics_per_node", row["nics_per_node"]), number("gbps_per_nic", row["gbps_per_nic"])
    stated = cards * each * value(row, "nodes") / value(row, "n_devices") if cards and each else None
    return build.silicon(hardware.cluster(device, None, nic_gbps=stated), efficiency(device))


def _predicted(silicon: Silicon, kind: str, n: float, inner: float, size: float) -> float:
    if kind == "send_recv":
        near = size / silicon.link + silicon.link_latency
        return float(near if inner > 1 else size / silicon.nic + silicon.nic_latency)
    link = group_bandwidth(silicon.link, n, silicon.axes, silicon.axis_length, silicon.pairs)
    rates = (link, silicon.nic, silicon.link_latency, silicon.nic_latency)
    if kind == "all_to_all":
        return float(all_to_all_time(size, size * (n - inner) / n, n, inner, *rates))
    return float((all_reduce_time if kind == "all_reduce" else all_gather_time)(size, n, inner, *rates))


def outcome(row: Row) -> Outcome:
    """Return the time of a row in seconds, by device, kind, and size of message or fabric.

    Raises
    ------
    Unusable
        The row lacks something, or the model has nothing for it.
    """
    kind, n, size = row["collective"], value(row, "n_devices"), value(row, "bytes")
    if kind not in (*BUS, "send_recv"):
        raise Unusable(f"{kind or 'no collective'} is not predicted")
    silicon, nodes = _silicon(row), number("nodes", row["nodes"])
    on_node = re.search(r"devices_per_node (\d+)", row["notes"])
    stated = n / nodes if nodes else float(on_node[1]) if on_node else None
    inner = stated or float(inner_ranks(n, 1.0, silicon.domain))
    if n < 2 or not inner.is_integer() or n % inner:
        raise Unusable("fewer than two devices, or hosts of unequal size")
    predicted, time, rate = _predicted(silicon, kind, n, inner, size), number("time_us", row["time_us"]), 0.0
    if kind in BUS:
        rate = (number("busbw_gbs", row["busbw_gbs"]) or 0.0) * GB
    measured = time * 1e-6 if time else BUS[kind] * (n - 1.0) / n * size / rate if rate else math.nan
    where = row["fabric"] or "across hosts" if n > inner else "16 MB and more" if size >= LARGE else "below 16 MB"
    group = f"{row['device'].removesuffix(' (DGX)')}, {kind.replace('_', '-')}, {where}"
    return Outcome((group,) if measured > 0.0 else (), predicted, measured)


def collective_outcomes(rows: Sequence[Row]) -> list[Outcome]:
    """Return the time of every row in seconds, or why it has none."""
    return judged(rows, outcome)


def check_collectives() -> tuple[Component, ...]:
    """Score times of the shipped rows."""
    rows = [Cells(row) for row in evidence.rows("collectives")]
    return lines("collectives", collective_outcomes(rows), remark=_remark)


def _remark(group: str) -> str:
    return "the source's network is not that of the catalogue's host" if group.endswith("across hosts") else ""
