"""The whole reproduction: verdicts, panels and sensitivity, spread over the processors at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from carbonscaling.papers.claims import FIGURES, OF_THE_MODEL, REQUIRED, Verdict, claims, figure, figures_of
from carbonscaling.papers.deciding import Move, Trial, Values, approaches, decisions, moves, outcome_with
from carbonscaling.papers.draw import draw
from carbonscaling.papers.figure import REPRODUCED, Outcome, Panel
from carbonscaling.papers.realisation import choices, variants
from carbonscaling.papers.study import MODES, SEARCHED, Study
from carbonscaling.platform import n_processors
from carbonscaling.search.compiled import available
from carbonscaling.search.evaluate import prepare

__all__ = ["Reproduction", "draw_all", "reproduce"]

SHARED = tuple(name for name in choices() if name not in SEARCHED or name in ("eviction", "total_memory"))
"""Choices on which few searches depend: one process serves them with what it has found for the paper mode. With the
others every search is done again, and each of their alternatives is a task of its own."""

Outcomes = Mapping[str, Outcome]


@dataclass(frozen=True)
class Reproduction:
    """Everything that was reproduced.

    Attributes
    ----------
    verdicts : tuple of Verdict
        One a claim, in the papers' order.
    panels : tuple of (mode, Panel)
    moves : tuple of Move
        Sensitivity of the paper mode; empty for a single figure.
    decisions : tuple of Trial
        What turns the required claims that differ in paper mode; empty for a single figure.
    nearest : tuple of Trial
        How near supported values, alone and together, bring them; empty for a single figure.
    """

    verdicts: tuple[Verdict, ...]
    panels: tuple[tuple[str, Panel], ...]
    moves: tuple[Move, ...]
    decisions: tuple[Trial, ...]
    nearest: tuple[Trial, ...] = ()


Computed = tuple[Outcomes, tuple[Panel, ...]]


def _computed(mode: str, names: Sequence[str]) -> Computed:
    found = [figure(name, Study(mode)) for name in names]
    return {claim: o for f in found for claim, o in f.outcomes.items()}, tuple(p for f in found for p in f.panels())


def _paper(others: tuple[int, ...]) -> tuple[Computed, list[Outcomes], tuple[Trial, ...]]:
    """Return the paper mode, with what shares its searches: alternatives, and what decides the claims that differ."""
    paper = _computed("paper", tuple(FIGURES))
    return paper, [_variant(place) for place in others], decisions(Study("paper"), paper[0], SHARED)


def _variant(place: int) -> Outcomes:
    _, _, other = list(variants())[place]
    return {claim: o for name in OF_THE_MODEL for claim, o in figure(name, Study("paper", other)).outcomes.items()}


def _all_asked(pool: ProcessPoolExecutor, claim: str, several: Sequence[Values]) -> list[Outcome]:
    return list(pool.map(partial(outcome_with, Study("paper"), claim), several))


def _nearest(base: Outcomes, found: Sequence[Outcomes], pool: ProcessPoolExecutor) -> tuple[Trial, ...]:
    """Return how near other supported values bring each required claim that differs."""
    table = {(name, value): other for (name, value, _), other in zip(variants(), found, strict=True)}
    sets: list[Trial] = []
    for claim in REQUIRED:
        if base[claim].tests and base[claim].verdict != REPRODUCED:
            alone = {one: other[claim] for one, other in table.items() if claim in other}
            sets += approaches(claim, base[claim], alone, partial(_all_asked, pool, claim))
    return tuple(sets)


def _assembled(by_mode: Mapping[str, Computed], wanted: str = "", found: Sequence[Outcomes] = (),
               turned: tuple[Trial, ...] = (), nearest: tuple[Trial, ...] = ()) -> Reproduction:  # fmt: skip
    ours = {mode: outcomes for mode, (outcomes, _) in by_mode.items()}
    verdicts = tuple(
        Verdict(claims()[name], *(ours[mode][name] for mode in MODES)) for name in claims() if name in ours["paper"]
    )
    drawn = tuple((mode, panel) for mode, (_, panels) in by_mode.items() for panel in panels)
    verdicts = tuple(v for v in verdicts if v.claim.id.startswith(wanted)) or verdicts
    drawn = tuple((mode, panel) for mode, panel in drawn if panel.name.startswith(wanted)) or drawn
    return Reproduction(verdicts, drawn, moves(ours["paper"], found) if found else (), turned, nearest)


def reproduce(name: str | None = None) -> Reproduction:
    """Reproduce one figure, panel or claim, or both papers with the sensitivity table.

    Parameters
    ----------
    name : str, optional
        For instance ``v2-fig6a``.

    Raises
    ------
    InputError
        No such figure.
    """
    names = figures_of(name)
    if name is not None:
        return _assembled({mode: _computed(mode, names) for mode in MODES}, name)
    if available():
        prepare()  # once here, so that every process finds the machine code on disk
    varied = [choice for choice, _, _ in variants()]
    shared = tuple(i for i, choice in enumerate(varied) if choice in SHARED)
    with ProcessPoolExecutor(n_processors(), mp_context=get_context("spawn")) as pool:
        asked = pool.submit(_paper, shared)  # the longest first
        own = {i: pool.submit(_variant, i) for i in range(len(varied)) if i not in shared}
        physical = pool.submit(_computed, "physical", names)
        paper, others, turned = asked.result()
        found = dict(zip(shared, others, strict=True)) | {i: future.result() for i, future in own.items()}
        ordered = [found[i] for i in range(len(varied))]
        nearest = _nearest(paper[0], ordered, pool)
        return _assembled({"paper": paper, "physical": physical.result()}, "", ordered, turned, nearest)


def draw_all(found: Reproduction, folder: Path) -> None:
    """Draw every panel into a folder.

    Raises
    ------
    InputError
        matplotlib is not installed.
    """
    modes, panels = zip(*found.panels, strict=True)
    folders = [folder] * len(panels)
    if len(panels) <= FEW or n_processors() == 1:
        list(map(draw, panels, modes, folders))
        return
    with ProcessPoolExecutor(n_processors(), mp_context=get_context("spawn")) as pool:
        list(pool.map(draw, panels, modes, folders))


FEW = 12
"""Fewer panels than this are not worth processes of their own."""
