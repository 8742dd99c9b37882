"""Watts of whole systems while they train, host and network included, against the constants that ship.

Readings are those of TPU and GPU systems per accelerator (Patterson et al., PaLM, GLaM) and of MLPerf nodes. A reading that
entered a host's power is predicted with that host's power derived without it. An MLPerf job on many nodes is also read at
its speed over the same job on one node, from times to train: rough, because the samples that a job needs change with its
batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import mean

import numpy as np

from carbonscaling import evidence
from carbonscaling.evidence.power_rows import Job, job, job_speeds
from carbonscaling.record import dataclass
from carbonscaling.validate.parts.power import watts
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


def _accelerators(rows: Sequence[Mapping[str, str]]) -> Iterator[SystemCheck]:
    for row in rows:
        if row["scope"].startswith(("per accelerator, system", "per accelerator, measured system")) and row["watts"]:
            name = row["utilisation_or_workload"].removeprefix("training ")
            used = float(row["utilisation"]) if row["utilisation"] else None
            ours = watts(row["device"], name, used, "system")[0]
            yield SystemCheck(row["device"], name, 1, 1.0, float(row["watts"]), ours)


def _nodes(rows: Sequence[Mapping[str, str]]) -> Iterator[SystemCheck]:
    nodes = [row for row in rows if row["scope"].startswith(NODE) and row["watts"]]
    read: dict[Job, list[float]] = defaultdict(list)
    for row in nodes:
        found = job(row)
        if found is not None:
            read[found[0]].append(float(row["watts"]) / 8)
    for this, speed in job_speeds(nodes).items():
        name = f"{this.workload}, {this.n_nodes} node{'s' if this.n_nodes != 1 else ''}"
        ours = watts(this.device, this.workload, None, "node", speed=speed)[0]
        yield SystemCheck(this.device, name, len(read[this]), speed, mean(read[this]), ours)


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
