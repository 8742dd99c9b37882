"""Options that several commands share."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from carbonscaling.errors import ExitCode

if TYPE_CHECKING:
    from carbonscaling.study.estimate import Estimate, Infeasible

__all__ = ["Emit", "Json", "JsonFile", "Output", "ScenarioFile", "hand_over"]

OUTPUT = Group("Output", sort_key=0)

ScenarioFile = Annotated[str | None, Parameter(help="Scenario file (TOML); options override it.", group=OUTPUT)]
Json = Annotated[bool, Parameter(negative=(), help="Print JSON.", group=OUTPUT)]
Output = Annotated[
    str | None,
    Parameter(
        name=("--output", "-o"),
        help="Write the answer to this file as well: Markdown if it ends in .md, a picture of the plan if in .svg, else JSON; "
        "with --emit, what other software reads.",
        group=OUTPUT,
    ),
]
Emit = Annotated[
    str | None,
    Parameter(
        help="Write what other software reads, into the file of --output or in the answer's place: megatron, megatron-bridge, "
        "torchtitan, deepspeed, maxtext (launch settings).",
        group=OUTPUT,
    ),
]
JsonFile = Annotated[
    str | None, Parameter(name=("--output", "-o"), help="Write JSON to this file as well.", group=OUTPUT)
]


def hand_over(answer: Estimate | Infeasible, *, json: bool, output: str | None, emit: str | None = None) -> int:
    """Print an answer (and write it), or what other software reads of it; return its exit code."""
    from carbonscaling.cli import output as out
    from carbonscaling.reporting.answer import answer_page
    from carbonscaling.reporting.infeasible import infeasible_page
    from carbonscaling.reporting.jsonable import to_json
    from carbonscaling.reporting.markdown import markdown
    from carbonscaling.study.estimate import Estimate

    data: dict[str, Any] = answer.to_dict()
    written = None if emit is None or not answer.feasible else _written(answer, emit)
    if output is not None and emit is None:
        out.write_file(output, markdown(answer) if output.endswith(".md") else to_json(data))
    elif output is not None and written is not None:
        out.write_file(output, written)
    if written is not None and output is None:
        sys.stdout.write(written)
    elif json:
        out.show_json(data)
    elif isinstance(answer, Estimate):
        out.show(answer_page(answer))
    else:
        out.show(infeasible_page(answer))
    if isinstance(answer, Estimate) and answer.search is not None and answer.search.interrupted:
        return int(ExitCode.INTERRUPTED)
    return int(ExitCode.OK if isinstance(answer, Estimate) else ExitCode.INFEASIBLE)


def _written(answer: Estimate | Infeasible, to: str) -> str:
    from carbonscaling.exchange.emit import emit

    return emit(answer, to)
