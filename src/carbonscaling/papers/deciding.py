"""Which unprinted inputs move a verdict, which decide a required claim that differs, and how near others bring it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import numpy as np

from carbonscaling.papers.claims import FIGURES, REQUIRED, figures_of
from carbonscaling.papers.figure import REPRODUCED, Outcome
from carbonscaling.papers.realisation import choices, variants
from carbonscaling.papers.study import Study

__all__ = ["Ask", "Move", "Trial", "Values", "approaches", "decisions", "moves", "open_values", "outcome_with"]

Values = tuple[tuple[str, float], ...]
"""Inputs with other values."""
Ask = Callable[[Sequence[Values]], Sequence[Outcome]]
"""From sets of inputs to a claim's outcome with each."""

STEPS, HALVINGS = 12, 12
"""Points between the ends of a range, and bisections of the interval in which a verdict turns."""
MOST, WIDTH = 3, 3
"""Inputs changed together at most, since more of them would reach anything, and sets that are widened."""


@dataclass(frozen=True)
class Move:
    """One alternative of one choice of ``papers.toml``.

    Attributes
    ----------
    choice : str
    value : float
        Instead of the realisation's.
    moved : tuple of (claim, verdict before, verdict after)
    outcomes : Mapping
        Every claim's outcome with it.
    """

    choice: str
    value: float
    moved: tuple[tuple[str, str, str], ...]
    outcomes: Mapping[str, Outcome]


@dataclass(frozen=True)
class Trial:
    """A claim with other values of some inputs.

    Attributes
    ----------
    claim : str
    values : tuple of (choice, value)
    outcome : Outcome
    """

    claim: str
    values: Values
    outcome: Outcome

    @property
    def plausible(self) -> bool:
        """Whether every value lies among those that the papers or measurements support."""
        return all(choices()[name].plausible(value) for name, value in self.values)


def moves(base: Mapping[str, Outcome], found: Sequence[Mapping[str, Outcome]]) -> tuple[Move, ...]:
    """Return what every alternative moves.

    Parameters
    ----------
    base : Mapping
        Outcomes of the paper mode with the realisation itself.
    found : sequence of Mapping
        Outcomes with every alternative, in the order of `realisation.variants`.
    """
    return tuple(
        Move(choice, value, tuple((name, base[name].verdict, o.verdict) for name, o in other.items()
                                  if name in base and o.verdict != base[name].verdict), other)
        for (choice, value, _), other in zip(variants(), found, strict=True)
    )  # fmt: skip


def outcome_with(study: Study, claim: str, values: Values) -> Outcome:
    """Return what a claim becomes with other values of some inputs."""
    changed = Study(study.mode, replace(study.choice, **dict(values)))
    # Not through the cache of `figure`: a scan asks for thousands of realisations once each.
    return FIGURES[figures_of(claim)[0]](changed).outcomes[claim]


def decisions(study: Study, found: Mapping[str, Outcome], shared: Sequence[str]) -> tuple[Trial, ...]:
    """Return what turns each required claim that differs, each input at its least change that does.

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
    result: list[Trial] = []
    for claim in REQUIRED:
        if found[claim].verdict != REPRODUCED:
            single = list(_single(study, claim, shared))
            supported = {t.values[0][0] for t in single if t.plausible}
            open_to = [(name, value) for name, value, _ in variants() if name in shared and name not in supported]
            pairs = [pair for pair in combinations(open_to, 2) if pair[0][0] != pair[1][0]]
            result += [*single, *(t for t in (_trial(study, claim, pair) for pair in pairs) if _holds(t))]
    return tuple(result)


def _trial(study: Study, claim: str, values: Values) -> Trial:
    return Trial(claim, values, outcome_with(study, claim, values))


def _holds(trial: Trial) -> bool:
    return trial.outcome.verdict == REPRODUCED


def _single(study: Study, claim: str, shared: Sequence[str]) -> Iterator[Trial]:
    """Yield every single input that turns the claim: the nearest value of a range, or another reading."""
    for name, choice in choices().items():
        if choice.range is not None:
            turns = (_turning(study, claim, name, end) for end in choice.range)
            yield from (trial for trial in turns if trial is not None)
        elif name in shared:
            yield from filter(_holds, (_trial(study, claim, ((name, v),)) for v in choice.variants))


def _turning(study: Study, claim: str, name: str, end: float) -> Trial | None:
    """Return the value nearest to the realisation's, on the way to `end`, from which the claim holds; by bisection."""
    way = np.linspace(getattr(study.choice, name), end, STEPS + 1)
    for outside, first in pairwise(float(v) for v in way):
        before, inside = outside, _trial(study, claim, ((name, first),))
        if _holds(inside):
            for _ in range(HALVINGS):
                middle = _trial(study, claim, ((name, (before + inside.values[0][1]) / 2.0),))
                if _holds(middle):
                    inside = middle
                else:
                    before = middle.values[0][1]
            return inside
    return None


def open_values() -> tuple[tuple[str, float], ...]:
    """Return every other value of an input that the papers leave open; what they print, and words, are not inputs."""
    return tuple((name, v) for name, c in choices().items() if not c.printed and not c.wording for v in c.variants)


def approaches(claim: str, base: Outcome, alone: Mapping[tuple[str, float], Outcome], ask: Ask) -> tuple[Trial, ...]:
    """Return the sets of one, two and three supported values that bring a claim nearest, up to those with which it holds.

    The nearest few of each number are widened by every other input. A set that leaves fewer sizes or devices to be tested
    than the realisation is passed over: it would only hide them.

    Parameters
    ----------
    claim : str
    base : Outcome
        With the realisation.
    alone : Mapping
        With each of `open_values` alone.
    ask : callable
        Finds the outcome with several.
    """
    kept: list[Trial] = []
    tried = [Trial(claim, (one,), alone[one]) for one in open_values()]
    for _ in range(MOST):
        closer = [t for t in tried if t.outcome.points >= base.points and t.outcome.short < base.short]
        nearest = sorted(closer, key=lambda t: t.outcome.short)
        holding = [t for t in nearest if _holds(t)]
        kept += holding or nearest[:WIDTH]
        if holding or not nearest:
            break
        wider = sorted({tuple(sorted((*t.values, one))) for t in nearest[:WIDTH] for one in open_values()
                        if one[0] not in dict(t.values)})  # fmt: skip
        tried = [Trial(claim, values, outcome) for values, outcome in zip(wider, ask(wider), strict=True)]
    return tuple(kept)
