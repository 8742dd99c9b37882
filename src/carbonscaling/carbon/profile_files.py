"""Files of carbon intensity over time, row by row: plain CSV, Electricity Maps and ENTSO-E CSV, WattTime JSON."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from carbonscaling.errors import InputError, nearest
from carbonscaling.hints import NamedTuple
from carbonscaling.ranges import RANGES
from carbonscaling.record import dataclass

__all__ = ["INTENSITY", "PRICE", "Quantity", "Reading", "readings"]

G_PER_KWH = {"lbs_co2_per_mwh": 0.45359237, "lb_co2_per_mwh": 0.45359237, "kg_co2_per_mwh": 1.0, "g_co2_per_kwh": 1.0}
"""What WattTime's units are in g/kWh."""
ELECTRICITY_MAPS = {
    "operational": r"(?i)carbon intensity.*\(direct\)",
    "life-cycle": r"(?i)carbon intensity.*\((life cycle|lca)\)",
}
FACTORS = {"g/kwh": 1.0, "kg/kwh": 1e3, "t/mwh": 1e3, "kg/mwh": 1.0, "g/mwh": 1e-3, "lb/mwh": 0.45359237, "lbs/mwh": 0.45359237,
           "usd/kwh": 1e3, "usd/mwh": 1.0}  # fmt: skip
"""What columns in other units are in those that are read."""
_UNIT = r"(?i)(?<![a-z])(g|kg|t|lbs?|usd|\$)[_ ]?(?:co2(?:eq?)?)?[_ ]*(?:per|/)?[_ ]*([km]wh)(?![a-z])"
_MTU = r"(\d\d)[./](\d\d)[./](\d{4}) (\d\d:\d\d)"
"""Compiled when a file is read: most runs name none."""


@dataclass(frozen=True)
class Reading:
    """One row: its time, its intensity (None where the cell is blank), and where it stands."""

    time: datetime
    g_per_kwh: float | None
    where: str


class Quantity(NamedTuple):
    """What a file holds by the hour: its words, its usual column, its unit, and the least that it may be."""

    words: str
    column: str
    unit: str
    least: float


INTENSITY = Quantity("carbon intensity", "g_per_kwh", "g CO2e/kWh", 0.0)
PRICE = Quantity("a price of electricity", "usd_per_mwh", "USD/MWh", -1e5)


def readings(
    text: str, where: str, column: str | None, basis: str | None, what: Quantity = INTENSITY
) -> tuple[list[Reading], str]:
    """Return the rows of a file of any kind, and what its intensities count.

    Raises
    ------
    InputError
        The file is of no kind that is known, or a cell cannot be read.
    """
    if text.lstrip()[:1] in ("{", "[") and what is INTENSITY:
        return _watttime(text, where)
    try:
        table = list(csv.DictReader(text.splitlines(), restkey="beyond the header"))
    except csv.Error as error:
        raise InputError(f"not a CSV file: {error}", where=where, remedy="give the file as it was saved") from error
    columns: Sequence[str] = list(table[0]) if table else text.partition("\n")[0].strip().split(",")
    first = columns[0].strip().lower() if columns else ""
    if first.startswith("datetime (utc)") and what is INTENSITY:
        return _electricity_maps(table, columns, where, basis or "operational")
    if first.startswith("mtu") and what is INTENSITY:
        name = column or _only(columns, where, re.compile(r"gco2|g_per_kwh|g/kwh", re.I))
        return [
            Reading(_mtu(row, columns[0], at), _intensity(row, name, at), at) for row, at in _lines(table, where)
        ], ""
    name = column or what.column
    for needed in ("time", name):
        if needed not in columns:
            if needed == what.column:
                _refuse_other_unit(columns, where, what)
            raise InputError(
                "a column is missing", where=where, key=needed, suggestion=nearest(needed, columns),
                allowed=", ".join(str(name)[:40] for name in columns[:20]) or f"time, {what.column}",
                remedy=f"add the column {needed}; of several places, name one behind the file: hours.csv:COLUMN",
            )  # fmt: skip
    read = [
        Reading(_time(row["time"] or "", at), _intensity(row, name, at, what), at) for row, at in _lines(table, where)
    ]
    if what is INTENSITY:
        _refuse_kilograms(read, where, name)
    return read, ""


def _refuse_other_unit(columns: Sequence[str], where: str, what: Quantity) -> None:
    """Refuse a file whose values stand in a unit of their own, with the factor to the one that is read."""
    for name in columns:
        found = re.search(_UNIT, name)
        factor = found and FACTORS.get(f"{found[1].lower().replace('$', 'usd')}/{found[2].lower()}")
        if factor and (what is PRICE) == ("usd" in name.lower() or "$" in name):
            values = "its values are" if factor == 1.0 else f"its values times {factor:g} are"
            raise InputError(
                f"a column in another unit than {what.unit}", where=where, key=name, allowed=f"time, {what.column}",
                remedy=f"{values} {what.column}: write them under that name",
            )  # fmt: skip


