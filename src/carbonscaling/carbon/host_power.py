"""Power of hosts that were only ever read as part of a whole system, from all readings or without some of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace

from carbonscaling.carbon.power import host_from_system
from carbonscaling.catalog.factors import device_row, factor, factor_ids
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.sources import Datum

__all__ = ["derived_host_power", "fed_by", "system_readings", "without_reading"]

INDEPENDENT = "host_power.independent.server"


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


def derived_host_power(cluster: Cluster, without: Collection[str] = ()) -> Datum | None:
    """Return a host's power from its system readings, or None where it has none.

    The mean of what each reading leaves for the host and of an estimate that no run entered, in W. The range is the
    estimate's, as wide as it must be to hold every reading.

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
    named = ", ".join(kept) or "none"
    return Datum(
        sum((*left, estimate.si)) / (len(left) + 1), "W", next(iter(readings.values())).source, min(low, *left, high),
        max(high, *left, low), basis="derived", remark=f"an estimate from ratings, and system readings: {named}",
    )  # fmt: skip


def without_reading(cluster: Cluster, workload: str) -> tuple[Cluster, tuple[str, ...]]:
    """Return the cluster with a host power that a run's own reading did not enter, and the readings left out."""
    names = fed_by(cluster.host.id, workload)
    other = derived_host_power(cluster, names) if names else None
    if other is None:
        return cluster, ()
    return replace(cluster, host=replace(cluster.host, host_power=other)), names
