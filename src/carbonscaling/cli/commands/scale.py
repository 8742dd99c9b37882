"""``carbonscaling scale``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import OUTPUT, Json, JsonFile, ScenarioFile
from carbonscaling.cli.options import ScenarioOptions, number, scenario_of
from carbonscaling.errors import ExitCode, InputError

__all__ = ["scale"]


def _sizes(_type: Any, tokens: Sequence[Any]) -> tuple[float, ...]:
    words = [word for token in tokens for word in token.value.split(",") if word]
    return tuple(float(number(word, "--sizes")) for word in words)


def scale(
    scenario: ScenarioFile = None,
    /,
    *,
    sizes: Annotated[
        tuple[float, ...],
        Parameter(
            help="Widths of the papers' family, or training FLOPs for other laws, with commas between "
            "(the law's usual range if not given).",
            group=OUTPUT, converter=_sizes, n_tokens=1, negative=(),
        ),
    ] = (),
    csv: Annotated[bool, Parameter(negative=(), help="Print CSV.", group=OUTPUT)] = False,
    json: Json = False,
    output: JsonFile = None,
    options: ScenarioOptions = None,
) -> int:  # fmt: skip
    """Show loss against carbon over the model sizes of a scaling law, each at its best setting."""
    from carbonscaling.reporting.scale import scale_page, scale_rows
    from carbonscaling.study.scale import scale as curve

    if json and csv:
        raise InputError("two formats at once", value="--json --csv", remedy="choose one; -o FILE writes JSON as well")
    question = scenario_of(scenario, options)
    points = curve(question, sizes or None)
    rows = scale_rows(points)
    page = scale_page(points, question.law or "", points[0].answer.resolved.cluster.device.name)
    out.hand_out(rows, page, json=json, output=output, csv=csv)
    return int(ExitCode.OK if any(row["feasible"] for row in rows) else ExitCode.INFEASIBLE)
