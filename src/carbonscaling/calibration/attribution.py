"""A cluster's metered energy shared among jobs, idle machines, other loads, cooling, and what nothing explains."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from carbonscaling.calibration.jobs import Job
from carbonscaling.calibration.readings import Period
from carbonscaling.carbon.drawn import Draw
from carbonscaling.errors import InputError
from carbonscaling.hints import NamedTuple
from carbonscaling.record import dataclass
from carbonscaling.units import HOUR

__all__ = [
    "SENSOR",
    "Ledger",
    "MeterScope",
    "Plant",
    "Share",
    "Work",
    "close",
    "hours_outside",
    "steady_load",
    "within",
]

MeterScope = Literal["devices", "it", "facility", "building"]
"""What a meter counts: accelerators alone, machines before cooling, with cooling and power supply, or the whole building."""
ROUNDING = 1e-12
"""Share of a meter below which a difference is one of floating-point numbers."""
LEAST_PERIODS, MOST_ALIKE = 4, 30.0
"""Fewer periods, or periods whose use is more alike (condition number), do not tell a steady load from power."""
SENSOR = 0.05
"""Error of the power sensors of accelerators and nodes (Yang et al. 2024, arXiv 2312.02741)."""


@dataclass(frozen=True)
class Plant:
    """What is behind a meter.

    Attributes
    ----------
    scope : MeterScope
    devices : int
    working, idle : Draw
        Of one device, by the model.
    most_w : float
        More than one device with its share of host and network cannot draw; of the device alone with that scope.
    pue : tuple of float
        Central, low, high.
    loads_kw, outside_kw : Mapping[str, float]
        Steady loads among the machines (storage), and in the building beside them (offices).
    """

    scope: MeterScope
    devices: int
    working: Draw
    idle: Draw
    most_w: float
    pue: tuple[float, float, float]
    loads_kw: Mapping[str, float]
    outside_kw: Mapping[str, float]

    @property
    def cooled(self) -> bool:
        """Whether the meter counts cooling and power supply."""
        return self.scope in ("facility", "building")

    def of(self, draw: Draw) -> tuple[float, float, float]:
        """Return what one device draws of what the meter counts, in W."""
        return draw.device if self.scope == "devices" else draw.machine


class Work(NamedTuple):
    """The part of a job that lies in a period: device-hours, and what was metered of them, as far as this meter counts it."""

    job: str
    devices: int
    device_hours: float
    kwh: float | None


class Share(NamedTuple):
    """What a job gets of a period's energy, before cooling; and what the model says of it, with its interval; kWh."""

    job: str
    devices: int
    device_hours: float
    kwh: float
    metered: bool
    planned_kwh: float
    planned_low_kwh: float
    planned_high_kwh: float


@dataclass(frozen=True)
class Ledger:
    """A period's energy by line; the lines add up to the meter.

    Attributes
    ----------
    period : Period
    shares : tuple of Share
    lines : Mapping[str, float]
        kWh of jobs, idle machines, each load, cooling and power supply, and unexplained.
    device_hours, idle_hours : float
    watts : tuple of float, optional
        Power of one device at work (with its share of host and network, where they are metered), low and high end: what the
        meter leaves for jobs that have no meter of their own; None where it says nothing of it.
    open_hours, left_kwh : float
        Device-hours of jobs without a meter, and what the meter leaves for them before bounds.
    remarks : tuple of str
    """

    period: Period
    shares: tuple[Share, ...]
    lines: Mapping[str, float]
    device_hours: float
    idle_hours: float
    watts: tuple[float, float, float] | None
    open_hours: float
    left_kwh: float
    remarks: tuple[str, ...]


