"""``carbonscaling again``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import Json, PageFile, saved_beside
from carbonscaling.errors import ExitCode

__all__ = ["again"]


def again(
    answer: Annotated[str, Parameter(help="Answer that plan, estimate or project saved with -o FILE.json.")],
    /,
    *,
    json: Json = False,
    output: PageFile = None,
) -> int:
    """Repeat a saved answer: ask its question again, and say what has changed since, by how much, and why.

    Exit code 0 where every figure of the summary is the same to six digits, 5 where one is not.
    """
    from carbonscaling.reporting.again import again_data, again_page
    from carbonscaling.reporting.statements.saved import read_answer
    from carbonscaling.study.again import Change, changes, question_of_saved, repeat
    from carbonscaling.study.infeasible import Infeasible
    from carbonscaling.study.project.answer import ProjectAnswer

    data = read_answer(answer, of_project=True)
    command, question = question_of_saved(data, answer)
    found = repeat(data, answer)
    differ = changes(data.get("summary") or {}, found.summary())
    if not isinstance(found, ProjectAnswer) and data["feasible"] != found.feasible:
        differ.insert(0, Change("feasible", data["feasible"], found.feasible))
    then, now = data["saved"], saved_beside(command, question)
    headline = found.reason if isinstance(found, Infeasible) else found.headline
    page = again_page(differ, then, now, headline)
    out.hand_out(again_data(differ, then, now), page, json=json, output=output)
    return int(ExitCode.CHANGED if differ else ExitCode.OK)
