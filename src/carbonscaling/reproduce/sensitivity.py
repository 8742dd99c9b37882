"""How each verdict of the paper mode moves with what the papers never print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from carbonscaling.reproduce.figure import Outcome
from carbonscaling.reproduce.realisation import variants

__all__ = ["MODULES", "Move", "moves"]

MODULES = ("v1_fig4", "v1_fig5", "v1_fig6", "v1_fig7", "v1_fig8", "v1_fig9", "v1_fig10", "v2_fig4", "v2_fig5", "v2_fig6",
           "v2_fig7")  # fmt: skip
"""Figures that rest on the realisation."""


@dataclass(frozen=True)
class Move:
    """One alternative and the verdicts that it moves.

    Attributes
    ----------
    choice : str
        Parameter of ``papers.toml``.
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


def moves(base: Mapping[str, Outcome], found: Sequence[Mapping[str, Outcome]]) -> tuple[Move, ...]:
    """Return what every alternative moves.

    Parameters
    ----------
    base : Mapping
        Outcomes of the paper mode with the realisation itself.
    found : sequence of Mapping
        Outcomes with every alternative, in the order of `realisation.variants`.
    """
    table = []
    for (choice, value, _), other in zip(variants(), found, strict=True):
        moved = [name for name in base if name in other and other[name].verdict != base[name].verdict]
        table.append(
            Move(choice, value, tuple((name, base[name].verdict, other[name].verdict) for name in moved), other)
        )
    return tuple(table)
