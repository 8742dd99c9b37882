"""Fit the kernel constants again: ``python -m carbonscaling.calibration.refit``.

Each device's five constants (efficiency, latency, inner dimension lost, share of HBM bandwidth, lead of a lone launch's clock)
minimise the mean absolute logarithmic error of its aligned 16-bit timings. Weights (n by k) are dealt into five folds, so that
no fold has seen a matrix of another: the error printed is that of rows left out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from carbonscaling.arrays import Array
from carbonscaling.calibration.kernels import Kernel, predicted_seconds
from carbonscaling.evidence.timing import timings
from carbonscaling.hints import NamedTuple
from carbonscaling.platform import need

__all__ = ["DEVICES", "KernelFit", "refit"]

DEVICES = ("A100-80", "H100-80")
FOLDS = 5
START = Kernel(0.78, 5e-6, 60.0, 0.8, 0.1)


class KernelFit(NamedTuple):
    """Fitted constants of a device, and the mean error of its rows, each left out and fitted."""

    device: str
    n: int
    kernel: Kernel
    left_out: float
    all_rows: float


def refit(device: str) -> KernelFit:
    """Fit the constants of one device of `DEVICES`.

    Raises
    ------
    InputError
        SciPy is not installed.
    """
    optimize = need("scipy.optimize", "uncertainty")
    rows = [r for r in timings() if r.group == device]
    measured = np.array([r.seconds for r in rows])
    weights = sorted({(r.n, r.k) for r in rows})
    fold = np.array([weights.index((r.n, r.k)) % FOLDS for r in rows])

    def off(logs: Array) -> Array:
        return np.asarray(predicted_seconds(rows, Kernel(*np.exp(logs))) / measured)

    def fit(use: NDArray[np.bool_], start: Array) -> Array:
        found = optimize.minimize(lambda x: np.mean(np.abs(np.log(off(x)[use]))), start, method="Powell")
        return np.asarray(found.x)

    every = np.ones(len(rows), dtype=bool)
    best = fit(every, np.log(START))
    held = np.concatenate([np.abs(off(fit(fold != f, best)) - 1.0)[fold == f] for f in range(FOLDS)])
    return KernelFit(
        device, len(rows), Kernel(*np.exp(best)), float(held.mean()), float(np.abs(off(best) - 1.0).mean())
    )


def main() -> None:
    """Print every fit."""
    for name in DEVICES:
        f = refit(name)
        k = f.kernel
        print(
            f"{f.device}: {f.n} timings, efficiency {k.efficiency:.3f}, latency {1e6 * k.latency:.1f} us, "
            f"k_half {k.k_half:.0f}, memory {k.memory:.2f}, lead {k.lead:.2f}; "
            f"mean error {100 * f.all_rows:.1f} %, left out {100 * f.left_out:.1f} %"
        )


if __name__ == "__main__":
    main()
