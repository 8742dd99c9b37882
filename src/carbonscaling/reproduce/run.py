"""The whole reproduction: verdicts, panels and sensitivity, spread over the processors at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from carbonscaling.platform import n_processors
from carbonscaling.reproduce.claims import FIGURES, REQUIRED, Verdict, claims, figures_of, outcomes, panels
from carbonscaling.reproduce.deciding import Decision, decisions, outcome_with
from carbonscaling.reproduce.draw import draw
from carbonscaling.reproduce.figure import REPRODUCED, Outcome, Panel
from carbonscaling.reproduce.nearest import Approach, Values, approaches
from carbonscaling.reproduce.realisation import choices, variants
from carbonscaling.reproduce.sensitivity import MODULES, Move, moves
from carbonscaling.reproduce.study import MODES, Study
from carbonscaling.search.compiled import available
from carbonscaling.search.evaluate import prepare

__all__ = ["Reproduction", "draw_all", "reproduce"]

SEARCHED = (
    "network",
    "network_follows_link",
    "deadline",
    "batch_multiple",
    "token_batch",
    "widest_tensor",
    "recompute",
    "micro_batch",
    "zero_v1",
    "kernels",
    "hiding",
    "imbalance",
    "layer_multiple",
)
"""Choices with which every search is done again: each of their alternatives is a task of its own."""
SHARED = tuple(name for name in choices() if name not in SEARCHED)
"""Choices on which few searches depend: one process serves them with what it has found for the paper mode."""

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
    decisions : tuple of Decision
        What turns the required claims that differ in paper mode; empty for a single figure.
    nearest : tuple of Approach
        How near supported values, alone and together, bring them; empty for a single figure.
    """

    verdicts: tuple[Verdict, ...]
    panels: tuple[tuple[str, Panel], ...]
    moves: tuple[Move, ...]
    decisions: tuple[Decision, ...]
    nearest: tuple[Approach, ...] = ()


Figures = list[tuple[Outcomes, tuple[Panel, ...]]]


def _figure(mode: str, module: str) -> tuple[Outcomes, tuple[Panel, ...]]:
    study = Study(mode)
    return outcomes(module, study), panels(module, study)


def _figures(mode: str) -> Figures:
    return [_figure(mode, module) for module in FIGURES]


def _paper(others: tuple[int, ...]) -> tuple[Figures, list[Outcomes], tuple[Decision, ...]]:
    """Return the paper mode, with what shares its searches: alternatives, and what decides the claims that differ."""
    figures = _figures("paper")
    found = {name: o for part, _ in figures for name, o in part.items()}
    return figures, [_variant(place) for place in others], decisions(Study("paper"), found, SHARED)


def _variant(place: int) -> Outcomes:
    _, _, other = list(variants())[place]
    return {name: o for module in MODULES for name, o in outcomes(module, Study("paper", other)).items()}


def _asked(claim: str, values: Values) -> Outcome:
    return outcome_with(Study("paper"), claim, values)


def _nearest(base: Outcomes, found: Sequence[Outcomes], pool: ProcessPoolExecutor) -> tuple[Approach, ...]:
    """Return how near other supported values bring each required claim that differs."""
    table = {(name, value): other for (name, value, _), other in zip(variants(), found, strict=True)}
    sets: list[Approach] = []
    for claim in REQUIRED:
        if base[claim].tests and base[claim].verdict != REPRODUCED:
            alone = {one: other[claim] for one, other in table.items() if claim in other}
            ask = partial(_all_asked, pool, claim)
            sets += approaches(claim, base[claim], alone, ask)
    return tuple(sets)


def _all_asked(pool: ProcessPoolExecutor, claim: str, several: Sequence[Values]) -> list[Outcome]:
    return list(pool.map(_asked, [claim] * len(several), several))


def _assembled(
    by_mode: Mapping[str, Figures],
    wanted: str | None,
    found: Sequence[Outcomes] = (),
    turned: tuple[Decision, ...] = (),
    nearest: tuple[Approach, ...] = (),
) -> Reproduction:
    ours = {mode: {name: o for part, _ in parts for name, o in part.items()} for mode, parts in by_mode.items()}
    verdicts = tuple(
        Verdict(claim, *(ours[mode][name] for mode in MODES))
        for name, claim in claims().items()
        if name in ours["paper"]
    )
    drawn = tuple((mode, panel) for mode, parts in by_mode.items() for _, several in parts for panel in several)
    if wanted is not None:
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
    modules = figures_of(name)
    if name is not None:
        return _assembled({mode: [_figure(mode, m) for m in modules] for mode in MODES}, name)
    if available():
        prepare()  # once here, so that every process finds the machine code on disk
    names = [choice for choice, _, _ in variants()]
    shared = tuple(i for i, choice in enumerate(names) if choice in SHARED)
    own = [i for i, choice in enumerate(names) if choice not in SHARED]
    with ProcessPoolExecutor(n_processors(), mp_context=get_context("spawn")) as pool:
        paper = pool.submit(_paper, shared)  # the longest first
        varied = {place: pool.submit(_variant, place) for place in own}
        physical = pool.submit(_figures, "physical")
        figures, others, turned = paper.result()
        found = dict(zip(shared, others, strict=True)) | {place: future.result() for place, future in varied.items()}
        by_mode = {"paper": figures, "physical": physical.result()}
        ordered = [found[place] for place in range(len(names))]
        nearest = _nearest({name: o for part, _ in figures for name, o in part.items()}, ordered, pool)
    return _assembled(by_mode, None, ordered, turned, nearest)


def draw_all(found: Reproduction, folder: Path) -> None:
    """Draw every panel into a folder.

    Raises
    ------
    InputError
        matplotlib is not installed.
    """
    n = n_processors() if len(found.panels) > FEW else 1
    if n == 1:
        for mode, panel in found.panels:
            draw(panel, mode, folder)
        return
    with ProcessPoolExecutor(n, mp_context=get_context("spawn")) as pool:
        for done in [pool.submit(draw, panel, mode, folder) for mode, panel in found.panels]:
            done.result()


FEW = 12
"""Fewer panels than this are not worth processes of their own."""
