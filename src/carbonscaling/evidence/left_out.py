"""Left-out predictions that ship: every scored row, predicted by a fit that never saw its source or its generation."""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources

from carbonscaling.record import dataclass

__all__ = ["NUMBERS", "LeftOut", "shipped_left_out"]

NUMBERS = ("measured", "predicted", "low", "high")
"""Columns of tokens/s and device."""


@dataclass(frozen=True)
class LeftOut:
    """One row predicted by a fit that did not see it; `fold` is ``source`` or the generation left out."""

    id: str
    fold: str
    source: str
    device: str
    stack: str
    precision: str
    experts: str
    params_b: float
    kind: str
    measured: float
    predicted: float
    low: float
    high: float


@cache
def shipped_left_out() -> tuple[LeftOut, ...]:
    """Return the left-out predictions that were made with the shipped calibration."""
    file = resources.files(__package__).joinpath("left_out.csv")
    if not file.is_file():
        return ()
    rows = csv.DictReader(file.read_text(encoding="utf-8").splitlines())
    numbers = ("params_b", *NUMBERS)
    return tuple(LeftOut(**{k: float(v) if k in numbers else v for k, v in row.items()}) for row in rows)  # type: ignore[arg-type]
