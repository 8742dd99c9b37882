"""``carbonscaling scale``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.commas import parted
from carbonscaling.cli.common import OUTPUT, DrawnFile, Json, ScenarioFile, one_format
from carbonscaling.cli.options import ScenarioOptions, number, scenario_of
from carbonscaling.errors import ExitCode, InputError

if TYPE_CHECKING:
    from carbonscaling.study.scenario import Scenario

__all__ = ["scale"]


def _sizes(_type: Any, tokens: Sequence[Any]) -> tuple[float, ...]:
    words = [word for token in tokens for word in parted(token.value, "--sizes", whole=True)]
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
    engine: Annotated[
        Literal["physical", "paper", "F", "E", "S"],
        Parameter(
            help="What times a step: physical (this project's kernels), or one of the papers' kind for their own family: "
            "paper (the version's own), F, E, S (see `carbonscaling reproduce --help`); 90 days and as many devices as it "
            "takes unless told otherwise.",
            group=OUTPUT,
        ),
    ] = "physical",
    batch_law: Annotated[
        Literal["chinchilla", "aggressive"],
        Parameter(help="Critical batch of the papers' engines: as C^1/6, or as C^0.33.", group=OUTPUT),
    ] = "chinchilla",
    csv: Annotated[bool, Parameter(negative=(), help="Print CSV.", group=OUTPUT)] = False,
    json: Json = False,
    output: DrawnFile = None,
    options: ScenarioOptions = None,
) -> int:  # fmt: skip
    """Show loss against carbon over the model sizes of a scaling law, each at its best setting."""
    from carbonscaling.reporting.rows_plot import draw_curve
    from carbonscaling.reporting.scale import scale_page, scale_rows
    from carbonscaling.study.scale import scale as curve

    one_format(json, csv, "; -o FILE.json writes JSON as well")
    question = scenario_of(scenario, options)
    if engine != "physical":
        return _by_the_papers(question, engine, sizes, batch_law == "aggressive", json, csv, output)
    if batch_law != "chinchilla":
        raise InputError("a batch law is the papers' engines'", key="--batch-law", value=batch_law,
                         remedy="add --engine paper, or give --batch")  # fmt: skip
    points = curve(question, sizes or None)
    rows = scale_rows(points)
    page = scale_page(points, question.law or "", points[0].answer.resolved.cluster.device.name)
    title = f"{question.law} on {points[0].answer.resolved.cluster.device.name}"
    out.hand_out(rows, page, json=json, output=output, csv=csv, draw=lambda file: draw_curve(rows, file, title))
    return int(ExitCode.OK if any(row["feasible"] for row in rows) else ExitCode.INFEASIBLE)


def _by_the_papers(question: Scenario, name: str, sizes: tuple[float, ...], aggressive: bool, json: bool, csv: bool,
                   output: str | None) -> int:  # fmt: skip
    from carbonscaling.papers.scale import engine_curve, engine_of
    from carbonscaling.reporting.engine_scale import engine_page, engine_rows
    from carbonscaling.reporting.rows_plot import draw_curve

    engine = engine_of(question.law, name)
    rows = engine_rows(engine_curve(question, engine, sizes or None, aggressive=aggressive), engine)
    ahead = f" in {question.years_ahead:g} years" if question.years_ahead else ""
    title = f"{question.law} on {question.device}{ahead}, engine {engine}"
    page = engine_page(rows, title)
    out.hand_out(rows, page, json=json, output=output, csv=csv, draw=lambda file: draw_curve(rows, file, title))
    return int(ExitCode.OK if any(row["feasible"] for row in rows) else ExitCode.INFEASIBLE)
