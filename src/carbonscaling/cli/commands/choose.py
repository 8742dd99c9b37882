"""``carbonscaling choose``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Group, Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.commas import parted
from carbonscaling.cli.common import OUTPUT, DrawnFile, Json, ScenarioFile, one_format
from carbonscaling.cli.options import ScenarioOptions, number, scenario_of, whole_numbers, words
from carbonscaling.errors import ExitCode, InputError

__all__ = ["choose"]

CHOICES = Group("Options to compare (commas between)", sort_key=0)


def _numbers(_type: Any, tokens: Sequence[Any]) -> tuple[float, ...]:
    def read(word: str, option: str) -> float:
        return math.inf if word == "none" else float(number(word, option))

    each = [(token.keyword or "", token.value) for token in tokens]
    return tuple(read(word, option) for option, text in each for word in parted(text, option, whole=False))


def _list(help_: str, converter: Any) -> Parameter:
    return Parameter(help=help_, group=CHOICES, converter=converter, n_tokens=1, negative=())


def choose(
    scenario: ScenarioFile = None,
    /,
    *,
    regions: Annotated[tuple[str, ...], _list("Cloud regions or countries.", words)] = (),
    accelerators: Annotated[tuple[str, ...], _list("Devices: catalogue names or TOML files.", words)] = (),
    counts: Annotated[tuple[int, ...], _list("Numbers of devices.", whole_numbers)] = (),
    deadlines: Annotated[tuple[float, ...], _list("Deadlines in days.", _numbers)] = (),
    starts: Annotated[
        tuple[str, ...],
        _list("Starts: dates or moments (2026-03-01T22:00), or hours after the profile's first.", words),
    ] = (),
    best_start: Annotated[
        bool, Parameter(negative=(), help="The start of the profile at which the run meets the least.", group=CHOICES)
    ] = False,
    windows: Annotated[
        tuple[str, ...],
        _list("Hours to work in: always, night, weekend, 20-8; night@Europe/Berlin in local time.", words),
    ] = (),
    pause_above: Annotated[
        tuple[float, ...], _list("Carbon intensities above which work pauses, g/kWh; 'none' never pauses.", _numbers)
    ] = (),
    power_limits: Annotated[
        tuple[float, ...], _list("Power limits of a device in W (GPUs of NVIDIA); 'none' has no limit.", _numbers)
    ] = (),
    csv: Annotated[bool, Parameter(negative=(), help="Print CSV.", group=OUTPUT)] = False,
    json: Json = False,
    output: DrawnFile = None,
    options: ScenarioOptions = None,
) -> int:
    """Compare places, devices, counts, deadlines and start times: least carbon, least cost, the front between them."""
    from carbonscaling.reporting.choices import choice_rows, choices_page
    from carbonscaling.reporting.rows_plot import draw_choices
    from carbonscaling.study.choices import Options, choices

    one_format(json, csv, "; -o FILE.json writes JSON as well")
    for name, values in (("counts", counts), ("deadlines", deadlines), ("power_limits", power_limits)):
        for value in values:
            if not value > 0:
                raise InputError("out of range", where=f"option --{name.replace('_', '-')}", value=value,
                                 allowed="whole numbers, 1 or more" if name == "counts" else "more than 0",
                                 remedy="correct the value")  # fmt: skip
    base = scenario_of(scenario, options)
    wanted = Options(
        regions=regions, devices=accelerators, counts=counts, deadlines=deadlines,
        pause_above=pause_above, power_limits=power_limits, starts=starts, best_start=best_start, windows=windows,
    )  # fmt: skip
    found = choices(base, wanted)
    rows = choice_rows(found)
    out.hand_out(rows, choices_page(found), json=json, output=output, csv=csv,
                 draw=lambda file: draw_choices(rows, file))  # fmt: skip
    return int(ExitCode.OK if any(row["feasible"] for row in rows) else ExitCode.INFEASIBLE)
