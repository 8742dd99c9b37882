"""The factors of `carbonscaling.units.SI`, held against an independent unit library."""

from __future__ import annotations

import math
from typing import Any

import pint
import pytest

from carbonscaling import units
from carbonscaling.errors import InputError
from carbonscaling.units import SI, to_si

UREG: Any = pint.get_application_registry()  # type: ignore[no-untyped-call]
UREG.define("flop = [computation]")
UREG.define("usd = [money]")
UREG.define("water_litre = [water]")

# name in the catalogue -> (Pint unit, Pint unit that the package calls SI)
PINT: dict[str, tuple[str, str]] = {
    "1": ("dimensionless", "dimensionless"),
    "%": ("percent", "dimensionless"),
    "FLOP/s": ("flop/s", "flop/s"),
    "TFLOP/s": ("teraflop/s", "flop/s"),
    "B": ("byte", "byte"),
    "kB": ("kilobyte", "byte"),
    "KiB": ("kibibyte", "byte"),
    "MB": ("megabyte", "byte"),
    "MiB": ("mebibyte", "byte"),
    "GB": ("gigabyte", "byte"),
    "GiB": ("gibibyte", "byte"),
    "TB": ("terabyte", "byte"),
    "B/s": ("byte/s", "byte/s"),
    "GB/s": ("gigabyte/s", "byte/s"),
    "TB/s": ("terabyte/s", "byte/s"),
    "Gbit/s": ("gigabit/s", "byte/s"),
    "1/s": ("1/second", "1/second"),
    "s": ("s", "s"),
    "ms": ("ms", "s"),
    "us": ("us", "s"),
    "ns": ("ns", "s"),
    "h": ("hour", "s"),
    "d": ("day", "s"),
    "y": ("julian_year", "s"),
    "MHz": ("megahertz", "hertz"),
    "GHz": ("gigahertz", "hertz"),
    "W": ("W", "W"),
    "kW": ("kW", "W"),
    "J": ("J", "J"),
    "kWh": ("kWh", "J"),
    "mm2": ("mm^2", "m^2"),
    "cm2": ("cm^2", "m^2"),
    "m2": ("m^2", "m^2"),
    "kg": ("kg", "kg"),
    "t": ("metric_ton", "kg"),
    "g": ("g", "kg"),
    "kg/cm2": ("kg/cm^2", "kg/m^2"),
    "kg/m2": ("kg/m^2", "kg/m^2"),
    "1/cm2": ("1/cm^2", "1/m^2"),
    "L": ("water_litre", "water_litre"),
    "kg/GB": ("kg/gigabyte", "kg/byte"),
    "kg/kW": ("kg/kW", "kg/W"),
    "kg/kWh": ("kg/kWh", "kg/J"),
    "g/kWh": ("g/kWh", "kg/J"),
    "kWh/cm2": ("kWh/cm^2", "J/m^2"),
    "L/kWh": ("water_litre/kWh", "water_litre/J"),
    "MJ": ("MJ", "J"),
    "MJ/kWh": ("MJ/kWh", "J/J"),
    "USD/h": ("usd/hour", "usd/s"),
    "USD/kWh": ("usd/kWh", "usd/J"),
}


def test_every_unit_is_checked() -> None:
    assert set(SI) <= set(PINT)


@pytest.mark.parametrize("name", sorted(SI))
def test_factor_agrees_with_pint(name: str) -> None:
    unit, base = PINT[name]
    assert SI[name] == pytest.approx(UREG.Quantity(1.0, unit).to(base).magnitude, rel=1e-12)


def test_constants_agree_with_the_table() -> None:
    assert (SI["h"], SI["d"], SI["y"]) == (units.HOUR, units.DAY, units.YEAR)
    assert (SI["kWh"], SI["GB"], SI["GiB"], SI["t"]) == (units.KWH, units.GB, units.GIB, units.TONNE)
    assert math.isclose(units.YEAR / units.HOUR, 8766.0)


def test_unknown_unit_is_an_input_error() -> None:
    with pytest.raises(InputError, match="unknown unit") as caught:
        to_si(1.0, "kg/kwh")
    assert caught.value.suggestion == "kg/kWh"
    assert "GB/s" in str(caught.value)
