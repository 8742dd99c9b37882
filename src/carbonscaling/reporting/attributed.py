"""A shared meter as a page, as plain data, as rows of jobs, and one of its jobs as a record for statements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from carbonscaling.catalog.user_factors import load_factors
from carbonscaling.errors import InputError, nearest
from carbonscaling.reporting.statements.measured import measured_record
from carbonscaling.reporting.statements.record import Measured, Record
from carbonscaling.reporting.tables import figures
from carbonscaling.study.attributed import Attribution
from carbonscaling.words import energy, percent, plain

__all__ = ["attribution_data", "attribution_page", "job_record", "job_rows"]

SHOWN = 20
"""Jobs on a page."""
COUNTED = {
    "devices": "accelerators alone",
    "it": "machines, before cooling",
    "facility": "machines with cooling and power supply",
    "building": "the whole building",
}


def attribution_page(found: Attribution) -> Group:
    """Return where the meter's energy went, what each job took beside what the model says, and the power that follows."""
    head = (
        f"{energy(found.metered_kwh)} over {len(found.ledgers)} period{'s' * (len(found.ledgers) > 1)}; the meter counts "
        f"{COUNTED[found.scope]}; {found.devices:,} x {found.device}, {found.region}, PUE {found.pue:.3g}"
    )
    lines = figures(("where it went", "energy", "share"), width=32)
    for name, kwh in found.lines.items():
        lines.add_row(name, energy(kwh), _share(kwh, found.metered_kwh))
    lines.add_row("meter", energy(found.metered_kwh), "100%")
    jobs = figures(("job", "device-hours", "measured", "planned", "between", "with all else", "tCO2e"), width=16)
    for job in found.jobs[:SHOWN]:
        jobs.add_row(
            job.name + ("" if job.metered else " *"), plain(job.device_hours), _mwh(job.kwh), _mwh(job.planned_kwh),
            f"{_mwh(job.planned_low_kwh)} to {_mwh(job.planned_high_kwh)}", _mwh(job.with_rest_kwh),
            plain(job.operational_tco2e + job.embodied_tco2e),
        )  # fmt: skip
    parts: list[RenderableType] = [Text(f"{head}\n"), lines, Text("\nJobs, MWh", style="bold"), jobs]
    more = len(found.jobs) - SHOWN
    if more > 0:
        parts.append(Text(f"  and {more:,} more (--json, or -o jobs.csv)"))
    parts.append(Text("  " + _how(found), style="italic"))
    if len(found.ledgers) > 1:
        parts += [Text("\nPeriods, MWh", style="bold"), _periods(found)]
    parts.append(Text(f"\n{_power(found)}"))
    parts += [Text(f"  note: {note}", style="italic") for note in found.notes]
    return Group(*parts)


def _share(kwh: float, whole: float) -> str:
    return f"-{percent(-kwh / whole)}" if kwh < 0.0 else percent(kwh / whole)


def _how(found: Attribution) -> str:
    words = "* no meter of its own: its part, by device-hours, of what the meter leaves. " if _any_open(found) else ""
    return words + "Before cooling; carbon with it, by location, and with the machines' share."


def _any_open(found: Attribution) -> bool:
    return any(not job.metered for job in found.jobs)


def _periods(found: Attribution) -> RenderableType:
    """Return a row a period: loads and cooling as one column."""
    table = figures(("period", "meter", "jobs", "idle", "other loads, cooling", "unexplained", "in use", "W a device"))
    for ledger in found.ledgers:
        named = ("jobs", "idle machines", "unexplained")
        own = [ledger.lines[name] for name in named]
        others = sum(kwh for name, kwh in ledger.lines.items() if name not in named)
        table.add_row(
            ledger.period.name, _mwh(ledger.period.kwh), _mwh(own[0]), _mwh(own[1]), _mwh(others),
            _mwh(own[2]), percent(ledger.device_hours / (ledger.device_hours + ledger.idle_hours)),
            "-" if ledger.watts is None else f"{ledger.watts[0]:.0f}",
        )  # fmt: skip
    return table


def _mwh(kwh: float) -> str:
    return plain(kwh / 1e3)


def _power(found: Attribution) -> str:
    central, low, high = found.model_watts
    model = f"{central:.0f} W ({low:.0f} to {high:.0f}) by the model"
    if found.watts is None:
        return f"Power of a device at work: {model}; the meter says nothing of it."
    watts, least, most = found.watts
    with_host = "" if found.scope == "devices" else ", with its share of host and network"
    own = "" if found.power is None or found.scope == "devices" else _alone(found)
    return (
        f"Power of a device at work{with_host}: {watts:.0f} W ({least:.0f} to {most:.0f}) by the meter, {model}.{own}"
    )


def _alone(found: Attribution) -> str:
    assert found.power is not None
    low, high = found.power.watts.si_range
    return (
        f" The accelerator alone: {found.power.watts.si:.0f} W ({low:.0f} to {high:.0f}); --power keeps it for plans."
    )


def job_rows(found: Attribution) -> list[dict[str, Any]]:
    """Return a flat row a job."""
    return [dict(vars(job)) for job in found.jobs]


def attribution_data(found: Attribution) -> dict[str, Any]:
    """Return everything as plain data."""
    return {
        "device": found.device,
        "devices": found.devices,
        "region": found.region,
        "scope": found.scope,
        "pue": found.pue,
        "carbon_intensity_g_per_kwh": found.carbon_intensity_g_per_kwh,
        "metered_kwh": found.metered_kwh,
        "lines_kwh": dict(found.lines),
        "periods": [
            {
                "period": ledger.period.name, "begin": ledger.period.begin.isoformat(), "end": ledger.period.end.isoformat(),
                "metered_kwh": ledger.period.kwh, "lines_kwh": dict(ledger.lines), "device_hours": ledger.device_hours,
                "idle_hours": ledger.idle_hours, "watts": None if ledger.watts is None else list(ledger.watts),
                "jobs": [share._asdict() for share in ledger.shares],
            }
            for ledger in found.ledgers
        ],
        "jobs": job_rows(found),
        "model_watts": list(found.model_watts),
        "watts": None if found.watts is None else list(found.watts),
        "accelerator_watts": None if found.power is None else [found.power.watts.si, *found.power.watts.si_range],
        "notes": list(found.notes),
    }  # fmt: skip


def job_record(
    found: Attribution, name: str, *, factors: str | None = None, plan: Record | None = None, **known: Any
) -> Record:
    """Return the record of one job, for any statement: its device-hours, and its energy as this meter gives it.

    Parameters
    ----------
    found : Attribution
    name : str
        Of the job.
    factors : str, optional
        TOML file of the user's own.
    plan : Record, optional
        What was planned.
    known
        ``region``, ``pue``, ``model``, ``n_params``, ``tokens`` of `measured_record`.

    Raises
    ------
    InputError
        There is no such job.
    """
    jobs: Mapping[str, Any] = {job.name: job for job in found.jobs}
    if name not in jobs:
        raise InputError("no such job", key="job", value=name, suggestion=nearest(name, jobs),
                         allowed=", ".join(list(jobs)[:SHOWN]), remedy="name one that lies in the meter's periods")  # fmt: skip
    job = jobs[name]
    return measured_record(
        Measured(job.device_hours, job.kwh, "devices" if found.scope == "devices" else "it"),
        device=found.device,
        n_devices=job.devices,
        overrides=load_factors(factors) if factors else None,
        plan=plan,
        **known,
    )
