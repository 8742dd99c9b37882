"""How wide a serving's interval is: by what is known of it, and of servings like it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np

from carbonscaling.arrays import Number
from carbonscaling.serving.effects import effects
from carbonscaling.serving.factors import ServingFactors
from carbonscaling.serving.question import Question

__all__ = ["KINDS", "QUANTITIES", "Kind", "interval", "kind_of"]

Kind = Literal["measured", "measured experts", "in flight untold", "new devices", "new software"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""What is known, most first: software and devices that rows were measured on, dense or with experts; the same with nobody saying how
many requests are in flight; devices, then software, of which no row was."""
QUANTITIES = ("speed", "watts", "joules")


def kind_of(q: Question, factors: ServingFactors) -> Kind:
    """Return what is known of a serving."""
    rows: Mapping[str, int] = factors.time.rows
    named = effects(q)
    if not all(rows.get(name, 0) for name in named if name.startswith("stack ")):
        return "new software"
    made = (f"arch {q.cluster.device.architecture.split()[0]}", q.cluster.device.vendor)
    if not all(rows.get(name, 0) for name in named if name.startswith(made)):
        return "new devices"
    if q.in_flight is None:
        return "in flight untold"
    return "measured" if q.spec.experts is None else "measured experts"


def interval(value: Number, quantity: str, kind: Kind, factors: ServingFactors) -> tuple[Number, Number]:
    """Return the ends between which 90 % lies; not-a-number where no width was learnt."""
    width = factors.intervals.get(quantity, {}).get(kind, np.nan)
    return value * np.exp(-width), value * np.exp(width)
