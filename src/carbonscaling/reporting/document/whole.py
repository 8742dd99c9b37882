"""The report of an answer, at hand or saved: with what stands beside it on the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.evidence.nearby import of_answer
from carbonscaling.reporting.beside import curve, evidence, regions
from carbonscaling.reporting.document.page import document
from carbonscaling.search.engine import Progress
from carbonscaling.study.again import changes, repeat
from carbonscaling.study.answer import sources_used
from carbonscaling.study.estimate import Estimate

__all__ = ["document_of", "document_of_saved"]


def document_of(answer: Estimate, progress: Progress | None = None) -> str:
    """Return the report of an answer, with other places and the scaling law's curve as the page shows them.

    Parameters
    ----------
    answer : Estimate
    progress : callable, optional
        As of a search: the curve plans a dozen trainings.
    """
    return _around(answer.to_dict(), answer, progress)


def document_of_saved(data: Mapping[str, Any], where: str) -> str:
    """Return the report of a saved answer: its question is asked again, for what stands beside the answer on the page.

    Where that is not the same answer any more, the report has what was saved alone and says why.

    Parameters
    ----------
    data : Mapping
        A feasible answer, whole.
    where : str
        Its file.
    """
    try:
        now = repeat(data, where)
    except InputError as error:
        return document(data, of_answer(data["summary"]), left_out=error.problem)
    if isinstance(now, Estimate) and not changes(data["summary"], now.summary()):
        return _around(data, now, None)
    return document(
        data, of_answer(data["summary"]),
        left_out="asked again, the question has another answer (carbonscaling again says which figures)",
    )  # fmt: skip


def _around(data: Mapping[str, Any], answer: Estimate, progress: Progress | None) -> str:
    return document(data, evidence(answer), sources_used(answer), places=regions(answer), curve=curve(answer, progress))