def within(jobs: Sequence[Job], period: Period, plant: Plant, alone: bool) -> list[Work]:
    """Return what of every job lies in a period, its energy by time.

    Parameters
    ----------
    alone : bool
        Whether this is the only period: a job without times belongs to it.

    Raises
    ------
    InputError
        A job without times where there are several periods, one on more devices than there are, or one whose meter counts
        more than the cluster's.
    """
    found = []
    for job in jobs:
        share = 1.0
        if job.begin is not None and job.end is not None:
            both = (min(job.end, period.end) - max(job.begin, period.begin)).total_seconds()
            share = max(both, 0.0) / max((job.end - job.begin).total_seconds(), 1e-9)
        elif not alone:
            raise InputError("a job without times, and several periods that it may be of", key="job", value=job.name,
                             allowed="begin and end of every job (sacct: Start), or one period",
                             remedy="add them, or share one period at a time")  # fmt: skip
        if share <= 0.0:
            continue
        if job.devices > plant.devices:
            raise _too_many(plant, job.name, job.devices)
        if job.kwh is not None and job.scope == "it" and plant.scope == "devices":
            raise InputError("a job's meter that counts more than the cluster's", key="job", value=job.name,
                             allowed="energy of accelerators alone", remedy="leave the job's energy out")  # fmt: skip
        hours, kwh = share * job.device_hours, None if job.kwh is None else share * job.kwh
        if kwh is not None and job.scope == "devices" and plant.scope != "devices":
            kwh += hours * plant.working.beside[0] / 1e3
        found.append(Work(job.name, job.devices, hours, kwh))
    return found


def close(plant: Plant, period: Period, work: Sequence[Work]) -> Ledger:
    """Share a period's energy among its lines.

    Jobs with a meter get what it says. Of the rest idle machines get idle power, and jobs without a meter, by device-hours,
    what is left up to the most that they can draw; what is beyond that nothing explains.

    Raises
    ------
    InputError
        More device-hours than the machines have, or loads and metered jobs that are more than the meter.
    """
    outside = {name: kw * period.hours for name, kw in plant.outside_kw.items()}
    room = period.kwh - math.fsum(outside.values())
    machines = room / plant.pue[0] if plant.cooled else room
    loads = {name: kw * period.hours for name, kw in plant.loads_kw.items()} | dict(period.loads)
    metered = math.fsum(one.kwh for one in work if one.kwh is not None)
    hours = math.fsum(one.device_hours for one in work)
    open_hours = math.fsum(one.device_hours for one in work if one.kwh is None)
    idle_hours = plant.devices * period.hours - hours
    if idle_hours < -1e-6 * plant.devices * period.hours:
        raise _too_many(plant, period.name, math.ceil(hours / period.hours))
    idle_hours = max(idle_hours, 0.0)
    left = machines - math.fsum(loads.values()) - metered
    if left < -SENSOR * metered:
        needed = (machines - left) * (plant.pue[0] if plant.cooled else 1.0) + math.fsum(outside.values())
        raise InputError("loads and metered jobs that are more than the meter", where=period.name, key="kwh",
                         value=period.kwh, allowed=f"at least {needed:.6g}",
                         remedy="check the meter's scope, the loads, and that all jobs are behind this meter")  # fmt: skip
    rate, idle, remarks = _rates(plant, left, open_hours, idle_hours)
    shares = tuple(_share(plant, one, rate) for one in work)
    lines = {
        "jobs": math.fsum(share.kwh for share in shares),
        "idle machines": idle * idle_hours / 1e3,
        **loads,
        **({"cooling and power supply": room - machines} if plant.cooled else {}),
        **outside,
    }
    beyond = period.kwh - math.fsum(lines.values())
    lines["unexplained"] = beyond if abs(beyond) > ROUNDING * period.kwh else 0.0
    watts = _read(plant, period, work, loads, outside, open_hours, idle_hours) if not remarks and open_hours else None
    left -= plant.of(plant.idle)[0] * idle_hours / 1e3
    return Ledger(period, shares, lines, hours, idle_hours, watts, open_hours, left, tuple(remarks))


