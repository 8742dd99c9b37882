"""Policies on random windows of a profile: what waiting saves where luck has no say, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from carbonscaling.hints import NamedTuple
from carbonscaling.study.scenario import Scenario, replace
from carbonscaling.study.scheduling.options import Timetabling
from carbonscaling.study.scheduling.policies import Policy
from carbonscaling.study.scheduling.profiles import Window, window_of

__all__ = ["OnWindows", "compared", "random_windows"]

SEED = 466


class OnWindows(NamedTuple):
    """A policy on many windows.

    Attributes
    ----------
    name : str
    n : int
        Windows.
    saved : float
        Carbon that it saves over all windows, as a share of what running at once emits in them.
    better : float
        Share of the windows in which it emits less than running at once.
    worst : float
        Its carbon over that of the best timetable, in the window where that is greatest.
    later_days : float
        Days that it ends later than running at once, in the mean.
    more_usd : float, optional
        Money that it takes over running at once, in the mean.
    """

    name: str
    n: int
    saved: float
    better: float
    worst: float
    later_days: float
    more_usd: float | None


def random_windows(s: Scenario, asked: Timetabling, window: Window) -> Iterator[Window]:
    """Yield windows of the same length that begin at random steps of the profile, which begins again beyond its end."""
    starts = np.random.default_rng(SEED).integers(0, len(window.home.g_per_kwh), asked.windows)
    for start in starts.tolist():
        yield window_of(replace(s, start_hour=start * window.step_h), asked)


def compared(windows: Sequence[Sequence[Policy]]) -> tuple[OnWindows, ...]:
    """Return what the policies come to on all windows; the first of each is running at once, the last has foresight."""
    found = []
    base = np.array([w[0].total_tco2e for w in windows])
    least = np.array([w[-1].total_tco2e for w in windows])
    for policies in zip(*windows, strict=True):
        own = np.array([p.total_tco2e for p in policies])
        usd = [p.cost_usd - w[0].cost_usd for p, w in zip(policies, windows, strict=True)
               if p.cost_usd is not None and w[0].cost_usd is not None]  # fmt: skip
        found.append(OnWindows(
            policies[0].name, len(own), float(1.0 - own.sum() / base.sum()), float((own < base * (1.0 - 1e-12)).mean()),
            float((own / least).max()), float(np.mean([p.days - w[0].days for p, w in zip(policies, windows, strict=True)])),
            float(np.mean(usd)) if usd else None,
        ))  # fmt: skip
    return tuple(found)
