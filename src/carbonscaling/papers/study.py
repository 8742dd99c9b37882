"""One mode of the reproduction: answers for sizes and devices, each with its carbon in the papers' variations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field, replace
from typing import Any

import numpy as np

from carbonscaling.carbon.footprint import CarbonNumbers, FootprintParts, footprint
from carbonscaling.papers.coefficients import as_printed
from carbonscaling.papers.realisation import Realisation, realisation
from carbonscaling.papers.searched import find, median_run
from carbonscaling.papers.task import Found, Task, resolved
from carbonscaling.papers.variants import Engine
from carbonscaling.record import dataclass
from carbonscaling.units import KWH, TONNE

__all__ = [
    "MODES",
    "SEARCHED",
    "V1_LIMITS",
    "V1_WIDTHS",
    "V2_WIDTHS",
    "Point",
    "Study",
    "carbon",
]

MODES = ("paper", "physical")
V1_WIDTHS = (6144, 12288, 24576, 49152, 98304)
V1_LIMITS = (*V1_WIDTHS, 196608, 393216, 786432, 1572864)
V2_WIDTHS = (1536, 3072, 6144, 12288, 24576)
"""The papers' ranges by doubling."""

DEVICES = {
    ("paper", "v1"): {"V100": "paper-v100", "A100": "paper-a100", "H100": "paper-h100", "B100": "paper-b100"},
    ("paper", "v2"): {"V100": "paper-v100-v2", "A100": "paper-a100", "TPUv4": "paper-tpuv4", "TPUv5p": "paper-tpuv5p",
                      "H100": "paper-h100", "B100": "paper-b100"},
    ("physical", "v1"): {"V100": "v100-sxm2-32", "A100": "a100-80", "H100": "h100-sxm", "B100": "b100"},
    ("physical", "v2"): {"V100": "v100-sxm2-32", "A100": "a100-80", "TPUv4": "tpu-v4", "TPUv5p": "tpu-v5p",
                         "H100": "h100-sxm", "B100": "b100"},
}  # fmt: skip
"""Catalogue entry of each device of the papers, by mode and version."""


SEARCHED = ("deadline", "eviction", "engine_v1", "engine_v2", "efficiency", "network", "network_grows", "cache", "exact_batch",
            "layer_multiple")  # fmt: skip
"""Choices that a search depends on."""


@dataclass(frozen=True)
class Point:
    """One size on one device.

    Attributes
    ----------
    d_model : int
    n_params, loss, compute : float
        Of the model family's member as a real run takes it.
    found : Found, optional
        None where no setting finishes in time.
    numbers : CarbonNumbers
    busy_s : float
        Device-seconds at peak throughput.
    """

    d_model: int
    n_params: float
    loss: float
    compute: float
    found: Found | None
    numbers: CarbonNumbers
    busy_s: float

    def parts(self, numbers: CarbonNumbers | None = None) -> FootprintParts:
        """Return the footprint, with other coefficients if given; NaN where nothing finishes in time."""
        if self.found is None:
            return FootprintParts(*(np.nan for _ in FootprintParts._fields))
        found = self.found
        return footprint(numbers or self.numbers, found.n_devices, found.duration_s, found.utilisation)

    @property
    def tonnes(self) -> tuple[float, float]:
        """Operational and embodied carbon."""
        parts = self.parts()
        return float(parts.operational_kg) / TONNE, float(parts.total_kg - parts.operational_kg) / TONNE

    @property
    def kg_per_device(self) -> tuple[float, float]:
        """Operational and embodied carbon of a device."""
        n_devices = self.found.n_devices if self.found else np.nan
        operational, embodied = self.tonnes
        return 1000.0 * operational / n_devices, 1000.0 * embodied / n_devices

    def ideal_tonnes(self, watts: float) -> float:
        """Carbon of the compute alone: devices at peak throughput drawing `watts`, nothing else."""
        n = self.numbers
        return float(self.busy_s * watts * n.pue * n.carbon_intensity / TONNE)


def carbon(point: Point, change: Callable[[CarbonNumbers], CarbonNumbers] | None = None) -> float:
    """Total tonnes of a point, with its coefficients changed if asked."""
    return float(point.parts(change(point.numbers) if change else None).total_kg) / TONNE


@dataclass(frozen=True)
class Study:
    """A mode with its realisation.

    Attributes
    ----------
    mode : {"paper", "physical"}
    choice : Realisation
        What the papers never print; physical mode uses the deadline, the width of the 1T model and the evicted share only.
    """

    mode: str
    choice: Realisation = field(default_factory=realisation)

    def with_engine(self, engine: Engine) -> Study:
        """Return the same with one engine for both versions."""
        return Study(self.mode, replace(self.choice, engine_v1=engine, engine_v2=engine))

    def devices(self, version: str) -> dict[str, str]:
        """Return the catalogue entries by the papers' device names."""
        return DEVICES[self.mode, version]

    @property
    def trillion(self) -> int:
        """Width of the papers' model of 1e12 parameters."""
        return int(self.choice.trillion_width)

    def task(self, version: str, device: str, d_model: int, **changes: Any) -> Task:
        """Return the search of one size on one device, with the variations of the papers' studies (fields of `Task`)."""
        inputs = replace(realisation(), **{name: getattr(self.choice, name) for name in SEARCHED})
        return Task(self.mode, version, self.devices(version)[device], d_model, inputs=inputs, **changes)

    def point(self, version: str, device: str, d_model: int, *, cpa_growth: bool = False,
              intensity: float | None = None, searched: bool = True, **changes: Any) -> Point:  # fmt: skip
        """Return one size on one device.

        Parameters
        ----------
        cpa_growth : bool
            Carbon per area grows with the projection (the EUV curves).
        intensity : float, optional
            g/kWh in place of the study's.
        searched : bool
            False takes it as known that no setting finishes in time.
        changes
            As `task`.
        """
        task = self.task(version, device, d_model, **changes)
        r, model = resolved(task, cpa_growth), task.model
        numbers = r.carbon.numbers
        if self.mode == "paper":
            numbers = as_printed(numbers, device, r.cluster.device.tdp.si, version, self.choice)
        if intensity is not None:
            numbers = numbers._replace(carbon_intensity=intensity / 1000.0 / KWH)
        return Point(
            d_model, float(model.n_params), float(model.loss), float(model.compute),
            find(task) if searched else None, numbers,
            float(model.compute) / float(r.machine.formats.peak_mfu),
        )  # fmt: skip

    def row(self, version: str, device: str, widths: Sequence[int], **changes: Any) -> list[Point]:
        """Return ascending sizes on one device; after two without a setting in time the larger ones are not searched."""
        points: list[Point] = []
        for d in widths:
            hopeless = [p.found for p in points[-2:]] == [None, None]
            points.append(self.point(version, device, d, searched=not hopeless, **changes))
        return points

    def median_carbon(self, version: str, device: str, d_model: int) -> float:
        """Tonnes of the setting with the median step time on the optimum's devices."""
        point = self.point(version, device, d_model)
        if point.found is None:
            return float("nan")
        run = median_run(self.task(version, device, d_model), point.found)
        return float(footprint(point.numbers, point.found.n_devices, *run).total_kg) / TONNE
