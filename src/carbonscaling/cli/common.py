"""Options that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from carbonscaling.errors import ExitCode

if TYPE_CHECKING:
    from carbonscaling.study.estimate import Estimate
    from carbonscaling.study.infeasible import Infeasible

__all__ = ["Json", "JsonFile", "Output", "ScenarioFile", "hand_over"]

OUTPUT = Group("Output", sort_key=0)

ScenarioFile = Annotated[str | None, Parameter(help="Scenario file (TOML); options override it.", group=OUTPUT)]
Json = Annotated[bool, Parameter(negative=(), help="Print JSON.", group=OUTPUT)]
Output = Annotated[
    str | None,
    Parameter(
        name=("--output", "-o"),
        help="Write the answer to this file as well: Markdown if it ends in .md, else JSON.",
        group=OUTPUT,
    ),
]
JsonFile = Annotated[
    str | None, Parameter(name=("--output", "-o"), help="Write JSON to this file as well.", group=OUTPUT)
]


def hand_over(answer: Estimate | Infeasible, *, json: bool, output: str | None) -> int:
    """Print an answer (and write it), return its exit code."""
    from carbonscaling.cli import output as out
    from carbonscaling.reporting.answer import answer_page
    from carbonscaling.reporting.infeasible import infeasible_page
    from carbonscaling.reporting.jsonable import to_json
    from carbonscaling.reporting.markdown import markdown
    from carbonscaling.study.estimate import Estimate

    data: dict[str, Any] = answer.to_dict()
    if output is not None:
        out.write_file(output, markdown(answer) if output.endswith(".md") else to_json(data))
    if json:
        out.show_json(data)
    elif isinstance(answer, Estimate):
        out.show(answer_page(answer))
    else:
        out.show(infeasible_page(answer))
    if isinstance(answer, Estimate) and answer.search is not None and answer.search.interrupted:
        return int(ExitCode.INTERRUPTED)
    return int(ExitCode.OK if isinstance(answer, Estimate) else ExitCode.INFEASIBLE)
