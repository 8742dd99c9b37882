"""A job as a meter or a scheduler wrote it down, and the cells that such files share."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from carbonscaling.errors import InputError
from carbonscaling.record import dataclass
from carbonscaling.units import HOUR

__all__ = ["Job", "JobScope", "moment", "number", "table"]

JobScope = Literal["it", "devices"]


@dataclass(frozen=True)
class Job:
    """One job.

    Attributes
    ----------
    name : str
    devices : int
    seconds : float
        Wall clock.
    kwh : float, optional
        Energy that was metered of it.
    scope : {"it", "devices"}
        Whether that is of whole nodes, or of the accelerators alone.
    begin, end : datetime, optional
        Where the file says when it ran; in UTC where it says the zone, else in the file's own time.
    """

    name: str
    devices: int
    seconds: float
    kwh: float | None = None
    scope: JobScope = "it"
    begin: datetime | None = None
    end: datetime | None = None

    @property
    def device_hours(self) -> float:
        """Devices times hours."""
        return self.devices * self.seconds / HOUR


def number(text: Any, key: str, where: str, most: float = 1e20) -> float:
    """Return a reading.

    Raises
    ------
    InputError
        It is no number from 0 to `most`.
    """
    try:
        value = float(str(text).strip())
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= most:
        raise InputError("not a reading", where=where, key=key, value=str(text)[:40], allowed=f"a number from 0 to {most:g}",
                         remedy="correct the file")  # fmt: skip
    return value


def moment(text: Any, key: str, where: str) -> datetime:
    """Return a date or time; one with a zone in UTC.

    Raises
    ------
    InputError
        It is no ISO 8601 time.
    """
    try:
        found = datetime.fromisoformat(str(text).strip().replace("/", "-"))
    except ValueError as error:
        raise InputError("not a time", where=where, key=key, value=str(text)[:40], allowed="2026-01-31 or 2026-01-31T06:00",
                         remedy="correct the file") from error  # fmt: skip
    return found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)


def table(text: str, delimiter: str, needed: Sequence[str], where: str) -> list[Mapping[str, Any]]:
    """Return the rows of a delimited text by column.

    Raises
    ------
    InputError
        A column is missing, or it is no table.
    """
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True)
    try:
        names, rows = reader.fieldnames or (), list(reader)
    except csv.Error as error:
        raise InputError(f"not a table: {error}", where=where, remedy="give the file as it was written") from error
    for name in needed:
        if name not in names:
            raise InputError("a column is missing", where=where, key=name, allowed=", ".join(needed),
                             remedy=f"ask the meter for {', '.join(needed)}")  # fmt: skip
    return list(rows)
