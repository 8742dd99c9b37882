"""Options that several commands share."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from carbonscaling.errors import ExitCode
from carbonscaling.reporting.suffixes import FIGURES, PAGES, TABLES, check_suffix, page_as, rows_as, suffix_of

if TYPE_CHECKING:
    from carbonscaling.study.estimate import Estimate
    from carbonscaling.study.infeasible import Infeasible
    from carbonscaling.study.project.file import Project
    from carbonscaling.study.scenario import Scenario

__all__ = [
    "ANSWER_SUFFIXES",
    "DrawnFile",
    "Emit",
    "Json",
    "Output",
    "PageFile",
    "Picture",
    "PictureOrPage",
    "ScenarioFile",
    "TableFile",
    "TomlFile",
    "hand_over",
    "saved_beside",
]

OUTPUT = Group("Output", sort_key=0)

ScenarioFile = Annotated[str | None, Parameter(help="Scenario file (TOML); options override it.", group=OUTPUT)]
Json = Annotated[bool, Parameter(negative=(), help="Print JSON.", group=OUTPUT)]
ANSWER_SUFFIXES = (*PAGES, *TABLES, ".svg")
Output = Annotated[
    str | None,
    Parameter(
        name=("--output", "-o"),
        help=f"Write the answer to this file as well, as its suffix says: {', '.join(ANSWER_SUFFIXES)} (a picture of the "
        "plan); with --emit, what other software reads.",
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


def _file_of(*suffixes: str) -> Parameter:
    """Return the option that names a file to write, of one of these suffixes."""

    def read(_type: Any, tokens: Sequence[Any]) -> str:
        check_suffix(tokens[0].value, suffixes)
        return str(tokens[0].value)

    said = f"Write the result to this file as well, as its suffix says: {', '.join(suffixes)}."
    return Parameter(name=("--output", "-o"), help=said, group=OUTPUT, converter=read, n_tokens=1)


PageFile = Annotated[str | None, _file_of(*PAGES)]
PictureOrPage = Annotated[str | None, _file_of(*PAGES, ".svg")]
TomlFile = Annotated[str | None, _file_of(".toml")]
TableFile = Annotated[str | None, _file_of(*PAGES, *TABLES)]
DrawnFile = Annotated[str | None, _file_of(*PAGES, *TABLES, *FIGURES)]


def saved_beside(command: str, question: Scenario | Project) -> dict[str, Any]:
    """Return what is saved with an answer, so that ``carbonscaling again`` can repeat it."""
    from carbonscaling.cli.pages import version
    from carbonscaling.study.again import asked_as

    return asked_as(command, question, version(), datetime.date.today().isoformat())


def hand_over(
    answer: Estimate | Infeasible,
    *,
    asked: tuple[str, Scenario] | None = None,
    json: bool,
    output: str | None,
    emit: str | None = None,
    picture: str | None = None,
) -> int:
    """Print an answer (and write it), or what other software reads of it; return its exit code.

    Parameters
    ----------
    asked : tuple of str and Scenario, optional
        The command and its question, saved with the answer.
    """
    from carbonscaling.cli import output as out
    from carbonscaling.reporting.answer import answer_page
    from carbonscaling.reporting.document import document_of
    from carbonscaling.reporting.infeasible import infeasible_page
    from carbonscaling.reporting.markdown import markdown
    from carbonscaling.study.estimate import Estimate

    data: dict[str, Any] = answer.to_dict()
    page = answer_page(answer) if isinstance(answer, Estimate) else infeasible_page(answer)
    suffix = suffix_of(output) if output is not None else ""
    to = emit or ("svg" if suffix == ".svg" else None)
    drawn = [("svg", picture)] * (picture is not None) + [(to or "", output)] * (to is not None)
    for kind, path in drawn if isinstance(answer, Estimate) else ():
        _emit(answer, kind, path)
    if drawn and not answer.feasible:
        sys.stderr.write("not written: nothing is feasible\n")
    if output is not None and to is None:
        if suffix in TABLES:
            out.write_file(output, rows_as(suffix, [{"feasible": answer.feasible, **answer.summary()}]))
        elif suffix == ".html" and isinstance(answer, Estimate):
            out.write_file(output, document_of(answer))
        else:
            kept = data | {"saved": saved_beside(*asked)} if asked else data
            out.write_file(output, markdown(answer) if suffix == ".md" else page_as(suffix, kept, page))
    if answer.feasible and to is not None and output is None:
        pass  # it stands in the answer's place
    elif json:
        out.show_json(data)
    else:
        out.show(page)
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
