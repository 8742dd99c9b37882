"""Rows of measured power with the speed that their notes give: Zeus's trainings, ML.ENERGY's decoding, MLPerf's jobs."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from statistics import mean

from carbonscaling import evidence
from carbonscaling.hints import NamedTuple

__all__ = ["Job", "Training", "decodings", "job", "job_speeds", "limited_trainings", "trainings"]


class Training(NamedTuple):
    """One training of the Zeus study under a power limit; `batch` is the rest of its name."""

    device: str
    name: str
    batch: str
    epoch_s: float
    watts: float
    limit_w: float


def trainings() -> Iterator[Training]:
    """Yield the trainings of the Zeus study."""
    for row in evidence.rows("power"):
        epoch = re.search(r"time per epoch ([\d.]+)", row["notes"])
        if epoch and row["source"].startswith("ml-energy/zeus"):
            name, _, batch = row["utilisation_or_workload"].partition(", batch ")
            yield Training(
                row["device"], name, batch, float(epoch[1]), float(row["watts"]), float(row["power_limit_w"])
            )


def limited_trainings() -> Iterator[Training]:
    """Yield the trainings of the same study on an A40."""
    for row in evidence.rows("power_limits"):
        numbers = (float(row[name]) for name in ("epoch_s", "watts", "power_limit_w"))
        yield Training(row["device"], row["workload"], row["batch"], *numbers)


def decodings(device: str) -> Iterator[tuple[str, float, float]]:
    """Yield workload, TFLOP/s and watts of a device's decoding runs; batches of one model on one split are one workload."""
    for row in evidence.rows("power"):
        if row["device"] == device and row["source"].startswith("ml-energy/leaderboard") and row["tflops_per_device"]:
            split = re.search(r"over (\d+) GPU", row["notes"])
            model = re.sub(r",? batch .*", "", row["utilisation_or_workload"])
            yield f"{model} on {split[1] if split else '?'}", float(row["tflops_per_device"]), float(row["watts"])


class Job(NamedTuple):
    """A benchmark's job on nodes of one kind."""

    device: str
    workload: str
    n_nodes: int
    kind: str


def job(row: Mapping[str, str]) -> tuple[Job, float] | None:
    """Return the job of a row and the seconds that it took; None where the notes name none."""
    said = re.match(r"(\d+)x([^;]+);(?:.*;)? (\d+) s", row["notes"])
    if said is None:
        return None
    workload = row["utilisation_or_workload"].removeprefix("MLPerf Training ")
    return Job(row["device"], workload, int(said[1]), said[2]), float(said[3])


def job_speeds(rows: Iterable[Mapping[str, str]]) -> dict[Job, float]:
    """Return the speed of every job over the same one on one node, at most 1; 1 where nobody ran that."""
    seconds: dict[Job, list[float]] = defaultdict(list)
    for found in filter(None, map(job, rows)):
        seconds[found[0]].append(found[1])
    alone = {this: mean(seconds[one]) for this in seconds if (one := this._replace(n_nodes=1)) in seconds}
    return {
        this: min(alone[this] / (this.n_nodes * mean(took)), 1.0) if this in alone else 1.0
        for this, took in seconds.items()
    }
