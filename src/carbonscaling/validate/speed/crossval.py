"""Cross-validation by source and by device generation: nothing is scored that a fit has seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from carbonscaling.arrays import Array
from carbonscaling.calibration.interval import FEATURES
from carbonscaling.calibration.profile import Calibration
from carbonscaling.study.accuracy import features as study_features
from carbonscaling.validate.replay import Replay
from carbonscaling.validate.speed.fit import Sample, fit, predicted_speed

__all__ = ["GENERATIONS", "features", "generation", "leave_generation_out", "leave_sources_out"]


FOLD_ITERATIONS = 2
"""From the fit on all rows. A third step moves no prediction of llm-foundry or torchtitan by 0.1 %."""
GENERATION_ITERATIONS = 8

GENERATIONS: dict[str, Callable[[str, str], bool]] = {
    "H100": lambda architecture, _device: architecture == "Hopper",
    "B200/GB200": lambda architecture, _device: architecture.startswith("Blackwell"),
    "TPUv5p": lambda _architecture, device: device == "tpu-v5p",
}
"""Generations left out as a whole: (architecture, device id) that belong to each."""


def features(replays: Sequence[Replay], seen: Calibration) -> Array:
    """Return what the width of an interval depends on, one row each."""
    found = [study_features(r.setup, seen, r.settled.open) for r in replays]
    return np.array([[1.0, *(float(row[name]) for name in FEATURES[1:])] for row in found])


def leave_sources_out(
    s: Sample, others: Sequence[Sample], full: Calibration, progress: Callable[[str, int, int], None] | None = None
) -> list[tuple[Array, Array]]:
    """Predict every row, and rows of the same sources written otherwise, from a fit on all other sources.

    Returns
    -------
    list of (array, array)
        Of `s`, then of each of `others`: tokens/s/device by row, and interval features by row, with respect to the fit that
        did not see it.
    """
    names = sorted(set(s.sources))
    parts = (s, *others)
    found = [(np.zeros(len(p.measured)), np.zeros((len(p.measured), len(FEATURES)))) for p in parts]
    for k, name in enumerate(names):
        if progress is not None:
            progress(name, k, len(names))
        calibration = fit(s.subset(np.array(s.sources) != name), f"without {name}", full, FOLD_ITERATIONS)
        for p, (speed, x) in zip(parts, found, strict=True):
            held = np.array(p.sources) == name
            if held.any():
                part = p.subset(held)
                speed[held], x[held] = predicted_speed(part, calibration), features(part.replays, calibration)
    return found


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
