"""Layouts as a product: shapes (tp, pp, cp) by replicas and batch; a family has one device count and one batch."""

from __future__ import annotations

from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from carbonscaling.record import dataclass
from carbonscaling.search.limits import Extent

__all__ = ["Lattice"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

AT_ONCE = 1 << 16
"""Layouts whose bounds are worked out in one go; of more class by class, which needs less memory."""


@dataclass(frozen=True)
class Lattice:
    """Every (tp, pp, dp, cp) and batch whose devices lie within a range, none written down before it is asked for.

    A layout's number is ``shape * len(dp) + place in dp``. Shapes with the same product form a class; a class with a number
    of replicas and a batch forms a family, ``class * len(dp) + place in dp``: its layouts have the same device count.

    Attributes
    ----------
    shapes : array, shape (n, 3)
        tp, pp, cp, ordered by their product.
    dp, batch : array
        Replicas, and the sequences of a step that they share: pairs.
    families : array
        Those within the range, by number.
    """

    shapes: Ints
    dp: Ints
    batch: Ints
    families: Ints

    @classmethod
    def within(cls, shapes: Ints, dp: Ints, batch: Ints, counts: tuple[int, int], host_devices: int = 1) -> Lattice:
        """Return the layouts with device counts in a range; beyond one host, of whole hosts only."""
        shapes = shapes[np.argsort(shapes.prod(axis=1), kind="stable")]
        return cls(shapes, dp, batch, np.zeros(0, np.int64)).among(counts, host_devices)

    def among(self, counts: tuple[int, int], host_devices: int = 1) -> Lattice:
        """Return the layouts of these shapes, replicas and batches as `within` does."""
        n = self._devices
        allowed = (n >= counts[0]) & (n <= counts[1])
        if host_devices > 1:
            allowed &= (n <= host_devices) | (n % host_devices == 0)
        found = Lattice(self.shapes, self.dp, self.batch, np.flatnonzero(allowed))
        vars(found)["_classes"] = self._classes  # of the shapes alone
        return found

    @cached_property
    def _classes(self) -> tuple[Ints, Ints, Ints]:
        """Products, the first shape of each class, and how many it has."""
        return _classes(self.shapes)

    @cached_property
    def _devices(self) -> Ints:
        """Devices of every family, within the range or not."""
        devices: Ints = np.multiply.outer(self._classes[0], self.dp).reshape(-1)
        return devices

    def pairs(self) -> tuple[Ints, Ints]:
        """Return every (tp, cp), which layer times depend on, and the place among them of every shape's."""
        if len(self.shapes) == 1:
            return self.shapes[:, [0, 2]], np.zeros(1, np.int64)
        return _pairs(self.shapes.tobytes())

    def extents(self, families: Ints) -> Extent:
        """Devices and batch of families."""
        place, d = np.divmod(families, max(1, len(self.dp)))
        return Extent(self._classes[0][place] * self.dp[d].astype(float), self.batch[d].astype(float))

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
        """Return tp, pp, dp, cp, batch of layouts, one row each."""
        shape, d = np.divmod(layouts, max(1, len(self.dp)))
        found = np.empty((len(layouts), 5), np.int64)
        found[:, 0], found[:, 1], found[:, 3] = self.shapes[shape].T
        found[:, 2], found[:, 4] = self.dp[d], self.batch[d]
        return found

    @cached_property
    def share(self) -> Floats:
        """Sequences of a replica."""
        return np.asarray(self.batch / self.dp)

    def least(self, each: Floats, once: Floats, fewest: Floats, even: NDArray[np.bool_]) -> Floats:
        """Smallest time of every family within the range; the first two arguments hold a number per shape and micro-batch.

        ``each`` counts for every sequence of a replica, ``once`` for the step. A shape counts from `fewest` replicas on, a
        micro-batch where it divides a replica's sequences (``even``: by micro-batch and replicas); infinity where none does.
        """
        if 0 < self.n_layouts <= AT_ONCE:
            sizes = self.sizes(self.families)
            every = self.least_of(self.layouts(self.families), each, once, fewest, even)
            return np.minimum.reduceat(every, np.cumsum(sizes) - sizes)
        found = np.full(len(self.families), np.inf)
        place, d = np.divmod(self.families, max(1, len(self.dp)))
        ends = np.searchsorted(place, np.arange(len(self._classes[0]) + 1))
        for i, (begin, size) in enumerate(zip(*self._classes[1:], strict=True)):
            part, here = slice(begin, begin + size), d[ends[i] : ends[i + 1]]
            for m in range(len(even)):
                nth = np.flatnonzero(even[m, here])
                own, at = here[nth], ends[i] + nth
                every = each[part, m, None] * self.share[own] + once[part, m, None]
                every[self.dp[own] < fewest[part, None]] = np.inf
                found[at] = np.minimum(found[at], every.min(axis=0))
        return found

    def least_of(self, layouts: Ints, each: Floats, once: Floats, fewest: Floats, even: NDArray[np.bool_]) -> Floats:
        """Smallest time of some layouts; arguments as of `least`."""
        shape, d = np.divmod(layouts, max(1, len(self.dp)))
        taken = each.T[:, shape] * self.share[d] + once.T[:, shape]
        found = np.where(even[:, d], taken, np.inf).min(axis=0)
        return np.where(self.dp[d] >= fewest[shape], found, np.inf)


def _classes(shapes: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the products of ordered shapes, the first shape of each, and how many have it."""
    products = shapes.prod(axis=1)
    first = np.flatnonzero(np.diff(products, prepend=-1))
    return products[first], first, np.diff(first, append=len(products))


@lru_cache(maxsize=64)
def _pairs(shapes: bytes) -> tuple[Ints, Ints]:
    """Return `Lattice.pairs` of shapes, for reading alone."""
    found, places = np.unique(np.frombuffer(shapes, np.int64).reshape(-1, 3)[:, [0, 2]], axis=0, return_inverse=True)
    places = places.reshape(-1).astype(np.int64)
    found.flags.writeable = places.flags.writeable = False
    return found, places
