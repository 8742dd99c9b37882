"""Readings that something else slowed down, told by their neighbours in a sweep, never by a prediction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np

__all__ = ["disturbed"]

FEWEST = 50
"""Rows of a sweep: one source, one kind of launch, one `m`; `n` and `k` grow together in small steps."""
EACH_SIDE = 3
SLOW = 0.75
"""Share of its slowest neighbour's rate below which a reading is no property of its shape."""
AGREE = 0.8
"""Slowest over fastest neighbour: where they differ by more, the sweep is too rough to judge by."""


class _Timed(Protocol):
    @property
    def source(self) -> str: ...
    @property
    def op(self) -> str: ...
    @property
    def batch(self) -> float: ...
    @property
    def m(self) -> float: ...
    @property
    def n(self) -> float: ...
    @property
    def k(self) -> float: ...
    @property
    def seconds(self) -> float: ...


T = TypeVar("T", bound=_Timed)


def disturbed(rows: Sequence[T]) -> list[T]:
    """Return the readings of long sweeps whose rate lies far below that of the shapes just before and after."""
    sweeps: dict[tuple[str, str, float, float], list[T]] = defaultdict(list)
    for row in rows:
        sweeps[row.source, row.op, row.batch, row.m].append(row)
    found = []
    for sweep in sweeps.values():
        if len(sweep) < FEWEST:
            continue
        ordered = sorted(sweep, key=lambda row: row.n * row.k)
        rate = np.array([row.n * row.k / row.seconds for row in ordered])
        for i in range(EACH_SIDE, len(ordered) - EACH_SIDE):
            around = np.delete(rate[i - EACH_SIDE : i + EACH_SIDE + 1], EACH_SIDE)
            if around.min() > AGREE * around.max() and rate[i] < SLOW * around.min():
                found.append(ordered[i])
    return found
