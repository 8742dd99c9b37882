"""The best timetable under a bound as a mixed-integer programme, solved by HiGHS (SciPy, extra ``uncertainty``)."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from carbonscaling.hints import NamedTuple
from carbonscaling.platform import need
from carbonscaling.timetable.job import AFTER, BEFORE, PAUSED, Array, Job, Steps

__all__ = ["Solved", "solvable", "solved"]

Index = npt.NDArray[np.int64]
MOST_CELLS = 3_000
"""Ways times places times steps, above which a programme takes minutes."""
NEAR = 1e-3
MOST_NODES = 50


class Solved(NamedTuple):
    """The best timetable found, None where the solver found none, and what no timetable falls below."""

    timetable: tuple[Steps, Steps] | None
    floor: float


class _Rows:
    """Variables between 0 and 1, and rows of sums of them."""

    def __init__(self) -> None:
        self.n, self.whole, self.most = 0, [np.empty(0)], [np.empty(0)]
        self.cells: list[tuple[Any, ...]] = []
        self.ends: list[tuple[Array, Array]] = []
        self.n_rows = 0

    def variables(self, *shape: int, whole: bool = False, first: float = 1.0) -> Index:
        """Return a variable for every cell, steps last; `first` is the most in the first step."""
        found = np.arange(self.n, self.n + int(np.prod(shape))).reshape(shape)
        most = np.ones(shape)
        most[..., 0] = first
        self.n += found.size
        self.whole.append(np.full(found.size, float(whole)))
        self.most.append(most.ravel())
        return found

    def add(self, low: float, high: float, *terms: tuple[Index, Any]) -> None:
        """Add a row for every last index of the terms, in which each is summed over the others, times a factor."""
        n = terms[0][0].shape[-1]
        rows = np.arange(self.n_rows, self.n_rows + n)
        for index, factor in terms:
            self.cells.append(tuple(x.ravel() for x in np.broadcast_arrays(rows, index, factor)))
        self.n_rows += n
        self.ends.append((np.full(n, low), np.full(n, high)))

    def total(self, low: float, high: float, *terms: tuple[Index, Any]) -> None:
        """Add one row, the sum of everything."""
        flat = [np.broadcast_arrays(index, factor) for index, factor in terms]
        self.add(low, high, *((index.reshape(-1, 1), factor.reshape(-1, 1)) for index, factor in flat))


def solvable(job: Job) -> bool:
    """Whether the programme is small enough to be solved, and a solver is there."""
    return job.working.size <= MOST_CELLS and find_spec("scipy") is not None


def solved(job: Job, other: Job, most: float, known: float) -> Solved:
    """Return the timetable that takes least of `job` among those that take at most `most` of `other`.

    A path of one unit through the steps: it begins, works step after step in a group of ways, pauses, is held or moves,
    begins again, and ends with a share of a step. It stops within a thousandth of the floor, or after 50 nodes of the search.

    Parameters
    ----------
    job, other : Job
    most : float
    known : float
        What a timetable that keeps the bound takes; worse ones are not looked for.
    """
    optimize, sparse = need("scipy.optimize", "uncertainty"), need("scipy.sparse", "uncertainty")
    (m, p, t), names, rows = job.working.shape, sorted(set(job.groups)), _Rows()
    shape = len(names), p, t
    full, last = (rows.variables(m, p, t, whole=True) for _ in range(2))
    share, paused = rows.variables(m, p, t), rows.variables(p, t, whole=True, first=0.0)
    begins = rows.variables(*shape)
    goes_on, again, stops = (rows.variables(*shape, first=0.0) for _ in range(3))
    stays, leaves, arrives = (rows.variables(p, t, first=0.0) for _ in range(3))
    for g, name in enumerate(names):
        ways = [way for way, group in enumerate(job.groups) if group == name]
        for place in range(p):
            at_work, ending = full[ways, place], last[ways, place]
            into = [(kind[g, place], -1.0) for kind in (goes_on, again, begins)]
            rows.add(0.0, 0.0, (at_work, 1.0), (ending, 1.0), *into)
            rows.add(0.0, 0.0, (at_work[:, :-1], 1.0), (goes_on[g, place, 1:], -1.0), (stops[g, place, 1:], -1.0))
    for place in range(p):
        held = paused[place]
        rows.add(0.0, 0.0, (held[:-1], 1.0), (again[:, place, 1:], -1.0), (stays[place, 1:], -1.0))
        rows.add(
            0.0,
            0.0,
            (held, 1.0),
            (stops[:, place], -1.0),
            (stays[place], -1.0),
            (leaves[place], 1.0),
            (arrives[place], -1.0),
        )
    rows.add(0.0, 0.0, (leaves, 1.0), (arrives, -1.0))
    rows.total(1.0, 1.0, (begins, 1.0))
    rows.total(1.0, 1.0, (last, 1.0))
    rows.add(-np.inf, 0.0, (share.reshape(1, -1), 1.0), (last.reshape(1, -1), -1.0))
    speed = np.array(job.speeds, dtype=float)[:, None, None]
    rows.total(job.work, job.work, (full, speed), (share, speed))
    every = np.arange(rows.n)

    def taken(of: Job) -> Array:
        found = np.zeros(rows.n)
        found[full] = found[share] = of.working
        found[paused], found[arrives] = of.paused, of.moving
        found[again[..., 1:]] = of.restart[:, :-1]
        return found

    least = taken(job)
    rows.total(-np.inf, most, (every, taken(other)))
    rows.total(-np.inf, known, (every, least))
    row, column, value = (np.concatenate(parts) for parts in zip(*rows.cells, strict=True))
    low, high = (np.concatenate(parts) for parts in zip(*rows.ends, strict=True))
    matrix = sparse.csr_array((value, (row, column)), shape=(rows.n_rows, rows.n))
    found = optimize.milp(
        least, integrality=np.concatenate(rows.whole), bounds=optimize.Bounds(0.0, np.concatenate(rows.most)),
        constraints=optimize.LinearConstraint(matrix, low, high), options={"mip_rel_gap": NEAR, "node_limit": MOST_NODES},
    )  # fmt: skip
    floor = -np.inf if found.mip_dual_bound is None else float(found.mip_dual_bound)
    return Solved(None if found.x is None else _read(found.x, full, last, share, paused), floor)


def _read(x: Array, full: Index, last: Index, share: Index, paused: Index) -> tuple[Steps, Steps]:
    """Return actions and places of a solution."""
    horizon = full.shape[-1]
    actions, places = np.full(horizon, AFTER), np.zeros(horizon, dtype=np.int64)
    for way, place, t in np.argwhere((x[full] > 0.5) | ((x[last] > 0.5) & (x[share] > 1e-9))):
        actions[t], places[t] = way, place
    for place, t in np.argwhere(x[paused] > 0.5):
        actions[t], places[t] = PAUSED, place
    on = np.flatnonzero(actions >= 0)
    actions[: on[0]], places[: on[0]] = BEFORE, places[on[0]]
    actions[on[-1] + 1 :], places[on[-1] + 1 :] = AFTER, places[on[-1]]
    return actions, places
