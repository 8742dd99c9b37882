"""Options that several commands share."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Group, Parameter

from carbonscaling.errors import ExitCode

if TYPE_CHECKING:
    from carbonscaling.study.estimate import Estimate
    from carbonscaling.study.infeasible import Infeasible

__all__ = ["Emit", "Json", "JsonFile", "Output", "Picture", "ScenarioFile", "hand_over"]

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
Picture = Annotated[
    str | None,
    Parameter(
        help="Draw the plan into this file (SVG): the pipeline on the clock, which ranks lie where.", group=OUTPUT
    ),
]
Emit = Annotated[
    str | None,
    Parameter(
        help="Write what other software reads, into the file of --output or in the answer's place: megatron, megatron-bridge, "
        "torchtitan, deepspeed, maxtext (launch settings); simai (a workload), chakra, chakra-ranks (execution traces, several "
        "files); trace (one step for Chrome and Perfetto), svg; profile (with --from a workload of SimAI).",
        group=OUTPUT,
    ),
]
JsonFile = Annotated[
    str | None, Parameter(name=("--output", "-o"), help="Write JSON to this file as well.", group=OUTPUT)
]


def hand_over(
    answer: Estimate | Infeasible,
    *,
    json: bool,
    output: str | None,
    emit: str | None = None,
    picture: str | None = None,
) -> int:
    """Print an answer (and write it), or what other software reads of it; return its exit code."""
    from carbonscaling.cli import output as out
    from carbonscaling.reporting.answer import answer_page
    from carbonscaling.reporting.infeasible import infeasible_page
    from carbonscaling.reporting.jsonable import to_json
    from carbonscaling.reporting.markdown import markdown
    from carbonscaling.study.estimate import Estimate

    to = emit or ("svg" if output is not None and output.endswith(".svg") else None)
    asked = [("svg", picture)] * (picture is not None) + [(to or "", output)] * (to is not None)
    for kind, path in asked if isinstance(answer, Estimate) else ():
        _emit(answer, kind, path)
    if asked and not answer.feasible:
        sys.stderr.write("not written: nothing is feasible\n")
    if output is not None and to is None:
        out.write_file(output, markdown(answer) if output.endswith(".md") else to_json(answer.to_dict()))
    if answer.feasible and to is not None and output is None:
        pass  # it stands in the answer's place
    elif json:
        out.show_json(answer.to_dict())
    elif isinstance(answer, Estimate):
        out.show(answer_page(answer))
    else:
        out.show(infeasible_page(answer))
    if isinstance(answer, Estimate) and answer.search is not None and answer.search.interrupted:
        return int(ExitCode.INTERRUPTED)
    return int(ExitCode.OK if isinstance(answer, Estimate) else ExitCode.INFEASIBLE)


def _emit(answer: Estimate | Infeasible, to: str, output: str | None) -> None:
    """Write a plan for other software, into files or on stdout."""
    from carbonscaling.cli.output import tell_written
    from carbonscaling.exchange.emit import emit, emit_files

    if output is None:
        sys.stdout.write(emit(answer, to))
        return
    names = emit_files(answer, to, output)
    tell_written(names[0], f" and {len(names) - 1} more" if len(names) > 1 else "")
