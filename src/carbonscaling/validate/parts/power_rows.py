"""Rows of measured power with the speed that their notes give: the Zeus study's trainings, ML.ENERGY's decoding."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from carbonscaling import evidence

__all__ = ["Training", "decodings", "trainings"]


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


def decodings(device: str) -> Iterator[tuple[str, float, float]]:
    """Yield workload, TFLOP/s and watts of a device's decoding runs; batches of one model on one split are one workload."""
    for row in evidence.rows("power"):
        if row["device"] == device and row["source"].startswith("ml-energy/leaderboard") and row["tflops_per_device"]:
            split = re.search(r"over (\d+) GPU", row["notes"])
            model = re.sub(r",? batch .*", "", row["utilisation_or_workload"])
            yield f"{model} on {split[1] if split else '?'}", float(row["tflops_per_device"]), float(row["watts"])
