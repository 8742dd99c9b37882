"""What the service computes, in a process of its own: answers, and what a page shows beside one."""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path
from typing import Literal

from carbonscaling.errors import InputError
from carbonscaling.hints import NamedTuple
from carbonscaling.reporting.beside import BESIDE, curve
from carbonscaling.reporting.jsonable import jsonable, to_json
from carbonscaling.search.engine import Progress
from carbonscaling.serve.answers import answer_of
from carbonscaling.serve.others import Other, OtherKind
from carbonscaling.serve.problem import as_data
from carbonscaling.serve.question import Asked, Kind
from carbonscaling.serve.uploads import run_of
from carbonscaling.study.answer import estimate, plan
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.infeasible import Infeasible
from carbonscaling.study.scale import ScalePoint

__all__ = ["Job", "Reply", "Task", "do"]

Task = Literal["answer", "regions", "evidence", "sources", "curve", "report", "launch", "other"]
KEPT = 8
"""Answers a process keeps, so that a page's later questions about one need no search."""
_kept: OrderedDict[str, Estimate | Infeasible] = OrderedDict()
_curves: OrderedDict[str, tuple[ScalePoint, ...]] = OrderedDict()
"""Curves likewise: another model or number of tokens on the same machine lies beside the same one."""


class Job(NamedTuple):
    """One thing to compute; `format` is the file's, where the task makes one."""

    task: Task
    kind: Kind | OtherKind
    asked: Asked | Other
    format: str = ""

    @property
    def heavy(self) -> bool:
        """Whether it may take seconds: anything but an estimate, a whole space, or a curve of plans."""
        if isinstance(self.asked, Other) or self.kind != "estimate":
            return True
        return self.asked.scenario.space == "full" or self.task == "curve"


class Reply(NamedTuple):
    """What came of it: HTTP status, text, media type."""

    status: int
    text: str
    media: str = "application/json"


def _answer(kind: str, asked: Asked, folder: Path, progress: Progress) -> Estimate | Infeasible:
    key = asked.key(kind)
    if key not in _kept:
        solve = plan if kind == "plan" else estimate
        with run_of(asked, folder) as scenario:
            _kept[key] = solve(scenario, progress=progress)
        if len(_kept) > KEPT:
            _kept.popitem(last=False)
    _kept.move_to_end(key)
    return _kept[key]


def _report(answer: Estimate, name: str, progress: Progress) -> Reply:
    from carbonscaling.reporting.statements import FORMATS
    from carbonscaling.reporting.statements.saved import record_of

    media = {"csv": "text/csv", "esrs": "text/csv", "json": "application/json", "boamps": "application/json"}
    if name == "html":
        from carbonscaling.reporting.document import document_of

        return Reply(200, document_of(answer, progress), "text/html")
    return Reply(200, FORMATS[name](record_of(jsonable(answer.to_dict()))), media.get(name, "text/markdown"))


def _launch(answer: Estimate, to: str) -> Reply:
    from carbonscaling.exchange.emit import emit

    return Reply(200, emit(answer, to), "image/svg+xml" if to == "svg" else "text/plain")


def _beside(job: Job, answer: Estimate, progress: Progress) -> Reply:
    if job.task == "report":
        return _report(answer, job.format, progress)
    if job.task == "launch":
        return _launch(answer, job.format)
    if job.task == "curve":
        data = curve(answer, progress, _curves)
        if len(_curves) > KEPT:
            _curves.popitem(last=False)
        return Reply(200, to_json(data))
    return Reply(200, to_json(BESIDE[job.task](answer, progress)))


def _other(asked: Other, form: str, folder: Path) -> Reply:
    data = answer_of(asked, folder)
    if not form:
        return Reply(200, to_json(data))
    from carbonscaling.reporting.document.answers import answer_document

    return Reply(200, answer_document(jsonable(data)), "text/html")


def do(job: Job, folder: Path, progress: Progress) -> Reply:
    """Compute a job; a user's mistake is a reply too (422).

    Parameters
    ----------
    job : Job
    folder : Path
        An empty folder of this process's own.
    progress : callable
        As of a search; what it raises ends the job.
    """
    try:
        if isinstance(job.asked, Other):
            return _other(job.asked, job.format, folder)
        answer = _answer(job.kind, job.asked, folder, progress)
        if job.task == "answer":
            return Reply(200, to_json(answer.to_dict()))
        if isinstance(answer, Infeasible):
            raise InputError(
                f"nothing is feasible: {answer.reason}", where="request", remedy="; ".join(answer.remedies)
            )
        return _beside(job, answer, progress)
    except InputError as error:
        if error.where and str(folder) in error.where:
            error.where = error.where.replace(f"{folder}/", "")
        return Reply(422, json.dumps({"error": as_data(error)}, ensure_ascii=False) + "\n")
