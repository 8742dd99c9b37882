"""Carbon intensity of consecutive hours, read from CSV: columns ``time`` (ISO 8601, on the hour) and ``g_per_kwh``."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from carbonscaling.errors import InputError, nearest
from carbonscaling.files import TABLE, read_text

__all__ = ["HourlyProfile", "load_profile"]

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class HourlyProfile:
    """Carbon intensity of consecutive hours; beyond its end it begins again.

    Attributes
    ----------
    begin : str
        First hour, ISO 8601.
    g_per_kwh : tuple of float
    """

    begin: str
    g_per_kwh: tuple[float, ...]

    @property
    def average(self) -> float:
        """Mean over the profile."""
        return float(np.mean(self.g_per_kwh))


def load_profile(path: str | Path) -> HourlyProfile:
    """Return the profile of a CSV file.

    Raises
    ------
    InputError
        A column is missing, a time or a number cannot be read, an intensity is negative, or the hours overlap, leave a
        gap or run backwards; the message names the line.
    """
    where = str(path)
    table = csv.DictReader(read_text(Path(path), TABLE).splitlines())
    columns = table.fieldnames or []
    for needed in ("time", "g_per_kwh"):
        if needed not in columns:
            raise InputError(
                "a column is missing", where=where, key=needed, suggestion=nearest(needed, columns),
                allowed="time, g_per_kwh", remedy=f"add the column {needed}",
            )  # fmt: skip
    times: list[datetime] = []
    values: list[float] = []
    for line, row in enumerate(table, 2):
        times.append(_time(row["time"] or "", f"{where}, line {line}"))
        values.append(_intensity(row["g_per_kwh"] or "", f"{where}, line {line}"))
        if len(times) > 1:
            _check_step(times[-2], times[-1], f"{where}, line {line}")
    if not values:
        raise InputError("no rows", where=where, remedy="give at least one hour below the header")
    return HourlyProfile(times[0].isoformat(), tuple(values))


def _time(text: str, where: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InputError("not a time", where=where, key="time", value=text, allowed="ISO 8601, such as 2025-01-01T00:00",
                         remedy="correct the cell") from error  # fmt: skip


def _intensity(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0.0):
        raise InputError("carbon intensity is out of range", where=where, key="g_per_kwh", value=text,
                         allowed="0 or more, in g CO2e/kWh", remedy="correct the cell")  # fmt: skip
    return value


def _check_step(before: datetime, now: datetime, where: str) -> None:
    try:
        step = now - before
    except TypeError as error:
        raise InputError("times with and without a zone", where=where, key="time",
                         remedy="write the same zone in every row") from error  # fmt: skip
    if step == HOUR:
        return
    problem = (
        "hours overlap"
        if timedelta(0) <= step < HOUR
        else "hours run backwards"
        if step < HOUR
        else "hours are missing"
    )
    raise InputError(
        problem, where=where, key="time", value=now.isoformat(), allowed=f"{(before + HOUR).isoformat()}: one row an hour",
        remedy="sort the rows, remove double ones, fill gaps",
    )  # fmt: skip
