"""How right predictions were for trainings like this one: measured rows of the same device, near in size."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from statistics import median
from typing import Any

from carbonscaling import evidence
from carbonscaling.catalog import hardware, models
from carbonscaling.evidence.left_out import LeftOut, shipped_left_out
from carbonscaling.record import dataclass

__all__ = ["Nearby", "nearby", "of_answer"]

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

    def to_dict(self, name: str = "", most: int = 60) -> dict[str, Any]:
        """Return plain data: the scores over all rows, and the `most` rows nearest in size; `name` is the device's."""
        pairs = list(zip(self.rows, self.devices, strict=True))[:most]
        return {
            "device": self.device,
            "device_name": name or self.device,
            "params_b": self.params_b,
            "within_factor": self.within if math.isfinite(self.within) else None,
            "n_rows": len(self.rows),
            "n_sources": self.n_sources,
            "median_error": self.median_error,
            "bias": self.bias,
            "covered": self.covered,
            "rows": [{**{k: v for k, v in vars(row).items() if k != "fold"}, "n_devices": n} for row, n in pairs],
        }


@lru_cache(maxsize=1)
def _counts() -> dict[str, int]:
    return {row["id"]: int(float(row["n_devices"])) for row in evidence.rows("runs") if row["n_devices"]}


def nearby(device: str, n_params: float, *, experts: bool | None = None) -> Nearby:
    """Return the measured rows of a device that are nearest in model size.

    Parameters
    ----------
    device : str
        Id of the catalogue.
    n_params : float
    experts : bool, optional
        Whether the model is a mixture of experts: dense rows say little of one. Rows of both kinds if not given.
    """
    size = n_params / 1e9
    kinds = {None: ("experts", "dense"), True: ("experts",), False: ("dense",)}[experts]
    known = [
        r for r in shipped_left_out() if r.fold == "source" and r.device == device and r.experts in kinds and r.params_b > 0
    ]  # fmt: skip
    kept: list[LeftOut] = []
    within = math.inf
    for within in FACTORS:
        kept = [r for r in known if abs(math.log(r.params_b / size)) <= math.log(within)]
        if len(kept) >= ENOUGH:
            break
    kept.sort(key=lambda r: (abs(math.log(r.params_b / size)), r.id))
    return Nearby(device, size, within, tuple(kept), tuple(_counts().get(r.id) for r in kept))


def of_answer(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return the measured rows nearest to a saved answer, by its summary.

    The summary does not say whether the model has experts: a model of the catalogue tells, of others both kinds count.
    """
    device, model = str(summary["device"]), str(summary["model"])
    experts = models.model(model).experts is not None if model in models.model_names() else None
    title = hardware.device(device).name if device in hardware.device_names() else device
    return nearby(device, float(summary["n_params"]), experts=experts).to_dict(title)
