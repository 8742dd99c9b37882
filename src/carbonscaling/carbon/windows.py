"""Hours of the week in which a run may work: nights, weekends, or hours of the day."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from carbonscaling.carbon.profile import HourlyProfile
from carbonscaling.errors import InputError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

__all__ = ["ALWAYS", "open_steps"]

ALWAYS = "always"
NIGHT = (22.0, 6.0)
SATURDAY = 5


def open_steps(profile: HourlyProfile, window: str) -> npt.NDArray[np.bool_]:
    """Return for each step of a profile whether work may go on when it begins.

    Parameters
    ----------
    profile : HourlyProfile
    window : str
        ``always``, ``night`` (22 to 6), ``weekend`` (Saturday and Sunday) or hours such as ``20-8``, in the profile's own time;
        with ``@Europe/Berlin`` behind it in the time of that zone.

    Raises
    ------
    InputError
        No such window, no such zone, or a zone where the profile's times have none.
    """
    kind, _, zone = window.partition("@")
    hours = _hours(kind, window)
    first, step = datetime.fromisoformat(profile.begin), timedelta(hours=profile.step_h)
    local = _zone(zone, first, window)
    moments = (first + i * step for i in range(len(profile.g_per_kwh)))
    clock = [m if local is None else m.astimezone(local) for m in moments]
    if kind == ALWAYS:
        return np.ones(len(clock), dtype=bool)
    if hours is None:
        return np.array([m.weekday() >= SATURDAY for m in clock])
    begin, end = hours
    of_day = np.array([m.hour + m.minute / 60.0 for m in clock])
    within: npt.NDArray[np.bool_] = (
        (of_day >= begin) & (of_day < end) if begin < end else (of_day >= begin) | (of_day < end)
    )
    return within


def _hours(kind: str, window: str) -> tuple[float, float] | None:
    found = re.fullmatch(r"(\d{1,2})-(\d{1,2})", kind)
    if found and int(found[1]) <= 24 and int(found[2]) <= 24 and found[1] != found[2]:
        return float(found[1]), float(found[2])
    if kind in ("night", "weekend", ALWAYS):
        return NIGHT if kind == "night" else None
    raise InputError(
        "unknown window", key="windows", value=window, allowed="always, night, weekend, 20-8; with @ZONE behind",
        remedy="choose one of these",
    )  # fmt: skip


def _zone(name: str, first: datetime, window: str) -> ZoneInfo | None:
    if not name:
        return None
    if first.tzinfo is None:
        raise InputError("a window in a time zone, where the profile's times have none", key="windows", value=window,
                         remedy="leave the zone out, or write it in every row of the profile")  # fmt: skip
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError("unknown time zone", key="windows", value=name, allowed="names such as Europe/Berlin or UTC",
                         remedy="correct the name") from error  # fmt: skip
