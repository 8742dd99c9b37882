"""Power of hosts that were only ever read as part of a whole system, from all readings or without some of them."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import replace

from carbonscaling.carbon.power import host_from_system
from carbonscaling.catalog.factors import device_row, factor, factor_ids
from carbonscaling.formula import formula
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.sources import Datum

__all__ = ["TOGETHER", "derived_host_power", "fed_by", "reading_spread", "system_readings", "without_reading"]

INDEPENDENT = "host_power.independent.server"
TOGETHER = "derived from readings of the whole system"
"""Basis of a host's power that is known with its devices': their sum has the range, not each of them."""
STUDENT = {1: 6.314, 2: 2.920, 3: 2.353, 4: 2.132, 5: 2.015, 6: 1.943, 7: 1.895, 8: 1.860}
"""95th percentile of Student's distribution by degrees of freedom."""


def system_readings(host_id: str) -> Mapping[str, Datum]:
    """Return the system readings of a host by the run they were read in; none for a host measured otherwise."""
    table = f"host_power.{host_id}."
    return {key.removeprefix(table): factor(key) for key in factor_ids() if key.startswith(table)}


def fed_by(host_id: str, run: str) -> tuple[str, ...]:
    """Return the readings of a host that a run of this name was the source of.

    >>> fed_by("tpu-v3-pod", "T5-11B"), fed_by("tpu-v3-pod", "LaMDA-137B")
    (('t5',), ())
    """
    plain = re.sub(r"[^a-z0-9]+", "-", run.lower()).strip("-")
    return tuple(name for name in system_readings(host_id) if f"{plain}-".startswith(f"{name}-"))


@formula("t·s·sqrt(1 + 1/n)", unit="1", source="nist_handbook", place="prediction interval")
def reading_spread(t: float, s: float, n: int) -> float:
    """Half-width, on the logarithm, within which a system's next reading lies with 90 % confidence.

    Parameters
    ----------
    t : 1
        95th percentile of Student's distribution.
    s : 1
        Standard deviation of readings about the mean of their kind of system.
    n : 1
        Readings of this kind of system.
    """
    return t * s * math.sqrt(1.0 + 1.0 / n)


def _pooled(without: Collection[str]) -> tuple[float, int]:
    """Return how readings of one kind of system differ, on the logarithm, over all kinds; and its degrees of freedom."""
    tables: dict[str, list[float]] = {}
    for key in factor_ids():
        host, _, name = key.removeprefix("host_power.").rpartition(".")
        if key.startswith("host_power.") and key != INDEPENDENT and name not in without:
            tables.setdefault(host, []).append(math.log(factor(key).si))
    off = [x - sum(logs) / len(logs) for logs in tables.values() for x in logs]
    freedom = len(off) - len(tables)
    return math.sqrt(sum(x * x for x in off) / freedom), freedom


def derived_host_power(cluster: Cluster, without: Collection[str] = ()) -> Datum | None:
    """Return a host's power from its system readings, or None where it has none.

    The mean of what each reading leaves for the host and of an estimate that no run entered, in W. The readings are of
    device, host and network together, so the range is what they leave beside the device's central power: as far as readings of
    one kind of system differ (`reading_spread`), no more than an estimate knows without any of them.

    Parameters
    ----------
    cluster : Cluster
        The device whose power is subtracted, and the host.
    without : collection of str
        Readings to leave out.
    """
    readings = system_readings(cluster.host.id)
    if not readings:
        return None
    busy = device_row("power.busy_ratio", cluster.device.id) or factor("power.busy_ratio.default")
    device_w = busy.si * cluster.device.tdp.si
    network_w = factor("power.network_share.default").si * device_w
    estimate = factor(INDEPENDENT)
    kept = {name: datum for name, datum in readings.items() if name not in without}
    left = [
        float(host_from_system(datum.si, device_w, network_w, cluster.host.devices_per_host)) for datum in kept.values()
    ]
    low, high = estimate.si_range
    value, n = sum((*left, estimate.si)) / (len(left) + 1), cluster.host.devices_per_host
    if left:
        s, freedom = _pooled(without)
        system, spread = device_w + network_w + value / n, reading_spread(STUDENT[freedom], s, len(left) + 1)
        low, high = (
            float(host_from_system(system * math.exp(end), device_w, network_w, n)) for end in (-spread, spread)
        )
    named = ", ".join(kept) or "none"
    return Datum(
        value, "W", next(iter(readings.values())).source, low, high, basis=TOGETHER if left else "derived",
        remark=f"an estimate from ratings, and system readings: {named}",
    )  # fmt: skip


def without_reading(cluster: Cluster, workload: str) -> tuple[Cluster, tuple[str, ...]]:
    """Return the cluster with a host power that a run's own reading did not enter, and the readings left out."""
    names = fed_by(cluster.host.id, workload)
    other = derived_host_power(cluster, names) if names else None
    if other is None:
        return cluster, ()
    return replace(cluster, host=replace(cluster.host, host_power=other)), names
