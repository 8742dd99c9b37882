"""Layouts as a product: shapes (tp, pp, cp) by replicas; those with equally many devices are a family."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["Lattice"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Lattice:
    """Every (tp, pp, dp, cp) whose product lies within a range, none of them written down before it is asked for.

    A layout's number is ``shape * len(dp) + place in dp``. Shapes with the same product form a class; a class and a number
    of replicas form a family, ``class * len(dp) + place in dp``: its layouts have the same device count.

    Attributes
    ----------
    shapes : array, shape (n, 3)
        tp, pp, cp, ordered by their product.
    dp : array
    families : array
        Those within the range, by number.
    """

    shapes: Ints
    dp: Ints
    families: Ints

    @classmethod
    def within(cls, shapes: Ints, dp: Ints, counts: tuple[int, int], host_devices: int = 1) -> Lattice:
        """Return the layouts with device counts in a range; beyond one host, of whole hosts only."""
        shapes = shapes[np.argsort(shapes.prod(axis=1), kind="stable")]
        n = np.multiply.outer(np.unique(shapes.prod(axis=1)), dp).reshape(-1)
        allowed = (n >= counts[0]) & (n <= counts[1])
        if host_devices > 1:
            allowed &= (n <= host_devices) | (n % host_devices == 0)
        return cls(shapes, dp, np.flatnonzero(allowed))

    @cached_property
    def _classes(self) -> tuple[Ints, Ints, Ints]:
        """Products, the first shape of each class, and how many it has."""
        return np.unique(self.shapes.prod(axis=1), return_index=True, return_counts=True)

    def n_devices(self, families: Ints) -> Floats:
        """Devices of families."""
        place, d = np.divmod(families, max(1, len(self.dp)))
        n: Floats = self._classes[0][place] * self.dp[d].astype(float)
        return n

    def sizes(self, families: Ints) -> Ints:
        """Layouts of families."""
        sizes: Ints = self._classes[2][families // max(1, len(self.dp))]
        return sizes

    @cached_property
    def n_layouts(self) -> int:
        """Layouts within the range."""
        return int(self.sizes(self.families).sum())

    def layouts(self, families: Ints) -> Ints:
        """Numbers of the layouts of families, one family after the other."""
        place, d = np.divmod(families, max(1, len(self.dp)))
        size = self._classes[2][place]
        nth = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        numbers: Ints = (np.repeat(self._classes[1][place], size) + nth) * len(self.dp) + np.repeat(d, size)
        return numbers

    def rows(self, layouts: Ints) -> Ints:
        """Return tp, pp, dp, cp of layouts, one row each."""
        shape, d = np.divmod(layouts, max(1, len(self.dp)))
        tp, pp, cp = self.shapes[shape].T
        return np.stack((tp, pp, self.dp[d], cp), axis=1)

    def least(self, each: Floats, once: Floats, first: Ints) -> Floats:
        """Smallest ``each / dp + once`` of every family within the range; the arguments hold a number per shape.

        A shape counts from the place `first` in `dp` on; infinity where none does.
        """
        if len(self.families) == 0:
            return np.zeros(0)
        value = np.empty((len(self._classes[0]), len(self.dp)))
        place = np.arange(len(self.dp))
        for i, (begin, size) in enumerate(zip(*self._classes[1:], strict=True)):
            part = slice(begin, begin + size)
            every = each[part, None] / self.dp + once[part, None]
            value[i] = np.where(place >= first[part, None], every, np.inf).min(axis=0)
        found: Floats = value.reshape(-1)[self.families]
        return found
