"""Left-out predictions: each row by a fit that did not see its source, or its generation."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

__all__ = ["LeftOut", "left_out_csv", "shipped_left_out"]

_COLUMNS = ("id", "fold", "source", "device", "stack", "precision", "experts", "params_b", "kind")


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


def left_out_csv(rows: Sequence[LeftOut]) -> str:
    """Return left-out predictions as CSV text, numbers to six digits."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*_COLUMNS, "measured", "predicted", "low", "high"])
    for r in rows:
        numbers = (r.measured, r.predicted, r.low, r.high)
        writer.writerow([*(getattr(r, c) for c in _COLUMNS), *(f"{v:.6g}" for v in numbers)])
    return out.getvalue()


@lru_cache(maxsize=1)
def shipped_left_out() -> tuple[LeftOut, ...]:
    """Return the left-out predictions that were made with the shipped calibration."""
    file = resources.files("carbonscaling.evidence").joinpath("left_out.csv")
    if not file.is_file():
        return ()
    kinds = {"params_b": float, "measured": float, "predicted": float, "low": float, "high": float}
    return tuple(
        LeftOut(**{k: kinds.get(k, str)(v) for k, v in row.items()})  # type: ignore[arg-type]
        for row in csv.DictReader(io.StringIO(file.read_text(encoding="utf-8")))
    )
