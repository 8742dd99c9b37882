"""Axes of a study: what varies, written as a list, a range, a pattern over the catalogue, or a table."""

from __future__ import annotations

import csv
import fnmatch
import io
import math
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from carbonscaling.errors import InputError, nearest
from carbonscaling.fields import finite
from carbonscaling.files import TABLE, read_bytes, read_text
from carbonscaling.record import dataclass

__all__ = ["MOST_VALUES", "Axis", "Block", "Span", "axis_block"]

MOST_VALUES = 10_000_000

Value = str | int | float | bool


@dataclass(frozen=True)
class Span:
    """Evenly spaced numbers.

    Attributes
    ----------
    start, stop : float
        Both ends, included.
    num : int, optional
        How many.
    step : float, optional
        Distance, in place of `num` (a plain range only).
    """

    start: float
    stop: float
    num: int | None = None
    step: float | None = None


@dataclass(frozen=True)
class Axis:
    """One thing that varies; exactly one of `values`, `range`, `log`, `catalog` and `table`.

    Attributes
    ----------
    key : str, optional
        Field of the scenario (``region``, ``layout.tp``, ``software.attention_kernel``); a table brings its own.
    values : list, optional
        The values themselves.
    range, log : Span, optional
        Numbers at equal distances, or at equal ratios.
    catalog : str, optional
        Pattern over the catalogue's names of this key: ``"h100*"``; several with commas between.
    table : str, optional
        CSV or Parquet file with a column for each field; its rows go together.
    zip : str, optional
        Axes of the same name here go together instead of being crossed.
    """

    key: str | None = None
    values: tuple[Value, ...] | None = None
    range: Span | None = None
    log: Span | None = None
    catalog: str | None = None
    table: str | None = None
    zip: str | None = None


@dataclass(frozen=True)
class Block:
    """Columns of values that go together, each of the same length."""

    columns: Mapping[str, tuple[Value, ...]]

    def __len__(self) -> int:
        """Rows."""
        return len(next(iter(self.columns.values())))


def _spaced(key: str, span: Span, log: bool, where: str) -> tuple[Value, ...]:
    if (span.num is None) == (span.step is None) or (log and span.num is None):
        raise InputError(
            "a range needs num" if log else "a range needs either num or step", where=where, key=key,
            remedy="for instance {start = 1e9, stop = 1e12, num = 7}",
        )  # fmt: skip
    if not (finite(span.start) and finite(span.stop) and finite(span.step or 0.0)):
        raise InputError("a range needs finite ends", where=where, key=key, remedy="correct start, stop or step")
    if log and not (span.start > 0 and span.stop > 0):
        raise InputError("a log range needs ends above 0", where=where, key=key, remedy="use range, or raise the ends")
    num = span.num
    if num is None:
        ratio = (span.stop - span.start) / span.step if span.step else -1.0
        num = math.floor(ratio * (1 + 1e-12)) + 1 if 0 <= ratio < MOST_VALUES else 0
    if not 1 <= num <= MOST_VALUES:
        raise InputError(
            "a range without a value, or with too many", where=where, key=key, value=num, allowed=f"1 to {MOST_VALUES:,}",
            remedy="correct start, stop, and num or step",
        )  # fmt: skip
    if span.step is not None:
        points = span.start + span.step * np.arange(num)
    else:
        points = np.geomspace(span.start, span.stop, num) if log else np.linspace(span.start, span.stop, num)
    whole = np.rint(points)  # a count must not miss a whole number by a rounding: 64 to 512 in four gives 128
    points = np.where(np.abs(points - whole) <= 1e-12 * np.abs(points), whole, points)
    return tuple(float(p) for p in points)


def _shelves() -> dict[str, Callable[[], Iterable[str]]]:
    from carbonscaling.catalog import hardware, laws, models, regions, stacks

    return {
        "device": hardware.device_names,
        "host": hardware.host_names,
        "model": models.model_names,
        "region": regions.region_names,
        "law": laws.law_names,
        "stack": stacks.stack_names,
    }


def _from_catalog(key: str, pattern: str, where: str) -> tuple[Value, ...]:
    shelves = _shelves()
    if key not in shelves:
        raise InputError("no catalogue of this key", where=where, key=key, allowed=", ".join(shelves))
    known = list(shelves[key]())
    wanted = [p.strip() for p in pattern.split(",")]
    found = tuple(name for name in known if any(fnmatch.fnmatchcase(name, p) for p in wanted))
    if not found:
        raise InputError(
            "the pattern matches nothing", where=where, key=key, value=pattern, suggestion=nearest(pattern, known),
            remedy=f"carbonscaling catalog list {key}s shows the names",
        )  # fmt: skip
    return found


def _cell(text: str) -> Value:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text.lower(), text)


def _from_table(path: Path, where: str) -> dict[str, tuple[Value, ...]]:
    if not os.path.isfile(path):
        raise InputError("no such table", where=where, key="table", value=str(path), remedy="check the path")
    if path.suffix == ".parquet":
        from carbonscaling.platform import need

        polars = need("polars", "sweep")
        try:
            frame = polars.read_parquet(io.BytesIO(read_bytes(path, TABLE)))
        except polars.exceptions.PolarsError as error:
            raise InputError(f"not a usable Parquet file: {error}", where=str(path), remedy="write it again") from error
        columns = {name: tuple(frame[name].to_list()) for name in frame.columns}
    else:
        try:
            rows = list(csv.DictReader(io.StringIO(read_text(path, TABLE), newline="")))
        except csv.Error as error:
            raise InputError(
                f"not a usable CSV: {error}", where=str(path), remedy="check quotes and line ends"
            ) from error
        if any(None in row or None in row.values() for row in rows):
            raise InputError(
                "rows of different length", where=str(path), remedy="give every row as many cells as the header"
            )
        columns = {name: tuple(_cell(row[name]) for row in rows) for name in (rows[0] if rows else ())}
    if not columns or not next(iter(columns.values())):
        raise InputError("the table is empty", where=str(path), remedy="give it a header line and rows")
    return columns


def axis_block(axis: Axis, folder: Path, where: str) -> Block:
    """Return the values of an axis.

    Parameters
    ----------
    folder : Path
        The study file's, from which the path of a table counts.

    Raises
    ------
    InputError
        No way to say the values, or more than one; an empty or unusable one.
    """
    ways = [n for n in ("values", "range", "log", "catalog", "table") if getattr(axis, n) is not None]
    if len(ways) != 1:
        raise InputError(
            "an axis is said in exactly one way", where=where, key=axis.key or "axis", value=", ".join(ways) or None,
            allowed="values, range, log, catalog, table", remedy="keep one of them",
        )  # fmt: skip
    if axis.table is not None:
        return Block(_from_table(folder / axis.table, where))
    if axis.key is None:
        raise InputError("an axis needs a key", where=where, key="axis.key", remedy='for instance key = "region"')
    if axis.values is not None:
        if not axis.values:
            raise InputError("an axis without values", where=where, key=axis.key, remedy="give at least one")
        return Block({axis.key: axis.values})
    if axis.catalog is not None:
        return Block({axis.key: _from_catalog(axis.key, axis.catalog, where)})
    span = axis.range or axis.log
    assert span is not None
    return Block({axis.key: _spaced(axis.key, span, axis.log is not None, where)})
