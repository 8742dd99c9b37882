"""An accelerator, a host that holds some of them, as data sheets describe them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from carbonscaling.errors import InputError, nearest
from carbonscaling.hardware.check import AREA, BYTES, BYTES_PER_S, FLOPS, WATTS, check_count, check_datum
from carbonscaling.hardware.fabric import Fabric
from carbonscaling.record import dataclass
from carbonscaling.sources import Datum

__all__ = ["Device", "Host"]

_UNITS = {
    "memory_capacity": BYTES,
    "memory_bandwidth": BYTES_PER_S,
    "link_bandwidth": BYTES_PER_S,
    "tdp": WATTS,
    "idle_power": WATTS,
    "die_area": AREA,
    "sram": BYTES,
}


@dataclass(frozen=True)
class Device:
    """One accelerator as software sees it (a TPU v3 core pair or an MI250X module is one device).

    Attributes
    ----------
    id, name, vendor, architecture : str
    kind : {"gpu", "tpu", "other"}
        A TPU's constants and compiled steps differ from a GPU's; accelerators of another kind are timed as GPUs are, and
        the headline figures of a validation leave them out.
    year : int
        Of general availability.
    peak : Mapping[str, Datum]
        Dense (no sparsity) matrix throughput by number format: bf16, fp16, fp8, fp4, int8, tf32, fp32.
    memory_kind : str
        HBM2, HBM2e, HBM3, HBM3e.
    memory_capacity, memory_bandwidth : Datum
    link_bandwidth : Datum
        Scale-up link (NVLink, xGMI, ICI): sum over links and over both directions, as vendors quote it.
    tdp : Datum
    idle_power : Datum
    die_area : Datum
        Logic silicon, all dies together.
    n_dies : int
        Logic dies of that area (a B100 has two).
    process_node : str
        "12nm", "7nm", "5nm", "4nm", …
    n_cores : int
        Streaming multiprocessors, compute units, or matrix units (MXU).
    sram : Datum
        Last-level on-chip cache (GPU L2) or vector memory (TPU).
    matrix_unit : int
        Edge of the systolic array on TPUs (128, 256); 0 on GPUs.
    default_host : str
        Id of the `Host` it usually sits in.
    cpa_factor : float
        Growth of carbon per area and per gigabyte that a projection assumes; 1 on devices that exist.
    full_power : Datum, optional
        What the same silicon draws in training at its full clock, where this board's rating is below.
    chip_power : Datum, optional
        Rating of the board on which the same chip may draw the most, where this board's rating is below.
    power_limit : Datum, optional
        Power limit that is set on the board, below its rating.
    clock : Datum, optional
        Share of the peaks that such a limit or rating leaves; all of them if not given.
    reached : Mapping[str, Datum]
        Share of the peak that large multiplications reach, by number format, where this device's own are measured; its
        architecture's where not.
    notes : str

    Raises
    ------
    InputError
        A unit that does not measure its quantity, a number that is not positive, or no peak at all.
    """

    id: str
    name: str
    vendor: str
    architecture: str
    kind: Literal["gpu", "tpu", "other"]
    year: int
    peak: Mapping[str, Datum] = field(hash=False)
    memory_kind: str
    memory_capacity: Datum
    memory_bandwidth: Datum
    link_bandwidth: Datum
    tdp: Datum
    idle_power: Datum
    die_area: Datum
    n_dies: int
    process_node: str
    n_cores: int
    sram: Datum
    default_host: str
    matrix_unit: int = 0
    cpa_factor: float = 1.0
    full_power: Datum | None = None
    chip_power: Datum | None = None
    power_limit: Datum | None = None
    clock: Datum | None = None
    reached: Mapping[str, Datum] = field(default_factory=dict, hash=False)
    notes: str = ""

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be meant."""
        where = f"device {self.id}"
        if not self.peak:
            raise InputError("no peak throughput", where=where, key="peak", remedy="add at least peak.bf16")
        for name, datum in self.peak.items():
            check_datum(datum, f"peak.{name}", where, FLOPS)
        for name, datum in self.reached.items():
            check_datum(datum, f"reached.{name}", where, ("1",))
            if datum.value > 1.0:
                raise InputError(
                    "a device cannot pass its peak", where=where, key=f"reached.{name}.value", value=datum.value,
                    allowed="a share of peak, up to 1", remedy="divide the measured rate by the peak",
                )  # fmt: skip
        for key, units in _UNITS.items():
            check_datum(getattr(self, key), key, where, units)
        if self.idle_power.si > self.tdp.si:
            raise InputError(
                "a device draws no more idle than its rating", where=where, key="idle_power.value",
                value=self.idle_power.value, allowed=f"up to {self.tdp.si:g} W, its tdp", remedy="correct one of them",
            )  # fmt: skip
        for key in ("full_power", "chip_power"):
            if (watts := getattr(self, key)) is not None:
                check_datum(watts, key, where, WATTS)
        if self.chip_power is not None and self.chip_power.si < self.tdp.si:
            raise InputError(
                "a chip draws no less on another board than this one's rating", where=where, key="chip_power.value",
                value=self.chip_power.value, allowed=f"from {self.tdp.si:g} W, its tdp",
                remedy="correct it, or leave it out where no board of the chip is rated higher",
            )  # fmt: skip
        for key in ("n_dies", "n_cores"):
            check_count(getattr(self, key), key, where)
        check_count(self.matrix_unit, "matrix_unit", where, least=int(self.kind == "tpu"))

    def peak_flops(self, number_format: str) -> float:
        """Peak throughput in FLOP/s for a number format.

        Raises
        ------
        InputError
            The device has no such unit.
        """
        if number_format not in self.peak:
            raise InputError(
                f"{self.name} has no {number_format} matrix units",
                key="precision",
                value=number_format,
                suggestion=nearest(number_format, self.peak),
                allowed=", ".join(self.peak),
                remedy="choose one of these formats or another device",
            )
        return self.peak[number_format].si


