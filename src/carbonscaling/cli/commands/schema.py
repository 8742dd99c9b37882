"""``carbonscaling schema``."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from carbonscaling.cli import output as out

__all__ = ["schema"]


def schema(
    what: Annotated[Literal["scenario", "answer"], Parameter(help="Which schema (default: scenario).")] = "scenario", /
) -> None:
    """Print the JSON Schema of a scenario file, or of the answer of plan and estimate."""
    from carbonscaling.report.schema import answer_schema
    from carbonscaling.study.scenario import scenario_schema

    out.show_json(scenario_schema() if what == "scenario" else answer_schema())
