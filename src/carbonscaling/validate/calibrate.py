"""The whole calibration: fit, leave out, fit the intervals; and the left-out predictions that `validate` scores."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from carbonscaling.calibration.profile import Calibration
from carbonscaling.errors import InputError
from carbonscaling.validate.crossval import GENERATIONS, leave_generation_out, leave_sources_out
from carbonscaling.validate.fit import Sample, fit
from carbonscaling.validate.interval import bounds, fit_interval, widen_for_new_architectures
from carbonscaling.validate.memory import memory_half_width
from carbonscaling.validate.runs import scored_sample

__all__ = ["LeftOut", "calibrate", "left_out_csv", "shipped_left_out"]

Array = NDArray[np.float64]

FEWEST_ROWS = 5
FEWEST_SOURCES = 3
"""Sources below which nothing can be left out: the shipped intervals are kept."""

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


def calibrate(
    rows: Sequence[Mapping[str, str]], title: str, progress: Callable[[str, int, int], None] | None = None
) -> tuple[Calibration, list[LeftOut]]:
    """Fit the knobs to measured rows, and learn the intervals from rows whose source was left out.

    Parameters
    ----------
    rows : sequence of Mapping
        Rows with the schema of ``runs.csv``, measured columns included.
    title : str
    progress : callable, optional
        Told (source left out, how many are done, how many there are).

    Raises
    ------
    InputError
        Too few usable rows.
    """
    s, _ = scored_sample(rows)
    if s is None or len(s.measured) < FEWEST_ROWS:
        raise InputError(
            "too few usable measurements to calibrate on",
            value=0 if s is None else len(s.measured),
            allowed=f"at least {FEWEST_ROWS} rows with inputs and a measured speed",
            remedy="carbonscaling validate --runs FILE -o OUT.csv says why each row is unusable",
        )
    full = fit(s, title)
    if len(set(s.sources)) < FEWEST_SOURCES:
        return full, []
    speed, x = leave_sources_out(s, full, progress)
    interval = fit_interval(x, np.log(speed / s.measured), s.sources)
    generations = [(name, *leave_generation_out(s, name)) for name in GENERATIONS if _has(s, name)]
    if generations:
        held = np.concatenate([np.flatnonzero(rows) for _, rows, _, _ in generations])
        residuals = np.log(np.concatenate([speed for _, _, speed, _ in generations]) / s.measured[held])
        seen = np.concatenate([known for *_, known in generations])
        interval = widen_for_new_architectures(interval, seen, residuals, [s.sources[i] for i in held])
    calibration = replace(full, interval={**interval, "memory": round(memory_half_width(), 6)})
    everything = np.ones(len(s.measured), dtype=bool)
    folds = [("source", everything, speed, x), *generations]
    left: list[LeftOut] = []
    for name, held, predicted, seen in folds:
        low, high = bounds(predicted, seen, interval)
        for k, i in enumerate(np.flatnonzero(held)):
            r = s.replays[i]
            left.append(
                LeftOut(
                    id=r.row.id,
                    fold=name,
                    source=s.sources[i],
                    device=s.devices[i],
                    stack=s.stacks[i] or "not stated",
                    precision=r.setup.recipe.name,
                    experts="experts" if r.work.n_experts else "dense",
                    params_b=float(r.row.params_b or 0.0),
                    kind=r.row.kind,
                    measured=float(s.measured[i]),
                    predicted=float(predicted[k]),
                    low=float(low[k]),
                    high=float(high[k]),
                )
            )
    return calibration, left


def _has(s: Sample, generation: str) -> bool:
    belongs = GENERATIONS[generation]
    pairs = [belongs(a, d) for a, d in zip(s.architectures, s.devices, strict=True)]
    return any(pairs) and not all(pairs)


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
