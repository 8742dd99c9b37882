"""A user's own carbon factors: a TOML file whose keys are the roles that factors play in the formulas."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from carbonscaling.catalog.read import build, read_toml
from carbonscaling.errors import InputError
from carbonscaling.sources import Datum

__all__ = ["load_factors"]

BOUNDS: Mapping[str, tuple[float, float, str]] = {
    "pue": (1.0, 10.0, "1 or more: facility energy over IT energy"),
    "lifetime": (math.nextafter(0.0, 1.0), math.inf, "more than 0"),
    "busy_share": (math.nextafter(0.0, 1.0), 1.0, "more than 0, at most 1"),
    "good_share": (math.nextafter(0.0, 1.0), 1.0, "more than 0, at most 1"),
    "best_utilisation": (math.nextafter(0.0, 1.0), 1.0, "more than 0, at most 1"),
}
"""What nature allows of a factor, by role; of any other, nothing below nought."""

MOST = 1e30
"""More than any factor is, in SI units; less than its inverse none is but nought."""


def load_factors(path: str | Path) -> dict[str, Datum]:
    """Return the factors of a user's TOML file, by role; `source` may be left out.

    Raises
    ------
    InputError
        The file cannot be used, or a row is incomplete or impossible.
    """
    return dict(_read(Path(path), os.stat(path).st_mtime_ns if os.path.isfile(path) else 0))


@lru_cache(maxsize=8)
def _read(path: Path, _changed: int) -> Mapping[str, Datum]:
    where = str(path)
    found: dict[str, Datum] = {}
    for role, row in read_toml(path).items():
        if not isinstance(row, Mapping):
            raise InputError(
                "a factor needs a table", where=where, key=role, value=row,
                remedy=f"{role} = {{ value = 1.2, unit = \"1\", low = 1.1, high = 1.3 }}",
            )  # fmt: skip
        found[role] = _row(role, {"source": "user", **row}, where)
    return found


def _row(role: str, row: Mapping[str, Any], where: str) -> Datum:
    try:
        datum = build(Datum, row, where)
    except InputError as error:
        error.where = error.where or where
        error.key = f"{role}.{error.key}" if error.key else role
        error.args = (str(error),)
        raise
    _check(role, datum, where)
    return datum


def _check(role: str, datum: Datum, where: str) -> None:
    least, most, allowed = BOUNDS.get(role, (0.0, math.inf, "0 or more"))
    for value in (datum.si, *datum.si_range):
        if not least <= value <= min(most, MOST) or 0.0 < abs(value) < 1.0 / MOST:
            raise InputError(
                f"{role} is out of range", where=where, key=role, value=datum.value,
                allowed=f"{allowed}; beside nought from {1.0 / MOST:g} to {MOST:g} in SI units",
                remedy="correct the value or its range",
            )  # fmt: skip
