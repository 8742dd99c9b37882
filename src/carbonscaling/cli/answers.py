"""An answer handed over: printed, written into a file, or as what other software reads."""

from __future__ import annotations

import datetime
import sys
from typing import TYPE_CHECKING, Any

from carbonscaling.errors import ExitCode
from carbonscaling.study.estimate import Estimate

if TYPE_CHECKING:
    from rich.console import RenderableType

    from carbonscaling.study.infeasible import Infeasible
    from carbonscaling.study.project.file import Project
    from carbonscaling.study.scenario import Scenario

__all__ = ["hand_over", "saved_beside"]


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
    to = emit or ("svg" if output is not None and output.lower().endswith(".svg") else None)
    drawn = [("svg", picture)] * (picture is not None) + [(to or "", output)] * (to is not None)
    for kind, path in drawn if isinstance(answer, Estimate) else ():
        _emit(answer, kind, path)
    if drawn and not answer.feasible:
        sys.stderr.write("not written: nothing is feasible\n")
    if output is not None and to is None:
        _write(answer, output, asked)
    if answer.feasible and to is not None and output is None:
        pass  # it stands in the answer's place
    elif json:
        from carbonscaling.reporting.jsonable import to_json

        sys.stdout.write(to_json(answer.to_dict()))
    else:
        from carbonscaling.cli.output import show

        show(_page(answer))
    if isinstance(answer, Estimate) and answer.search is not None and answer.search.interrupted:
        return int(ExitCode.INTERRUPTED)
    return int(ExitCode.OK if isinstance(answer, Estimate) else ExitCode.INFEASIBLE)


def _page(answer: Estimate | Infeasible) -> RenderableType:
    if isinstance(answer, Estimate):
        from carbonscaling.reporting.answer import answer_page

        return answer_page(answer)
    from carbonscaling.reporting.infeasible import infeasible_page

    return infeasible_page(answer)


def _write(answer: Estimate | Infeasible, output: str, asked: tuple[str, Scenario] | None) -> None:
    """Write an answer into a file, as its suffix says."""
    from carbonscaling.cli.output import write_file
    from carbonscaling.reporting.document import document_of
    from carbonscaling.reporting.markdown import markdown
    from carbonscaling.reporting.suffixes import TABLES, page_as, rows_as, suffix_of

    suffix = suffix_of(output)
    if suffix in TABLES:
        write_file(output, rows_as(suffix, [{"feasible": answer.feasible, **answer.summary()}]))
    elif suffix == ".html" and isinstance(answer, Estimate):
        write_file(output, document_of(answer))
    else:
        kept = answer.to_dict() | ({"saved": saved_beside(*asked)} if asked else {})
        write_file(output, markdown(answer) if suffix == ".md" else page_as(suffix, kept, _page(answer)))


def _emit(answer: Estimate | Infeasible, to: str, output: str | None) -> None:
    """Write a plan for other software, into files or on stdout."""
    from carbonscaling.cli.output import tell_written
    from carbonscaling.exchange.emit import emit, emit_files, remarks

    if output is None:
        sys.stdout.write(emit(answer, to))
        return
    names = emit_files(answer, to, output)
    tell_written(names[0], f" and {len(names) - 1} more" if len(names) > 1 else "")
    sys.stderr.write("".join(f"  {line}\n" for line in remarks(answer, to)))
