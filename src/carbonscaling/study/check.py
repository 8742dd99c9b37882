"""What a scenario may hold: bounds by field, and values that exclude each other."""

from __future__ import annotations

import dataclasses
import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from carbonscaling.errors import InputError, nearest
from carbonscaling.search.divisors import MOST_WHOLE
from carbonscaling.search.objectives import OBJECTIVES

if TYPE_CHECKING:
    from carbonscaling.study.scenario import Scenario

__all__ = ["check"]

_POSITIVE = ("tokens", "compute", "target_loss", "max_days", "nic_gbps", "lifetime_years", "price_usd_per_device_hour")
_COUNTS = ("devices", "max_devices", "batch", "seq_len", "d_model")
_BOUNDS: tuple[tuple[str, float, float, str, str], ...] = (
    ("layout.zero", 0, 3, "0, 1, 2 or 3", "choose a ZeRO stage"),
    ("layout.recompute_percent", 1, 100, "1 to 100 percent", "100 recomputes in every layer"),
    ("layout.shard", 0, math.inf, "0 (the whole group) or a group size", "choose a group size"),
    ("tokens", 1e6, 1e18, "1e6 to 1e18 tokens", "tokens are counted singly: 15.6T is 15.6e12"),
    ("max_days", 0, 36525, "at most 36525 days (a century)", "give the deadline in days"),
    ("max_devices", 1, 1e9, "at most 1e9 devices", "lower it"),
    ("pue", 1, 10, "1 to 10", "PUE is facility energy over IT energy"),
    ("run_overhead", 1, 100, "1 to 100", "1 means that nothing is lost"),
    ("carbon_intensity_g_per_kwh", 0, 5000, "0 to 5000 g/kWh", "give g CO2e per kWh"),
    ("start_hour", 0, 1e6, "0 to 1000000 hours", "hours count from the profile's first"),
    ("years_ahead", 0, 50, "0 to 50", "project at most 50 years"),
)
_DEGREES = ("tp", "pp", "dp", "cp", "ep", "etp", "vpp", "micro_batch")


def _refuse(key: str, value: object, allowed: str, remedy: str) -> None:
    raise InputError(f"{key} out of range", key=key, value=value, allowed=allowed, remedy=remedy)


def check(s: Scenario) -> None:
    """Refuse values of a scenario that make no sense, each by name.

    Raises
    ------
    InputError
        A value out of range, an unknown objective, or values that exclude each other.
    """
    _check_switches(s)
    for key in (*_POSITIVE, "carbon_intensity_g_per_kwh", "pue", "run_overhead", "years_ahead", "start_hour"):
        value = getattr(s, key)
        if value is not None and not math.isfinite(value):
            _refuse(key, value, "a finite number", "correct it")
    for key in _POSITIVE:
        value = getattr(s, key)
        if value is not None and value <= 0:
            _refuse(key, value, "a number above 0", f"give {key} as a positive number, or leave it out")
    whole = f"a whole number, 1 or more, up to {MOST_WHOLE:,}"
    for key in _COUNTS:
        value = getattr(s, key)
        if value is not None and not 1 <= value <= MOST_WHOLE:
            _refuse(key, value, whole, f"give {key} as a positive count, or leave it out")
    for key in _DEGREES:
        value = getattr(s.layout, key)
        if value is not None and not 1 <= value <= MOST_WHOLE:
            _refuse(f"layout.{key}", value, whole, "leave it out to search it")
    for key, low, high, allowed, remedy in _BOUNDS:
        value = getattr(s.layout, key.removeprefix("layout.")) if key.startswith("layout.") else getattr(s, key)
        if value is not None and not low <= value <= high:
            _refuse(key, value, allowed, remedy)
    if outside := [share for share in s.quantiles if not 0 <= share <= 1]:
        _refuse("quantiles", outside[0], "shares from 0 to 1", "0.5 is the median")
    _check_hours(s)
    if s.objective not in OBJECTIVES:
        raise InputError(
            "unknown objective",
            key="objective",
            value=s.objective,
            allowed="; ".join(f"{o.name}: {o.description}" for o in OBJECTIVES.values()),
            suggestion=nearest(s.objective, OBJECTIVES),
            remedy="choose one of these",
        )


def _check_hours(s: Scenario) -> None:
    if s.hourly is not None and s.carbon_intensity_g_per_kwh is not None:
        raise InputError(
            "two carbon intensities", key="hourly", value=s.hourly,
            allowed="one of hourly and carbon_intensity_g_per_kwh", remedy="leave one out",
        )  # fmt: skip
    if s.hourly is None and s.start_hour:
        raise InputError(
            "a start hour needs carbon intensity by the hour", key="start_hour", value=s.start_hour,
            remedy="add --hourly FILE.csv, or leave the start hour out",
        )  # fmt: skip


@lru_cache(maxsize=4)
def _switches(cls: Any) -> frozenset[str]:
    return frozenset(field.name for field in dataclasses.fields(cls) if "bool" in str(field.type))


def _check_switches(s: Scenario) -> None:
    """Refuse true and false for a number, where Python would take them for 1 and 0."""
    parts: dict[str, Any] = {"": s, "layout.": s.layout, "boundary.": s.boundary}
    for prefix, part in parts.items():
        for key, value in vars(part).items():
            if isinstance(value, bool) and key not in _switches(part.__class__):
                _refuse(f"{prefix}{key}", value, "a number or a name", "true and false are for switches")
