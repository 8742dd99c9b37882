"""How right predictions were for trainings like this one: measured rows of the same device, near in size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import median

from carbonscaling import evidence
from carbonscaling.validate.calibrate import LeftOut, shipped_left_out

__all__ = ["Nearby", "nearby"]

FACTORS = (2.0, 4.0, 10.0, math.inf)
"""How far from the model's size rows may lie, narrowest first."""
ENOUGH = 12
"""Rows that make a wider look unnecessary."""


@dataclass(frozen=True)
class Nearby:
    """Measured rows like a question, each predicted by a fit that never saw its source.

    Attributes
    ----------
    device : str
    params_b : float
        Size asked for, in billions of parameters.
    within : float
        Rows lie within this factor of it; infinity where every size counts.
    rows : tuple of LeftOut
        Nearest in size first.
    devices : tuple of int or None
        Number of devices of each row, where its source says.
    """

    device: str
    params_b: float
    within: float
    rows: tuple[LeftOut, ...]
    devices: tuple[int | None, ...]

    @property
    def median_error(self) -> float | None:
        """Median of the absolute relative error; None without rows."""
        return median(abs(r.predicted / r.measured - 1.0) for r in self.rows) if self.rows else None

    @property
    def bias(self) -> float | None:
        """Median of the relative error, above nought where predictions are too fast."""
        return median(r.predicted / r.measured - 1.0 for r in self.rows) if self.rows else None

    @property
    def covered(self) -> float | None:
        """Share of the rows inside the 90 % interval."""
        return sum(r.low <= r.measured <= r.high for r in self.rows) / len(self.rows) if self.rows else None

    @property
    def n_sources(self) -> int:
        """Publications and repositories that the rows come from."""
        return len({r.source for r in self.rows})


@lru_cache(maxsize=1)
def _counts() -> dict[str, int]:
    return {row["id"]: int(float(row["n_devices"])) for row in evidence.rows("runs") if row["n_devices"]}


def nearby(device: str, n_params: float, *, experts: bool) -> Nearby:
    """Return the measured rows of a device that are nearest in model size.

    Parameters
    ----------
    device : str
        Id of the catalogue.
    n_params : float
    experts : bool
        Whether the model is a mixture of experts; dense rows say little of one.
    """
    size = n_params / 1e9
    kind = "experts" if experts else "dense"
    known = [
        r for r in shipped_left_out() if r.fold == "source" and r.device == device and r.experts == kind and r.params_b > 0
    ]  # fmt: skip
    kept: list[LeftOut] = []
    within = math.inf
    for within in FACTORS:
        kept = [r for r in known if abs(math.log(r.params_b / size)) <= math.log(within)]
        if len(kept) >= ENOUGH:
            break
    kept.sort(key=lambda r: (abs(math.log(r.params_b / size)), r.id))
    return Nearby(device, size, within, tuple(kept), tuple(_counts().get(r.id) for r in kept))
