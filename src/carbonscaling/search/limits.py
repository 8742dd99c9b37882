"""How slow a step may be before a setting stops to matter: an objective turned into step times, per device count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carbonscaling.perf.numbers import Setting
from carbonscaling.search.objectives import Outcome

__all__ = ["LONGEST_S", "SHORTEST_S", "at_devices", "in_blocks", "slowest_step"]

Floats = NDArray[np.float64]

SHORTEST_S, LONGEST_S = 1e-9, 1e15
"""No step is shorter, none longer."""
LOOK = 1 << 12
"""Step times asked about in one go, at least; few device counts are divided more finely at once."""


def at_devices(n: Floats) -> Setting:
    """Return settings that differ in nothing but their device count."""
    one = np.ones_like(n)
    return Setting(n, *(one for _ in Setting._fields[1:]))


def slowest_step(accepted: Callable[[Setting, Floats], Any], n_devices: Floats, bits: int = 64) -> Floats:
    """Return the longest step time that is accepted at each device count; minus infinity where none is.

    What is accepted must be a prefix: at one device count, run time, energy, carbon and money grow with the step time.

    Parameters
    ----------
    accepted : callable
        (settings, step times) to a truth value each.
    n_devices : array
    bits : int
        Binary digits of the answer that are settled; 64 gives the very last float, fewer a little more than that.
    """
    counts, inverse = np.unique(n_devices, return_inverse=True)
    settings = at_devices(counts)
    # Positive floats are ordered as their bits are, so halving integers halves the floats that remain.
    low, high = (np.full(len(counts), end).view(np.int64) for end in (SHORTEST_S, LONGEST_S))
    none = ~np.asarray(accepted(settings, low.view(float)), dtype=bool)
    every = np.asarray(accepted(settings, high.view(float)), dtype=bool)
    done, per_look = 0, int(np.clip(np.log2(LOOK / max(1, len(counts))), 1, 8))
    while (high - low > 1).any() and (done < bits or bits >= 64):
        width = np.maximum((high - low) >> per_look, 1)
        places = np.minimum(low + width * np.arange(1, 1 << per_look)[:, None], high)
        spread = at_devices(np.broadcast_to(counts, places.shape).reshape(-1))
        good = np.asarray(accepted(spread, places.view(float).reshape(-1)), dtype=bool)
        n_good = good.reshape(places.shape).sum(axis=0)
        ends = np.vstack((low, places, high))
        nth = np.arange(len(counts))
        low, high = ends[n_good, nth], ends[n_good + 1, nth]
        done += per_look
    slowest = (low if bits >= 64 else high).view(float)
    limits: Floats = np.where(every, np.inf, np.where(none, -np.inf, slowest))[inverse.reshape(-1)]
    return limits


def in_blocks(outcome: Callable[[Setting, Any], Outcome], size: int = 1 << 16) -> Callable[[Setting, Any], Outcome]:
    """Return an outcome that works through long arrays a block at a time, so that its scratch memory stays small."""

    def blockwise(settings: Setting, step: Any) -> Outcome:
        if np.size(step) <= size:
            return outcome(settings, step)
        columns = [np.broadcast_to(c, np.shape(step)) for c in settings]
        parts = []
        for start in range(0, len(step), size):
            part = slice(start, start + size)
            found = outcome(Setting(*(c[part] for c in columns)), step[part])
            parts.append([np.broadcast_to(c, step[part].shape) for c in found])
        return Outcome(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    return blockwise
