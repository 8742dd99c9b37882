"""A user's own carbon factors: a TOML file whose keys are the roles that factors play in the formulas."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from carbonscaling.catalog.read import build, read_toml
from carbonscaling.errors import InputError, nearest
from carbonscaling.sources import Datum

__all__ = ["check_factor", "load_factors", "overridden"]

BOUNDS: Mapping[str, tuple[float, float, str]] = {
    "pue": (1.0, 10.0, "1 or more: facility energy over IT energy"),
    "lifetime": (math.nextafter(0.0, 1.0), math.inf, "more than 0"),
    "busy_share": (math.nextafter(0.0, 1.0), 1.0, "more than 0, at most 1"),
    "good_share": (math.nextafter(0.0, 1.0), 1.0, "more than 0, at most 1"),
    "best_utilisation": (math.nextafter(0.0, 1.0), 1.0, "more than 0, at most 1"),
}
"""What nature allows of a factor, by role; of any other, nothing below nought."""

MOST = 1e30
"""More than any factor is, in SI units."""

ALIKE = (
    {"W", "kW"},
    {"g/kWh", "kg/kWh"},
    {"y", "d", "h", "s"},
    {"kg", "t", "g"},
    {"1", "%"},
    {"kg/cm2", "kg/m2"},
    {"mm2", "cm2", "m2"},
    {"B", "kB", "KiB", "MB", "MiB", "GB", "GiB", "TB"},
)
"""Units that stand for the same quantity."""


def load_factors(path: str | Path) -> dict[str, Datum]:
    """Return the factors of a user's TOML file, by role; `source` may be left out.

    Raises
    ------
    InputError
        The file cannot be used, or a row is incomplete or impossible.
    """
    where = str(path)
    found: dict[str, Datum] = {}
    for role, row in read_toml(Path(path)).items():
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
    check_factor(role, datum, where)
    return datum


def check_factor(role: str, datum: Datum, where: str | None = None) -> None:
    """Refuse a factor that cannot be.

    Raises
    ------
    InputError
        A value or an end of the range is out of bounds.
    """
    least, most, allowed = BOUNDS.get(role, (0.0, math.inf, "0 or more"))
    for value in (datum.si, *datum.si_range):
        if not least <= value <= min(most, MOST):
            raise InputError(
                f"{role} is out of range", where=where, key=role, value=datum.value, allowed=allowed,
                remedy="correct the value or its range",
            )  # fmt: skip


def overridden(factors: Mapping[str, Datum], own: Mapping[str, Datum]) -> dict[str, Datum]:
    """Return the factors with the user's in their places.

    Raises
    ------
    InputError
        A role that this answer does not use, or a unit of another quantity.
    """
    for role, datum in own.items():
        if role not in factors:
            raise InputError(
                "unknown factor", key=role, suggestion=nearest(role, factors), allowed=", ".join(sorted(factors)),
                remedy="use one of the roles that this answer has",
            )  # fmt: skip
        alike = next((units for units in ALIKE if factors[role].unit in units), {factors[role].unit})
        if datum.unit not in alike:
            raise InputError(
                "a unit of another quantity", key=role, value=datum.unit, allowed=", ".join(sorted(alike)),
                remedy="give the factor in one of these",
            )  # fmt: skip
    return {**factors, **own}
