"""What decides blocks of settings, and what it says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from carbonscaling.perf.machine import Machine
from carbonscaling.search.bounds import LeastPasses, least_step, slowest_host
from carbonscaling.search.grid import Grid

__all__ = ["BLOCK", "Decided", "Judge", "ShapeBounds", "family_bounds", "layout_bounds", "shape_bounds"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BLOCK = 1 << 18
"""Settings decided between two looks at the clock, in one thread."""


@dataclass
class Decided:
    """Fate of some rows.

    Attributes
    ----------
    index, step : arrays
        Settings that fit and are kept, by number (counted from the first of the rows), and their step times.
    counts : array
        Settings by fate: the rules, then memory, late, fit, left out by a bound (places in `kernel`).
    row_best, row_best_index : arrays
        Quickest setting of each row that fits; infinity where none does.
    excess, excess_index : float, int
        The nearest miss of the memory limit; infinity where there is none.
    """

    index: Ints
    step: Floats
    counts: Ints
    row_best: Floats
    row_best_index: Ints
    excess: float
    excess_index: int


class Judge(Protocol):
    """Something that decides rows of a grid."""

    grid: Grid

    def rows_at_once(self, *, prune: bool) -> int:
        """Layouts that are decided in one go."""

    def bounds(self) -> Floats:
        """Step time that no setting of each family of layouts can beat."""

    def row_bounds(self, rows: Ints) -> Floats:
        """Step time that no setting of some layouts can beat."""

    def alive(self, rows: Ints, cut: Floats) -> NDArray[np.bool_]:
        """Whether bounds leave a chance to any setting of some layouts, of which each has a step time to beat."""

    def decide(self, rows: Ints, cut: Floats, kept: Floats, late: Floats, prune: bool) -> Decided:
        """Decide some layouts, by number; `cut`, `kept` and `late` hold a step time for each of them.

        Beyond the first a setting does not matter, beyond the second it matters only as its layout's quickest, beyond
        the third it misses the deadline.
        """


ShapeBounds = tuple[Floats, Floats, Floats]
"""Of every shape and micro-batch: least seconds a sequence of a replica and beside them; of every shape: fewest replicas."""


def shape_bounds(least: Floats, micros: Floats, fewest: Floats) -> ShapeBounds:
    """Return what no setting of a shape can beat, from what passes take at least (see `tables.least_table`)."""
    each, once = np.moveaxis(least.min(axis=(1, 2)), -1, 0)
    return each / micros, once, fewest


def family_bounds(machine: Machine, grid: Grid, shapes: ShapeBounds) -> Floats:
    """Step time that no setting of each family of layouts can beat; infinity where none fits in memory."""
    lattice = grid.lattice
    passes = LeastPasses(0.0, lattice.least(*shapes, grid.even))
    return np.asarray(
        least_step(machine, passes, 0.0, slowest_host(machine, lattice.extents(lattice.families).n_devices))
    )


def layout_bounds(machine: Machine, grid: Grid, shapes: ShapeBounds, rows: Ints) -> Floats:
    """Step time that no setting of some layouts can beat; infinity where none fits in memory."""
    tp, pp, dp, cp, _ = grid.lattice.rows(rows).T.astype(float)
    passes = LeastPasses(0.0, grid.lattice.least_of(rows, *shapes, grid.even))
    return np.asarray(least_step(machine, passes, 0.0, slowest_host(machine, tp * pp * dp * cp)))
