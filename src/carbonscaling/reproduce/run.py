"""The whole reproduction: verdicts, panels and sensitivity, spread over the processors at hand."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from carbonscaling.reproduce.claims import FIGURES, Verdict, claims, figures_of, outcomes, panels
from carbonscaling.reproduce.draw import draw
from carbonscaling.reproduce.figure import Outcome, Panel
from carbonscaling.reproduce.realisation import variants
from carbonscaling.reproduce.sensitivity import MODULES, Move, moves
from carbonscaling.reproduce.study import MODES, Study
from carbonscaling.search.compiled import available
from carbonscaling.search.evaluate import prepare

__all__ = ["Reproduction", "draw_all", "reproduce"]

SHARED = ("static_share", "alpha", "host_ratio_v1", "host_ratio_v2", "pue", "shared_hosts", "eviction")
"""Choices on which hardly a search depends: one process serves them with what it has found for the paper mode."""

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
    """

    verdicts: tuple[Verdict, ...]
    panels: tuple[tuple[str, Panel], ...]
    moves: tuple[Move, ...]


def _figure(mode: str, module: str) -> tuple[Outcomes, tuple[Panel, ...]]:
    study = Study(mode)
    return outcomes(module, study), panels(module, study)


def _mode(mode: str, others: tuple[int, ...]) -> tuple[list[tuple[Outcomes, tuple[Panel, ...]]], list[Outcomes]]:
    """Return one mode's figures, and the outcomes with alternatives that share its searches."""
    return [_figure(mode, module) for module in FIGURES], [_variant(place) for place in others]


def _variant(place: int) -> Outcomes:
    _, _, other = list(variants())[place]
    return {name: o for module in MODULES for name, o in outcomes(module, Study("paper", other)).items()}


def _assembled(
    by_mode: Mapping[str, list[tuple[Outcomes, tuple[Panel, ...]]]], found: list[Outcomes], wanted: str | None
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
    return Reproduction(verdicts, drawn, moves(ours["paper"], found) if found else ())


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
        return _assembled({mode: [_figure(mode, m) for m in modules] for mode in MODES}, [], name)
    if available():
        prepare()  # once here, so that every process finds the machine code on disk
    names = [choice for choice, _, _ in variants()]
    shared = tuple(i for i, choice in enumerate(names) if choice in SHARED)
    own = [i for i, choice in enumerate(names) if choice not in SHARED]
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), mp_context=get_context("spawn")) as pool:
        waiting = {mode: pool.submit(_mode, mode, shared if mode == "paper" else ()) for mode in MODES}
        varied = {place: pool.submit(_variant, place) for place in own}
        by_mode = {mode: future.result()[0] for mode, future in waiting.items()}
        found = dict(zip(shared, waiting["paper"].result()[1], strict=True))
        found |= {place: future.result() for place, future in varied.items()}
    return _assembled(by_mode, [found[place] for place in range(len(names))], None)


def draw_all(found: Reproduction, folder: Path) -> None:
    """Draw every panel into a folder.

    Raises
    ------
    InputError
        matplotlib is not installed.
    """
    n = len(os.sched_getaffinity(0)) if len(found.panels) > FEW else 1
    if n == 1:
        for mode, panel in found.panels:
            draw(panel, mode, folder)
        return
    with ProcessPoolExecutor(n, mp_context=get_context("spawn")) as pool:
        for done in [pool.submit(draw, panel, mode, folder) for mode, panel in found.panels]:
            done.result()


FEW = 12
"""Fewer panels than this are not worth processes of their own."""
