"""``carbonscaling chances``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import OUTPUT, Json, PageFile, ScenarioFile, hand_over
from carbonscaling.cli.options import ScenarioOptions, real_number, scenario_of

__all__ = ["chances"]

_Real = Parameter(group=OUTPUT, converter=real_number, n_tokens=1)


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
    within_days: Annotated[float | None, Parameter(help="Limit whose chance is asked."), _Real] = None,
    under_kwh: Annotated[float | None, Parameter(help="Limit whose chance is asked."), _Real] = None,
    under_tco2e: Annotated[float | None, Parameter(help="Limit whose chance is asked."), _Real] = None,
    json: Json = False,
    output: PageFile = None,
    options: ScenarioOptions = None,
) -> int:
    """Say by when a run is done, and what energy and carbon it takes, with what probability."""
    import math

    from carbonscaling.reporting.chances import chances_page
    from carbonscaling.study import chances as study
    from carbonscaling.study.answer import answered
    from carbonscaling.study.infeasible import Infeasible

    answer = answered(scenario_of(scenario, options))
    if isinstance(answer, Infeasible):
        return hand_over(answer, json=json, output=output)
    found = study.chances(
        answer, write_s=write_s, restart_s=restart_s, mtbf_device_hours=mtbf_device_hours, interval_s=interval_s
    )
    limits = [math.inf if limit is None else limit for limit in (within_days, under_kwh, under_tco2e)]
    data = found.summary() | {"within": found.within(*limits)}
    out.hand_out(data, chances_page(data), json=json, output=output)
    return 0
