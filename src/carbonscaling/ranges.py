"""What a quantity can be, by the name that it has in every question: a value beyond is another unit's, or a slip."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.fields import finite
from carbonscaling.hints import NamedTuple

__all__ = ["RANGES", "Range", "check_ranges"]


class Range(NamedTuple):
    """What a quantity can be.

    Attributes
    ----------
    low, high : float
        Both allowed.
    unit : str
    remedy : str
        What is meant, as a rule, by a value beyond.
    nought : bool
        Whether 0 is allowed though it is below `low`.
    """

    low: float
    high: float
    unit: str
    remedy: str
    nought: bool = False

    @property
    def allowed(self) -> str:
        """In words."""
        low, high = (re.sub(r"e([+-])0*", lambda e: "e" + e[1].strip("+"), f"{end:g}") for end in (self.low, self.high))
        return f"{'0, or ' if self.nought else ''}{low} to {high} {self.unit}"

    def holds(self, value: float) -> bool:
        """Say whether a value is in it."""
        return finite(value) and (self.low <= value <= self.high or (self.nought and value == 0.0))


_INTENSITY = Range(1.0, 5000.0, "g CO2e/kWh", "give g CO2e per kWh: 0.4 kg/kWh is 400", nought=True)
_PARAMS = Range(1e6, 1e15, "parameters", "parameters are counted singly: 13B is 13e9")
_TOKENS = Range(1e6, 1e18, "tokens", "tokens are counted singly: 15.6T is 15.6e12")
_OVER = "times the final run"
RANGES: dict[str, Range] = {
    "carbon_intensity_g_per_kwh": _INTENSITY,
    "g_per_kwh": _INTENSITY,
    "pue": Range(1.0, 10.0, "(facility energy over IT energy)", "PUE is facility energy over IT energy: 1.1, say"),
    "nic_gbps": Range(0.001, 1e5, "Gbit/s a device", "give Gbit/s: 400e9 bit/s is 400"),
    "lifetime_years": Range(0.01, 100.0, "years", "give years: 60 months are 5"),
    "tpot_s": Range(1e-6, 10.0, "s", "give seconds: 50 ms is 0.05"),
    "ttft_s": Range(1e-6, 3600.0, "s", "give seconds: 500 ms is 0.5"),
    "price_usd_per_device_hour": Range(
        1e-6, 1e4, "USD an hour of one device", "give dollars for an hour of one device"
    ),
    "development": Range(0.0, 100.0, _OVER, "a share of the final run: 50 % is 0.5"),
    "failed_runs": Range(0.0, 10.0, _OVER, "a share of the final run: 20 % is 0.2"),
    "evaluation": Range(0.0, 10.0, _OVER, "a share of the final run: 5 % is 0.05"),
    "inference": Range(0.0, 1e6, _OVER, "a share of the final run: 50 % is 0.5"),
    "idle_reservation": Range(0.0, 100.0, "times the time of the run", "a share of the run's time: 5 % is 0.05"),
    "tokens": _TOKENS,
    "served_tokens": Range(1e6, 1e20, "tokens", "tokens are counted singly: 2T is 2e12"),
    "params": _PARAMS,
    "candidates": _PARAMS,
    "loss": Range(0.01, 20.0, "nats a token", "give the loss that the law speaks of: 2.0, say"),
    "terabytes": Range(1e-9, 1e9, "TB", "give terabytes: 500e12 bytes are 500"),
    "years": Range(1e-9, 100.0, "years", "give how long, no date: 3, say"),
    "days": Range(1e-9, 36525.0, "days", "give days: at most a century"),
    "write_s": Range(0.0, 86400.0, "s", "give seconds"),
    "restart_s": Range(0.0, 7 * 86400.0, "s", "give seconds"),
}
"""By the field of a question; a key of the same name means the same wherever it stands."""


def check_ranges(values: Mapping[str, Any], prefix: str = "", where: str | None = None) -> None:
    """Refuse numbers that a quantity cannot be, each by name; what is None, or has no range, passes.

    Raises
    ------
    InputError
        With the key, the value, what is allowed and in what unit, and what is meant as a rule.
    """
    for key, value in values.items():
        known = RANGES.get(key)
        if known is None or value is None:
            continue
        for one in value if isinstance(value, tuple) else (value,):
            if not known.holds(one):
                raise InputError(f"{key} is out of range", where=where, key=prefix + key, value=one, allowed=known.allowed,
                                 remedy=known.remedy)  # fmt: skip
