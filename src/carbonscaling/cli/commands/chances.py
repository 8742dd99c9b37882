"""``carbonscaling chances``."""

from __future__ import annotations

import math
from typing import Annotated

from cyclopts import Group, Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import Json, PageFile, ScenarioFile, hand_over
from carbonscaling.cli.options import ScenarioOptions, real_number, scenario_of
from carbonscaling.errors import ExitCode

__all__ = ["chances"]

CHANCES = Group("Chances", sort_key=1)
_Real = Parameter(group=CHANCES, converter=real_number, n_tokens=1)


def chances(
    scenario: ScenarioFile = None,
    /,
    *,
    write_s: Annotated[float, Parameter(help="Seconds to write a checkpoint, the run waiting."), _Real],
    restart_s: Annotated[float, Parameter(help="Seconds from an interruption to training again."), _Real],
    mtbf_device_hours: Annotated[
        float | None, Parameter(help="Hours between interruptions times devices; Llama 3's if not given."), _Real
    ] = None,
    interval_s: Annotated[
        float | None, Parameter(help="Seconds of training between checkpoints; the optimum if not given."), _Real
    ] = None,
    device_variation: Annotated[
        float | None,
        Parameter(help="Spread of like devices: slowest over fastest, less 1, no outliers; published if not given."), _Real,
    ] = None,
    within_days: Annotated[float | None, Parameter(help="Limit: days from start to end."), _Real] = None,
    under_kwh: Annotated[float | None, Parameter(help="Limit: most energy."), _Real] = None,
    under_tco2e: Annotated[float | None, Parameter(help="Limit: most carbon, t CO2e."), _Real] = None,
    under_usd: Annotated[float | None, Parameter(help="Limit: most money."), _Real] = None,
    by: Annotated[
        str | None,
        Parameter(help="Day (YYYY-MM-DD) before which the run has ended.", group=CHANCES),
    ] = None,
    not_before: Annotated[
        str | None, Parameter(help="Earliest start (YYYY-MM-DD); today if not given.", group=CHANCES)
    ] = None,
    confidence: Annotated[
        float | None,
        Parameter(help="Find the plan (devices, start) that keeps date and limits with this probability: 0.9, or 90."), _Real,
    ] = None,
    json: Json = False,
    output: PageFile = None,
    options: ScenarioOptions = None,
) -> int:  # fmt: skip
    """Say by when a run is done and what it takes, with what probability; or which plan keeps a target with one."""
    from carbonscaling.reporting.chances import assured_page, chances_page
    from carbonscaling.study.answer import answered
    from carbonscaling.study.assured import Failures, Target, assured
    from carbonscaling.study.chances import as_needed
    from carbonscaling.study.infeasible import Infeasible

    asked = scenario_of(scenario, options)
    failures = Failures(write_s, restart_s, mtbf_device_hours, interval_s, device_variation)
    limits = [math.inf if limit is None else limit for limit in (under_kwh, under_tco2e, under_usd)]
    if confidence is not None or by is not None:
        target = Target(by, within_days, not_before, 0.9 if confidence is None else confidence, *limits)
        plan = assured(asked, target, **vars(failures))
        if isinstance(plan, Infeasible):
            return hand_over(plan, json=json, output=output)
        out.hand_out(plan.to_dict(), assured_page(plan), json=json, output=output)
        return int(ExitCode.OK if plan.feasible else ExitCode.INFEASIBLE)
    answer = answered(asked)
    if isinstance(answer, Infeasible):
        return hand_over(answer, json=json, output=output)
    found = failures.of(answer)
    most = math.inf if within_days is None else within_days, *limits
    data = found.summary() | {"within": found.within(*most), "as_needed": as_needed(answer, *most)}
    return out.hand_out(data, chances_page(data, limited=min(most) < math.inf), json=json, output=output)
