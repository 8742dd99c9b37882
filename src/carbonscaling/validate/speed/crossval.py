"""Cross-validation by source and by device generation: nothing is scored that a fit has seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from carbonscaling.calibration.interval import FEATURES
from carbonscaling.calibration.profile import Calibration
from carbonscaling.study.accuracy import features as study_features
from carbonscaling.validate.replay import Replay
from carbonscaling.validate.speed.fit import Sample, fit, predicted_speed

__all__ = ["GENERATIONS", "features", "generation", "leave_generation_out", "leave_sources_out"]

Array = NDArray[np.float64]

FOLD_ITERATIONS = 5
GENERATION_ITERATIONS = 8

GENERATIONS: dict[str, Callable[[str, str], bool]] = {
    "H100": lambda architecture, _device: architecture == "Hopper",
    "B200/GB200": lambda architecture, _device: architecture.startswith("Blackwell"),
    "TPUv5p": lambda _architecture, device: device == "tpu-v5p",
}
"""Generations left out as a whole: (architecture, device id) that belong to each."""


def features(replays: Sequence[Replay], seen: Calibration) -> Array:
    """Return what the width of an interval depends on, one row each."""
    found = [study_features(r.setup, r.n_devices, seen) for r in replays]
    return np.array([[1.0, *(float(row[name]) for name in FEATURES[1:])] for row in found])


def leave_sources_out(
    s: Sample, full: Calibration, progress: Callable[[str, int, int], None] | None = None
) -> tuple[Array, Array]:
    """Predict every row from a fit on all other sources.

    Returns
    -------
    speed : array
        tokens/s/device by row.
    x : array
        Interval features by row, with respect to the fit that did not see it.
    """
    sources = np.array(s.sources)
    names = sorted(set(s.sources))
    speed = np.zeros(len(sources))
    rows: list[Array] = [np.zeros(0)] * len(sources)
    for k, name in enumerate(names):
        if progress is not None:
            progress(name, k, len(names))
        held = sources == name
        calibration = fit(s.subset(~held), f"without {name}", start=full, iterations=FOLD_ITERATIONS)
        part = s.subset(held)
        speed[held] = predicted_speed(part, calibration)
        for i, row in zip(np.flatnonzero(held), features(part.replays, calibration), strict=True):
            rows[i] = row
    return speed, np.array(rows)


def generation(s: Sample, name: str) -> NDArray[np.bool_]:
    """Return which rows belong to a generation."""
    return np.array([GENERATIONS[name](a, d) for a, d in zip(s.architectures, s.devices, strict=True)])


def leave_generation_out(s: Sample, name: str) -> tuple[NDArray[np.bool_], Array, Array]:
    """Predict a whole device generation from its data sheet and the other generations alone.

    Returns
    -------
    held : array of bool
        Rows of that generation.
    speed, x : arrays
        As `leave_sources_out`, for the held rows.
    """
    held = generation(s, name)
    calibration = fit(s.subset(~held), f"without {name}", iterations=GENERATION_ITERATIONS)
    part = s.subset(held)
    return held, predicted_speed(part, calibration), features(part.replays, calibration)
