"""Which unprinted inputs move a verdict, and from which value on one turns a claim that differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from carbonscaling.papers.claims import FIGURES, OF_THE_MODEL, figure, figures_of
from carbonscaling.papers.figure import DIFFERS, REPRODUCED, Outcome
from carbonscaling.papers.realisation import Value, choices
from carbonscaling.papers.study import Study
from carbonscaling.record import dataclass

__all__ = ["Move", "Turn", "model_outcomes", "moves", "outcome_with", "turns"]

STEPS, HALVINGS = 12, 12
"""Points between the ends of a range, and bisections of the interval in which a verdict turns."""


@dataclass(frozen=True)
class Move:
    """One alternative of one choice of ``papers.toml``, and the verdicts that it moves.

    Attributes
    ----------
    choice : str
    value : float or str
        Instead of the study's.
    moved : tuple of (claim, verdict before, verdict after)
    """

    choice: str
    value: Value
    moved: tuple[tuple[str, str, str], ...]

    @property
    def plausible(self) -> bool:
        """Whether the papers or measurements support the value."""
        return choices()[self.choice].plausible(self.value)


@dataclass(frozen=True)
class Turn:
    """A claim that differs, and the least change of one input with which it does not.

    Attributes
    ----------
    claim, choice : str
    value : float
    """

    claim: str
    choice: str
    value: float

    @property
    def plausible(self) -> bool:
        """Whether the papers or measurements support the value."""
        return choices()[self.choice].plausible(self.value)


def model_outcomes(study: Study) -> Mapping[str, Outcome]:
    """Return the outcomes of all claims that rest on the realisation."""
    return {claim: o for name in OF_THE_MODEL for claim, o in figure(name, study).outcomes.items()}


def _with(study: Study, choice: str, value: Value) -> Study:
    change: dict[str, Any] = {choice: value}
    return Study(study.mode, replace(study.choice, **change))


def moves(study: Study) -> tuple[Move, ...]:
    """Return what every alternative of every choice moves, alone."""
    base, found = model_outcomes(study), []
    for name, choice in choices().items():
        for value in (v for v in (choice.value, *choice.variants) if v != getattr(study.choice, name)):
            other = model_outcomes(_with(study, name, value))
            moved = ((claim, o.verdict, other[claim].verdict) for claim, o in base.items())
            found.append(Move(name, value, tuple(m for m in moved if m[1] != m[2])))
    return tuple(found)


def outcome_with(study: Study, claim: str, choice: str, value: Value) -> Outcome:
    """Return what a claim becomes with another value of one input."""
    # Not through the cache of `figure`: a scan asks for thousands of realisations once each.
    return FIGURES[figures_of(claim)[0]](_with(study, choice, value)).outcomes[claim]


def turns(study: Study) -> tuple[Turn, ...]:
    """Return what turns each claim of the model that differs: of every input with a range, the nearest values."""
    differ = [claim for claim, o in model_outcomes(study).items() if o.verdict == DIFFERS]
    return tuple(turn for claim in differ for turn in _turns(study, claim))


def _turns(study: Study, claim: str) -> Iterator[Turn]:
    for name, choice in choices().items():
        for end in choice.range or ():
            value = _turning(study, claim, name, end)
            if value is not None:
                yield Turn(claim, name, value)


def _turning(study: Study, claim: str, name: str, end: float) -> float | None:
    """Return the value nearest to the study's, on the way to `end`, from which the claim holds; by bisection."""

    def holds(value: float) -> bool:
        return outcome_with(study, claim, name, value).verdict == REPRODUCED

    way = np.linspace(getattr(study.choice, name), end, STEPS + 1)
    for outside, inside in pairwise(float(v) for v in way):
        if holds(inside):
            return _bisected(holds, outside, inside)
    return None


def _bisected(holds: Callable[[float], bool], outside: float, inside: float) -> float:
    """Return the value on the inner side of the border between one that does not hold and one that does.

    >>> round(_bisected(lambda x: x > 0.3, 0.0, 1.0), 3)
    0.3
    """
    for _ in range(HALVINGS):
        middle = (outside + inside) / 2.0
        outside, inside = (outside, middle) if holds(middle) else (middle, inside)
    return inside