@dataclass(frozen=True)
class Host:
    """A server or tray with its devices, its scale-up domain and its network cards.

    Attributes
    ----------
    id, name : str
    devices_per_host : int
    domain_size : int
        Devices in one scale-up domain (8 in an HGX board, 72 in an NVL72 rack, a whole TPU pod).
    topology : {"switch", "torus2d", "torus3d", "mesh"}
        Of the scale-up domain: "switch" gives every pair the full link bandwidth, "mesh" is point-to-point all-to-all.
    nic_bandwidth : Datum
        Scale-out network per device and per direction.
    fabric : Fabric, optional
        Kind of that network; None where it is not known.
    host_power : Datum
        CPU, memory, NICs, fans, storage of the host under training load, without the devices, before PUE.
    host_idle_power : Datum
    n_cpus : int
    cpu_memory, storage : Datum
        Main memory and local SSD of the host (zero storage for a diskless one).
    pod_shape : tuple of int
        Sides of the whole torus; empty where there is none.
    ring_multiple : int
        A torus axis closes into a ring when its length is a multiple of this; 0 where there is no torus.
    notes : str

    Raises
    ------
    InputError
        A unit that does not measure its quantity, a number out of range, or a pod that its shape does not fill.
    """

    id: str
    name: str
    devices_per_host: int
    domain_size: int
    topology: Literal["switch", "torus2d", "torus3d", "mesh"]
    nic_bandwidth: Datum
    host_power: Datum
    host_idle_power: Datum
    n_cpus: int
    cpu_memory: Datum
    storage: Datum
    pod_shape: tuple[int, ...] = ()
    ring_multiple: int = 0
    fabric: Fabric | None = None
    notes: str = ""

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be meant."""
        where = f"host {self.id}"
        check_datum(self.nic_bandwidth, "nic_bandwidth", where, BYTES_PER_S)
        check_datum(self.host_power, "host_power", where, WATTS, zero=True)
        check_datum(self.host_idle_power, "host_idle_power", where, WATTS, zero=True)
        check_datum(self.cpu_memory, "cpu_memory", where, BYTES, zero=True)
        check_datum(self.storage, "storage", where, BYTES, zero=True)
        for key, least in (("devices_per_host", 1), ("domain_size", 1), ("n_cpus", 0), ("ring_multiple", 0)):
            check_count(getattr(self, key), key, where, least=least)
        if self.pod_shape and math.prod(self.pod_shape) != self.domain_size:
            raise InputError(
                "the pod's sides do not multiply to its size",
                where=where,
                key="pod_shape",
                value=self.pod_shape,
                allowed=f"sides with the product {self.domain_size}",
                remedy="correct pod_shape or domain_size",
            )
