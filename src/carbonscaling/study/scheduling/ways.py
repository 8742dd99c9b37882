"""How a run may work in an hour: as it is, under a power limit, or on fewer devices; and what each way takes an hour."""

from __future__ import annotations

import numpy as np

from carbonscaling.carbon.footprint import footprint
from carbonscaling.errors import InputError
from carbonscaling.perf.numbers import Recompute, Schedule, Setting
from carbonscaling.record import dataclass
from carbonscaling.study.answer import estimate
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.scenario import Layout, Scenario, replace
from carbonscaling.study.scheduling.options import Timetabling
from carbonscaling.units import HOUR, KWH

__all__ = ["Way", "idle_kwh", "units", "ways_of"]

MOST_UNITS = 64


@dataclass(frozen=True)
class Way:
    """A way of working.

    Attributes
    ----------
    name : str
        What is other than usual; empty for the run as it is.
    speed : float
        Work an hour over that of the run as it is.
    kwh : float
        Energy an hour of the devices at work.
    embodied_kg : float
        Embodied carbon an hour of the devices at work.
    n_devices : int
        Devices at work.
    """

    name: str
    speed: float
    kwh: float
    embodied_kg: float
    n_devices: int


def _way(name: str, base: Estimate, e: Estimate) -> Way:
    hours = e.duration_s / HOUR
    return Way(
        name, base.duration_s / e.duration_s, e.footprint.energy_kwh / hours, e.footprint.embodied_tco2e * 1e3 / hours,
        e.n_devices,
    )  # fmt: skip


def ways_of(e: Estimate, asked: Timetabling) -> tuple[Way, ...]:
    """Return the run as it is, then under every power limit with the same layout, then on every count with its best layout.

    All of them train the same tokens in the same batches.

    Raises
    ------
    InputError
        A limit or a count is no lever, or has no answer.
    """
    r = e.resolved
    s = replace(
        e.scenario, model=r.spec, law=None, d_model=None, target_loss=None, compute=None, tokens=r.tokens, seq_len=r.seq_len,
        batch=int(r.batch), batch_law=None, devices=e.n_devices, max_days=None, finish_by=None, start_date=None,
        budget_usd=None, budget_carbon=None, budget_energy=None, objective="time", practice="best",
    )  # fmt: skip
    found = [_way("", e, e)]
    for limit in asked.power_limits:
        own = _layout(e.setting)
        found.append(_asked(e, replace(s, power_limit=limit, layout=own), f"{limit:g} W", "power_limits", limit))
    for count in asked.counts:
        if not 1 <= count < e.n_devices:
            raise InputError(
                "a count that is no fewer than the run's", key="counts", value=count, allowed=f"1 to {e.n_devices - 1:,}",
                remedy="give more devices to the run, and fewer here",
            )  # fmt: skip
        found.append(_asked(e, replace(s, devices=count), f"{count:,} devices", "counts", count))
    return tuple(found)


def _asked(e: Estimate, s: Scenario, name: str, key: str, value: float) -> Way:
    answer = estimate(s)
    if not isinstance(answer, Estimate):
        raise InputError(
            f"the run has no answer with {name}: {answer.reason}", key=key, value=value, remedy="leave it out"
        )
    return _way(name, e, answer)


def _layout(setting: Setting) -> Layout:
    """Return a setting as a scenario states it."""
    names = ("tp", "pp", "dp", "cp", "ep", "etp", "vpp", "zero", "shard", "micro_batch", "recompute_percent")
    return Layout(
        **{name: int(getattr(setting, name)) for name in names},
        recompute=Recompute.said(setting), schedule=Schedule.NAMES[int(setting.schedule)],
        sequence_parallel=bool(setting.sp),
    )  # fmt: skip


def idle_kwh(e: Estimate, n_devices: int) -> float:
    """Return the energy an hour of devices that are held without work."""
    idle = footprint(e.resolved.carbon.numbers._replace(idle_share=1.0), n_devices, HOUR, 0.0)
    return float(idle.energy_j) / KWH


def units(ways: tuple[Way, ...]) -> tuple[int, ...]:
    """Return the work of a step in every way, in whole units: those of up to 64 that lose least by rounding down.

    >>> units((Way("", 1.0, 1.0, 0.0, 8), Way("500 W", 0.9, 0.8, 0.0, 8)))
    (10, 9)
    """
    speed = np.array([way.speed for way in ways])
    if len(speed) == 1:
        return (1,)
    every = np.arange(1, MOST_UNITS + 1)
    whole = np.floor(np.multiply.outer(every, speed) * (1.0 + 1e-12))
    kept = (whole / np.multiply.outer(every, speed)).min(axis=1)
    best = whole[int(kept.argmax())]
    return tuple(int(v) for v in best)
