"""How much of a result's variance each input explains, in one pass over the rows whatever their number.

A case's number says which row of every block it takes, so that the pass groups by whole numbers alone; values and bins
are put to the few sums that remain.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carbonscaling.arrays import Array
from carbonscaling.record import dataclass
from carbonscaling.study.sweep.axes import Block
from carbonscaling.study.sweep.columns import is_number
from carbonscaling.study.sweep.query import Results

__all__ = ["BINS", "Explained", "explained"]

BINS = 16
"""Groups of equal number into which the values of a sampled factor are put."""
MOST_JOINT = 1 << 12
"""Groups that cost no more to sum by than a few."""


@dataclass(frozen=True)
class Explained:
    """One input.

    Attributes
    ----------
    key : str
    share : float
        Correlation ratio: variance of the means of the logarithm over the input's values, over the whole variance; not a
        number where nothing varies.
    low, high : float
        Least and greatest geometric mean over the input's values.
    n_values : int
        Values, or bins, that have results.
    """

    key: str
    share: float
    low: float
    high: float
    n_values: int


def _groups(block: Block, key: str) -> NDArray[np.int64]:
    """Return the group of each row's value: the value's own, or its bin."""
    values = np.array(block.columns[key])
    each, code = np.unique(values, return_inverse=True)
    if len(each) > 4 * BINS and is_number(block, key):
        cuts = np.quantile(values.astype(float), np.arange(1, BINS) / BINS)
        return np.searchsorted(cuts, values.astype(float), side="right").astype(np.int64)
    return code.reshape(-1).astype(np.int64)


def explained(r: Results, what: str, keys: Sequence[str]) -> list[Explained]:
    """Return the inputs' shares, in the order of `keys`.

    Parameters
    ----------
    what : str
        Column of the results; values above 0 count.
    keys : sequence of str
        Fields of the study that vary.
    """
    blocks = r.study.blocks
    middle = r.sql(f"SELECT ln({what}) FROM best WHERE {what} > 0 LIMIT 1").fetchall()
    if not middle:
        return [Explained(key, math.nan, math.nan, math.nan, 0) for key in keys]
    shift = float(middle[0][0])  # sums of squares lose fewer digits near 0
    wanted = {i for i, block in enumerate(blocks) if set(block.columns) & set(keys)}
    sums = _sums(r, what, shift, wanted)
    return [
        _explained(key, _groups(blocks[i], key)[rows], n, total, squares, shift)
        for key in keys
        for i, (rows, n, total, squares) in sums.items()
        if key in blocks[i].columns
    ]


def _packs(blocks: Sequence[Block], wanted: set[int]) -> list[range]:
    """Return runs of neighbouring blocks that few enough rows cross to be grouped by in one go."""
    packs: list[range] = []
    for i in range(len(blocks)):
        joint = range(packs[-1].start, i + 1) if packs else range(0)
        if joint and math.prod(len(blocks[j]) for j in joint) <= MOST_JOINT:
            packs[-1] = joint
        else:
            packs.append(range(i, i + 1))
    return [pack for pack in packs if wanted & set(pack)]


def _sums(r: Results, what: str, shift: float, wanted: set[int]) -> dict[int, tuple[Any, Array, Array, Array]]:
    """Return, for each block, groups of its rows: the row, how many cases, the sum of their values and of the squares."""
    blocks = r.study.blocks
    packs = _packs(blocks, wanted)
    shapes = [tuple(len(blocks[i]) for i in pack) for pack in packs]
    strides = [math.prod(len(b) for b in blocks[pack.stop :]) for pack in packs]
    names = ", ".join(f"g{p}" for p in range(len(packs)))
    numbers = ", ".join(
        f'(("case" // {stride}) % {math.prod(shape)})::INTEGER AS g{p}'
        for p, (stride, shape) in enumerate(zip(strides, shapes, strict=True))
    )
    sets = ", ".join(f"(g{p})" for p in range(len(packs)))
    table: dict[str, Any] = r.sql(
        f"SELECT {names}, grouping_id({names}) AS which, count(*) AS n, sum(y) AS total, sum(y * y) AS squares "
        f"FROM (SELECT {numbers}, ln({what}) - {shift!r} AS y FROM best WHERE {what} > 0) GROUP BY GROUPING SETS ({sets})"
    ).fetchnumpy()
    plain = {name: np.ma.getdata(column) for name, column in table.items()}
    found = {}
    for p, (pack, shape) in enumerate(zip(packs, shapes, strict=True)):
        own = plain["which"] == (2 ** len(packs) - 1) - 2 ** (len(packs) - 1 - p)
        sums = tuple(plain[name][own].astype(float) for name in ("n", "total", "squares"))
        for i, rows in zip(pack, np.unravel_index(plain[f"g{p}"][own].astype(np.int64), shape), strict=True):
            if i in wanted:
                found[i] = (rows, *sums)
    return found


def _explained(key: str, group: NDArray[np.int64], n: Array, total: Array, squares: Array, shift: float) -> Explained:
    count, sums, whole = np.bincount(group, n), np.bincount(group, total), n.sum()
    seen = count > 0
    mean, grand = sums[seen] / count[seen], total.sum() / whole
    variance = squares.sum() / whole - grand**2
    between = float((count[seen] * (mean - grand) ** 2).sum() / whole)
    share = between / float(variance) if variance > 1e-14 else math.nan
    low, high = (math.exp(shift + float(end)) for end in (mean.min(), mean.max()))
    return Explained(key, share, low, high, int(seen.sum()))
