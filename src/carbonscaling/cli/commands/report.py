"""``carbonscaling report``."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.options import real_number, whole_number
from carbonscaling.errors import InputError
from carbonscaling.reporting.suffixes import check_suffix

__all__ = ["report"]

MEASURED = Group("Measured (what happened; with an answer, beside what was planned)", sort_key=1)
FACTORS = Group("In place of the catalogue's factors", sort_key=2)
_Real = Parameter(group=MEASURED, converter=real_number, n_tokens=1, allow_leading_hyphen=True)
_Own = Parameter(group=FACTORS, converter=real_number, n_tokens=1, allow_leading_hyphen=True)
_Count = Parameter(group=MEASURED, converter=whole_number, n_tokens=1, allow_leading_hyphen=True)
Format = Literal[
    "model-card", "annex-xi", "sci", "esrs", "boamps", "ghg-protocol", "spdx", "cyclonedx", "csv", "json", "html",
    "pdf", "pdf-ready",
]  # fmt: skip
PAGES = ("html", "pdf", "pdf-ready")
BY_SUFFIX: dict[str, Format] = {".md": "model-card", ".html": "html", ".pdf": "pdf", ".csv": "csv", ".json": "json"}


def report(
    answer: Annotated[
        str | None,
        Parameter(help="Saved answer (JSON) of plan or estimate, for a page of any other, or a study's folder."),
    ] = None,
    /,
    *,
    format: Annotated[
        Format | None,
        Parameter(
            help="Statement to write; html (or pdf-ready) is one file to read and print, pdf needs a browser; without it "
            "as the file's suffix says (.html, .pdf, .csv, .json), else a model card."
        ),
    ] = None,
    output: Annotated[str | None, Parameter(name=("--output", "-o"), help="Write to this file as well.")] = None,
    device_hours: Annotated[float | None, Parameter(help="Device-hours that the training took."), _Real] = None,
    energy_kwh: Annotated[float | None, Parameter(help="Energy that was metered, in kWh."), _Real] = None,
    meter: Annotated[
        str | None,
        Parameter(
            help="File of a meter: CodeCarbon, sacct --parsable2, DCGM exporter, nvidia-smi CSV.", group=MEASURED
        ),
    ] = None,
    energy_scope: Annotated[
        Literal["facility", "it", "devices"] | None,
        Parameter(help="What was metered: the facility, the machines before PUE, or the accelerators.", group=MEASURED),
    ] = None,
    model: Annotated[str | None, Parameter(help="Name of the model.", group=MEASURED)] = None,
    n_params: Annotated[float | None, Parameter(help="Its parameters."), _Real] = None,
    tokens: Annotated[float | None, Parameter(help="Training tokens."), _Real] = None,
    device: Annotated[str | None, Parameter(help="Accelerator: catalogue name or TOML file.", group=MEASURED)] = None,
    devices: Annotated[int | None, Parameter(help="Number of accelerators."), _Count] = None,
    region: Annotated[str | None, Parameter(help="Cloud region or country.", group=MEASURED)] = None,
    carbon_intensity_g_per_kwh: Annotated[float | None, Parameter(help="Carbon intensity, g CO2e/kWh."), _Own] = None,
    pue: Annotated[float | None, Parameter(help="Facility energy over IT energy."), _Own] = None,
    lifetime_years: Annotated[float | None, Parameter(help="Years that embodied carbon is spread over."), _Own] = None,
    grid_mix: Annotated[
        str | None, Parameter(help="Shares of the grid, renewable=0.3,nuclear=0.4, for E1-5.", group=FACTORS)
    ] = None,
    contracted: Annotated[
        str | None, Parameter(help="Shares of the energy under contracts, renewable=0.5, for E1-5.", group=FACTORS)
    ] = None,
    factors: Annotated[str | None, Parameter(help="TOML file of your own carbon factors.", group=FACTORS)] = None,
) -> None:
    """Write a statement of a training: from a saved answer, from measured values, or both; or report any answer or study."""
    from dataclasses import replace

    from carbonscaling.calibration.meters import read_meter
    from carbonscaling.catalog import hardware
    from carbonscaling.catalog.user_factors import load_factors
    from carbonscaling.reporting.document.measured import written
    from carbonscaling.reporting.statements.energy_mix import read_mix
    from carbonscaling.reporting.statements.measured import measured_record
    from carbonscaling.reporting.statements.record import Measured
    from carbonscaling.reporting.statements.saved import record_of

    if format is None:
        suffix = check_suffix(output, tuple(BY_SUFFIX)) if output is not None else ".md"
        format = BY_SUFFIX[suffix] if answer is None or not _is_study(answer) or suffix == ".pdf" else "html"
    if answer is not None and _is_study(answer):
        _study(answer, format, output, measured=any(x is not None for x in (device_hours, energy_kwh, meter)))
        return
    if format in PAGES and all(x is None for x in (device_hours, energy_kwh, meter)):
        _page(answer, format, output)
        return
    if meter is not None:
        if device_hours is not None or energy_kwh is not None or energy_scope is not None:
            raise InputError("two measurements", key="meter", value=meter, allowed="a meter's file, or values of one's own",
                             remedy="leave --device-hours, --energy-kwh and --energy-scope out")  # fmt: skip
        read = read_meter(meter)
        device_hours, energy_kwh, energy_scope = read.device_hours, read.energy_kwh, read.scope
        devices = devices or read.n_devices
    plan = record_of(_saved(answer, whole=False), answer) if answer is not None else None
    if device_hours is None and energy_kwh is None:
        if plan is None:
            raise InputError(
                "nothing to report", allowed="a saved answer (JSON), or --device-hours or --energy-kwh with --device",
                remedy="carbonscaling estimate ... -o answer.json, then carbonscaling report answer.json",
            )  # fmt: skip
        record = plan
    else:
        which = device or (plan.device if plan else None)
        count = devices or (plan.n_devices if plan else None)
        needed = (("device", which), *((("devices", count),) if device_hours is not None else ()))
        for key, value in needed:
            if value is None:
                raise InputError(
                    f"measured values need --{key}", key=key, remedy=f"add --{key}, or name a saved answer"
                )
        place = region or (plan.region if plan else None)
        record = measured_record(
            Measured(device_hours, energy_kwh, energy_scope),
            device=str(which),
            n_devices=int(count or hardware.cluster(str(which)).host.devices_per_host),
            region=place,
            model=model or (plan.model if plan else ""),
            n_params=n_params or (plan.n_params if plan else None),
            tokens=tokens or (plan.tokens if plan else None),
            training_flops=plan.training_flops if plan and n_params is None and tokens is None else None,
            carbon_intensity_g_per_kwh=carbon_intensity_g_per_kwh,
            pue=pue,
            lifetime_years=lifetime_years,
            overrides=load_factors(factors) if factors else None,
            plan=plan,
        )
    given = {"grid_mix": grid_mix, "contracted": contracted}
    shares = {key: read_mix(text, key) for key, text in given.items() if text is not None}
    record = replace(
        record, grid_mix=shares.get("grid_mix", record.grid_mix), contracted=shares.get("contracted", record.contracted)
    )
    text = written(record, format)
    if format in PAGES:
        _put(text, format, output)
        return
    if output is not None:
        out.write_file(output, text)
    sys.stdout.write(text)


def _page(answer: str | None, format: str, output: str | None) -> None:
    """Write the report of a saved answer as one HTML file."""
    from carbonscaling.reporting.document import document_of_saved
    from carbonscaling.reporting.document.answers import answer_document, is_reported
    from carbonscaling.reporting.statements.saved import read_answer, record_of

    if answer is None:
        raise InputError(
            "nothing to report", key="format", value="html", allowed="a saved answer (JSON), or measured values",
            remedy="carbonscaling plan ... -o answer.json, then carbonscaling report answer.json --format html -o report.html",
        )  # fmt: skip
    if is_reported(other := read_answer(answer, of_any=True)):
        _put(answer_document(other, answer), format, output)
        return
    data = _saved(answer, whole=True)
    record_of(data, answer)  # refuses what contradicts itself
    _put(document_of_saved(data, answer), format, output)


def _saved(answer: str, *, whole: bool) -> dict[str, Any]:
    """Return a saved answer whose values are of the kinds that they should be; `whole`: without a key missing."""
    from carbonscaling.reporting.obeys import check_obeys
    from carbonscaling.reporting.schema import answer_schema
    from carbonscaling.reporting.statements.saved import load_answer

    data, schema = load_answer(answer), answer_schema()
    feasible = schema["$defs"]["Feasible"] | {"$defs": schema["$defs"]}
    check_obeys({"schema": schema["$id"], **data}, feasible, answer, whole=whole)
    return data


def _is_study(where: str) -> bool:
    """Return whether a path is a study's results or file: a saved answer is neither a folder nor TOML."""
    from carbonscaling.study.sweep.store import is_remote

    return is_remote(where) or where.endswith(".toml") or os.path.isdir(where)


def _study(where: str, format: str, output: str | None, *, measured: bool) -> None:
    """Write the report of a study as one HTML file."""
    from carbonscaling.cli.commands.query import asked
    from carbonscaling.reporting.document.study import study_document

    if format not in PAGES:
        raise InputError(
            "a study is reported as a page, not as this statement", key="format", value=format,
            allowed=", ".join(PAGES), remedy=f"carbonscaling report {where} --format html -o report.html",
        )  # fmt: skip
    if measured:
        raise InputError(
            "a study has no measured values beside it", key="device_hours", allowed="a study's folder alone",
            remedy="leave --device-hours and --energy-kwh out",
        )  # fmt: skip
    found = asked(where)
    _put(study_document(found), format, output)
    sys.stderr.write(f"{found.seen}\n")


def _put(text: str, format: str, output: str | None) -> None:
    from carbonscaling.reporting.document.pdf import pdf_of

    if output is not None:
        out.write_file(output, pdf_of(text) if format == "pdf" else text)
    elif format == "pdf":
        raise InputError("a PDF is written to a file", key="format", value="pdf", remedy="add -o report.pdf")
    else:
        sys.stdout.write(text)
