"""``carbonscaling robust``."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

from cyclopts import Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import OUTPUT, Json, PageFile, ScenarioFile, hand_over
from carbonscaling.cli.options import ScenarioOptions, scenario_of, whole_number

__all__ = ["robust"]


def robust(
    scenario: ScenarioFile = None,
    /,
    *,
    samples: Annotated[
        int, Parameter(help="Draws with the setting held.", group=OUTPUT, converter=whole_number, n_tokens=1)
    ] = 1000,
    searches: Annotated[
        int, Parameter(help="Draws with the search run again.", group=OUTPUT, converter=whole_number, n_tokens=1)
    ] = 200,
    json: Json = False,
    output: PageFile = None,
    options: ScenarioOptions = None,
) -> int:
    """Draw every ranged constant from its range, estimate and search again; say how often another setting wins."""
    from carbonscaling.reporting.robust import robust_page
    from carbonscaling.study.answer import answered, asked_again
    from carbonscaling.study.infeasible import Infeasible
    from carbonscaling.study.robust import robustness

    answer = answered(scenario_of(scenario, options))
    if isinstance(answer, Infeasible):
        return hand_over(answer, json=json, output=output)
    found = robustness(
        answer.resolved, *asked_again(answer), answer.setting, n_samples=max(1, samples), n_searches=max(0, searches)
    )
    data: dict[str, Any] = {"summary": answer.summary(), "robustness": dataclasses.asdict(found)}
    return out.hand_out(data, robust_page(answer, found), json=json, output=output)
