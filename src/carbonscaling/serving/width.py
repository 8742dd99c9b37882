"""How wide a serving's interval is: by what is known of it, and of servings like it."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from carbonscaling.arrays import Number
from carbonscaling.serving.effects import effects
from carbonscaling.serving.factors import ServingFactors
from carbonscaling.serving.question import Question

__all__ = ["KINDS", "NEW", "QUANTITIES", "Kind", "interval", "kind_of"]

Kind = Literal[
    "measured alike", "measured", "measured experts", "in flight untold", "new devices", "new software", "new both"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""What is known, most first: software and devices that rows were measured on, by the same source; by others, dense or with
experts; the same, but
nobody says how many requests are in flight; devices of which no row was, software (speculative decoding among it), or both."""
NEW: dict[str, tuple[Kind, ...]] = {
    "new devices": ("new devices", "new both"),
    "new software": ("new software", "new both"),
}
"""What widens an interval, and the kinds that have it."""
QUANTITIES = ("speed", "watts", "joules")


def kind_of(q: Question, factors: ServingFactors) -> Kind:
    """Return what is known of a serving."""
    times, device, named = factors.time.rows, q.cluster.device, effects(q)
    software = q.speculation is not None or not all(times.get(name) for name in named if name.startswith("stack "))
    made = (f"arch {device.architecture.split()[0]}", device.vendor)
    if not all(times.get(name) for name in named if name.startswith(made)):
        return "new both" if software else "new devices"
    if software:
        return "new software"
    if q.in_flight is None:
        return "in flight untold"
    if times.get(f"source {q.like}"):
        return "measured alike"
    return "measured" if q.spec.experts is None else "measured experts"


def interval(
    value: Number, quantity: str, kind: Kind, factors: ServingFactors, most: float = np.inf
) -> tuple[Number, Number]:
    """Return the ends between which 90 % lies, none above `most`; not-a-number where no width was learnt."""
    width = factors.intervals.get(quantity, {}).get(kind, np.nan)
    return np.minimum(value * np.exp(-width), most), np.minimum(value * np.exp(width), most)
