"""``carbonscaling plan`` and ``carbonscaling estimate``."""

from __future__ import annotations

from carbonscaling.cli.common import Json, Output, ScenarioFile, hand_over
from carbonscaling.cli.options import ScenarioOptions, scenario_of
from carbonscaling.cli.output import Ticker

__all__ = ["estimate", "plan"]


def plan(
    scenario: ScenarioFile = None,
    /,
    *,
    json: Json = False,
    output: Output = None,
    options: ScenarioOptions = None,
) -> int:
    """Find the best setting and device count that finish within the deadline (three months if none is given)."""
    from carbonscaling.study.answer import plan as answer

    question = scenario_of(scenario, options)
    with Ticker() as ticker:
        found = answer(question, progress=ticker)
    return hand_over(found, json=json, output=output)


def estimate(
    scenario: ScenarioFile = None,
    /,
    *,
    json: Json = False,
    output: Output = None,
    options: ScenarioOptions = None,
) -> int:
    """Say what a training run takes on a given number of devices; parts of the layout left out are searched."""
    from carbonscaling.study.answer import estimate as answer

    question = scenario_of(scenario, options)
    with Ticker() as ticker:
        found = answer(question, progress=ticker)
    return hand_over(found, json=json, output=output)
