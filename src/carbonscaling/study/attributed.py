"""A cluster's meter shared among its jobs: energy and carbon of each, and the power that the meter leaves for a device."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import get_args

from carbonscaling.calibration.attribution import Ledger, MeterScope, Plant, close, hours_outside, steady_load, within
from carbonscaling.calibration.meters import read_jobs
from carbonscaling.calibration.power import MeasuredPower
from carbonscaling.calibration.readings import Period, read_readings
from carbonscaling.carbon.assess import CarbonModel, assess
from carbonscaling.carbon.drawn import UTILISATION, draw_of, drawn_at_most
from carbonscaling.carbon.model import carbon_model
from carbonscaling.carbon.uncertainty import Z95
from carbonscaling.catalog import hardware
from carbonscaling.errors import InputError
from carbonscaling.record import dataclass
from carbonscaling.sources import Datum
from carbonscaling.units import HOUR, KWH

__all__ = ["Attribution", "JobEnergy", "attribute"]

MOST = 1e9


@dataclass(frozen=True)
class JobEnergy:
    """What one job took.

    Attributes
    ----------
    name : str
    devices : int
    device_hours : float
        Inside the periods of the meter.
    kwh : float
        As far as the meter counts it, before cooling.
    metered : bool
        Whether that is the job's own meter's, not a share of the cluster's.
    planned_kwh, planned_low_kwh, planned_high_kwh : float
        What the model says of these device-hours, with 5th and 95th percentile.
    with_rest_kwh : float
        With its part, by energy, of everything else that the meter counts: over all jobs they add up to the meter.
    facility_kwh : float
        With hosts, network and cooling, without a part of what is idle.
    operational_tco2e, operational_market_tco2e, embodied_tco2e : float
    """

    name: str
    devices: int
    device_hours: float
    kwh: float
    metered: bool
    planned_kwh: float
    planned_low_kwh: float
    planned_high_kwh: float
    with_rest_kwh: float
    facility_kwh: float
    operational_tco2e: float
    operational_market_tco2e: float
    embodied_tco2e: float


@dataclass(frozen=True)
class Attribution:
    """A meter's energy by period, by line and by job.

    Attributes
    ----------
    device, region : str
    devices : int
    scope : MeterScope
    pue, carbon_intensity_g_per_kwh : float
    ledgers : tuple of Ledger
        A period each; the lines of each add up to its meter.
    jobs : tuple of JobEnergy
    model_watts : tuple of float
        Power of one device at work by the model, as far as the meter counts it, with 5th and 95th percentile.
    watts : tuple of float, optional
        The same as the meter leaves it, with both ends; None where no period says it.
    power : MeasuredPower, optional
        Of the accelerator alone, to calibrate with.
    notes : tuple of str
    """

    device: str
    region: str
    devices: int
    scope: MeterScope
    pue: float
    carbon_intensity_g_per_kwh: float
    ledgers: tuple[Ledger, ...]
    jobs: tuple[JobEnergy, ...]
    model_watts: tuple[float, float, float]
    watts: tuple[float, float, float] | None
    power: MeasuredPower | None
    notes: tuple[str, ...]

    @property
    def metered_kwh(self) -> float:
        """All periods of the meter together."""
        return math.fsum(ledger.period.kwh for ledger in self.ledgers)

    @property
    def lines(self) -> Mapping[str, float]:
        """Lines of all periods together, in kWh; they add up to the meter."""
        names = dict.fromkeys(name for ledger in self.ledgers for name in ledger.lines)
        names["unexplained"] = names.pop("unexplained")
        return {name: math.fsum(ledger.lines.get(name, 0.0) for ledger in self.ledgers) for name in names}


def attribute(
    readings: str | Path,
    jobs: str | Path | Iterable[str | Path],
    *,
    device: str,
    devices: int,
    scope: MeterScope,
    region: str | None = None,
    pue: float | None = None,
    loads_kw: Mapping[str, float] | None = None,
    outside_kw: Mapping[str, float] | None = None,
    overrides: Mapping[str, Datum] | None = None,
) -> Attribution:
    """Share a cluster's metered energy among jobs, idle machines, other loads, cooling, and what nothing explains.

    Parameters
    ----------
    readings : path
        CSV: ``month,kwh``, ``begin,end,kwh`` or ``time,register_kwh``; a column ``storage_kwh`` is a load's own meter.
    jobs : path or paths
        ``sacct --parsable2``, CodeCarbon's ``emissions.csv``, DCGM's counters, nvidia-smi's samples, or a CSV with a row a job.
    device : str
        Accelerator of the cluster: catalogue name or TOML file.
    devices : int
        All of them that are behind the meter.
    scope : {"devices", "it", "facility", "building"}
        What the meter counts: accelerators alone, machines, machines with cooling, or a whole building.
    region, pue, overrides : optional
        Place and factors, as for every report.
    loads_kw, outside_kw : Mapping[str, float], optional
        Steady loads among the machines (storage, login nodes), and elsewhere in the building, in kW.

    Raises
    ------
    InputError
        A file is unusable, something is not said, or jobs, loads and meter contradict each other.
    """
    _check(scope, devices, loads_kw or {}, outside_kw or {})
    paths = [jobs] if isinstance(jobs, str | Path) else list(jobs)
    periods = read_readings(readings)
    found = [job for path in paths for job in read_jobs(path)]
    names = [job.name for job in found]
    twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
    if twice is not None:
        raise InputError("a job that stands in two files", key="jobs", value=twice, remedy="give each job once")
    _check_names(periods, loads_kw or {}, outside_kw or {})
    cluster = hardware.cluster(device)
    model = carbon_model(cluster, region, pue=pue, overrides=overrides)
    factor = model.factors["pue"]
    most = drawn_at_most(model, devices, 1.0)
    plant = Plant(
        scope=scope, devices=devices, working=draw_of(model, devices), idle=draw_of(model, devices, idle=True),
        most_w=1e3 * (most["device"] if scope == "devices" else sum(most.values())), pue=(factor.si, *factor.si_range),
        loads_kw=loads_kw or {}, outside_kw=outside_kw or {},
    )  # fmt: skip
    ledgers = tuple(close(plant, p, within(found, p, plant, len(periods) == 1)) for p in periods)
    watts = _watts(ledgers)
    return Attribution(
        device=cluster.device.id,
        region=model.region,
        devices=devices,
        scope=scope,
        pue=factor.si,
        carbon_intensity_g_per_kwh=model.location.si * 1e3 * KWH,
        ledgers=ledgers,
        jobs=_jobs(ledgers, plant, model),
        model_watts=plant.of(plant.working),
        watts=watts,
        power=None if watts is None else _power(cluster.device.id, plant, ledgers, watts, Path(readings).name),
        notes=tuple(_notes(ledgers, plant, watts, hours_outside(found, periods))),
    )


def _check(scope: str, devices: int, loads: Mapping[str, float], outside: Mapping[str, float]) -> None:
    if scope not in get_args(MeterScope):
        raise InputError("what the meter counts is not said", key="scope", value=scope, allowed=", ".join(get_args(MeterScope)),
                         remedy="say whether it is accelerators, machines, machines with cooling, or the building")  # fmt: skip
    if not 1 <= devices <= MOST:
        raise InputError("devices is out of range", key="devices", value=devices, allowed=f"1 to {MOST:g}",
                         remedy="give all accelerators behind the meter")  # fmt: skip
    for name, kw in (*loads.items(), *outside.items()):
        if not 0.0 <= kw <= MOST:
            raise InputError("not a load", key=name, value=kw, allowed=f"0 to {MOST:g} kW", remedy="correct it")
    if scope == "devices" and loads:
        raise InputError("loads beside accelerators that are metered alone", key="loads", value=", ".join(loads),
                         remedy="leave them out, or name another scope")  # fmt: skip
    if outside and scope != "building":
        raise InputError("loads of a building, where the meter does not count it", key="outside", value=", ".join(outside),
                         allowed="scope building", remedy="leave them out, or name another scope")  # fmt: skip


def _check_names(periods: Sequence[Period], loads: Mapping[str, float], outside: Mapping[str, float]) -> None:
    """Refuse two loads, or a load and a line, of one name."""
    own = dict.fromkeys(name for period in periods for name in period.loads)
    seen = {"jobs", "idle machines", "cooling and power supply", "unexplained"}
    for name in (*own, *loads, *outside):
        if name in seen:
            raise InputError("two lines of one name", key="load", value=name, allowed="a name of its own",
                             remedy="give a load once: as a column of the readings, or as a steady load")  # fmt: skip
        seen.add(name)


def _jobs(ledgers: Sequence[Ledger], plant: Plant, model: CarbonModel) -> tuple[JobEnergy, ...]:
    """Return what every job took over all periods, the most first."""
    run = assess(model, plant.devices, HOUR, UTILISATION)
    embodied = run.embodied_tco2e / plant.devices
    found: dict[str, list[float]] = {}
    own: dict[str, tuple[int, bool]] = {}
    for ledger in ledgers:
        whole = ledger.period.kwh / (ledger.lines["jobs"] or 1.0)
        for share in ledger.shares:
            row = found.setdefault(share.job, [0.0] * 6)
            given = (share.device_hours, share.kwh, share.planned_kwh, share.planned_low_kwh, share.planned_high_kwh)
            for i, value in enumerate((*given, share.kwh * whole)):
                row[i] += value
            own[share.job] = share.devices, share.metered
    beside = plant.working.beside[0] / 1e3 if plant.scope == "devices" else 0.0
    energies = []
    for name, (hours, kwh, planned, low, high, rest) in found.items():
        facility = (kwh + beside * hours) * plant.pue[0]
        energies.append(
            JobEnergy(
                name, own[name][0], hours, kwh, own[name][1], planned, low, high, rest, facility,
                facility * run.location.carbon_intensity_g_per_kwh / 1e6,
                facility * run.market.carbon_intensity_g_per_kwh / 1e6, embodied * hours,
            )
        )  # fmt: skip
    return tuple(sorted(energies, key=lambda job: -job.kwh))


def _watts(ledgers: Sequence[Ledger]) -> tuple[float, float, float] | None:
    """Return the power of a device at work over all periods that say it, with its ends: means by device-hours.

    Errors of PUE and of idle power are the same in every period and do not shrink over them; what periods differ by comes
    beside.
    """
    said = [(ledger.watts, ledger.open_hours) for ledger in ledgers if ledger.watts is not None]
    if not said:
        return None
    hours = math.fsum(h for _, h in said)

    def mean(value: Callable[[tuple[float, float, float]], float]) -> float:
        return math.fsum(value(watts) * h for watts, h in said) / hours

    central = mean(lambda w: w[0])
    scatter = Z95 * math.sqrt(mean(lambda w: (w[0] - central) ** 2))
    down, up = mean(lambda w: w[0] - w[1]), mean(lambda w: w[2] - w[0])
    return central, max(central - math.hypot(down, scatter), 0.0), central + math.hypot(up, scatter)


def _power(
    device: str, plant: Plant, ledgers: Sequence[Ledger], watts: tuple[float, float, float], file: str
) -> MeasuredPower | None:
    """Return the power of the accelerator alone: less what the model gives host and network, whose range widens it."""
    value, low, high = watts
    if plant.scope != "devices":
        beside, least, most = plant.working.beside
        low = value - beside - math.hypot(value - low, most - beside)
        high = value - beside + math.hypot(high - value, beside - least)
        value -= beside
    if value <= 0.0:
        return None
    said = [ledger for ledger in ledgers if ledger.watts is not None]
    hours = math.fsum(ledger.open_hours for ledger in said)
    remark = (
        f"what a meter of the cluster ({plant.scope}) leaves for jobs, less idle machines, loads, hosts and network"
    )
    datum = Datum(
        round(value, 2), "W", "user", round(max(low, 0.01 * value), 2), round(high, 2),
        basis="derived from a meter of the cluster", remark=remark,
    )  # fmt: skip
    return MeasuredPower(device, datum, len(said), round(hours, 3), 0.0, file)


def _mean_kw(ledgers: Sequence[Ledger]) -> float:
    return math.fsum(ledger.period.kwh for ledger in ledgers) / math.fsum(ledger.period.hours for ledger in ledgers)


def _notes(
    ledgers: Sequence[Ledger], plant: Plant, watts: tuple[float, float, float] | None, beyond: float
) -> Iterable[str]:
    """Say what a reader must know of the shares."""
    for remark in dict.fromkeys(remark for ledger in ledgers for remark in ledger.remarks):
        yield f"{', '.join(ledger.period.name for ledger in ledgers if remark in ledger.remarks)}: {remark}"
    for ledger in ledgers:
        if ledger.lines["unexplained"] < 0.0:
            yield f"{ledger.period.name}: jobs' own meters come to more than the cluster's, within the error of their sensors"
    fit = steady_load(ledgers)
    if fit is not None and fit[1] > 2.0 * fit[2] + 0.01 * _mean_kw(ledgers):
        yield (
            f"the periods together fit {fit[0]:.0f} W a device at work and a steady load of {fit[1]:.3g} kW (standard error "
            f"{fit[2]:.2g}) that nobody named: look for it, and give it with --load"
        )
    _, low, high = plant.of(plant.working)
    if watts is not None and not (low <= watts[2] and watts[1] <= high):
        yield (
            f"{watts[0]:.0f} W a device at work lies outside of what the model expects ({low:.0f} to {high:.0f} W): "
            "check loads, scope and PUE before you rely on it"
        )
    if beyond:
        yield f"{beyond:.6g} device-hours lie in no period of the meter and are not counted"
    if plant.scope == "building" and not plant.outside_kw:
        yield "nothing in the building beside the machines was named: offices, if any, are in the shares of jobs"
