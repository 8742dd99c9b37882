"""Deciding settings with a stopwatch, a little at a time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from carbonscaling.search import kernel
from carbonscaling.search.judge import Judge

__all__ = ["Walk"]

BLOCK = 1 << 17
"""Settings decided between two looks at the clock."""


@dataclass
class Walk:
    """Repeated walks through layouts that are drawn evenly from a space: rules, memory and step time of every setting.

    Attributes
    ----------
    judge : Judge
    size : int
        About how many settings to draw.
    n_settings, n_fit : int
        Settings of a whole walk, and those of them that fit.
    n_walks : int
        Walks completed.
    seconds : float
        Processor time of one thread that these have taken.
    """

    judge: Judge
    size: int
    n_settings: int = 0
    n_fit: int = 0
    n_walks: int = 0
    seconds: float = 0.0
    _families: NDArray[np.int64] = field(init=False)
    _at: int = 0
    _fit: int = 0
    _spent: float = 0.0

    def __post_init__(self) -> None:
        """Draw."""
        grid = self.judge.grid
        every = grid.lattice.families
        n = max(1, round(min(1.0, self.size / grid.n_candidates) * len(every)))
        self._families = every[np.linspace(0, len(every) - 1, n).round().astype(np.int64)]
        self.n_settings = int(grid.lattice.sizes(self._families).sum()) * grid.n_inner

    def go_on(self, seconds: float) -> None:
        """Walk for at least so long."""
        lattice, per_block = self.judge.grid.lattice, max(1, BLOCK // self.judge.grid.n_inner)
        now = time.thread_time()
        until = now + seconds
        while now < until:
            here = lattice.layouts(self._families[self._at : self._at + per_block])
            limit = np.full(len(here), np.inf)
            self._fit += int(self.judge.decide(here, -limit, -limit, limit, False).counts[kernel.FIT])
            self._at += per_block
            before, now = now, time.thread_time()
            self._spent += now - before
            if self._at >= len(self._families):
                self.n_walks, self.seconds, self.n_fit = self.n_walks + 1, self.seconds + self._spent, self._fit
                self._at, self._spent, self._fit = 0, 0.0, 0
