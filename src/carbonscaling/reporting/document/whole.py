"""The report of an answer that is at hand: with what stands beside it on the page."""

from __future__ import annotations

from carbonscaling.reporting.beside import curve, evidence, regions
from carbonscaling.reporting.document.page import document
from carbonscaling.search.engine import Progress
from carbonscaling.study.answer import sources_used
from carbonscaling.study.estimate import Estimate

__all__ = ["document_of"]


def document_of(answer: Estimate, progress: Progress | None = None) -> str:
    """Return the report of an answer, with other places and the scaling law's curve as the page shows them.

    Parameters
    ----------
    answer : Estimate
    progress : callable, optional
        As of a search: the curve plans a dozen trainings.
    """
    return document(
        answer.to_dict(), evidence(answer), sources_used(answer), places=regions(answer), curve=curve(answer, progress)
    )
