"""What a scenario may hold: bounds by field, and values that exclude each other."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from datetime import date
from operator import itemgetter
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.meaning import choice_meant
from carbonscaling.ranges import RANGES, check_ranges
from carbonscaling.search.divisors import MOST_WHOLE
from carbonscaling.search.objectives import OBJECTIVES

__all__ = ["LAYOUT_BOUNDS", "check", "check_layout"]

Bound = tuple[str, float, float, str, str]

_FINITE = ("a finite number", "correct it")
_LEAST, _MOST = math.ulp(0.0), sys.float_info.max
_POSITIVE = (
    "compute",
    "target_loss",
    "max_days",
    "power_limit",
    "budget_usd",
    "budget_carbon",
    "budget_energy",
)
_RANGED = ("tokens", "pue", "nic_gbps", "lifetime_years", "price_usd_per_device_hour")
_COUNTS = (
    "devices",
    "max_devices",
    "batch",
    "seq_len",
    "sample_len",
    "d_model",
    "frozen_layers",
    "tower_tokens",
    "tower_patches",
)
ADAPTERS = ("lora", "qlora")
_DEGREES = ("tp", "pp", "dp", "cp", "ep", "etp", "vpp", "micro_batch")
_WHOLE = f"a whole number, 1 or more, up to {MOST_WHOLE:,}"
_BOUNDS: tuple[Bound, ...] = (
    *((key, RANGES[key].low, RANGES[key].high, RANGES[key].allowed, RANGES[key].remedy) for key in _RANGED),
    *((key, -_MOST, _MOST, *_FINITE) for key in (*_POSITIVE, "run_overhead", "years_ahead", "start_hour")),
    *(
        (key, _LEAST, _MOST, "a number above 0", f"give {key} as a positive number, or leave it out")
        for key in _POSITIVE
    ),
    *((key, 1, MOST_WHOLE, _WHOLE, f"give {key} as a positive count, or leave it out") for key in _COUNTS),
    ("lora_rank", 1, 65536, "1 to 65536", "a rank is a small count, 8 to 256 as a rule"),
    ("max_days", 0, 36525, "at most 36525 days (a century)", "give the deadline in days"),
    ("max_devices", 1, 1e9, "at most 1e9 devices", "lower it"),
    ("run_overhead", 1, 100, "1 to 100", "1 means that nothing is lost"),
    ("memory_margin", 0, 1, "0 to 1", "0.05 leaves room for 5 % more than is estimated"),
    ("start_hour", 0, 1e6, "0 to 1000000 hours", "hours count from the profile's first"),
    ("years_ahead", 0, 50, "0 to 50", "project at most 50 years"),
)
"""Checked in this order, so that the first remedy is the plainest."""
LAYOUT_BOUNDS: tuple[Bound, ...] = (
    *((key, 1, MOST_WHOLE, _WHOLE, "leave it out to search it") for key in _DEGREES),
    ("zero", 0, 3, "0, 1, 2 or 3", "choose a ZeRO stage"),
    ("recompute_percent", 1, 100, "1 to 100 percent", "100 recomputes in every layer"),
    ("shard", 0, math.inf, "0 (the whole group) or a group size", "choose a group size"),
)


def _tightest(bounds: tuple[Bound, ...]) -> tuple[Callable[[Mapping[str, Any]], Any], tuple[tuple[float, float], ...]]:
    """Return a reader of all fields that have bounds, and for each the bounds that imply all others."""
    ends: dict[str, tuple[float, float]] = {}
    for key, low, high, *_ in bounds:
        known = ends.get(key, (low, high))
        ends[key] = (max(low, known[0]), min(high, known[1]))
    return itemgetter(*ends), tuple(ends.values())


_NUMBERS, _ENDS = _tightest(_BOUNDS)
_LAYOUT_NUMBERS, _LAYOUT_ENDS = _tightest(LAYOUT_BOUNDS)


def _refuse(key: str, value: object, allowed: str, remedy: str) -> None:
    raise InputError(f"{key} out of range", key=key, value=value, allowed=allowed, remedy=remedy)


def _refuse_outside(values: Mapping[str, Any], bounds: tuple[Bound, ...], prefix: str = "") -> None:
    for key, low, high, allowed, remedy in bounds:
        value = values[key]
        if value is not None and not low <= value <= high:
            _refuse(prefix + key, value, allowed, remedy)


def check_layout(values: Mapping[str, Any]) -> None:
    """Refuse degrees and shares of a layout that make no sense, each by name.

    Raises
    ------
    InputError
        A value out of range.
    """
    for value, (low, high) in zip(_LAYOUT_NUMBERS(values), _LAYOUT_ENDS, strict=True):
        if value is not None and not low <= value <= high:
            _refuse_outside(values, LAYOUT_BOUNDS, "layout.")
    if values["recompute"] == "partial" and values["recompute_percent"] == 100:
        _refuse("layout.recompute_percent", 100, "1 to 99 where recompute is partial", "100 percent is recompute full")


def check(s: Mapping[str, Any]) -> None:
    """Refuse values of a scenario, by field, that make no sense, each by name.

    Raises
    ------
    InputError
        A value out of range, an unknown choice, or values that exclude each other.
    """
    for value, (low, high) in zip(_NUMBERS(s), _ENDS, strict=True):
        if value is not None and not low <= value <= high:
            _refuse_outside(s, _BOUNDS)
    if (intensity := s["carbon_intensity_g_per_kwh"]) is not None:
        check_ranges({"carbon_intensity_g_per_kwh": intensity})
    if s["quantiles"] and (outside := [share for share in s["quantiles"] if not 0 <= share <= 1]):
        _refuse("quantiles", outside[0], "shares from 0 to 1", "0.5 is the median")
    if s["history"] and (outside := [ratio for ratio in s["history"] if not 0.01 <= ratio <= 100]):
        _refuse(
            "history",
            outside[0],
            "ratios from 0.01 to 100",
            "give reported over estimated device-hours of an earlier run",
        )
    if s["hourly"] is not None or s["start_hour"]:
        _check_hours(s)
    if s["finish_by"] is not None or s["start_date"] is not None:
        _check_dates(s)
    if s["train"] != "full" or s["frozen_layers"] is not None or s["lora_rank"] is not None or s["lora_on"] is not None:
        _check_training(s)
    if s["towers"] != "none" or s["tower_tokens"] is not None or s["tower_patches"] is not None:
        _check_towers(s)
    if s["objective"] not in OBJECTIVES:
        raise InputError(
            "unknown objective",
            key="objective",
            value=s["objective"],
            allowed="; ".join(f"{o.name}: {o.description}" for o in OBJECTIVES.values()),
            suggestion=choice_meant("objective", str(s["objective"]), OBJECTIVES),
            remedy="choose one of these",
        )


def _check_dates(s: Mapping[str, Any]) -> None:
    for key in ("finish_by", "start_date"):
        try:
            date.fromisoformat(s[key] or "2000-01-01")
        except ValueError:
            _refuse(key, s[key], "a date as YYYY-MM-DD", "for instance 2027-03-31")
    if s["finish_by"] is None or s["max_days"] is not None:
        raise InputError(
            "a start needs a date to finish by" if s["finish_by"] is None else "two deadlines", key="finish_by",
            value=s["finish_by"], allowed="one of finish_by and max_days",
            remedy="give finish_by alone, with or without start_date",
        )  # fmt: skip
    if s["start_date"] is not None and s["start_date"] >= s["finish_by"]:
        _refuse("finish_by", s["finish_by"], f"after {s['start_date']}", "correct one of the dates")


def _check_training(s: Mapping[str, Any]) -> None:
    if s["train"] in ("continued", "sft") and s["seq_len"] is None:
        raise InputError(
            "later training has a sequence length of its own", key="train", value=s["train"], allowed="with seq_len",
            remedy="add --seq-len TOKENS, of a packed sequence where samples are packed",
        )  # fmt: skip
    if s["train"] == "frozen-language" and s["towers"] != "trained":
        raise InputError(
            "nothing is left to train beside a frozen language model", key="towers", value=s["towers"], allowed="trained",
            remedy="add --towers trained --tower-tokens N, or train the language model",
        )  # fmt: skip
    for key, what in (("lora_rank", "a rank"), ("lora_on", "a place")):
        if s[key] is not None and s["train"] not in ADAPTERS:
            raise InputError(
                f"{what} is of adapters, and none are trained", key=key, value=s[key],
                allowed=f"with train {' or '.join(ADAPTERS)} alone",
                remedy=f"add --train lora (or qlora), or leave the {what[2:]} out",
            )  # fmt: skip
    if (s["train"] == "frozen-layers") != (s["frozen_layers"] is not None):
        raise InputError(
            "frozen layers are trained around with their number, and not without", key="frozen_layers",
            value="nothing" if s["frozen_layers"] is None else s["frozen_layers"],
            allowed='a count, with train = "frozen-layers" alone',
            remedy="give --train frozen-layers and --frozen-layers N together, or neither",
        )  # fmt: skip


def _check_towers(s: Mapping[str, Any]) -> None:
    if s["towers"] == "none" or s["tower_tokens"] is None:
        raise InputError(
            "towers work on the share of the tokens that comes from them", key="tower_tokens",
            value="nothing" if s["tower_tokens"] is None else s["tower_tokens"],
            allowed="a count, with towers frozen or trained",
            remedy="give --towers frozen (or trained) and --tower-tokens N of a sequence together, or neither",
        )  # fmt: skip


def _check_hours(s: Mapping[str, Any]) -> None:
    if s["hourly"] is not None and s["carbon_intensity_g_per_kwh"] is not None:
        raise InputError(
            "two carbon intensities", key="hourly", value=s["hourly"],
            allowed="one of hourly and carbon_intensity_g_per_kwh", remedy="leave one out",
        )  # fmt: skip
    if s["hourly"] is None and s["start_hour"]:
        raise InputError(
            "a start hour needs carbon intensity by the hour", key="start_hour", value=s["start_hour"],
            remedy="add --hourly FILE.csv, or leave the start hour out",
        )  # fmt: skip
