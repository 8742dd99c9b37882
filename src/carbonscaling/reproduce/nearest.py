"""How near supported values of unprinted inputs, alone and together, bring a claim that differs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from carbonscaling.reproduce.figure import REPRODUCED, Outcome
from carbonscaling.reproduce.realisation import choices

__all__ = ["Approach", "Ask", "Values", "approaches", "open_values"]

Values = tuple[tuple[str, float], ...]
Ask = Callable[[Sequence[Values]], Sequence[Outcome]]
"""From sets of inputs to the claim's outcome with each."""

MOST, WIDTH = 3, 3
"""Inputs changed together at most, since more of them would reach anything, and sets that are widened."""


@dataclass(frozen=True)
class Approach:
    """Supported values of some inputs, and what a claim becomes with them.

    Attributes
    ----------
    claim : str
    values : tuple of (choice, value)
    outcome : Outcome
    """

    claim: str
    values: Values
    outcome: Outcome


def open_values() -> tuple[tuple[str, float], ...]:
    """Return every other value of an input that the papers leave open; what they print, and words, are not inputs."""
    left_open = ((name, c) for name, c in choices().items() if not c.printed and not c.wording)
    return tuple((name, value) for name, c in left_open for value in c.variants)


def approaches(claim: str, base: Outcome, alone: Mapping[tuple[str, float], Outcome], ask: Ask) -> tuple[Approach, ...]:
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
    kept: list[Approach] = []
    tried = [Approach(claim, (one,), alone[one]) for one in open_values()]
    for _ in range(MOST):
        closer = [a for a in tried if a.outcome.points >= base.points and a.outcome.short < base.short]
        nearest = sorted(closer, key=lambda a: a.outcome.short)
        holding = [a for a in nearest if a.outcome.verdict == REPRODUCED]
        kept += holding or nearest[:WIDTH]
        if holding or not nearest:
            break
        wider = sorted(
            {_with(a.values, one) for a in nearest[:WIDTH] for one in open_values() if one[0] not in dict(a.values)}
        )
        tried = [Approach(claim, values, outcome) for values, outcome in zip(wider, ask(wider), strict=True)]
    return tuple(kept)


def _with(values: Values, one: tuple[str, float]) -> Values:
    return tuple(sorted((*values, one)))
