"""How slow a step may be before a setting stops to matter: an objective turned into step times, per device count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carbonscaling.hints import NamedTuple
from carbonscaling.perf.numbers import Setting
from carbonscaling.search.objectives import Outcome

__all__ = ["LONGEST_S", "NEAR", "SHORTEST_S", "Extent", "in_blocks", "slowest_step"]

Floats = NDArray[np.float64]

SHORTEST_S, LONGEST_S = 1e-9, 1e15
"""No step is shorter, none longer."""
NEAR = 0.02
"""Width of the near-optimal band of a search, relative to the best."""
LOOK = 1 << 12
"""Step times asked about in one go, at least; few device counts are divided more finely at once."""
SLOPE = 1.0
"""Relative distance of the two step times that show how a quantity grows."""
COARSE, FINE = 1e-6, 1e-14
"""Relative distance from a guess at which the limit is looked for first."""
GUESSES = 4


class Extent(NamedTuple):
    """What an outcome depends on beside the step time: devices, and sequences of a step."""

    n_devices: Floats
    batch: Floats

    def settings(self) -> Setting:
        """Return settings that differ in nothing else."""
        one = np.ones_like(self.n_devices)
        return Setting(self.n_devices, *(one for _ in Setting._fields[1:]))._replace(n_micro=self.batch)

    @property
    def is_one(self) -> bool:
        """Whether all are alike."""
        return all(bool((column == column[0]).all()) for column in self)

    def at(self, places: Any) -> Extent:
        """Return some of them."""
        return Extent(self.n_devices[places], self.batch[places])


def slowest_step(value: Callable[[Setting, Floats], Any], limit: Any, extent: Extent, *, exact: bool = True) -> Floats:
    """Return the longest step time at which a quantity is within its limit; minus infinity where it never is.

    Parameters
    ----------
    value : callable
        (settings, step times) to a quantity that at one extent never falls as the step time grows: run time,
        energy, carbon, money.
    limit : float or array
        Most that is accepted, one for all or for each; equal extents have equal limits.
    extent : Extent
    exact : bool
        Whether the answer is the very last float; otherwise it may be a millionth too long.

    Notes
    -----
    Newton's method on logarithms guesses the place; it counts only where a look at both sides proves it. What remains
    is halved: positive floats are ordered as their bits are, so halving integers halves the floats.
    """
    n = len(extent.n_devices)
    if n == 0 or np.all(limit == np.inf):
        return np.full(n, np.inf)
    limit = np.broadcast_to(np.asarray(limit, dtype=float), n)
    _, first, inverse = np.unique(extent.n_devices + 1j * extent.batch, return_index=True, return_inverse=True)
    limit, own = limit[first], extent.at(first)
    settings: dict[int, Setting] = {}

    def at(steps: Floats) -> Floats:
        rows = len(steps)
        if rows not in settings:
            settings[rows] = Extent(*(np.tile(column, rows) for column in own)).settings()
        found = value(settings[rows], steps.reshape(-1))
        return np.broadcast_to(found, steps.size).reshape(steps.shape)

    if not exact and (steps := _in_proportion(at, limit)) is not None:
        return steps[inverse.reshape(-1)]
    ends = np.array((np.full(len(limit), SHORTEST_S), np.full(len(limit), LONGEST_S)))
    shortest_is_in, longest_is_in = at(ends) <= limit
    step = _guess(at, limit)
    for width in (FINE, COARSE) if exact else (COARSE,):
        sides = step * np.array(((1.0 - width,), (1.0 + width,)))
        good = at(sides) <= limit
        ends[0] = np.where(good[0], np.maximum(ends[0], sides[0]), ends[0])
        ends[0] = np.where(good[1], np.maximum(ends[0], sides[1]), ends[0])
        ends[1] = np.where(good[1], ends[1], np.minimum(ends[1], sides[1]))
        ends[1] = np.where(good[0], ends[1], np.minimum(ends[1], sides[0]))
        if (ends[1] <= ends[0] * (1.0 + 3.0 * width)).all():
            break
    low, high = _halved(at, limit, ends, 0.0 if exact else 3.0 * COARSE)
    limits: Floats = np.where(longest_is_in, np.inf, np.where(~shortest_is_in, -np.inf, low if exact else high))
    return limits[inverse.reshape(-1)]


def _in_proportion(at: Callable[[Floats], Floats], limit: Floats) -> Floats | None:
    """Return steps a millionth beyond the limit where the quantity is proportional to the step, as run time is; else None."""
    with np.errstate(all="ignore"):
        here, beyond = at(np.array((np.ones(len(limit)), np.full(len(limit), 2.0))))
        step = limit / here
        is_so = np.abs(beyond - 2.0 * here) <= FINE * beyond
        if not (is_so & (step > 2.0 * SHORTEST_S) & (step < 0.5 * LONGEST_S)).all():
            return None
    sides = step * np.array(((1.0 - COARSE,), (1.0 + COARSE,)))
    inside, outside = at(sides) <= limit
    return sides[1] if (inside & ~outside).all() else None


def _guess(at: Callable[[Floats], Floats], limit: Floats) -> Floats:
    """Return where a quantity reaches its limit, if it is smooth."""
    step = np.ones(len(limit))
    with np.errstate(all="ignore"):
        for _ in range(GUESSES):
            here, beyond = at(step * np.array(((1.0,), (1.0 + SLOPE,))))
            slope = np.log(beyond / here) / np.log1p(SLOPE)
            there = step * (limit / here) ** (1.0 / slope)
            step, before = np.clip(np.where(np.isfinite(there), there, step), SHORTEST_S, LONGEST_S), step
            if (np.abs(step - before) <= FINE * step).all():
                break
    return step


def _halved(at: Callable[[Floats], Floats], limit: Floats, ends: Floats, width: float) -> tuple[Floats, Floats]:
    """Halve what lies between two step times, one within the limit and one beyond, down to a relative width."""
    low, high = ends.view(np.int64)
    per_look = int(np.clip(np.log2(LOOK / len(limit)), 1, 8))
    nth = np.arange(len(limit))
    while ((high - low > 1) & (high.view(float) > low.view(float) * (1.0 + width))).any():
        part = np.maximum((high - low) >> per_look, 1)
        places = np.minimum(low + part * np.arange(1, 1 << per_look)[:, None], high)
        n_good = (at(places.view(float)) <= limit).sum(axis=0)
        stops = np.vstack((low, places, high))
        low, high = np.ascontiguousarray(stops[n_good, nth]), np.ascontiguousarray(stops[n_good + 1, nth])
    return low.view(float), high.view(float)


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
