"""What meters wrote of a job: CodeCarbon, Slurm's accounting, DCGM's exporter, nvidia-smi. Energy, its scope, device-hours."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import mode
from typing import Any, Literal

from carbonscaling.calibration.emissions import is_emissions, read_emissions
from carbonscaling.errors import InputError
from carbonscaling.files import TABLE, read_text
from carbonscaling.units import HOUR, KWH

__all__ = ["Meter", "read_meter"]

KINDS = "CodeCarbon's emissions.csv, sacct --parsable2, DCGM exporter text, nvidia-smi --format=csv"
MOST_WATTS = 1e5
_ELAPSED = re.compile(r"(?:(\d+)-)?(\d{1,3}):(\d\d):(\d\d)(?:\.\d+)?")
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
    scope: Literal["it", "devices"]
    device_hours: float
    n_devices: int


def read_meter(path: str | Path) -> Meter:
    """Return what a file of any of the known meters says.

    Raises
    ------
    InputError
        It is of no known meter, a column or a reading is missing, or nothing was metered.
    """
    where = str(path)
    if is_emissions(Path(path)):
        runs = read_emissions(Path(path))
        hours = math.fsum(run.seconds * run.devices / HOUR for run in runs)
        return _meter(
            "CodeCarbon",
            math.fsum(run.device_kwh for run in runs),
            "devices",
            hours,
            max(r.devices for r in runs),
            where,
        )
    text = read_text(Path(path), TABLE)
    head = text.lstrip("\ufeff").partition("\n")[0]
    if "DCGM_FI_DEV" in text:
        return _dcgm(text, where)
    if "power.draw" in head:
        return _smi(text, where)
    if "|" in head and "JobID" in head:
        return _sacct(text, where)
    raise InputError("not a file of a meter that is known", where=where, value=head[:60], allowed=KINDS,
                     remedy="give one of these, or --energy-kwh with --energy-scope")  # fmt: skip


def _meter(kind: str, kwh: float, scope: Literal["it", "devices"], hours: float, devices: int, where: str) -> Meter:
    if not (kwh > 0.0 and hours > 0.0 and devices > 0):
        raise InputError(f"{kind} metered nothing here", where=where, value=f"{kwh:g} kWh over {hours:g} device-hours",
                         allowed="energy and time above 0", remedy="give the file of a job that ran")  # fmt: skip
    return Meter(kind, kwh, scope, hours, devices)


def _number(text: Any, key: str, where: str, most: float = 1e20) -> float:
    try:
        value = float(str(text).strip())
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= most:
        raise InputError("not a reading", where=where, key=key, value=str(text)[:40], allowed=f"a number from 0 to {most:g}",
                         remedy="correct the file")  # fmt: skip
    return value


def _table(text: str, delimiter: str, needed: Sequence[str], where: str) -> Sequence[Mapping[str, Any]]:
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True)
    try:
        names, rows = reader.fieldnames or (), list(reader)
    except csv.Error as error:
        raise InputError(f"not a table: {error}", where=where, remedy="give the file as it was written") from error
    for name in needed:
        if name not in names:
            raise InputError("a column is missing", where=where, key=name, allowed=", ".join(needed),
                             remedy=f"ask the meter for {', '.join(needed)}")  # fmt: skip
    return rows


def _elapsed(text: str, where: str) -> float:
    """Return seconds of ``[days-]hours:minutes:seconds``."""
    found = _ELAPSED.fullmatch(text.strip())
    if found is None:
        raise InputError("not a duration", where=where, key="Elapsed", value=text, allowed="[days-]hours:minutes:seconds",
                         remedy="correct the file")  # fmt: skip
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60.0 + seconds


def _sacct(text: str, where: str) -> Meter:
    """Return all jobs of a table of Slurm's together; energy is of whole nodes, in J, on the job or on its steps."""
    rows = _table(text, "|", ("JobID", "Elapsed", "AllocTRES", "ConsumedEnergyRaw"), where)
    joules: dict[str, float] = {}
    steps: dict[str, float] = {}
    seconds: dict[str, float] = {}
    devices: dict[str, int] = {}
    for line, row in enumerate(rows, 2):
        at = f"{where}, line {line}"
        job, _, step = str(row["JobID"] or "").partition(".")
        energy = _number(row["ConsumedEnergyRaw"] or 0.0, "ConsumedEnergyRaw", at)
        if step:
            steps[job] = steps.get(job, 0.0) + (energy if step not in ("batch", "extern") else 0.0)
            continue
        count = re.search(r"gres/gpu(?::[\w.-]+)?=(\d+)", str(row["AllocTRES"] or ""))
        if count is None:
            raise InputError("a job without accelerators", where=at, key="AllocTRES", value=row["AllocTRES"],
                             allowed="gres/gpu=COUNT", remedy="ask for the jobs of the training alone (-j)")  # fmt: skip
        joules[job], seconds[job], devices[job] = energy, _elapsed(str(row["Elapsed"] or ""), at), int(count[1])
    kwh = math.fsum(energy or steps.get(job, 0.0) for job, energy in joules.items()) / KWH
    hours = math.fsum(seconds[job] * devices[job] for job in joules) / HOUR
    return _meter("Slurm", kwh, "it", hours, max(devices.values(), default=0), where)


def _dcgm(text: str, where: str) -> Meter:
    """Return what the counters of every accelerator grew by, in mJ, from their first to their last reading."""
    read: dict[str, list[tuple[float, float]]] = {}
    for line, row in enumerate(text.splitlines(), 1):
        found = _DCGM.match(row.strip())
        if found is not None:
            value = _number(found[3], found[1], f"{where}, line {line}")
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
            raise InputError(
                "a counter that runs backwards",
                where=where,
                value=labels[:60],
                remedy="leave out what was before a restart",
            )
        joules, seconds = joules + (last - first) / 1e3, seconds + end - begin
    return _meter("DCGM", joules / KWH, "devices", seconds / HOUR, len(read), where)


def _smi(text: str, where: str) -> Meter:
    """Return mean power times the time between the first and the last sample, over the accelerators of a sample."""
    rows = _table(text, ",", ("timestamp",), where)
    column = next(name for name in rows[0] if name and name.startswith("power.draw")) if rows else "power.draw"
    moments: list[datetime] = []
    watts: list[float] = []
    for line, row in enumerate(rows, 2):
        at = f"{where}, line {line}"
        watts.append(_number(str(row[column] or "").removesuffix("W").strip(), column, at, MOST_WATTS))
        try:
            moments.append(datetime.fromisoformat(str(row["timestamp"]).strip().replace("/", "-")))
        except ValueError as error:
            raise InputError("not a time", where=at, key="timestamp", value=row["timestamp"],
                             remedy="correct the file") from error  # fmt: skip
    samples: dict[datetime, int] = {}
    for moment in moments:
        key = moment.replace(microsecond=0)
        samples[key] = samples.get(key, 0) + 1
    devices = mode(samples.values()) if samples else 0
    span = (max(moments) - min(moments)).total_seconds() if moments else 0.0
    seconds = span * len(samples) / max(len(samples) - 1, 1)
    mean = math.fsum(watts) / max(len(watts), 1)
    return _meter("nvidia-smi", mean * devices * seconds / KWH, "devices", devices * seconds / HOUR, devices, where)