def _refuse_kilograms(read: Sequence[Reading], where: str, name: str) -> None:
    """Refuse a plain table of which every value lies between 0 and the least that a grid's mean is: kg, not g."""
    known = [reading.g_per_kwh for reading in read if reading.g_per_kwh is not None]
    least = RANGES["carbon_intensity_g_per_kwh"].low
    if known and min(known) > 0.0 and max(known) < least:
        raise InputError(
            "carbon intensity is out of range", where=where, key=name, value=f"{min(known):g} to {max(known):g}",
            allowed=f"g CO2e/kWh, of which some hours of every grid have {least:g} or more, or none",
            remedy="kg/kWh times 1000 is g/kWh",
        )  # fmt: skip


def _lines(table: Sequence[Mapping[str, Any]], where: str) -> list[tuple[Mapping[str, Any], str]]:
    return [(row, f"{where}, line {line}") for line, row in enumerate(table, 2)]


def _only(columns: Sequence[str], where: str, kind: re.Pattern[str]) -> str:
    """Return the one column of this kind."""
    found = [name for name in columns[1:] if kind.search(name)]
    if len(found) == 1:
        return found[0]
    raise InputError(
        "no column of intensities" if not found else "several columns of intensities", where=where, key="g_per_kwh",
        allowed="time, g_per_kwh" if not found else ", ".join(found),
        remedy="name one after the file: hours.csv:COLUMN" if found else "add the column g_per_kwh",
    )  # fmt: skip


def _electricity_maps(
    table: Sequence[Mapping[str, Any]], columns: Sequence[str], where: str, basis: str
) -> tuple[list[Reading], str]:
    name = next((column for column in columns if re.search(ELECTRICITY_MAPS[basis], column)), None)
    if name is None:
        raise InputError(f"no {basis} intensity in this file", where=where, allowed=", ".join(columns),
                         remedy="ask for the other basis, or save the file with both columns")  # fmt: skip
    zone = next((column for kind in ("zone id", "zone name") for column in columns if column.lower() == kind), None)
    zones = sorted({str(row[zone]) for row in table}) if zone else []
    if len(zones) > 1:
        raise InputError(
            "several zones in one file", where=where, value=", ".join(zones[:5]), remedy="save one zone a file"
        )
    rows = [
        Reading(_utc(_time(row[columns[0]] or "", at)), _intensity(row, name, at), at)
        for row, at in _lines(table, where)
    ]
    return rows, f"{basis}, location-based: Electricity Maps {', '.join(zones)}".strip()


def _watttime(text: str, where: str) -> tuple[list[Reading], str]:
    try:
        found = json.loads(text)
        data, meta = found["data"], found["meta"]
        kind, unit = str(meta["signal_type"]), str(meta["units"])
        rows = [(str(row["point_time"]), row["value"]) for row in data]
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"not valid JSON: {error}", where=where, remedy="save the answer of the service as it came"
        ) from error
    except (KeyError, TypeError) as error:
        raise InputError(
            "not an answer of WattTime", where=where, key=str(error).strip("'"),
            allowed="data (point_time, value), meta (signal_type, units)", remedy="save the answer of v3/historical as it came",
        ) from error  # fmt: skip
    factor = G_PER_KWH.get(unit.lower())
    if factor is None:
        raise InputError("an unknown unit", where=where, key="meta.units", value=unit, allowed=", ".join(G_PER_KWH),
                         suggestion=nearest(unit, G_PER_KWH), remedy="ask for a carbon intensity")  # fmt: skip
    read = [
        Reading(_time(time, at), None if value is None else factor * _number(str(value), "value", at), at)
        for i, (time, value) in enumerate(rows)
        for at in (f"{where}, data.{i}",)
    ]
    marginal = "moer" in kind or "marginal" in kind
    return read, f"{'marginal, for choosing times and not for reports' if marginal else 'average'}: WattTime {kind}"


def _utc(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _mtu(row: Mapping[str, Any], column: str, where: str) -> datetime:
    """Return the beginning of a market time unit: ``01.01.2025 00:00 - 01.01.2025 01:00``."""
    found = re.match(_MTU, str(row[column] or "").strip())
    if found is None:
        return _time(str(row[column] or "").partition(" - ")[0], where)
    day, month, year, clock = found.groups()
    return _time(f"{year}-{month}-{day}T{clock}", where)


def _time(text: str, where: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InputError("not a time", where=where, key="time", value=text, allowed="ISO 8601, such as 2025-01-01T00:00",
                         remedy="correct the cell") from error  # fmt: skip


def _intensity(row: Mapping[str, Any], column: str, where: str, what: Quantity = INTENSITY) -> float | None:
    text = str(row[column] or "").strip()
    return None if text.lower() in ("", "n/e", "n/a", "-") else _number(text, column, where, what)


def _number(text: str, column: str, where: str, what: Quantity = INTENSITY) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and what.least <= value <= 1e5):
        raise InputError(f"{what.words} is out of range", where=where, key=column, value=text[:40],
                         allowed=f"{what.least:g} or more, in {what.unit}", remedy="correct the cell")  # fmt: skip
    return value
