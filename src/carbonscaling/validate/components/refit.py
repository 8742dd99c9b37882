"""Fit the kernel constants again: ``python -m carbonscaling.validate.components.refit``.

Each device's four constants (efficiency, latency, inner dimension lost, share of HBM bandwidth) minimise the mean absolute
logarithmic error of its aligned 16-bit timings. Sources are split in two: the error printed is that of the half left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from carbonscaling.catalog import hardware
from carbonscaling.catalog.efficiency import efficiency
from carbonscaling.perf.gemm import gemm_time
from carbonscaling.validate.components.gemm import Timing, timings

__all__ = ["DEVICES", "KernelFit", "minimise", "refit"]

DEVICES = ("A100-80", "H100-80")
Array = NDArray[np.float64]


class KernelFit(NamedTuple):
    """Fitted constants of a device and the mean error on the sources left out, one value a fold."""

    device: str
    n: int
    efficiency: float
    latency_us: float
    k_half: float
    memory: float
    left_out: tuple[float, ...]
    all_rows: float


def minimise(loss: Callable[[Array], float], start: Sequence[float], step: float = 0.1, least: float = 1e-3) -> Array:
    """Return a local minimum by a pattern search along each coordinate with a shrinking step: no chance, no tuning."""
    best = np.array(start, dtype=float)
    value = loss(best)
    while step > least:
        moved = False
        for axis in range(len(best)):
            for sign in (1.0, -1.0):
                tried = best.copy()
                tried[axis] += sign * step
                found = loss(tried)
                if found < value:
                    best, value, moved = tried, found, True
        step = step if moved else step / 2.0
    return best


def _times(rows: Sequence[Timing]) -> Callable[[Array], Array]:
    device = hardware.device(rows[0].device)
    e = efficiency(device)
    m, n, k = (np.array([getattr(r, name) for r in rows]) for name in "mnk")

    def seconds(logs: Array) -> Array:
        share, latency, k_half, memory = np.exp(logs)
        return np.asarray(
            gemm_time(
                1.0, m, n, k, device.peak_flops(rows[0].recipe), share, k_half, float(device.n_cores), e.tile_m.si,
                e.tile_n.si, 1e-6 * latency, device.memory_bandwidth.si, memory, 2.0,
            )
        )  # fmt: skip

    return seconds


def refit(device: str) -> KernelFit:
    """Fit the constants of one device of `DEVICES`."""
    rows = [r for r in timings() if r.group == device]
    seconds, measured = _times(rows), np.array([r.seconds for r in rows])
    sources = sorted({r.source for r in rows})
    first = np.array([sources.index(r.source) % 2 == 0 for r in rows])
    start = tuple(np.log([0.78, 5.0, 60.0, 0.8]))

    def fit(use: Array) -> Array:
        return minimise(lambda x: float(np.mean(np.abs(np.log(seconds(x)[use] / measured[use])))), start)

    def error(x: Array, use: Array) -> float:
        return float(np.mean(np.abs(seconds(x)[use] / measured[use] - 1.0)))

    folds = tuple(error(fit(use), ~use) for use in (first, ~first))
    every = np.ones(len(rows), dtype=bool)
    best = fit(every)
    share, latency, k_half, memory = (float(v) for v in np.exp(best))
    return KernelFit(device, len(rows), share, latency, k_half, memory, folds, error(best, every))


def main() -> None:
    """Print every fit."""
    for name in DEVICES:
        f = refit(name)
        halves = " and ".join(f"{100 * e:.1f} %" for e in f.left_out)
        print(
            f"{f.device}: {f.n} timings, efficiency {f.efficiency:.3f}, latency {f.latency_us:.1f} us, "
            f"k_half {f.k_half:.0f}, memory {f.memory:.2f}; mean error {100 * f.all_rows:.1f} %, left-out halves {halves}"
        )


if __name__ == "__main__":
    main()
