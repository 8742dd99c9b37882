"""How many requests may be in flight where 99 of 100 are promised a latency, of arrivals that nobody spaces out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from carbonscaling.arrays import Number
from carbonscaling.formula import formula
from carbonscaling.hints import NamedTuple
from carbonscaling.serving.cycle import TERMS
from carbonscaling.serving.factors import unfitted
from carbonscaling.serving.predict import predict, worked
from carbonscaling.serving.question import Question
from carbonscaling.serving.search import steps_to

__all__ = ["Limits", "busiest", "kept", "longest_wait"]


class Limits(NamedTuple):
    """Seconds to the first token, its wait for a place among prompts included, and between tokens, of 99 of 100 requests."""

    ttft: float
    tpot: float


@formula(
    "n + 2.33·√n",
    unit="1",
    source="kleinrock_1975",
    place="requests of Poisson arrivals that are in flight are Poisson too (M/G/∞); 99th percentile of a normal variable",
)
def busiest(n: Number) -> Number:
    """Return the requests in flight that are exceeded in one hundredth of the time.

    >>> round(float(busiest(100.0)), 1)
    123.3
    """
    return n + 2.33 * np.sqrt(n)


@formula(
    "seconds/(2·(1 − share))·ln(max(100·share, 1))",
    unit="s",
    source="kleinrock_1975",
    place="M/D/1: a share of requests waits, exponentially, with the mean of Pollaczek and Khinchine",
)
def longest_wait(seconds: Number, share: Number) -> Number:
    """Return the time that one prompt in a hundred waits for those before it.

    Parameters
    ----------
    seconds : of one prompt. share : of the time in which prompts are worked out.

    >>> round(float(longest_wait(1.0, 0.5)), 2), float(longest_wait(1.0, 0.01))
    (3.91, 0.0)
    """
    return seconds / (2.0 * (1.0 - share)) * np.log(np.maximum(100.0 * share, 1.0))


def kept(questions: Sequence[Question], limits: Limits) -> list[Question]:
    """Return servings with the most requests in flight that keep their limits, by the physics before any row; at least one.

    Those that keep them with as many as memory holds are returned as they are.
    """
    room = [
        float(n * q.layout.pp) for q, n in zip(questions, predict(worked(questions), unfitted()).batch, strict=True)
    ]
    tried = [np.array([*(n for n in steps_to(most) if n < most), most]) for most in room]
    copies = [float(q.layout.replicas) for q in questions]
    each = [replace(q, in_flight=n * k) for q, k, ns in zip(questions, copies, tried, strict=True) for n in ns.tolist()]
    p = predict(worked(each), unfitted())
    first = p.ttft_s + longest_wait(p.ttft_s - p.tpot_s, p.seconds[TERMS.index("prefill")] / p.seconds.sum(0))
    found, start = [], 0
    for q, k, ns in zip(questions, copies, tried, strict=True):
        own = slice(start, start + len(ns))
        start += len(ns)
        between = np.interp(busiest(ns), ns, p.tpot_s[own])
        over = np.maximum.accumulate(np.maximum(first[own] / limits.ttft, between / limits.tpot))
        most = float(np.interp(1.0, over, ns)) * k
        found.append(q if over[-1] <= 1.0 else replace(q, in_flight=most, worked_out=True))
    return found
