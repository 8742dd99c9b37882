"""``carbonscaling attribute``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Group, Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import Json
from carbonscaling.cli.options import real_number, whole_number
from carbonscaling.errors import InputError
from carbonscaling.reporting.suffixes import PAGES, TABLES, check_suffix

if TYPE_CHECKING:
    from carbonscaling.study.attributed import Attribution

__all__ = ["attribute"]

BEHIND = Group("Behind the meter", sort_key=1)
STATEMENT = Group("A statement of one job", sort_key=2)
_Real = Parameter(group=BEHIND, converter=real_number, n_tokens=1, allow_leading_hyphen=True)
_Count = Parameter(group=BEHIND, converter=whole_number, n_tokens=1, allow_leading_hyphen=True)
Statement = Literal[
    "model-card", "annex-xi", "sci", "esrs", "boamps", "ghg-protocol", "spdx", "cyclonedx", "csv", "json", "html"
]


def attribute(
    readings: Annotated[
        str,
        Parameter(help="Meter of the cluster, a CSV: month,kwh or begin,end,kwh or time,register_kwh; storage_kwh."),
    ],
    /,
    *,
    jobs: Annotated[
        list[str],
        Parameter(
            negative=(),
            help="What ran: sacct --parsable2 (with Start where there are several periods), CodeCarbon, DCGM, nvidia-smi, or a "
            "CSV: job,device_hours or job,devices,begin,end, with kwh,scope where a job has a meter (repeatable).",
            group=BEHIND,
        ),
    ],
    energy_scope: Annotated[
        Literal["devices", "it", "facility", "building"],
        Parameter(
            help="What the meter counts: accelerators alone, machines, machines with cooling, the whole building.",
            group=BEHIND,
        ),
    ],
    device: Annotated[str, Parameter(help="Accelerator: catalogue name or TOML file.", group=BEHIND)],
    devices: Annotated[int, Parameter(help="All accelerators behind the meter."), _Count],
    load: Annotated[
        list[str] | None,
        Parameter(negative=(), help="Steady load among the machines, as storage=12 in kW (repeatable).", group=BEHIND),
    ] = None,
    outside: Annotated[
        list[str] | None,
        Parameter(
            negative=(), help="Steady load elsewhere in the building, as offices=5 in kW (repeatable).", group=BEHIND
        ),
    ] = None,
    region: Annotated[str | None, Parameter(help="Cloud region or country.", group=BEHIND)] = None,
    pue: Annotated[float | None, Parameter(help="Facility energy over IT energy."), _Real] = None,
    factors: Annotated[str | None, Parameter(help="TOML file of your own carbon factors.", group=BEHIND)] = None,
    job: Annotated[str | None, Parameter(help="Job to write a statement of.", group=STATEMENT)] = None,
    format: Annotated[Statement, Parameter(help="Statement to write.", group=STATEMENT)] = "model-card",
    plan: Annotated[
        str | None, Parameter(help="Answer that plan or estimate saved: planned beside measured.", group=STATEMENT)
    ] = None,
    power: Annotated[
        str | None,
        Parameter(help="Calibration file (TOML) to write: the power that the meter leaves for a device at work."),
    ] = None,
    json: Json = False,
    output: Annotated[
        str | None,
        Parameter(
            name=("--output", "-o"), help=f"Write to this file as well: {', '.join((*PAGES, *TABLES))} (tables: jobs)."
        ),
    ] = None,
) -> None:
    """Share a cluster's monthly kWh among jobs, idle machines, storage, cooling, and what nothing explains."""
    from carbonscaling.catalog.user_factors import load_factors
    from carbonscaling.reporting.attributed import attribution_data, attribution_page, job_rows
    from carbonscaling.study.attributed import attribute as attributed

    found = attributed(
        readings,
        jobs,
        device=device,
        devices=devices,
        scope=energy_scope,
        region=region,
        pue=pue,
        loads_kw=_loads("load", load or ()),
        outside_kw=_loads("outside", outside or ()),
        overrides=load_factors(factors) if factors else None,
    )
    if power is not None:
        _keep(power, found)
    if job is not None:
        text = _statement(found, job, format, plan, factors=factors, region=region, pue=pue)
        if output is not None:
            out.write_file(output, text)
        if output is None or format != "html":
            sys.stdout.write(text)
        return
    if plan is not None:
        raise InputError("a plan of which job?", key="plan", value=plan, remedy="add --job NAME")
    page = attribution_page(found)
    if output is not None and check_suffix(output, (*PAGES, *TABLES)) in TABLES:
        out.hand_out(job_rows(found), page, json=json, output=output)
    else:
        out.hand_out(attribution_data(found), page, json=json, output=output)


def _loads(key: str, given: Sequence[str]) -> dict[str, float]:
    """Return kW by name of ``storage=12``."""
    found: dict[str, float] = {}
    for text in given:
        name, _, kw = text.partition("=")
        try:
            found[name.strip()] = float(kw)
        except ValueError as error:
            raise InputError("not a load", key=key, value=text, allowed="NAME=KILOWATTS, as storage=12",
                             remedy="write it so") from error  # fmt: skip
    return found


def _keep(path: str, found: Attribution) -> None:
    """Write the power that the meter leaves as a calibration file, speeds as shipped."""
    from dataclasses import replace

    from carbonscaling.calibration.profile import shipped_calibration, to_toml

    if found.power is None:
        raise InputError("the meter says nothing of power", key="power", value=path,
                         allowed="a period that leaves jobs what they can draw",
                         remedy="leave --power out to see why in the notes")  # fmt: skip
    shipped = shipped_calibration()
    kept = replace(shipped, title=f"{shipped.title}; power by {found.power.files}", power=found.power)
    out.write_file(
        path, to_toml(kept, "Power of a cluster's meter: carbonscaling attribute --power\nGenerated; do not edit.")
    )


def _statement(found: Attribution, job: str, format: str, plan: str | None, **known: Any) -> str:
    """Return a statement of one job."""
    from carbonscaling.reporting.attributed import job_record
    from carbonscaling.reporting.document.measured import written
    from carbonscaling.reporting.statements.saved import load_answer, record_of

    planned = None if plan is None else record_of(load_answer(plan), plan)
    if planned is not None:
        known |= {key: getattr(planned, key) for key in ("model", "n_params", "tokens", "training_flops")}
    return written(job_record(found, job, plan=planned, **known), format)
