"""The time of matrix multiplications launched alone, as benchmarks time them, by the constants of a device's kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carbonscaling.catalog import hardware
from carbonscaling.catalog.efficiency import efficiency
from carbonscaling.catalog.read import build as from_toml
from carbonscaling.catalog.read import packaged
from carbonscaling.evidence.timing import BATCHED, GROUPED, Timing
from carbonscaling.hints import NamedTuple
from carbonscaling.perf import build
from carbonscaling.perf.gemm import gemm_time
from carbonscaling.perf.precision import precision
from carbonscaling.record import dataclass
from carbonscaling.sources import Datum

__all__ = ["Alone", "Kernel", "alone", "clock", "predicted_seconds"]


@dataclass(frozen=True)
class Alone:
    """Constants of lone kernels (``isolated.toml``).

    Attributes
    ----------
    isolated_transfer : Datum
        Share of HBM bandwidth at which a lone TPU multiplication fetches its operands.
    settling : Datum
        Length of a launch that loses half of its clock's lead.
    lead : Mapping[str, Datum]
        Highest over lowest clock of a lone launch, less 1, by architecture.
    """

    isolated_transfer: Datum
    settling: Datum
    lead: Mapping[str, Datum]


@lru_cache(maxsize=1)
def alone() -> Alone:
    """Return the constants of lone kernels."""
    return from_toml(Alone, packaged("carbonscaling.calibration", "isolated.toml"), "isolated.toml")


def clock(seconds: Any, lead: float, settling: float) -> Any:
    """Return the clock of a lone launch over the middle of its range, at which a training step is taken to run.

    After a pause the clock is ahead, until the power limit holds a board that does nothing but multiply; a step mixes
    multiplications with kernels that draw less.

    Parameters
    ----------
    seconds : float or array
        Time of the launch at the middle clock.
    lead : float
        Highest over lowest clock, less 1.
    settling : s
        Length of the launch that loses half of the lead.
    """
    return np.sqrt(1.0 + lead) / (1.0 + lead * seconds / (seconds + settling))


class Kernel(NamedTuple):
    """Constants of a device's multiplications: see `perf.gemm.gemm_time`; `lead` is that of a lone launch's clock."""

    efficiency: Any
    latency: Any
    k_half: Any
    memory: Any
    lead: Any


def predicted_seconds(rows: Sequence[Timing], kernel: Kernel | None = None) -> NDArray[np.float64]:
    """Return the time of launches of one kind on one device in one number format.

    A lone launch differs from one inside a step. A GPU starts it at a higher clock and ends it at a lower one; a TPU moves the
    operands between HBM and vector memory before and after it, where inside a compiled step that traffic runs ahead.

    Parameters
    ----------
    rows : sequence of Timing
    kernel : Kernel, optional
        Constants in place of those that ship.
    """
    first, device = rows[0], hardware.device(rows[0].device)
    silicon = build.silicon(hardware.cluster(device), efficiency(device))
    formats = build.formats(device, precision(first.recipe), efficiency(device))
    batch, m, n, k = (np.array([getattr(r, name) for r in rows]) for name in ("batch", "m", "n", "k"))
    lone = device.kind == "tpu"
    width = {"fp8": 1.0, "int8": 1.0, "fp32": 4.0}.get(first.recipe, 2.0)
    if kernel is None:
        share = {
            **dict.fromkeys(GROUPED, formats.grouped_efficiency), **dict.fromkeys(BATCHED, formats.batched_efficiency),
        }.get(first.op, formats.gemm_efficiency)  # fmt: skip
        ahead = alone().lead.get(device.architecture)
        kernel = Kernel(
            share, silicon.kernel_latency, formats.gemm_k_half, silicon.memory_efficiency, ahead.si if ahead else 0.0
        )

    def seconds(peak: Any) -> Any:
        return gemm_time(
            batch, m, n, k, peak, kernel.efficiency, kernel.k_half, silicon.cores, silicon.tile_m, silicon.tile_n,
            kernel.latency, np.inf if lone else silicon.bandwidth, kernel.memory, width,
        )  # fmt: skip

    time = seconds(formats.peak)
    if kernel.lead:
        time = seconds(formats.peak * clock(time, kernel.lead, alone().settling.si))
    moved = width * batch * (m * k + k * n + m * n) / (silicon.bandwidth * alone().isolated_transfer.value)
    return np.asarray(time + moved if lone else time, dtype=float)