def steady_load(ledgers: Sequence[Ledger]) -> tuple[float, float, float] | None:
    """Return watts of a device at work and a steady load in kW, with its standard error, that the periods together fit best.

    What is left of each period is the former times device-hours and the latter times the period's hours (least squares).
    None of fewer than four periods, or where use hardly differs between them.
    """
    used = [ledger for ledger in ledgers if ledger.open_hours > 0.0]
    if len(used) < LEAST_PERIODS:
        return None
    causes = np.array([(ledger.open_hours / 1e3, ledger.period.hours) for ledger in used])
    left = np.array([ledger.left_kwh for ledger in used])
    if np.linalg.cond(causes / np.linalg.norm(causes, axis=0)) > MOST_ALIKE:
        return None
    found, *_ = np.linalg.lstsq(causes, left, rcond=None)
    off = left - causes @ found
    variance = off @ off / (len(used) - 2) * np.linalg.inv(causes.T @ causes)[1, 1]
    return float(found[0]), float(found[1]), math.sqrt(float(variance))


def _too_many(plant: Plant, where: str, least: int) -> InputError:
    return InputError("more device-hours of jobs than these machines have", where=where, key="devices", value=plant.devices,
                      allowed=f"at least {least}",
                      remedy="give all devices behind the meter, or leave out jobs that are not")  # fmt: skip


def _rates(plant: Plant, left: float, open_hours: float, idle_hours: float) -> tuple[float, float, list[str]]:
    """Return watts of a device at work without a meter and of one idle, and why the meter does not say the former."""
    idle, _, idle_most = plant.of(plant.idle)
    if open_hours <= 0.0:
        rate = 1e3 * max(left, 0.0) / idle_hours if idle_hours > 0.0 else 0.0
        return 0.0, min(rate, idle_most), []
    rate = (1e3 * left - idle * idle_hours) / open_hours
    if rate < idle:
        both = 1e3 * max(left, 0.0) / (open_hours + idle_hours)
        return both, both, ["less is left for jobs than machines draw idle: check what stands behind the meter"]
    if rate > plant.most_w:
        return plant.most_w, idle, ["more is left than these jobs can have drawn: the rest is unexplained"]
    return rate, idle, []


def _share(plant: Plant, one: Work, rate: float) -> Share:
    kwh = rate * one.device_hours / 1e3 if one.kwh is None else one.kwh
    planned = (watts * one.device_hours / 1e3 for watts in plant.of(plant.working))
    return Share(one.job, one.devices, one.device_hours, kwh, one.kwh is not None, *planned)


def _read(
    plant: Plant, period: Period, work: Sequence[Work], loads: Mapping[str, float], outside: Mapping[str, float],
    open_hours: float, idle_hours: float,
) -> tuple[float, float, float]:  # fmt: skip
    """Return watts of a device at work that the meter leaves, and its ends by those of PUE and idle power, independent."""
    room = period.kwh - math.fsum(outside.values())
    fixed = math.fsum(loads.values()) + math.fsum(one.kwh for one in work if one.kwh is not None)

    def left(pue: float, idle_w: float) -> float:
        return (1e3 * ((room / pue if plant.cooled else room) - fixed) - idle_w * idle_hours) / open_hours

    (pue, pue_low, pue_high), (idle, idle_low, idle_high) = plant.pue, plant.of(plant.idle)
    value = left(pue, idle)
    down = math.hypot(value - left(pue_high, idle), value - left(pue, idle_high))
    up = math.hypot(left(pue_low, idle) - value, left(pue, idle_low) - value)
    return value, max(value - down, 0.0), value + up


def hours_outside(jobs: Sequence[Job], periods: Sequence[Period]) -> float:
    """Return device-hours of jobs that lie in no period."""
    total = 0.0
    for job in jobs:
        if job.begin is None or job.end is None:
            continue
        inside = math.fsum(max((min(job.end, p.end) - max(job.begin, p.begin)).total_seconds(), 0.0) for p in periods)
        total += job.device_hours * (1.0 - inside / max((job.end - job.begin).total_seconds(), 1e-9))
    return max(total, 0.0) if total > 1e-9 * HOUR else 0.0
