"""SI inside: the unit names that shipped data and scenario files may use, and what each is in SI.

Masses of CO2-equivalent are kept in kg, energies in J, times in s, sizes in bytes, rates per second. Decimal prefixes
are decimal (GB = 1e9 bytes); binary ones carry an ``i`` (GiB). A year is 365.25 days.
"""

from __future__ import annotations

from carbonscaling.errors import InputError, nearest

__all__ = ["DAY", "GB", "GIB", "HOUR", "KWH", "SI", "TERA", "TONNE", "YEAR", "to_si"]

HOUR = 3600.0
DAY = 24 * HOUR
YEAR = 365.25 * DAY
KWH = 3.6e6
GB = 1e9
GIB = float(2**30)
TERA = 1e12
TONNE = 1000.0

SI: dict[str, float] = {
    "1": 1.0,
    "%": 0.01,
    "FLOP/s": 1.0,
    "TFLOP/s": 1e12,
    "B": 1.0,
    "kB": 1e3,
    "KiB": 1024.0,
    "MB": 1e6,
    "MiB": float(2**20),
    "GB": GB,
    "GiB": GIB,
    "TB": 1e12,
    "B/s": 1.0,
    "GB/s": GB,
    "TB/s": 1e12,
    "Gbit/s": 1e9 / 8,
    "s": 1.0,
    "1/s": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "ns": 1e-9,
    "h": HOUR,
    "d": DAY,
    "y": YEAR,
    "MHz": 1e6,
    "GHz": 1e9,
    "W": 1.0,
    "kW": 1e3,
    "J": 1.0,
    "kWh": KWH,
    "MJ": 1e6,
    "mm2": 1e-6,
    "cm2": 1e-4,
    "m2": 1.0,
    "kg": 1.0,
    "t": TONNE,
    "g": 1e-3,
    "kg/cm2": 1e4,
    "kg/m2": 1.0,
    "1/cm2": 1e4,
    "kg/kW": 1e-3,
    "kg/GB": 1e-9,
    "kg/kWh": 1 / KWH,
    "g/kWh": 1e-3 / KWH,
    "kWh/cm2": KWH * 1e4,
    "L": 1.0,
    "L/kWh": 1 / KWH,
    "MJ/kWh": 1e6 / KWH,
    "USD/h": 1 / HOUR,
    "USD/kWh": 1 / KWH,
}
"""Factor from each accepted unit to SI (water in litres, money in US dollars)."""


def to_si(value: float, unit: str) -> float:
    """Convert `value` in `unit` to SI.

    >>> to_si(80.0, "GiB")
    85899345920.0

    Raises
    ------
    InputError
        The unit is not one of `SI`.
    """
    if unit not in SI:
        raise InputError(
            "unknown unit", value=unit, allowed=", ".join(SI), suggestion=nearest(unit, SI), remedy="write one of these"
        )
    return value * SI[unit]
