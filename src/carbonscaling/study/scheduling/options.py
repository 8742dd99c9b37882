"""What may be chosen of a timetable, and what it is held to."""

from __future__ import annotations

import math
from typing import Literal

from carbonscaling.errors import InputError
from carbonscaling.fields import check_fields, in_range
from carbonscaling.record import dataclass

__all__ = ["Timetabling"]

LONGEST_DAYS = 36525.0
MOST_WINDOWS = 100_000


@dataclass(frozen=True)
class Timetabling:
    """What may be chosen of a timetable.

    Attributes
    ----------
    within_days : float
        Days from the first hour by which the run must have ended.
    columns : tuple of str
        Columns of the --hourly file: places that the run may move between; the scenario's own if not given.
    restart_hours : float
        Hours at working power for a checkpoint and a new start, at the end of a pause.
    moving_kwh : float
        Energy of bringing the states to another place, kWh.
    released : bool
        Whether a pause gives the devices back: nobody pays, powers or holds them for this run.
    power_limits : tuple of float
        Power limits in W that hours may have, beside none, with the same layout.
    counts : tuple of int
        Fewer devices that hours may have; another number begins after a pause.
    least : {"carbon", "cost"}
        What is least.
    under_usd : float, optional
        Most money, where carbon is least.
    under_tco2e : float, optional
        Most carbon, where money is least.
    prices : str, optional
        Price of electricity by the hour in USD/MWh: CSV file with the columns time, usd_per_mwh, or with a column named behind
        it, at the hours of the --hourly file. Beside the device's price, which should then hold no electricity.
    forecast : str, optional
        Forecast of the --hourly file, as such a file: what its plan really takes stands beside the others.
    trust : float
        Probability with which the learning-augmented policies follow the forecast, or believe the planned length, and not the
        guaranteed policy.
    lengths : tuple of float
        Shortest and longest time that the run may take, over the planned one, for the policy that does not know it; the 90 %
        interval of its duration if not given.
    windows : int
        Random windows of the file, as long as this one, on which all policies are compared too.
    """

    within_days: float
    columns: tuple[str, ...] = ()
    restart_hours: float = 0.0
    moving_kwh: float = 0.0
    released: bool = False
    power_limits: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    least: Literal["carbon", "cost"] = "carbon"
    under_usd: float | None = None
    under_tco2e: float | None = None
    prices: str | None = None
    forecast: str | None = None
    trust: float = 0.5
    lengths: tuple[float, ...] = ()
    windows: int = 0

    def __post_init__(self) -> None:
        """Refuse what makes no timetable."""
        check_fields(self)
        ranges = {
            "within_days": (0.0, LONGEST_DAYS), "restart_hours": (0.0, 24.0), "moving_kwh": (0.0, math.inf),
            "trust": (0.0, 1.0), "windows": (0, MOST_WINDOWS), "under_usd": (0.0, math.inf), "under_tco2e": (0.0, math.inf),
        }  # fmt: skip
        for key, (low, high) in ranges.items():
            value = getattr(self, key)
            if value is not None:
                in_range(key, value, low, high)
        if self.lengths and not (len(self.lengths) == 2 and 0.0 < self.lengths[0] <= 1.0 <= self.lengths[1] < math.inf):
            raise InputError(
                "lengths are the shortest and the longest time over the planned one", key="lengths",
                value=",".join(f"{x:g}" for x in self.lengths), allowed="two numbers, one of at most 1 and one of at least 1",
                remedy="write 0.9,1.2",
            )  # fmt: skip
        if not self.within_days:
            raise InputError("the deadline is out of range", key="within_days", value=self.within_days,
                             allowed="more than 0 days", remedy="give days from the first hour")  # fmt: skip
        for bound, bounded in (("under_usd", "carbon"), ("under_tco2e", "cost")):
            if getattr(self, bound) is not None and self.least != bounded:
                raise InputError(
                    f"{bound} bounds a timetable of least {bounded}", key=bound, value=getattr(self, bound),
                    remedy=f"add --least {bounded}, or leave it out",
                )  # fmt: skip
