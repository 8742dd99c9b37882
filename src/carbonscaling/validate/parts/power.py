"""Measured watts of boards, nodes and systems, row by row, against the constants that ship.

A row says how hard the device works, by its share of the peak or its FLOP/s, or does not: then it counts as well tuned,
other work by the FLOP/s that it states. A board under a limit draws no more than that, and one whose limit is above the rating
of its device is a board of that rating.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Literal

import numpy as np

from carbonscaling import evidence
from carbonscaling.arrays import Array
from carbonscaling.carbon.assess import CarbonModel
from carbonscaling.carbon.footprint import FootprintParts, footprint
from carbonscaling.carbon.host_power import without_reading
from carbonscaling.carbon.model import carbon_model
from carbonscaling.carbon.uncertainty import interval, sample_footprint
from carbonscaling.catalog import hardware
from carbonscaling.errors import InputError
from carbonscaling.evidence.power_rows import Job, job, job_speeds
from carbonscaling.evidence.row import Cells, Row, Unusable, number
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.units import TERA
from carbonscaling.validate.parts.part import Component, Outcome, judged, lines

__all__ = ["check_power", "power_outcomes", "watts"]


@cache
def _model(device: str, workload: str, rating: float | None) -> tuple[Cluster, CarbonModel]:
    """Return a device in its usual host and its power factors, without what the workload's own reading said.

    A limit above the device's rating is the rating of a board of its own.
    """
    cluster, _ = without_reading(hardware.cluster(device), workload)
    if rating is not None and rating > cluster.device.tdp.si:
        own = replace(cluster.device.tdp, value=rating, unit="W", low=None, high=None)
        cluster = replace(cluster, device=replace(cluster.device, tdp=own, chip_power=None))
    return cluster, carbon_model(cluster, pue=1.0, carbon_intensity_g_per_kwh=0.0)


@cache
def watts(
    device: str, workload: str, used: float | None, scope: str, limit: float | None = None, speed: float = 1.0
) -> tuple[float, float, float]:
    """Return watts a board, with the 90 % interval.

    Parameters
    ----------
    device, workload : str
    used : float, optional
        Share of the peak at which the device works; as well tuned as any, times `speed`, if not given.
    scope : {"board", "node", "system"}
        What counts: the board, its share of the host too, its share of the network too.
    limit : W, optional
        Of a board.
    speed : float
        Over that of a job that is not scaled out.
    """
    cluster, model = _model(device, workload, limit)
    n = cluster.host.devices_per_host
    share = float(model.numbers.best_utilisation) * speed if used is None else used

    def of(parts: FootprintParts) -> Array:
        board = np.minimum(parts.device_energy_j / n, math.inf if limit is None else limit)
        beside = parts.host_energy_j * (scope != "board") + parts.network_energy_j * (scope == "system")
        return np.asarray(board + beside / n, dtype=float)

    central = float(of(footprint(model.numbers, n, 1.0, share)))
    sampled, _ = sample_footprint(model.assemble, model.factors, n, 1.0, share)
    return central, *interval(of(sampled), central)


def _used(row: Row, cluster: Cluster) -> float | None:
    """Return the share of the peak at which a row's device works, where the row says."""
    stated, tflops = number("utilisation", row["utilisation"]), number("tflops_per_device", row["tflops_per_device"])
    if stated is not None:
        return min(stated, 1.0)
    peak = max(cluster.device.peak[f].si for f in ("bf16", "fp16") if f in cluster.device.peak)
    return None if tflops is None else min(tflops * TERA / peak, 1.0)


def _scope(text: str, per_host: int) -> tuple[Literal["board", "node", "system"], int]:
    """Return what a row's watts count, and how many boards."""
    node, nodes = re.search(r"(?:node|system) of (\d+)", text), re.search(r"system of (\d+) nodes", text)
    if nodes:
        return "system", per_host * int(nodes[1])
    if node:
        return "node", int(node[1])
    if text and not text.startswith("per accelerator"):
        raise Unusable(f"scope {text!r} is neither a board nor a node nor a system")
    return "system" if any(word in text for word in ("system", "host", "derived", "all-in")) else "board", 1


def _outcome(row: Row, speeds: Mapping[Job, float]) -> Outcome:
    workload = row["utilisation_or_workload"]
    try:
        cluster = hardware.cluster(row["device"])
    except InputError as error:
        raise Unusable(f"unknown device {row['device']!r}") from error
    kind, boards = _scope(row["scope"].lower(), cluster.host.devices_per_host)
    found, limit = job(row), number("power_limit_w", row["power_limit_w"])
    task = found[0].workload if found else workload.removeprefix("training ")
    speed = speeds[found[0]] if found and kind == "node" else 1.0
    ours = [boards * w for w in watts(row["device"], task, _used(row, cluster), kind, limit, speed)]
    metered = "not a measurement" not in row["notes"]  # a rating, or a limit used for accounting
    measured = (number("watts", row["watts"]) if metered else None) or math.nan
    work = next((word for word in ("inference", "training") if word in workload.lower()), "other work")
    groups = (f"{kind}s, all {work}", f"{row['device']}, {kind}, {work}") if measured > 0.0 else ()
    return Outcome(groups, ours[0], measured, ours[1], ours[2])


def power_outcomes(rows: Sequence[Row]) -> list[Outcome]:
    """Return the watts of every row, or why it has none; a job on many nodes at its speed over that on one, if the rows say."""
    speeds = job_speeds(rows)
    return judged(rows, lambda row: _outcome(row, speeds))


def check_power() -> tuple[Component, ...]:
    """Score the watts of the shipped rows."""
    return lines("power", power_outcomes([Cells(row) for row in evidence.rows("power")]))
