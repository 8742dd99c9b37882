"""Watts of whole systems while they train, host and network included, against the constants that ship.

Readings are those of TPU and GPU systems per accelerator (Patterson et al., PaLM, GLaM) and of MLPerf nodes. A reading that
entered a host's power is predicted with that host's power derived without it. An MLPerf job on many nodes is also read at
its speed over the same job on one node, from times to train: rough, because the samples that a job needs change with its
batch.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean

import numpy as np

from carbonscaling import evidence
from carbonscaling.carbon.footprint import footprint
from carbonscaling.carbon.host_power import derived_host_power, fed_by
from carbonscaling.carbon.model import carbon_model
from carbonscaling.catalog import hardware
from carbonscaling.validate.score import Score, by_group, score

__all__ = ["ENTERED", "SystemCheck", "check_systems", "system_scores"]

NODE = "node of 8 GPUs (AC"
ENTERED = ("v4.0 gpt3, 64 nodes", "v4.0 llama2_70b_lora, 1 node", "v4.1 llama2_70b_lora, 8 nodes")
"""MLPerf readings that the host power of an HGX H100 is derived from; shown, and not scored."""


@dataclass(frozen=True)
class SystemCheck:
    """One kind of training on one kind of system.

    Attributes
    ----------
    device, workload : str
    n_rows : int
    speed : float
        Over the same job on one node; 1 where it is not scaled out.
    watts, ours : float
        Per accelerator, with its share of the host, and of the network where the reading has it.
    """

    device: str
    workload: str
    n_rows: int
    speed: float
    watts: float
    ours: float

    @property
    def error(self) -> float:
        """Ours over measured, less one."""
        return self.ours / self.watts - 1.0


def _watts(device: str, workload: str, mfu: float | None = None, *, speed: float = 1.0, network: bool = False) -> float:
    """Return watts per accelerator with its share of the host, which the workload's own reading did not enter.

    A run that does not say its MFU counts as well tuned, and as slower by `speed`. A node's switches stand elsewhere.
    """
    cluster = hardware.cluster(device)
    names = fed_by(cluster.host.id, workload)
    other = derived_host_power(cluster, names) if names else None
    if other is not None:
        cluster = replace(cluster, host=replace(cluster.host, host_power=other))
    numbers = carbon_model(cluster, pue=1.0, carbon_intensity_g_per_kwh=0.0, ranges=False).numbers
    if not network:
        numbers = numbers._replace(network_w=0.0)
    used = numbers.best_utilisation * speed if mfu is None else mfu
    n = cluster.host.devices_per_host
    return float(footprint(numbers, n, 1.0, used).energy_j) / n


def _accelerators(rows: Sequence[Mapping[str, str]]) -> Iterator[SystemCheck]:
    for row in rows:
        if row["scope"].startswith(("per accelerator, system", "per accelerator, measured system")) and row["watts"]:
            name = row["utilisation_or_workload"].removeprefix("training ")
            used = float(row["utilisation"]) if row["utilisation"] else None
            yield SystemCheck(
                row["device"], name, 1, 1.0, float(row["watts"]), _watts(row["device"], name, used, network=True)
            )


def _nodes(rows: Sequence[Mapping[str, str]]) -> Iterator[SystemCheck]:
    groups: dict[tuple[str, str, str], list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        seconds = re.search(r"; (\d+) s", row["notes"])
        if row["scope"].startswith(NODE) and row["watts"] and seconds:
            system = row["notes"].partition(";")[0]
            key = (row["device"], row["utilisation_or_workload"].removeprefix("MLPerf Training "), system)
            groups[key].append((float(row["watts"]) / 8, float(seconds[1])))
    alone = {
        (d, w, s.partition("x")[2]): mean(t for _, t in v) for (d, w, s), v in groups.items() if s.startswith("1x")
    }
    for (device, workload, system), read in groups.items():
        count, _, kind = system.partition("x")
        one = alone.get((device, workload, kind))
        speed = min(one / (int(count) * mean(t for _, t in read)), 1.0) if one else 1.0
        name = f"{workload}, {count} node{'s' if count != '1' else ''}"
        ours = _watts(device, workload, speed=speed)
        yield SystemCheck(device, name, len(read), speed, mean(w for w, _ in read), ours)


def check_systems() -> tuple[SystemCheck, ...]:
    """Predict every public reading of a training system."""
    rows = evidence.rows("power")
    return (*_accelerators(rows), *_nodes(rows))


def system_scores(checks: Sequence[SystemCheck]) -> dict[str, Score]:
    """Score readings at full speed and those of jobs scaled out, each over all devices and by device with several."""
    scored = [c for c in checks if c.workload not in ENTERED]
    parts = {"full speed": [c for c in scored if c.speed == 1.0], "scaled out": [c for c in scored if c.speed < 1.0]}
    found: dict[str, Score] = {}
    for name, part in parts.items():
        devices = [c.device for c in part]
        ours, watts = np.array([c.ours for c in part]), np.array([c.watts for c in part])
        found[name] = score(ours, watts)
        each = by_group(devices, ours, watts).items()
        found |= {f"{name}, {device}": merit for device, merit in each if merit.n > 1}
    return found
