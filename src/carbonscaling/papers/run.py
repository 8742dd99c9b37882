"""The whole reproduction: verdicts, panels, engines and sensitivity, spread over the processors at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import field
from multiprocessing import get_context
from pathlib import Path

from carbonscaling.papers.claims import OF_THE_MODEL, Verdict, claims, figure, figures_of
from carbonscaling.papers.deciding import Move, Turn, model_outcomes, moves, turns
from carbonscaling.papers.draw import draw
from carbonscaling.papers.explanations import Explanation, explanations
from carbonscaling.papers.figure import Outcome, Panel
from carbonscaling.papers.study import MODES, Study
from carbonscaling.papers.variants import ENGINES, Engine
from carbonscaling.platform import n_processors
from carbonscaling.record import dataclass
from carbonscaling.search.compiled import available
from carbonscaling.search.evaluate import prepare

__all__ = ["Reproduction", "draw_all", "reproduce"]

Outcomes = Mapping[str, Outcome]
Panels = tuple[tuple[str, Panel], ...]

BESIDE: Mapping[str, tuple[Engine, ...]] = {"v1": ("physical",), "v2": ("F", "physical")}
"""Engines whose figures stand beside those of each version's own, F and S."""


@dataclass(frozen=True)
class Reproduction:
    """Everything that was reproduced; what only the whole has is empty for a single figure.

    Attributes
    ----------
    verdicts : tuple of Verdict
        One a claim, in the papers' order.
    panels : tuple of (label, Panel)
        "paper" and "physical", the two modes; "paper-F" and the like with another engine than the version's own.
    by_engine : Mapping
        Outcomes of the claims that rest on the engine, in paper mode.
    moves : tuple of Move
        Sensitivity of the paper mode.
    turns : tuple of Turn
        What turns the claims that differ in paper mode.
    explanations : tuple of Explanation
        What lies behind claims that differ.
    """

    verdicts: tuple[Verdict, ...]
    panels: Panels
    by_engine: Mapping[Engine, Outcomes] = field(default_factory=dict)
    moves: tuple[Move, ...] = ()
    turns: tuple[Turn, ...] = ()
    explanations: tuple[Explanation, ...] = ()


def _study(mode: str, engine: Engine | None) -> Study:
    return Study(mode) if engine is None else Study(mode).with_engine(engine)


def _computed(mode: str, engine: Engine | None, names: Sequence[str]) -> tuple[Outcomes, Panels]:
    found = [figure(name, _study(mode, engine)) for name in names]
    outcomes = {claim: o for f in found for claim, o in f.outcomes.items()}
    return outcomes, tuple((mode, panel) for f in found for panel in f.panels())


def _other(engine: Engine) -> tuple[Outcomes, Panels]:
    """Return an engine's outcomes, and the panels of the versions beside whose own engine it is shown."""
    study = Study("paper").with_engine(engine)
    beside = [name for name in OF_THE_MODEL if engine in BESIDE[name[:2]]]
    return model_outcomes(study), tuple((f"paper-{engine}", p) for name in beside for p in figure(name, study).panels())


def _sensitivity(engine: Engine | None) -> tuple[tuple[Move, ...], tuple[Turn, ...], tuple[Explanation, ...]]:
    study = _study("paper", engine)
    return moves(study), turns(study), explanations(Study("paper"))


def _assembled(by_mode: Mapping[str, tuple[Outcomes, Panels]], wanted: str = "") -> tuple[tuple[Verdict, ...], Panels]:
    ours = {mode: outcomes for mode, (outcomes, _) in by_mode.items()}
    verdicts = [
        Verdict(claim, *(ours[mode][name] for mode in MODES))
        for name, claim in claims().items()
        if name in ours["paper"]
    ]
    drawn = [both for _, panels in by_mode.values() for both in panels]
    return (tuple(v for v in verdicts if v.claim.id.startswith(wanted)) or tuple(verdicts),
            tuple((mode, panel) for mode, panel in drawn if panel.name.startswith(wanted)) or tuple(drawn))  # fmt: skip


def reproduce(name: str | None = None, engine: Engine | None = None) -> Reproduction:
    """Reproduce one figure, panel or claim, or both papers with their engines, sensitivity and explanations.

    Parameters
    ----------
    name : str, optional
        For instance ``v2-fig6a``.
    engine : {"F", "E", "S", "physical"}, optional
        Of the paper mode, for both versions; otherwise each version's own.

    Raises
    ------
    InputError
        No such figure.
    """
    names = figures_of(name)
    if name is not None:
        return Reproduction(*_assembled({mode: _computed(mode, engine, names) for mode in MODES}, name))
    if available():
        prepare()  # once here, so that every process finds the machine code on disk
    with ProcessPoolExecutor(n_processors(), mp_context=get_context("spawn")) as pool:
        by_mode = {mode: pool.submit(_computed, mode, engine, names) for mode in reversed(MODES)}  # the longest first
        others = {other: pool.submit(_other, other) for other in reversed(ENGINES)}
        sensitivity = pool.submit(_sensitivity, engine)
        verdicts, panels = _assembled({mode: by_mode[mode].result() for mode in MODES})
        found = {other: others[other].result() for other in ENGINES}
        panels += tuple(both for _, drawn in found.values() for both in drawn)
        return Reproduction(
            verdicts, panels, {other: outcomes for other, (outcomes, _) in found.items()}, *sensitivity.result()
        )


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
