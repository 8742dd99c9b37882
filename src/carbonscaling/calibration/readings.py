"""Readings of a cluster's electricity meter: kWh by month, by period, or a register that counts up."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from carbonscaling.calibration.jobs import moment, number, table
from carbonscaling.errors import InputError
from carbonscaling.files import TABLE, read_text
from carbonscaling.record import dataclass
from carbonscaling.units import HOUR

__all__ = ["Period", "read_readings"]

ALLOWED = "month,kwh (2026-01), or begin,end,kwh, or time,register_kwh; NAME_kwh for a load with a meter of its own"
LOAD = "_kwh"


@dataclass(frozen=True)
class Period:
    """What a meter counted over a period.

    Attributes
    ----------
    name : str
    begin, end : datetime
    kwh : float
    loads : Mapping[str, float]
        kWh of loads behind this meter that have one of their own: storage, say.
    """

    name: str
    begin: datetime
    end: datetime
    kwh: float
    loads: Mapping[str, float] = field(default_factory=dict)

    @property
    def hours(self) -> float:
        """Length."""
        return (self.end - self.begin).total_seconds() / HOUR


def read_readings(path: str | Path) -> tuple[Period, ...]:
    """Return the periods of a meter's file, in order.

    Raises
    ------
    InputError
        Columns are missing, a cell cannot be read, nothing was counted, or periods overlap.
    """
    where = str(path)
    text = read_text(Path(path), TABLE)
    rows = [
        ({str(key or "").strip().lower(): value for key, value in row.items()}, f"{where}, line {line}")
        for line, row in enumerate(table(text, ",", (), where), 2)
    ]
    names = set(rows[0][0]) if rows else set()
    if {"time", "register_kwh"} <= names:
        periods = _register(rows, where)
    elif {"month", "kwh"} <= names or {"begin", "end", "kwh"} <= names:
        periods = sorted((_period(row, at) for row, at in rows), key=lambda p: p.begin)
    else:
        raise InputError("not readings of a meter", where=where, value=text[:60].partition("\n")[0] or None,
                         allowed=ALLOWED, remedy="name the columns so; kWh, not MWh")  # fmt: skip
    for before, after in pairwise(periods):
        if after.begin < before.end:
            raise InputError("two readings of the same time", where=where, key=after.name, value=before.name,
                             remedy="leave one of them out")  # fmt: skip
    return tuple(periods)


def _month(text: str, at: str) -> tuple[datetime, datetime]:
    begin = moment(f"{text}-01", "month", at)
    after = begin.month % 12 + 1
    return begin, begin.replace(year=begin.year + (after == 1), month=after)


def _period(row: Mapping[str, Any], at: str) -> Period:
    month = str(row.get("month") or "").strip()
    begin, end = (
        _month(month, at) if month else (moment(row.get("begin"), "begin", at), moment(row.get("end"), "end", at))
    )
    if end <= begin:
        raise InputError("a period that ends before it begins", where=at, key="end", value=str(row.get("end")),
                         remedy="correct the row; the end is the first moment after the period")  # fmt: skip
    kwh = number(row.get("kwh"), "kwh", at)
    loads = {
        key.removesuffix(LOAD): number(value, key, at)
        for key, value in row.items()
        if key.endswith(LOAD) and key not in ("kwh", "register_kwh") and str(value or "").strip()
    }
    _check(kwh, math.fsum(loads.values()), at)
    return Period(month or f"{begin:%Y-%m-%d} to {end:%Y-%m-%d}", begin, end, kwh, loads)


def _register(rows: Sequence[tuple[Mapping[str, Any], str]], where: str) -> list[Period]:
    """Return what the register grew by between readings that follow each other."""
    read = sorted(
        (moment(row["time"], "time", at), number(row["register_kwh"], "register_kwh", at), at) for row, at in rows
    )
    if len(read) < 2:
        raise InputError("one reading of a register says nothing", where=where, key="register_kwh",
                         allowed="two readings or more", remedy="add the reading before or after")  # fmt: skip
    periods = []
    for (begin, before, _), (end, after, at) in pairwise(read):
        if after < before or end == begin:
            raise InputError("a register that does not count up", where=at, key="register_kwh", value=after,
                             allowed=f"more than {before:g} at a later time",
                             remedy="correct the row, or split the file where the meter was changed")  # fmt: skip
        _check(after - before, 0.0, at)
        periods.append(Period(f"{begin:%Y-%m-%d} to {end:%Y-%m-%d}", begin, end, after - before))
    return periods


def _check(kwh: float, loads: float, at: str) -> None:
    if kwh <= 0.0:
        raise InputError("the meter counted nothing", where=at, key="kwh", value=kwh, allowed="more than 0",
                         remedy="leave the period out")  # fmt: skip
    if loads > kwh:
        raise InputError("loads that are more than the meter they are behind", where=at, key="kwh", value=kwh,
                         allowed=f"at least {loads:g}", remedy="correct the row, or leave out what is elsewhere")  # fmt: skip
