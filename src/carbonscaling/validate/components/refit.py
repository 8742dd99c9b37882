"""Fit the kernel constants again: ``python -m carbonscaling.validate.components.refit``.

Each device's five constants (efficiency, latency, inner dimension lost, share of HBM bandwidth, lead of a lone launch's clock)
minimise the mean absolute logarithmic error of its aligned 16-bit timings. Weights (n by k) are dealt into five folds, so that
no fold has seen a matrix of another: the error printed is that of rows left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from carbonscaling.catalog import hardware
from carbonscaling.catalog.efficiency import efficiency
from carbonscaling.perf.gemm import gemm_time
from carbonscaling.validate.components.alone import alone, clock
from carbonscaling.validate.components.gemm import Timing, timings

__all__ = ["DEVICES", "KernelFit", "minimise", "refit"]

DEVICES = ("A100-80", "H100-80")
FOLDS = 5
Array = NDArray[np.float64]


class KernelFit(NamedTuple):
    """Fitted constants of a device, and the mean error of its rows, each left out and fitted."""

    device: str
    n: int
    efficiency: float
    latency_us: float
    k_half: float
    memory: float
    lead: float
    left_out: float
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
        share, latency, k_half, memory, lead = np.exp(logs)

        def at(peak: Any) -> Array:
            return np.asarray(
                gemm_time(
                    1.0, m, n, k, peak, share, k_half, float(device.n_cores), e.tile_m.si, e.tile_n.si,
                    1e-6 * latency, device.memory_bandwidth.si, memory, 2.0,
                )
            )  # fmt: skip

        peak = device.peak_flops(rows[0].recipe)
        return at(peak * clock(at(peak), lead, alone().settling.si))

    return seconds


def refit(device: str) -> KernelFit:
    """Fit the constants of one device of `DEVICES`."""
    rows = [r for r in timings() if r.group == device]
    seconds, measured = _times(rows), np.array([r.seconds for r in rows])
    weights = sorted({(r.n, r.k) for r in rows})
    fold = np.array([weights.index((r.n, r.k)) % FOLDS for r in rows])
    start = tuple(np.log([0.78, 5.0, 60.0, 0.8, 0.1]))

    def fit(use: NDArray[np.bool_], start: Sequence[float]) -> Array:
        return minimise(lambda x: float(np.mean(np.abs(np.log(seconds(x)[use] / measured[use])))), start)

    def errors(x: Array, use: NDArray[np.bool_]) -> Array:
        return np.asarray(np.abs(seconds(x)[use] / measured[use] - 1.0))

    every = np.ones(len(rows), dtype=bool)
    best = fit(every, start)
    held = np.concatenate([errors(fit(fold != f, best.tolist()), fold == f) for f in range(FOLDS)])
    share, latency, k_half, memory, lead = (float(v) for v in np.exp(best))
    return KernelFit(
        device, len(rows), share, latency, k_half, memory, lead, float(held.mean()), float(errors(best, every).mean())
    )


def main() -> None:
    """Print every fit."""
    for name in DEVICES:
        f = refit(name)
        print(
            f"{f.device}: {f.n} timings, efficiency {f.efficiency:.3f}, latency {f.latency_us:.1f} us, k_half {f.k_half:.0f}, "
            f"memory {f.memory:.2f}, lead {f.lead:.2f}; mean error {100 * f.all_rows:.1f} %, left out {100 * f.left_out:.1f} %"
        )


if __name__ == "__main__":
    main()
