"""``carbonscaling project``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import OUTPUT, Json, TableFile, saved_beside
from carbonscaling.cli.options import given, options_of
from carbonscaling.study.project.changes import Changes

__all__ = ["project"]

if TYPE_CHECKING:
    ChangedOptions = Any
else:
    ChangedOptions = Annotated[
        options_of(Changes, Group("What is changed about it", sort_key=1), {}) | None, Parameter(name="*")
    ]


def project(
    file: Annotated[
        str | None,
        Parameter(help="A project's file (TOML), or the name of one that ships; none lists these.", group=OUTPUT),
    ] = None,
    /,
    *,
    json: Json = False,
    output: TableFile = None,
    options: ChangedOptions = None,
) -> int:
    """Say what a whole project takes, stage by stage: experiments, training, post-training, serving, storage."""
    from carbonscaling.reporting.projects import project_page, projects_page
    from carbonscaling.reporting.suffixes import TABLES, rows_as, suffix_of
    from carbonscaling.study.project.answer import project as answer

    if file is None:
        rows, page = projects_page()
        return out.hand_out(rows, page, json=json, output=output)
    found = answer(file, **given(options))
    page = project_page(found)
    if output is not None and suffix_of(output) in TABLES:
        out.write_file(output, rows_as(suffix_of(output), found.rows()))
        output = None
    data = found.to_dict() | {"saved": saved_beside("project", found.project)}
    return out.hand_out(data, page, json=json, output=output)
