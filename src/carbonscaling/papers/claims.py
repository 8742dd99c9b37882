"""Every claim of both papers with a verdict in both modes; verdicts are computed, none is written down."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any

from carbonscaling.errors import InputError, nearest
from carbonscaling.papers import v1, v2
from carbonscaling.papers.figure import Figure, Outcome
from carbonscaling.papers.study import Study
from carbonscaling.record import dataclass

__all__ = ["FIGURES", "OF_THE_MODEL", "Claim", "Verdict", "claims", "figure", "figures_of", "verdict_rows"]

FIGURES: Mapping[str, Callable[[Study], Figure]] = {**v1.FIGURES, **v2.FIGURES}
"""In the order of the papers."""
OF_THE_MODEL = tuple(name for name in FIGURES if name not in ("v1-fig3", "v1-limits", "v2-sizes", "v2-fig1", "v2-fig3"))
"""Figures with claims that rest on the engine; the others compare with measurements, or take no input but the laws."""


@dataclass(frozen=True)
class Claim:
    """One row of ``claims.csv``.

    Attributes
    ----------
    id, version, figure, claim, kind : str
    value : str
        As the paper prints it.
    """

    id: str
    version: str
    figure: str
    claim: str
    kind: str
    value: str


@dataclass(frozen=True)
class Verdict:
    """A claim with what both modes make of it."""

    claim: Claim
    paper: Outcome
    physical: Outcome


@lru_cache(maxsize=1)
def claims() -> Mapping[str, Claim]:
    """Return every claim by its id, in the papers' order."""
    text = resources.files(__package__ or "carbonscaling.papers").joinpath("claims.csv").read_text(encoding="utf-8")
    fields = tuple(Claim.__dataclass_fields__)
    return {row["id"]: Claim(*(row[f] or "" for f in fields)) for row in csv.DictReader(text.splitlines())}


@lru_cache(maxsize=512)
def figure(name: str, study: Study) -> Figure:
    """Return a figure in one mode."""
    return FIGURES[name](study)


def figures_of(name: str | None) -> tuple[str, ...]:
    """Return the figures that a figure's, panel's or claim's name stands for; all of them without a name.

    Raises
    ------
    InputError
        No such figure.

    >>> figures_of("v2-fig6a")
    ('v2-fig6',)
    """
    if name is None:
        return tuple(FIGURES)
    known = {one: one for one in FIGURES}
    for claim in claims().values():
        panel = f"{claim.version}-fig{claim.figure}" if claim.figure else claim.id
        known |= dict.fromkeys((claim.id, panel), panel.rstrip("abcd"))
    if name not in known:
        raise InputError(
            "unknown figure", value=name, suggestion=nearest(name, known), allowed=", ".join(sorted(known)),
            remedy="leave the name out for the whole reproduction",
        )  # fmt: skip
    return (known[name],)


def verdict_rows(found: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Return verdicts as plain data, one record a claim."""
    return [
        {
            "id": v.claim.id,
            "claim": v.claim.claim,
            "paper": float(v.claim.value) if v.claim.kind == "number" and v.claim.value else v.claim.value or v.claim.claim,
            "ours_paper": v.paper.ours,
            "verdict_paper": v.paper.verdict,
            "ours_physical": v.physical.ours,
            "verdict_physical": v.physical.verdict,
            "reason": v.paper.reason if v.paper.reason == v.physical.reason
            else f"paper mode: {v.paper.reason}. Physical mode: {v.physical.reason}",
        }
        for v in found
    ]  # fmt: skip
