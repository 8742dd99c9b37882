"""Files of meters and job lists: CodeCarbon, Slurm's accounting, DCGM's exporter, nvidia-smi, a CSV of jobs."""

from __future__ import annotations

import math
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mode
from typing import Any

from carbonscaling.calibration.emissions import is_emissions, read_emissions
from carbonscaling.calibration.jobs import Job, JobScope, moment, number, table
from carbonscaling.calibration.sacct import read_sacct
from carbonscaling.errors import InputError
from carbonscaling.files import TABLE, read_text
from carbonscaling.record import dataclass
from carbonscaling.units import HOUR, KWH

__all__ = ["Meter", "meter_kind", "read_jobs", "read_meter"]

KINDS = "CodeCarbon's emissions.csv, sacct --parsable2, DCGM exporter text, nvidia-smi --format=csv"
LIST = "job with device_hours, or with devices and hours, or with devices, begin and end"
MOST_WATTS = 1e5
_DCGM = re.compile(r"^(DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION)\{([^}]*)\}\s+(\S+)\s+(\d+)\s*$")


@dataclass(frozen=True)
class Meter:
    """What a meter says of a job.

    Attributes
    ----------
    kind : str
        Which meter wrote the file.
    energy_kwh : float
    scope : {"it", "devices"}
        Whether whole nodes were metered, or the accelerators alone.
    device_hours : float
    n_devices : int
    """

    kind: str
    energy_kwh: float
    scope: JobScope
    device_hours: float
    n_devices: int


def read_meter(path: str | Path) -> Meter:
    """Return what a file of any of the known meters says of all its jobs together.

    Raises
    ------
    InputError
        It is of no known meter, a column or a reading is missing, or nothing was metered.
    """
    where = str(path)
    kind, jobs = _read(Path(path))
    if kind == "a list":
        raise InputError("a list of jobs, of no meter", where=where, allowed=KINDS,
                         remedy="carbonscaling attribute shares a cluster's meter among them")  # fmt: skip
    if kind == "Slurm" and any(job.kwh for job in jobs):
        unread = next((job.name for job in jobs if not job.kwh and job.seconds > 0.0), None)
        if unread is not None:
            raise InputError("a job without a reading of its energy", where=where, key="ConsumedEnergyRaw", value=unread,
                             remedy="leave the job out, or share the cluster's meter: carbonscaling attribute")  # fmt: skip
    kwh = math.fsum(job.kwh or 0.0 for job in jobs)
    hours = math.fsum(job.device_hours for job in jobs)
    devices = max((job.devices for job in jobs), default=0)
    if not (kwh > 0.0 and hours > 0.0 and devices > 0):
        raise InputError(f"{kind} metered nothing here", where=where, value=f"{kwh:g} kWh over {hours:g} device-hours",
                         allowed="energy and time above 0", remedy="give the file of a job that ran")  # fmt: skip
    return Meter(kind, kwh, jobs[0].scope, hours, devices)


def read_jobs(path: str | Path) -> list[Job]:
    """Return the jobs of a meter's file, of ``sacct`` with or without energy, or of a CSV with a row a job.

    Such a CSV has the column ``job``, and ``device_hours``, or ``devices`` with ``hours`` or with ``begin`` and ``end``;
    ``kwh`` where a job was metered, with ``scope``: ``it`` (whole nodes) or ``devices``.

    Raises
    ------
    InputError
        It is of no known kind, or a cell cannot be read.
    """
    _, jobs = _read(Path(path))
    if not jobs:
        raise InputError("no job stands in this file", where=str(path), remedy="give the file of jobs that ran")
    return jobs


def meter_kind(path: str | Path) -> str | None:
    """Return which meter wrote a file, by its beginning; None where none of those that are known did."""
    if is_emissions(Path(path)):
        return "CodeCarbon"
    return (
        _kind(read_text(Path(path), TABLE)) if os.path.isfile(path) else None
    )  # any name: `Path.is_file` refuses some


def _kind(text: str) -> str | None:
    head = text.partition("\n")[0]
    if "DCGM_FI_DEV" in text:
        return "DCGM"
    if "power.draw" in head:
        return "nvidia-smi"
    return "Slurm" if "|" in head and "JobID" in head else None


def _read(path: Path) -> tuple[str, list[Job]]:
    """Return the kind of a file and its jobs; a list of one's own is of no meter."""
    where = str(path)
    if is_emissions(path):
        return "CodeCarbon", _codecarbon(path)
    text = read_text(path, TABLE)
    kind, head = _kind(text), text.partition("\n")[0]
    if kind is not None:
        one = {"DCGM": _dcgm, "nvidia-smi": _smi}.get(kind)
        return kind, read_sacct(text, where) if one is None else [one(text, where, path.stem)]
    names = [name.strip() for name in head.split(",")]
    if "job" in names:
        return "a list", _list(text, where)
    if any(name.lower() in ("kwh", "register_kwh") for name in names):
        raise InputError("a cluster's meter, not a job's", where=where, value=head[:60], allowed=KINDS,
                         remedy="share it among jobs: carbonscaling attribute FILE --jobs FILE")  # fmt: skip
    raise InputError("not a file of a meter that is known", where=where, value=head[:60], allowed=f"{KINDS}, a CSV: {LIST}",
                     remedy="give one of these, or --energy-kwh with --energy-scope")  # fmt: skip


