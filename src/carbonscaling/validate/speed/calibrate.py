"""The whole calibration: fit, leave out, fit the intervals; and the left-out predictions that `validate` scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from carbonscaling.calibration.interval import bounds, fit_interval, widen_for_new_architectures
from carbonscaling.calibration.profile import Calibration
from carbonscaling.errors import InputError
from carbonscaling.evidence.left_out import NUMBERS, LeftOut
from carbonscaling.files import csv_text
from carbonscaling.validate.parts.memory import memory_half_width
from carbonscaling.validate.speed.crossval import GENERATIONS, generation, leave_generation_out, leave_sources_out
from carbonscaling.validate.speed.fit import fit
from carbonscaling.validate.speed.runs import scored_sample

__all__ = ["calibrate", "left_out_csv"]

Array = NDArray[np.float64]

FEWEST_ROWS = 5
FEWEST_SOURCES = 3
"""Sources below which nothing can be left out: the shipped intervals are kept."""


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
    generations = [
        (name, *leave_generation_out(s, name)) for name in GENERATIONS if 0 < generation(s, name).sum() < len(speed)
    ]
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


def left_out_csv(rows: Sequence[LeftOut]) -> str:
    """Return left-out predictions as CSV text, numbers to six digits."""
    six = [vars(r) | {name: f"{getattr(r, name):.6g}" for name in NUMBERS} for r in rows]
    return csv_text([f.name for f in fields(LeftOut)], six)
