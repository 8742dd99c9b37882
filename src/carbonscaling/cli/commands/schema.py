"""``carbonscaling schema``."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from carbonscaling.cli import output as out

__all__ = ["schema"]


def schema(
    what: Annotated[
        Literal["scenario", "answer", "study", "project"], Parameter(help="Which schema (default: scenario).")
    ] = "scenario",
    /,
) -> None:
    """Print the JSON Schema of a scenario file, of the answer of plan and estimate, of a study or a project file."""
    from carbonscaling.reporting.schema import answer_schema
    from carbonscaling.study.project.schema import project_schema
    from carbonscaling.study.scenario import scenario_schema
    from carbonscaling.study.sweep.studyfile import study_schema

    makers = {"scenario": scenario_schema, "answer": answer_schema, "study": study_schema, "project": project_schema}
    out.show_json(makers[what]())
