"""An answer saved with its question, so that it can be asked again; what differs, and what may have made it so."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from carbonscaling.catalog.stamp import catalogue_stamp
from carbonscaling.errors import InputError
from carbonscaling.record import dataclass
from carbonscaling.study.answer import estimate, plan
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.infeasible import Infeasible
from carbonscaling.study.project.answer import ProjectAnswer, project
from carbonscaling.study.project.file import Project, project_from
from carbonscaling.study.scenario import Scenario, scenario_from
from carbonscaling.study.scenario_file import said_fields

__all__ = ["SAME", "Change", "asked_as", "changes", "question_of_saved", "repeat"]

SAME = 1e-6
"""Relative difference that another processor's rounding may make."""
COMMANDS = {"plan": plan, "estimate": estimate}


@dataclass(frozen=True)
class Change:
    """A figure of the summary that is not what it was.

    Attributes
    ----------
    name : str
        Its key in the summary, the unit in it.
    then, now : object
    """

    name: str
    then: Any
    now: Any

    @property
    def relative(self) -> float | None:
        """The change over the value then; None where either is no number or it was 0."""
        if not (_is_number(self.then) and _is_number(self.now)) or not self.then:
            return None
        return float(self.now / self.then - 1.0)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def asked_as(command: str, question: Scenario | Project, version: str, date: str) -> dict[str, Any]:
    """Return what is saved beside an answer: the question, and what it was answered with.

    Parameters
    ----------
    command : {"plan", "estimate", "project"}
    question : Scenario or Project
        Of a scenario what differs from its defaults is written; with a date to finish by, the day on which it was asked too.
    version : str
        Of the package.
    date : str
        Today, YYYY-MM-DD.
    """
    if isinstance(question, Project):
        asked: dict[str, Any] = {"project": dict(question.data)}
    else:
        dated = question.finish_by is not None and question.start_date is None
        asked = {"scenario": said_fields(replace(question, start_date=date) if dated else question)}
    return {
        "command": command,
        **asked,
        "version": version,
        "date": date,
        "catalogue": catalogue_stamp(),
    }


def question_of_saved(data: Mapping[str, Any], where: str) -> tuple[str, Scenario | Project]:
    """Return the command and the question of a saved answer.

    Raises
    ------
    InputError
        It was saved without its question (version 0.1.0), or this cannot be read.
    """
    saved = data.get("saved")
    if isinstance(saved, Mapping) and saved.get("command") == "project" and isinstance(saved.get("project"), Mapping):
        return "project", project_from(saved["project"], where)
    if not isinstance(saved, Mapping) or saved.get("command") not in COMMANDS or "scenario" not in saved:
        raise InputError(
            "this answer was saved without its question", where=where, key="saved",
            remedy="ask once more and save it: carbonscaling plan ... -o FILE.json",
        )  # fmt: skip
    return str(saved["command"]), scenario_from(dict(saved["scenario"]), where)


def repeat(data: Mapping[str, Any], where: str) -> Estimate | Infeasible | ProjectAnswer:
    """Ask a saved answer's question again.

    Raises
    ------
    InputError
        As `question_of_saved`, or the question names what is not there any more.
    """
    command, question = question_of_saved(data, where)
    return project(question) if isinstance(question, Project) else COMMANDS[command](question)


def changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """Return what differs between two summaries, in their order; figures alone one of which has are left out."""
    return [Change(name, then[name], now[name]) for name in then if name in now and not _same(then[name], now[name])]


def _same(then: Any, now: Any) -> bool:
    if _is_number(then) and _is_number(now):
        return math.isclose(then, now, rel_tol=SAME)
    return bool(then == now)
