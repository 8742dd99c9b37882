"""``carbonscaling explain``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import OUTPUT, Json, JsonFile, ScenarioFile, hand_over
from carbonscaling.cli.options import ScenarioOptions, scenario_of

__all__ = ["explain"]


def explain(
    scenario: ScenarioFile = None,
    /,
    *,
    every: Annotated[
        bool, Parameter(name="--all", negative=(), help="Print every evaluation of every formula.", group=OUTPUT)
    ] = False,
    json: Json = False,
    output: JsonFile = None,
    options: ScenarioOptions = None,
) -> int:
    """Show the arithmetic of an answer: each formula with its numbers, result, unit and source.

    Takes the options of plan and estimate; with a device count (or dp) it explains an estimate, without one a plan.
    """
    from rich.console import Group
    from rich.text import Text

    from carbonscaling.reporting.explain import SHOWN, explain_dict, explain_page
    from carbonscaling.study.answer import explain as answer
    from carbonscaling.study.infeasible import Infeasible

    found, lines = answer(scenario_of(scenario, options))
    if isinstance(found, Infeasible):
        return hand_over(found, json=json, output=output)
    data = {**found.to_dict(), "formulas": explain_dict(lines)}
    page = Group(Text(found.headline, style="bold"), Text(""), explain_page(lines, len(lines) if every else SHOWN))
    out.hand_out(data, page, json=json, output=output)
    return 0
