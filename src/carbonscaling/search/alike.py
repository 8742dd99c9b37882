"""Searches of neighbouring questions share what they look up: layer times and bounds depend on no device count."""

from __future__ import annotations

from _thread import allocate_lock
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Any, TypeVar

from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Workload
from carbonscaling.search.grid import Grid

__all__ = ["alike"]

KEPT = 16
"""Judges that are remembered; the oldest is forgotten first."""
LARGEST = 1 << 18
"""Entries of the largest table, and replicas with their batches, of a judge that is remembered: some megabytes."""

J = TypeVar("J")
_known: dict[Any, Any] = {}
_changing = allocate_lock()


def alike(kind: Callable[[Workload, Machine, Grid], J], work: Workload, machine: Machine, grid: Grid) -> J:
    """Return a judge of a grid, with the tables of one before it whose grid differs in its families alone.

    Parameters
    ----------
    kind : type
        Of the judge.
    work, machine, grid : as it takes them
    """
    lattice, columns = grid.lattice, (grid.experts, grid.pipes, grid.states, grid.micros, grid.redos)
    n_table = len(lattice.shapes) * len(grid.experts) * len(grid.pipes) * len(grid.micros)
    if max(n_table, len(lattice.dp)) > LARGEST:
        return kind(work, machine, grid)
    arrays = (lattice.shapes, lattice.dp, lattice.batch, *columns)
    key = (kind, work, machine, grid.sequence_parallel, grid.strict, *(a.tobytes() for a in arrays))
    try:
        with _changing:
            known = _known.pop(key, None)
    except TypeError:  # numbers that are arrays
        return kind(work, machine, grid)
    if known is None:
        found = kind(work, machine, grid)
    else:
        found = copy(known)
        found.grid = replace(known.grid, lattice=lattice)
    with _changing:
        _known[key] = found
        while len(_known) > KEPT:
            del _known[next(iter(_known))]
    return found
