"""How wide a serving's interval is: by what is known of it, and of servings like it."""

from __future__ import annotations

import numpy as np

from carbonscaling.arrays import Number
from carbonscaling.serving.effects import effects
from carbonscaling.serving.factors import ServingFactors
from carbonscaling.serving.question import Question

__all__ = [
    "EXPERTS", "KINDS", "KNOWN", "LONG", "LONG_ANSWERS", "NEW", "QUANTITIES", "UNTOLD", "half_width", "interval", "kind_of",
]  # fmt: skip

EXPERTS = " experts"
KNOWN = ("measured alike", "measured", "prompts untold", "in flight untold", "new devices", "new software", "new both")
"""What is known, most first: software and devices that rows were measured on, by the same source; by others; the same, but
nobody says how long prompts are, or how many requests are in flight; devices of which no row was, software (speculative
decoding among it), or both."""
KINDS = tuple(known + experts for known in KNOWN for experts in ("", EXPERTS))
"""What is known, of a dense model or of one with experts."""
LONG, LONG_ANSWERS = 1500.0, "long answers"
"""Tokens of an answer from which it is a long one, whose speed is less sure; and what widens its interval. Most that were
measured have up to 1,200 tokens, or from 1,900 on."""
UNTOLD = {name: (name, name + EXPERTS) for name in ("prompts untold", "in flight untold")}
NEW = {name: tuple(k for k in KINDS if k.startswith((name, "new both"))) for name in ("new devices", "new software")}
"""What widens an interval, and the kinds that have it."""
QUANTITIES = ("speed", "watts", "joules")


def kind_of(q: Question, factors: ServingFactors) -> str:
    """Return what is known of a serving, one of `KINDS`."""
    times, device, named = factors.time.rows, q.cluster.device, effects(q)
    software = q.speculation is not None or not all(times.get(name) for name in named if name.startswith("stack "))
    made = ("arch ", device.vendor)
    devices = not all(times.get(name) for name in named if name.startswith(made))
    if devices or software:
        known = "new both" if devices and software else "new devices" if devices else "new software"
    elif q.in_flight is None or q.worked_out:
        known = "in flight untold"
    elif times.get(f"source {q.like}"):
        known = "measured alike"  # which taught what its prompts make, too
    else:
        known = "prompts untold" if q.prompt is None else "measured"
    return known if q.spec.experts is None else known + EXPERTS


def half_width(quantity: str, kind: str, output: float, factors: ServingFactors) -> float:
    """Return how far 90 % of what is measured lies, as a logarithm; not-a-number where no width was learnt.

    Parameters
    ----------
    output : float
        Mean tokens of an answer.
    """
    learnt = factors.intervals.get(quantity, {})
    return learnt.get(kind, np.nan) * (learnt.get(LONG_ANSWERS, 1.0) if output >= LONG else 1.0)


def interval(
    value: Number, quantity: str, kind: str, output: float, factors: ServingFactors, most: float = np.inf
) -> tuple[Number, Number]:
    """Return the ends between which 90 % lies, none above `most`; not-a-number where no width was learnt."""
    width = half_width(quantity, kind, output, factors)
    return np.minimum(value * np.exp(-width), most), np.minimum(value * np.exp(width), most)
