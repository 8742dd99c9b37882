"""The carbon and the money of a run, step by step, in every way of working."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from carbonscaling.carbon.contracts import Contracts, covered_share
from carbonscaling.errors import InputError
from carbonscaling.record import dataclass
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.scheduling.options import Timetabling
from carbonscaling.study.scheduling.profiles import Window
from carbonscaling.study.scheduling.ways import Way, idle_kwh, units
from carbonscaling.timetable.job import Array, Job
from carbonscaling.units import HOUR, KWH

__all__ = ["Jobs", "jobs_of"]


@dataclass(frozen=True)
class Jobs:
    """What a run takes in kg CO2e, in the intensities that come and in those that were forecast, and in USD.

    Attributes
    ----------
    carbon : Job
    forecast : Job, optional
    money : Job, optional
        None where no price is known.
    usd_a_step : float, optional
        Where devices are held from begin to end, and nothing else has a price: USD of every step between.
    """

    carbon: Job
    forecast: Job | None
    money: Job | None
    usd_a_step: float | None = None


@dataclass(frozen=True)
class _Held:
    """Energy and embodied carbon an hour: of the ways with all that is held, and of a pause."""

    ways: tuple[Way, ...]
    kwh: tuple[float, ...]
    embodied_kg: tuple[float, ...]
    devices: tuple[int, ...]
    paused_kwh: float
    paused_kg: float
    paused_devices: int


def _held(e: Estimate, ways: Sequence[Way], released: bool) -> _Held:
    """Devices that a way does not use are held at idle power, unless they are given back."""
    n = e.n_devices
    idle = 0.0 if released else idle_kwh(e, n)
    rest = [0.0 if released or way.n_devices == n else idle_kwh(e, n - way.n_devices) for way in ways]
    return _Held(
        tuple(ways),
        tuple(way.kwh + more for way, more in zip(ways, rest, strict=True)),
        tuple(way.embodied_kg if released else ways[0].embodied_kg for way in ways),
        tuple(way.n_devices if released else n for way in ways),
        idle, 0.0 if released else ways[0].embodied_kg, 0 if released else n,
    )  # fmt: skip


def jobs_of(e: Estimate, ways: tuple[Way, ...], window: Window, asked: Timetabling, contracts: Contracts) -> Jobs:
    """Return what a run takes hour by hour.

    Raises
    ------
    InputError
        A contract that has no hours.
    """
    held, speeds = _held(e, ways, asked.released), units(ways)
    work = e.duration_s / HOUR / window.step_h * speeds[0]
    counts = sorted({way.n_devices for way in ways})
    groups = tuple(counts.index(way.n_devices) for way in ways)
    contract = _counted(contracts, e.scenario.scope2, window)
    step = window.step_h

    def job(per_kwh: Array, fixed: Sequence[float], fixed_paused: float, bought: Contracts | None) -> Job:
        """`per_kwh` place by place and step by step; `fixed` an hour, way by way."""

        def mixed(kwh: float) -> Array:
            """Return what a kWh of a step takes: what the contract delivers in the step is not the grid's."""
            if bought is None or not kwh:
                return per_kwh
            share = float(covered_share(bought, kwh * step * KWH, step * HOUR))
            return (1.0 - share) * per_kwh + share * bought.g_per_kwh / 1e3

        working = [(mixed(kwh) * kwh + own) * step for kwh, own in zip(held.kwh, fixed, strict=True)]
        return Job(
            work=work, speeds=speeds, groups=groups, working=np.stack(working),
            paused=(mixed(held.paused_kwh) * held.paused_kwh + fixed_paused) * step,
            restart=per_kwh * (ways[0].kwh - held.paused_kwh) * asked.restart_hours, moving=per_kwh * asked.moving_kwh,
        )  # fmt: skip

    carbon = job(window.g / 1e3, held.embodied_kg, held.paused_kg, contract)
    told = None if window.forecast is None else job(window.forecast / 1e3, held.embodied_kg, held.paused_kg, contract)
    if (price := e.resolved.price) is None:
        return Jobs(carbon, told, None)
    usd_h = price.si * HOUR
    electricity = np.zeros_like(window.g) if window.usd_per_mwh is None else window.usd_per_mwh / 1e3
    money = job(electricity, [usd_h * n for n in held.devices], usd_h * held.paused_devices, None)
    alone = window.usd_per_mwh is None and not asked.released
    return Jobs(carbon, told, money, usd_h * held.paused_devices * step if alone else None)


def _counted(contract: Contracts, scope2: str, window: Window) -> Contracts | None:
    """Return the contract that counts in the total; None without one, or where the total is by location."""
    if contract.kind == "none" or scope2 == "location":
        return None
    if contract.mwh is not None and contract.match == "year":
        raise InputError(
            "a volume that may count in any hour of the year has no hours", key="contracts.match", value="year",
            remedy="match it by the hour (--contract-match hour), or leave the contract out",
        )  # fmt: skip
    if contract.until is not None or contract.days is not None:
        raise InputError(
            "a contract that ends during a timetable", key="contracts.until", value=contract.until or contract.days,
            remedy="leave its end out, or the contract",
        )  # fmt: skip
    if len(window.names) > 1:
        raise InputError("a contract delivers in one place", key="columns", value=", ".join(window.names),
                         remedy="name one column, or leave the contract out")  # fmt: skip
    return contract
