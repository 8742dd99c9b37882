"""``carbonscaling plan`` and ``carbonscaling estimate``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from carbonscaling.cli.common import OUTPUT, Emit, Json, Output, Picture, ScenarioFile, hand_over
from carbonscaling.cli.options import ScenarioOptions, given, scenario_of
from carbonscaling.cli.output import Ticker
from carbonscaling.reporting.suffixes import ANSWERS, check_suffix

if TYPE_CHECKING:
    from carbonscaling.study.estimate import Estimate
    from carbonscaling.study.infeasible import Infeasible

__all__ = ["estimate", "plan"]

From = Annotated[
    str | None,
    Parameter(
        name="--from",
        help="Launch file of an existing run, whose settings count unless an option says otherwise: a shell script with "
        "Megatron-LM's or MaxText's arguments, torchtitan's TOML, DeepSpeed's JSON, YAML of MaxText or Megatron-Bridge. It is "
        "read, never run.",
        group=OUTPUT,
    ),
]


def plan(
    scenario: ScenarioFile = None,
    /,
    *,
    json: Json = False,
    output: Output = None,
    emit: Emit = None,
    picture: Picture = None,
    options: ScenarioOptions = None,
) -> int:
    """Find the best setting and device count that finish within the deadline (three months if none is given)."""
    from carbonscaling.study.answer import plan as answer

    _check(emit, output)
    question = scenario_of(scenario, options)
    with Ticker() as ticker:
        found = answer(question, progress=ticker)
    return hand_over(found, asked=("plan", question), json=json, output=output, emit=emit, picture=picture)


def estimate(
    scenario: ScenarioFile = None,
    /,
    *,
    json: Json = False,
    output: Output = None,
    emit: Emit = None,
    picture: Picture = None,
    from_: From = None,
    options: ScenarioOptions = None,
) -> int:
    """Say what a training run takes on a given number of devices; parts of the layout left out are searched."""
    from carbonscaling.study.answer import estimate as answer

    _check(emit, output, profile=from_ is not None)
    if from_ is not None:
        from carbonscaling.exchange.answer import estimate_launch
        from carbonscaling.exchange.read import read_launch

        launch = read_launch(from_, given(options).get("devices"))
        question = scenario_of(scenario, options, launch.over)
        with Ticker() as ticker:
            found = estimate_launch(launch, question, progress=ticker)
        if emit == "profile" and found.feasible:
            return _profile(from_, found, output)
    else:
        question = scenario_of(scenario, options)
        with Ticker() as ticker:
            found = answer(question, progress=ticker)
    asked = None if from_ is not None else ("estimate", question)
    return hand_over(found, asked=asked, json=json, output=output, emit=emit, picture=picture)


def _check(emit: str | None, output: str | None, *, profile: bool = False) -> None:
    """Refuse an unknown format before anything is searched."""
    if emit is None and output is not None:
        check_suffix(output, ANSWERS)
    if emit is not None and not (profile and emit == "profile"):
        from carbonscaling.exchange.emit import check_format

        check_format(emit)


def _profile(workload: str, answer: Estimate | Infeasible, output: str | None) -> int:
    """Write what a workload's times say of the device."""
    from carbonscaling.cli.output import write_file
    from carbonscaling.exchange.simai.launch import workload_profile
    from carbonscaling.study.estimate import Estimate

    text = workload_profile(workload, answer) if isinstance(answer, Estimate) else ""
    if output is None:
        sys.stdout.write(text)
    else:
        write_file(output, text)
    return 0
