"""``carbonscaling schedule``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Group, Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import Json, PageFile, ScenarioFile, hand_over
from carbonscaling.cli.options import ScenarioOptions, real_number, scenario_of

__all__ = ["schedule"]

TIMES = Group("Timetable", sort_key=1)
_Real = Parameter(group=TIMES, converter=real_number, n_tokens=1)


def schedule(
    scenario: ScenarioFile = None,
    /,
    *,
    within_days: Annotated[float, Parameter(help="Days from the first hour by which the run must have ended."), _Real],
    columns: Annotated[
        str, Parameter(help="Columns of the --hourly file, with commas between: places to move between.", group=TIMES)
    ] = "",
    restart_hours: Annotated[
        float, Parameter(help="Hours at working power for a checkpoint and a new start, at the end of a pause."), _Real
    ] = 0.0,
    moving_kwh: Annotated[float, Parameter(help="Energy of bringing the states to another place, kWh."), _Real] = 0.0,
    released: Annotated[
        bool, Parameter(negative=(), help="Pauses give the devices back: no idle power, no price.", group=TIMES)
    ] = False,
    json: Json = False,
    output: PageFile = None,
    options: ScenarioOptions = None,
) -> int:
    """Say when to work, pause and move for the least carbon, beside policies that do not know what comes."""
    from carbonscaling.reporting.scheduled import schedule_data, schedule_page
    from carbonscaling.study.infeasible import Infeasible
    from carbonscaling.study.scheduled import schedule as scheduled

    names = [name.strip() for name in columns.split(",") if name.strip()]
    found = scheduled(
        scenario_of(scenario, options),
        within_days,
        columns=names,
        restart_hours=restart_hours,
        moving_kwh=moving_kwh,
        released=released,
    )
    if isinstance(found, Infeasible):
        return hand_over(found, json=json, output=output)
    out.hand_out(schedule_data(found), schedule_page(found), json=json, output=output)
    return 0
