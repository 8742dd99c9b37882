"""Batch and count of a run: what a scenario leaves open beside its layout is decided first, by the same search."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carbonscaling.perf.numbers import Setting
from carbonscaling.perf.step import step_time
from carbonscaling.search.engine import Question, search
from carbonscaling.search.objectives import OBJECTIVES
from carbonscaling.search.result import Candidate
from carbonscaling.search.space import Space
from carbonscaling.study.outcome import takes
from carbonscaling.study.resolve import Resolved

__all__ = ["FLAT", "decided", "flat", "layout_batches", "round_batches"]

DIGITS = 7
"""Binary digits of the batches that are tried with every device count: neighbours differ by 0.8 to 1.6 %."""
USED = 0.9
"""Share of the devices that a layout uses at least where every batch is tried: beside it, round batches will do."""


def round_batches(batches: Sequence[int], digits: int = DIGITS) -> tuple[int, ...]:
    """Return the batches that have few binary digits, which many replicas divide; one at least.

    >>> round_batches(range(1000, 1032))
    (1000, 1008, 1016, 1024)
    """
    found = tuple(b for b in batches if b % (1 << max(0, b.bit_length() - digits)) == 0)
    return found or tuple(batches[:1])


def decided(q: Question, space: Space, few: int | None = None) -> Question:
    """Return the question with one batch, and where the count of devices is given with as many as are used.

    Every count is tried with batches of few binary digits; at the best count, and at those near a given one, all batches
    are; with the batch found there all counts are once more, until neither improves. Where nothing answers, the batch is the
    one that comes nearest.

    Parameters
    ----------
    q : Question
    space : Space
    few : int, optional
        As in `search`.
    """
    low, high = q.counts
    if len(q.batches) == 1 and (low < high or q.stated):
        return q
    key, some = OBJECTIVES[q.objective].key, round_batches(q.batches)

    def best(**changes: Any) -> Candidate | None:
        found = search(replace(q, **changes), space, top=1, near=0.0, prune=True, explain=False, few=few)
        if found.interrupted:
            raise KeyboardInterrupt
        return found.best

    if low == high:
        tried = (best(counts=(1, high), batches=some), best(counts=(math.ceil(USED * high), high)))
        known = [candidate for candidate in tried if candidate is not None]
        first = min(known, key=lambda c: (*key(c), -c.n_devices), default=None)
    else:
        first = best(batches=some)
    if first is None:
        fastest = best(batches=some, deadline_s=math.inf, limits=(), objective="time", counts=(1, high))
        shared = next((b for b in q.batches if low == high and b % high == 0), some[len(some) // 2])
        return replace(q, batches=(int(fastest.setting.sequences) if fastest else shared,))
    while True:
        n = first.n_devices
        here = best(counts=(n, n), host_devices=1) or first
        batches = (int(here.setting.sequences),)
        if low == high:
            return replace(q, counts=(n, n), batches=batches)
        again = best(batches=batches) or here
        if key(again) >= key(here):
            return replace(q, batches=batches)
        first = again


FLAT = 0.02
"""How much longer than with its own batch a run may take in the flat region."""


def layout_batches(r: Resolved, setting: Setting) -> NDArray[np.float64]:
    """Return the batches of the range that a layout can have, its own among them; ascending."""
    rounds = setting.dp * setting.micro_batch * (setting.pp if setting.vpp > 1 else 1)
    own = {float(setting.sequences), *(float(b) for b in r.batches.every if b % rounds == 0)}
    return np.array(sorted(own))


def flat(r: Resolved, setting: Setting) -> tuple[int, int]:
    """Return the least and the greatest batch with which a layout takes at most `FLAT` longer than with its own."""
    every = layout_batches(r, setting)
    many = Setting(*(float(v) for v in setting))._replace(n_micro=every / (setting.dp * setting.micro_batch))
    taken = np.asarray(takes(r).duration(many, step_time(r.work, r.machine, many).total))
    near = every[taken <= (1.0 + FLAT) * taken[every == setting.sequences]]
    return int(near.min()), int(near.max())
