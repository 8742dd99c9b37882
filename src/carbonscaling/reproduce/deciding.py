"""Which unprinted input decides a required claim that differs, and whether the value that turns it is plausible."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import numpy as np

from carbonscaling.reproduce.claims import REQUIRED, figures_of, outcomes
from carbonscaling.reproduce.figure import REPRODUCED, Outcome
from carbonscaling.reproduce.nearest import Values
from carbonscaling.reproduce.realisation import choices, variants
from carbonscaling.reproduce.study import Study

__all__ = ["Decision", "decisions", "outcome_with"]

STEPS, HALVINGS = 12, 12
"""Points between the ends of a range, and bisections of the interval in which a verdict turns."""


@dataclass(frozen=True)
class Decision:
    """What turns a claim that differs into one that is reproduced.

    Attributes
    ----------
    claim : str
    values : tuple of (choice, value)
        Inputs that together turn the verdict, each at its least change from the realisation that does.
    plausible : bool
        Whether every value lies among those that the papers or measurements support.
    """

    claim: str
    values: Values
    plausible: bool


def outcome_with(study: Study, claim: str, values: Values) -> Outcome:
    """Return what a claim becomes with other values of some inputs."""
    changed = Study(study.mode, replace(study.choice, **dict(values)))
    # Not through the cache of `outcomes`: a scan asks for thousands of realisations once each.
    found: Mapping[str, Outcome] = outcomes.__wrapped__(figures_of(claim)[0], changed)
    return found[claim]


def _holds(study: Study, claim: str, values: Values) -> bool:
    return outcome_with(study, claim, values).verdict == REPRODUCED


def _turning(study: Study, claim: str, name: str, end: float) -> float | None:
    """Return the value nearest to the realisation's, on the way to `end`, from which the claim holds."""
    way = np.linspace(getattr(study.choice, name), end, STEPS + 1)
    for before, after in pairwise(float(v) for v in way):
        if _holds(study, claim, ((name, after),)):
            return _bisected(lambda value: _holds(study, claim, ((name, value),)), before, after)
    return None


def _bisected(holds: Callable[[float], bool], outside: float, inside: float) -> float:
    """Return the value on the inner side of the border between one that does not hold and one that does.

    >>> round(_bisected(lambda x: x > 0.3, 0.0, 1.0), 3)
    0.3
    """
    for _ in range(HALVINGS):
        middle = (outside + inside) / 2.0
        if holds(middle):
            inside = middle
        else:
            outside = middle
    return inside


def _single(study: Study, claim: str, shared: Sequence[str]) -> Iterator[Values]:
    """Yield every single input that turns the claim: the nearest value of a range, or another reading."""
    for name, choice in choices().items():
        if choice.range is not None:
            turns = (_turning(study, claim, name, end) for end in choice.range)
            yield from (((name, value),) for value in turns if value is not None)
        elif name in shared:
            yield from (((name, v),) for v in choice.variants if _holds(study, claim, ((name, v),)))


def _pairs(study: Study, claim: str, shared: Sequence[str], alone: set[str]) -> Iterator[Values]:
    """Yield two supported values that turn the claim together where neither input does alone."""
    open_to = [(name, value) for name, value, _ in variants() if name in shared and name not in alone]
    for pair in combinations(open_to, 2):
        if pair[0][0] != pair[1][0] and _holds(study, claim, pair):
            yield pair


def decisions(study: Study, found: Mapping[str, Outcome], shared: Sequence[str]) -> tuple[Decision, ...]:
    """Return what turns each required claim that differs.

    Parameters
    ----------
    study : Study
        Paper mode with the realisation.
    found : Mapping
        Its outcomes.
    shared : sequence of str
        Choices that need few searches beyond those done: readings among them, and pairs of their alternatives, are tried
        here; the others stand in the sensitivity table alone.
    """
    result = []
    for claim in REQUIRED:
        if found[claim].verdict == REPRODUCED:
            continue
        single = list(_single(study, claim, shared))
        supported = {values[0][0] for values in single if _plausible(values)}
        several = _pairs(study, claim, shared, supported)
        result += [Decision(claim, values, _plausible(values)) for values in (*single, *several)]
    return tuple(result)


def _plausible(values: Values) -> bool:
    return all(choices()[name].plausible(value) for name, value in values)
