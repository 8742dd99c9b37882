"""Settings beside the best one: near-duplicates folded, and those that an engineer may prefer, with what they take."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carbonscaling.errors import InputError
from carbonscaling.hints import NamedTuple
from carbonscaling.perf.memory import memory, with_margin
from carbonscaling.perf.numbers import Setting
from carbonscaling.scalar import at
from carbonscaling.search.engine import Candidate, Question, candidates
from carbonscaling.search.result import Close
from carbonscaling.search.simple import complexity
from carbonscaling.search.space import Space
from carbonscaling.study.decide import searched
from carbonscaling.study.practice import settle
from carbonscaling.study.resolve import Resolved
from carbonscaling.study.scenario import Scenario
from carbonscaling.study.steps import step_of

__all__ = ["HAIR", "Alike", "Alternative", "beside", "others"]

HAIR = 0.005
"""How much worse than the best a setting may be that is taken for its simplicity, relative."""
DEGREES = ("tp", "pp", "dp", "cp", "ep", "etp")


class Alike(NamedTuple):
    """The best setting of a layout, and how many near-optimal settings have the same degrees."""

    candidate: Candidate
    n: int


class Alternative(NamedTuple):
    """A setting that is not the best, and what speaks for it."""

    what: str
    candidate: Candidate


def _at(q: Question, close: Close, places: Any) -> list[Candidate]:
    return candidates(q, Setting(*(np.asarray(v)[places] for v in close.settings)), close.step_s[places])


def beside(
    q: Question, close: Close, best: Candidate, top: int = 10
) -> tuple[tuple[Alike, ...], tuple[Alternative, ...]]:
    """Return the best setting of each layout, best first, and of the near-optimal ones those that something speaks for.

    Settings of equal degrees are near-duplicates. The simplest within a hair speaks for itself, and the one with least memory,
    if it is not the best.
    """
    (places, n), (simplest, roomy) = _folded(close, best, top), _preferred(q, close)
    *others, simple, light = _at(q, close, np.append(places[1:], (simplest, roomy)))
    layouts = tuple(Alike(c, k) for c, k in zip((best, *others), n, strict=True))
    told = (f"simplest within {HAIR:.1%}", simple), ("least memory of those near the best", light)
    simpler = (complexity(simple.setting) < complexity(best.setting), True)
    return layouts, tuple(
        Alternative(what, c)
        for (what, c), speaks in zip(told, simpler, strict=True)
        if speaks and c.setting != best.setting
    )


def _folded(close: Close, best: Candidate, top: int) -> tuple[NDArray[np.int64], list[int]]:
    """Return the place of the best setting of each layout, and how many settings it has."""
    degrees = np.stack([getattr(close.settings, name) for name in DEGREES], axis=1)
    every, first, n = np.unique(degrees, axis=0, return_index=True, return_counts=True)
    own = (every == [getattr(best.setting, name) for name in DEGREES]).all(axis=1)  # others may be equal to it
    order = np.argsort(np.where(own, -1, first))[:top]
    return first[order], n[order].tolist()


def _preferred(q: Question, close: Close) -> tuple[int, int]:
    """Return the place of the simplest within a hair, and of the one with least memory."""
    hair = np.flatnonzero(close.main <= close.main[0] * (1.0 + HAIR))
    few = Setting(*(np.asarray(v)[hair] for v in close.settings))
    columns = [np.broadcast_to(v, hair.shape) for v in complexity(few)]
    need = at(memory, q.work, q.machine, close.settings).total
    return int(hair[np.lexsort(columns[::-1])[0]]), int(np.argmin(np.broadcast_to(need, close.step_s.shape)))


def others(s: Scenario, r: Resolved, q: Question, space: Space, best: Setting) -> Iterator[Alternative]:
    """Yield what other questions find: no context parallelism, fewest devices, what those take who run the stack.

    Parameters
    ----------
    s, r : Scenario, Resolved
    q, space : the question and the space that `best` was found with; a batch that nobody stated is searched anew.
    best : Setting
    """
    counts = (s.devices, s.devices) if s.devices else q.counts
    anew = replace(q, counts=counts, batches=r.batches.every)
    if best.cp > 1 and not space.cp:
        yield from _found("no context parallelism", anew, replace(space, cp=(1,)), best)
    if not s.devices and q.objective != "paper":
        yield from _found("fewest devices", replace(anew, objective="paper"), space, best)
    yield from _usual(s, r, q, best)


def _found(what: str, q: Question, space: Space, best: Setting) -> Iterator[Alternative]:
    found = searched(q, space, top=1, near=0.0, prune=True, explain=False)[1].best
    if found is not None and found.setting != best:
        yield Alternative(what, found)


def _usual(s: Scenario, r: Resolved, q: Question, best: Setting) -> Iterator[Alternative]:
    """Yield the layout of people who run the stack, on as many devices and with the same batch, where it is another."""
    own = replace(s, practice="typical", devices=int(best.n_devices), batch=int(best.sequences))
    try:
        settled = settle(replace(r.setup, scenario=own))
    except InputError:  # degrees that are stated do not divide these devices
        return
    floats = settled.setting
    whole = all(math.isfinite(v) and float(v).is_integer() for v in floats)
    need = at(memory, r.work, with_margin(r.machine, q.margin), floats)
    if not whole or floats == best or need.total > need.limit:
        return
    step = np.array([step_of(r.work, r.machine, floats).total])
    (found,) = candidates(q, Setting(*(np.atleast_1d(v) for v in floats)), step)
    yield Alternative(f"as people run stack {r.stack.name}", found)
