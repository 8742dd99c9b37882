"""One mode of the reproduction: answers for sizes and devices, each with its carbon in the papers' variations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from carbonscaling.carbon.footprint import CarbonNumbers, FootprintParts, footprint
from carbonscaling.catalog import hardware
from carbonscaling.perf.goodput import run_time
from carbonscaling.reproduce.coefficients import as_printed
from carbonscaling.reproduce.population import layout_median
from carbonscaling.reproduce.realisation import Realisation, realisation
from carbonscaling.reproduce.searched import Found, Task, find, median_step, member, resolved
from carbonscaling.units import KWH, TONNE

__all__ = [
    "DEVICES",
    "MODES",
    "V1_LIMITS",
    "V1_WIDTHS",
    "V2_WIDTHS",
    "Point",
    "Study",
    "carbon",
    "feasible",
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

    def ideal_tonnes(self, watts: float) -> float:
        """Carbon of the compute alone: devices at peak throughput drawing `watts`, nothing else."""
        n = self.numbers
        return float(self.busy_s * watts * n.pue * n.carbon_intensity / TONNE)


def carbon(point: Point, change: Callable[[CarbonNumbers], CarbonNumbers] | None = None) -> float:
    """Total tonnes of a point, with its coefficients changed if asked."""
    return float(point.parts(change(point.numbers) if change else None).total_kg) / TONNE


def feasible(*rows: Sequence[Point]) -> list[int]:
    """Return the places at which every row of points has an answer."""
    return [i for i in range(len(rows[0])) if all(row[i].found is not None for row in rows)]


@dataclass(frozen=True)
class Study:
    """A mode with its realisation.

    Attributes
    ----------
    mode : {"paper", "physical"}
    choice : Realisation
        What the papers never print; physical mode uses the deadline and the width of the 1T model only.
    """

    mode: str
    choice: Realisation = field(default_factory=realisation)

    def devices(self, version: str) -> dict[str, str]:
        """Return the catalogue entries by the papers' device names."""
        return DEVICES[self.mode, version]

    @property
    def trillion(self) -> int:
        """Width of the papers' model of 1e12 parameters."""
        return int(self.choice.trillion_width)

    def task(self, version: str, device: str, d_model: int, *, years: float = 0.0, precision: str | None = None,
             aggressive: bool = False, flexible: bool = False, eviction: bool = False) -> Task:  # fmt: skip
        """Return the search of one size on one device, with the variations of the papers' studies."""
        c, paper = self.choice, self.mode == "paper"
        return Task(
            self.mode, version, self.devices(version)[device], d_model, years, precision,
            "aggressive" if aggressive else "chinchilla", flexible, c.eviction if eviction else 0.0, c.deadline,
            self._network(version, device) if paper else 1.0, int(c.widest_tensor) if paper else 64,
            bool(c.token_batch) or not paper, paper and bool(c.recompute), int(c.batch_multiple) if paper else 1,
            paper and bool(c.total_memory), *(self._unprinted(version) if paper else ()),
        )  # fmt: skip

    def _unprinted(self, version: str) -> tuple[int, ...]:
        """Return micro-batch, highest ZeRO stage and ends of the software constants; version 2 prints its stages."""
        c = self.choice
        zero = c.zero_v1 if version == "v1" else 3
        return int(c.micro_batch), int(zero), int(c.kernels), int(c.hiding), int(c.imbalance), int(c.layer_multiple)

    def _network(self, version: str, device: str) -> float:
        """Network between hosts over that of the real part of the same name."""
        machine = hardware.cluster(self.devices(version)[device])
        if not self.choice.network_follows_link or machine.device.kind != "gpu":
            return self.choice.network
        validated = hardware.cluster("paper-a100")
        share = validated.host.nic_bandwidth.si / validated.device.link_bandwidth.si
        return self.choice.network * share * machine.device.link_bandwidth.si / machine.host.nic_bandwidth.si

    def point(self, version: str, device: str, d_model: int, *, cpa_growth: bool = False,
              intensity: float | None = None, searched: bool = True, **changes: object) -> Point:  # fmt: skip
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
        task = self.task(version, device, d_model, **changes)  # type: ignore[arg-type]
        r = resolved(task, cpa_growth)
        numbers = r.carbon.numbers
        if self.mode == "paper":
            numbers = as_printed(numbers, device, r.cluster.device.tdp.si, version, self.choice)
        if intensity is not None:
            numbers = numbers._replace(carbon_intensity=intensity / 1000.0 / KWH)
        model = member(version, d_model, task.layer_multiple)
        return Point(
            d_model, float(model.n_params), float(model.loss), float(model.compute),
            find(task) if searched else None, numbers,
            r.compute / float(r.machine.formats.peak_mfu),
        )  # fmt: skip

    def row(self, version: str, device: str, widths: Sequence[int], **changes: object) -> list[Point]:
        """Return ascending sizes on one device; after two without a setting in time the larger ones are not searched."""
        points: list[Point] = []
        for d in widths:
            last = points[-2:]
            hopeless = len(last) == 2 and all(p.found is None for p in last)
            points.append(self.point(version, device, d, searched=not hopeless, **changes))  # type: ignore[arg-type]
        return points

    def median_carbon(self, version: str, device: str, d_model: int) -> float:
        """Tonnes of the setting with the median step time among all that fit on the optimum's devices."""
        point, task = self.point(version, device, d_model), self.task(version, device, d_model)
        if point.found is None:
            return float("nan")
        r = resolved(task)
        by_layout = self.mode == "paper" and self.choice.median_of_layouts
        step = (layout_median if by_layout else median_step)(task, point.found.n_devices)
        duration = float(run_time(r.n_steps, step, r.run_overhead.si))
        utilisation = (
            r.batch * r.seq_len * r.work.model_flops / (step * point.found.n_devices * r.machine.formats.peak_mfu)
        )
        return float(footprint(point.numbers, point.found.n_devices, duration, utilisation).total_kg) / TONNE
