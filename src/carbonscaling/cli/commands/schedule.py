"""``carbonscaling schedule``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import Json, PageFile, ScenarioFile, hand_over
from carbonscaling.cli.options import ScenarioOptions, given, options_of, scenario_of
from carbonscaling.errors import InputError
from carbonscaling.study.scheduling.options import Timetabling

__all__ = ["schedule"]

if TYPE_CHECKING:
    TimetableOptions = Any
else:
    TimetableOptions = Annotated[
        options_of(Timetabling, Group("Timetable", sort_key=1), {}) | None, Parameter(name="*")
    ]


def schedule(
    scenario: ScenarioFile = None,
    /,
    *,
    json: Json = False,
    output: PageFile = None,
    timetable: TimetableOptions = None,
    options: ScenarioOptions = None,
) -> int:
    """Say when to work, pause, move and slow down for the least carbon or money, beside policies without foresight."""
    from carbonscaling.reporting.scheduled import schedule_data, schedule_page
    from carbonscaling.study.infeasible import Infeasible
    from carbonscaling.study.scheduling.answer import schedule as scheduled

    asked = given(timetable)
    if "within_days" not in asked:
        raise InputError(
            "a timetable needs a deadline", key="within_days", remedy="give --within-days, in days from the first hour"
        )
    found = scheduled(scenario_of(scenario, options), Timetabling(**asked))
    if isinstance(found, Infeasible):
        return hand_over(found, json=json, output=output)
    return out.hand_out(schedule_data(found), schedule_page(found), json=json, output=output)
