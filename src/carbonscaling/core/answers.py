"""What is made of whole questions and answers: choices between places and devices, statements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from carbonscaling.core.tables import Choices, Points
from carbonscaling.errors import InputError, nearest
from carbonscaling.study import choices as study_choices
from carbonscaling.study import scale as study_scale
from carbonscaling.study.choices import Options
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.infeasible import Infeasible, run_of
from carbonscaling.study.scenario import Scenario

if TYPE_CHECKING:
    from carbonscaling.reporting.statements.record import Record

__all__ = ["choices", "report", "scale"]

Format = Literal[
    "model-card",
    "annex-xi",
    "sci",
    "esrs",
    "boamps",
    "ghg-protocol",
    "spdx",
    "cyclonedx",
    "csv",
    "json",
    "html",
    "pdf-ready",
]


def choices(
    scenario: Scenario,
    *,
    regions: Iterable[str] = (),
    devices: Iterable[str] = (),
    counts: Iterable[int] = (),
    deadlines: Iterable[float] = (),
    starts: Iterable[float | str] = (),
    pause_above: Iterable[float] = (),
    power_limits: Iterable[float] = (),
    windows: Iterable[str] = (),
    best_start: bool = False,
) -> Choices:
    """Answer a scenario for every combination of places, devices, counts, deadlines, start times, pauses and power limits.

    Parameters
    ----------
    scenario : Scenario
        What is not listed is as it says.
    regions, devices, counts, deadlines, starts, pause_above, power_limits, windows : iterables, optional
        As the fields of `carbonscaling.study.choices.Options`.
    best_start : bool
        As the fields of `carbonscaling.study.choices.Options`.

    Raises
    ------
    InputError
        An unknown name, a value of the wrong kind, or options that contradict each other.
    """
    given: dict[str, Any] = dict(
        regions=regions, devices=devices, counts=counts, deadlines=deadlines, starts=starts, pause_above=pause_above,
        power_limits=power_limits, windows=windows,
    )  # fmt: skip
    listed: dict[str, Any] = {k: values if isinstance(values, str) else tuple(values) for k, values in given.items()}
    return Choices(study_choices.choices(scenario, Options(**listed, best_start=best_start)))


def scale(scenario: Scenario, sizes: Sequence[float] | None = None) -> Points:
    """Plan every size of a scaling law on one device; the points show as a table and become a data frame.

    Parameters
    ----------
    scenario : Scenario
        `law` and the machine; its model and targets are set here.
    sizes : sequence of float, optional
        Widths for the papers' family, compute budgets in FLOPs otherwise.

    Raises
    ------
    InputError
        No law, or a size that is not positive.
    """
    return Points(study_scale.scale(scenario, sizes))


def report(answer: Estimate | Infeasible | Record, format: Format = "model-card") -> str:
    """Return a statement of a training, as ``carbonscaling report`` writes it.

    Parameters
    ----------
    answer : Estimate, or Record
        An answer, or what was measured (`carbonscaling.reporting.statements.measured.measured_record`).
    format : str
        "model-card", "annex-xi", "sci", "esrs", "boamps", "ghg-protocol", "spdx", "cyclonedx", "csv", "json", or "html"
        ("pdf-ready" is the same).

    Raises
    ------
    InputError
        An unknown format, or an answer that nothing is feasible.
    """
    from carbonscaling.reporting.document.measured import written
    from carbonscaling.reporting.statements import FORMATS
    from carbonscaling.reporting.statements.record import Record as Measured
    from carbonscaling.reporting.statements.saved import record_of

    known = (*FORMATS, "html", "pdf-ready")
    if format not in known:
        raise InputError(
            "unknown format", key="format", value=format, allowed=", ".join(known),
            suggestion=nearest(str(format), known), remedy="choose one of these",
        )  # fmt: skip
    if isinstance(answer, Measured):
        return written(answer, format)
    run = run_of(answer, "run to report")
    if format in FORMATS:
        return FORMATS[format](record_of(run.to_dict()))
    from carbonscaling.reporting.document import document_of

    return document_of(run)
