"""Every claim of both papers with a verdict in both modes; verdicts are computed, none is written down."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module, resources
from types import ModuleType
from typing import Any

from carbonscaling.errors import InputError, nearest
from carbonscaling.reproduce.figure import Outcome, Panel
from carbonscaling.reproduce.study import Study

__all__ = [
    "FIGURES",
    "REQUIRED",
    "Claim",
    "Verdict",
    "claims",
    "figure",
    "figures_of",
    "outcomes",
    "panels",
    "verdict_rows",
]

FIGURES = ("v1_fig3", "v1_fig4", "v1_fig5", "v1_fig6", "v1_fig7", "v1_fig8", "v1_fig9", "v1_fig10", "v2_sizes", "v2_fig1",
           "v2_fig3", "v2_fig4", "v2_fig5", "v2_fig6", "v2_fig7")  # fmt: skip
"""Modules, one a figure, in the order of the papers."""
REQUIRED = ("v1-fig4-order", "v1-fig5a", "v1-fig5b", "v1-fig6", "v1-fig7a", "v1-fig7b", "v2-sizes", "v2-fig4a", "v2-fig5a",
            "v2-fig5b", "v2-fig6a-euv")  # fmt: skip
"""Ordinal claims and sizes that a reproduction should reach; where one differs, the page says which input decides it."""


@dataclass(frozen=True)
class Claim:
    """One row of ``claims.csv``.

    Attributes
    ----------
    id, version, figure, claim, kind : str
    value : str
        As the paper prints it.
    note : str
    """

    id: str
    version: str
    figure: str
    claim: str
    kind: str
    value: str
    note: str


@dataclass(frozen=True)
class Verdict:
    """A claim with what both modes make of it."""

    claim: Claim
    paper: Outcome
    physical: Outcome


@lru_cache(maxsize=1)
def claims() -> Mapping[str, Claim]:
    """Return every claim by its id, in the papers' order."""
    text = resources.files(__package__ or "carbonscaling.reproduce").joinpath("claims.csv").read_text(encoding="utf-8")
    fields = tuple(Claim.__dataclass_fields__)
    return {row["id"]: Claim(*(row[f] or "" for f in fields)) for row in csv.DictReader(text.splitlines())}


def figure(module: str) -> ModuleType:
    """Return a figure's module."""
    return import_module(f"carbonscaling.reproduce.{module}")


def _accepted() -> dict[str, str]:
    """Names that a user may give, and the module of each."""
    names = {module.replace("_", "-"): module for module in FIGURES}
    for claim in claims().values():
        module = f"{claim.version}_fig{claim.figure.rstrip('abcd')}" if claim.figure else "v2_sizes"
        names.setdefault(claim.id, module)
        names.setdefault(f"{claim.version}-fig{claim.figure}" if claim.figure else claim.id, module)
    return names


def figures_of(name: str | None) -> tuple[str, ...]:
    """Return the modules that a figure's, panel's or claim's name stands for; all of them without a name.

    Raises
    ------
    InputError
        No such figure.

    >>> figures_of("v2-fig6a")
    ('v2_fig6',)
    """
    if name is None:
        return FIGURES
    known = _accepted()
    if name not in known:
        raise InputError(
            "unknown figure", value=name, suggestion=nearest(name, known), allowed=", ".join(sorted(known)),
            remedy="leave the name out for the whole reproduction",
        )  # fmt: skip
    return (known[name],)


@lru_cache(maxsize=512)
def outcomes(module: str, study: Study) -> Mapping[str, Outcome]:
    """Return the outcomes of one figure's claims."""
    find: Callable[[Study], dict[str, Outcome]] = figure(module).outcomes
    return find(study)


@lru_cache(maxsize=512)
def panels(module: str, study: Study) -> tuple[Panel, ...]:
    """Return one figure's panels."""
    find: Callable[[Study], tuple[Panel, ...]] = figure(module).panels
    return find(study)


def verdict_rows(found: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Return verdicts as plain data, one record a claim."""
    return [
        {
            "id": v.claim.id,
            "claim": v.claim.claim,
            "paper": _number(v.claim.value) or v.claim.claim,
            "ours_paper": v.paper.ours,
            "verdict_paper": v.paper.verdict,
            "ours_physical": v.physical.ours,
            "verdict_physical": v.physical.verdict,
            "reason": v.paper.reason if v.paper.reason == v.physical.reason
            else f"paper mode: {v.paper.reason}. Physical mode: {v.physical.reason}",
        }
        for v in found
    ]  # fmt: skip


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
