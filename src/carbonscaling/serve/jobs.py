"""What the service computes, in a process of its own: answers, and what a page shows beside one."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from carbonscaling.errors import InputError
from carbonscaling.reporting.jsonable import jsonable, to_json
from carbonscaling.serve.problem import as_data
from carbonscaling.serve.question import Asked, Kind
from carbonscaling.study.answer import estimate, plan, sources_used
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.infeasible import Infeasible
from carbonscaling.study.inputs import inputs

__all__ = ["Job", "Reply", "Task", "do"]

Task = Literal["answer", "regions", "evidence", "sources", "report"]
Progress = Callable[[int, float], None]

KEPT = 8
"""Answers a process keeps, so that a page's later questions about one need no search."""
_kept: OrderedDict[str, Estimate | Infeasible] = OrderedDict()


class Job(NamedTuple):
    """One thing to compute; `format` is the statement's, where the task is a report."""

    task: Task
    kind: Kind
    asked: Asked
    format: str = ""


class Reply(NamedTuple):
    """What came of it: HTTP status, text, media type."""

    status: int
    text: str
    media: str = "application/json"


def _answer(job: Job, folder: Path, progress: Progress) -> Estimate | Infeasible:
    key = job.asked.key(job.kind)
    if key not in _kept:
        solve = plan if job.kind == "plan" else estimate
        scenario, config = job.asked.scenario, job.asked.config
        if config is None:
            found = solve(scenario, progress=progress)
        else:
            home = folder / job.asked.name  # the very file that the command line would read
            home.mkdir()
            try:
                file = home / "config.json"
                file.write_text(json.dumps(dict(config)), encoding="utf-8")
                found = solve(dataclasses.replace(scenario, model=str(file)), progress=progress)
            finally:
                shutil.rmtree(home)
        _kept[key] = found
        if len(_kept) > KEPT:
            _kept.popitem(last=False)
    _kept.move_to_end(key)
    return _kept[key]


def _regions(answer: Estimate) -> dict[str, Any]:
    from carbonscaling.study.places import ranked

    return {"region": answer.footprint.region, "rows": [vars(row) for row in ranked(answer)]}


def _evidence(answer: Estimate) -> dict[str, Any]:
    """Return the measured trainings most like an answer's, and how predictions of them fared."""
    from carbonscaling.evidence.nearby import nearby
    from carbonscaling.model.params import total_params

    r = answer.resolved
    device = r.cluster.device
    found = nearby(device.id, float(total_params(r.spec)), experts=r.spec.experts is not None)
    return {**found.to_dict(device.name), "projected": bool(answer.scenario.years_ahead)}


def _sources(answer: Estimate) -> dict[str, Any]:
    """Return every number behind an answer with its source, and the references with their BibTeX."""
    from carbonscaling.catalog.references import references
    from carbonscaling.reporting.bibtex import bibtex

    known = references()
    keys = sources_used(answer)
    return {
        "numbers": [{"group": row.group, "name": row.name, **vars(row.datum)} for row in inputs(answer)],
        "references": [dataclasses.asdict(known[key]) for key in keys],
        "bibtex": bibtex(keys, known),
    }


def _report(answer: Estimate, name: str) -> Reply:
    from carbonscaling.reporting.statements import FORMATS
    from carbonscaling.reporting.statements.saved import record_of

    data = jsonable(answer.to_dict())
    media = {"csv": "text/csv", "esrs": "text/csv", "json": "application/json", "boamps": "application/json"}
    if name == "html":
        from carbonscaling.reporting.document import document

        return Reply(200, document(data, _evidence(answer), sources_used(answer)), "text/html")
    return Reply(200, FORMATS[name](record_of(data)), media.get(name, "text/markdown"))


def _beside(job: Job, answer: Estimate) -> Reply:
    makers: Mapping[str, Callable[[Estimate], dict[str, Any]]] = {
        "regions": _regions,
        "evidence": _evidence,
        "sources": _sources,
    }
    return _report(answer, job.format) if job.task == "report" else Reply(200, to_json(makers[job.task](answer)))


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
        answer = _answer(job, folder, progress)
        if job.task == "answer":
            return Reply(200, to_json(answer.to_dict()))
        if isinstance(answer, Infeasible):
            raise InputError(
                f"nothing is feasible: {answer.reason}", where="request", remedy="; ".join(answer.remedies)
            )
        return _beside(job, answer)
    except InputError as error:
        if error.where and str(folder) in error.where:
            error.where = error.where.replace(f"{folder}/", "")
        return Reply(422, json.dumps({"error": as_data(error)}, ensure_ascii=False) + "\n")