def _codecarbon(path: Path) -> list[Job]:
    found = []
    for run in read_emissions(path):
        end = None if run.end is None else moment(run.end, "timestamp", str(path))
        begin = None if end is None else end - timedelta(seconds=run.seconds)
        found.append(Job(run.run, run.devices, run.seconds, run.device_kwh, "devices", begin, end))
    return found


def _list(text: str, where: str) -> list[Job]:
    """Return the jobs of a CSV of one's own."""
    found: dict[str, Job] = {}
    for line, row in enumerate(table(text, ",", ("job",), where), 2):
        at = f"{where}, line {line}"
        job = _listed(row, at)
        if job.name in found:
            raise InputError("a job that stands there twice", where=at, key="job", value=job.name,
                             remedy="give every job a name of its own")  # fmt: skip
        found[job.name] = job
    return list(found.values())


def _listed(row: Any, at: str) -> Job:
    def cell(key: str) -> str:
        return str(row.get(key) or "").strip()

    name = cell("job")
    begin = moment(cell("begin"), "begin", at) if cell("begin") else None
    end = moment(cell("end"), "end", at) if cell("end") else None
    devices = int(number(cell("devices"), "devices", at, 1e9)) if cell("devices") else 1
    if cell("device_hours"):
        seconds = number(cell("device_hours"), "device_hours", at) * HOUR / max(devices, 1)
    elif cell("hours"):
        seconds = number(cell("hours"), "hours", at) * HOUR
    elif begin is not None and end is not None:
        seconds = (end - begin).total_seconds()
    else:
        raise InputError("a job whose length is not said", where=at, key="device_hours", value=name, allowed=LIST,
                         remedy="add one of these")  # fmt: skip
    if not (name and devices > 0 and seconds > 0.0 and (begin is None or end is None or end > begin)):
        raise InputError("not a job that ran", where=at, key="job", value=name, allowed="a name, devices and time above 0",
                         remedy="correct the row, or leave it out")  # fmt: skip
    kwh, scope = number(cell("kwh"), "kwh", at) if cell("kwh") else None, cell("scope")
    if kwh is not None and scope not in ("it", "devices"):
        raise InputError("what was metered of a job is not said", where=at, key="scope", value=scope or None,
                         allowed="it (whole nodes), devices (accelerators alone)", remedy="add the column scope")  # fmt: skip
    return Job(name, devices, seconds, kwh, "devices" if scope == "devices" else "it", begin, end)


def _dcgm(text: str, where: str, name: str) -> Job:
    """Return what the counters of every accelerator grew by, in mJ, from their first to their last reading."""
    read: dict[str, list[tuple[float, float]]] = {}
    for line, row in enumerate(text.splitlines(), 1):
        found = _DCGM.match(row.strip())
        if found is not None:
            value = number(found[3], found[1], f"{where}, line {line}")
            read.setdefault(found[2], []).append((float(found[4]) / 1e3, value))
    if not read or any(len(readings) < 2 for readings in read.values()):
        raise InputError(
            "one reading of a counter says nothing", where=where, key="DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
            allowed="two readings or more an accelerator, with their times in ms", remedy="join the readings of begin and end",
        )  # fmt: skip
    joules = seconds = 0.0
    for labels, readings in read.items():
        (begin, first), (end, last) = min(readings), max(readings)
        if last < first:
            raise InputError("a counter that runs backwards", where=where, value=labels[:60],
                             remedy="leave out what was before a restart")  # fmt: skip
        joules, seconds = joules + (last - first) / 1e3, seconds + end - begin
    times = [time for readings in read.values() for time, _ in readings]
    begin_at, end_at = (datetime.fromtimestamp(time, UTC).replace(tzinfo=None) for time in (min(times), max(times)))
    return Job(name, len(read), seconds / len(read), joules / KWH, "devices", begin_at, end_at)


def _smi(text: str, where: str, name: str) -> Job:
    """Return mean power times the time between the first and the last sample, over the accelerators of a sample."""
    rows = table(text, ",", ("timestamp",), where)
    column = next(key for key in rows[0] if key and key.startswith("power.draw")) if rows else "power.draw"
    moments: list[datetime] = []
    watts: list[float] = []
    for line, row in enumerate(rows, 2):
        at = f"{where}, line {line}"
        watts.append(number(str(row[column] or "").removesuffix("W").strip(), column, at, MOST_WATTS))
        moments.append(moment(row["timestamp"], "timestamp", at))
    samples: dict[datetime, int] = {}
    for one in moments:
        key = one.replace(microsecond=0)
        samples[key] = samples.get(key, 0) + 1
    devices = mode(samples.values()) if samples else 0
    span = (max(moments) - min(moments)).total_seconds() if moments else 0.0
    seconds = span * len(samples) / max(len(samples) - 1, 1)
    kwh = math.fsum(watts) / max(len(watts), 1) * devices * seconds / KWH
    ends = (min(moments), max(moments)) if moments else (None, None)
    return Job(name, devices, seconds, kwh, "devices", *ends)
