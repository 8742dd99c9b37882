"""Jobs of Slurm's accounting: ``sacct --parsable2``."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from carbonscaling.calibration.jobs import Job, moment, number, table
from carbonscaling.errors import InputError
from carbonscaling.units import KWH

__all__ = ["read_sacct"]

NEEDED = ("JobID", "Elapsed", "AllocTRES")
_ELAPSED = re.compile(r"(?:(\d+)-)?(\d{1,3}):(\d\d):(\d\d)(?:\.\d+)?")
_GPUS = re.compile(r"gres/gpu(?::[\w.-]+)?=(\d+)")
UNSAID = ("", "Unknown", "None")
NO_VALUE = {float(2**bits - off) for bits in (32, 64) for off in (1, 2)}
"""What Slurm writes as a number where it has none (NO_VAL, INFINITE)."""


def _elapsed(text: str, where: str) -> float:
    """Return seconds of ``[days-]hours:minutes:seconds``."""
    found = _ELAPSED.fullmatch(text.strip())
    if found is None:
        raise InputError("not a duration", where=where, key="Elapsed", value=text, allowed="[days-]hours:minutes:seconds",
                         remedy="correct the file")  # fmt: skip
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60.0 + seconds


def _times(row: Any, seconds: float, at: str) -> tuple[datetime | None, datetime | None]:
    """Return begin and end; of a job that still runs, the end that its elapsed time gives."""
    start = str(row.get("Start") or "").strip()
    if start in UNSAID:
        return None, None
    begin = moment(start, "Start", at)
    return begin, begin + timedelta(seconds=seconds)


def read_sacct(text: str, where: str) -> list[Job]:
    """Return every job of accelerators; energy is of whole nodes, in J, on the job or on its steps.

    Raises
    ------
    InputError
        A column is missing, a cell cannot be read, or a job has no accelerators.
    """
    joules: dict[str, float] = {}
    steps: dict[str, float] = {}
    found: dict[str, Job] = {}
    for line, row in enumerate(table(text, "|", NEEDED, where), 2):
        at = f"{where}, line {line}"
        name, _, step = str(row["JobID"] or "").partition(".")
        energy = number(row.get("ConsumedEnergyRaw") or 0.0, "ConsumedEnergyRaw", at)
        energy = 0.0 if energy in NO_VALUE else energy
        if step:
            steps[name] = steps.get(name, 0.0) + (energy if step not in ("batch", "extern") else 0.0)
            continue
        seconds = _elapsed(str(row["Elapsed"] or ""), at)
        if not seconds:  # cancelled before it began
            continue
        count = _GPUS.search(str(row["AllocTRES"] or ""))
        if count is None:
            raise InputError("a job without accelerators", where=at, key="AllocTRES", value=row["AllocTRES"],
                             allowed="gres/gpu=COUNT", remedy="ask for jobs with accelerators alone (-j, -r)")  # fmt: skip
        if name in found:
            raise InputError("a job that stands there twice", where=at, key="JobID", value=name,
                             remedy="leave one of the rows out (sacct without --duplicates)")  # fmt: skip
        joules[name] = energy
        found[name] = Job(name, int(count[1]), seconds, None, "it", *_times(row, seconds, at))
    read = {name: energy or steps.get(name, 0.0) for name, energy in joules.items()}
    return [
        Job(job.name, job.devices, job.seconds, read[name] / KWH or None, "it", job.begin, job.end)
        for name, job in found.items()
    ]
