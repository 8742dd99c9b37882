"""Devices that do not exist yet: a present one times published growth rates."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.hardware.check import RATIO, check_datum
from carbonscaling.hardware.device import Device, Host
from carbonscaling.record import dataclass
from carbonscaling.sources import Datum

__all__ = ["Roadmap", "grow", "power_growth", "project", "project_host"]


@dataclass(frozen=True)
class Roadmap:
    """Growth factors per year (1.3 means 30 % more every year).

    CarbonScaling v1 table 1 and v2 table 2, after Akarvardar and Wong, Proc. IEEE 111 (2023) 92.

    Attributes
    ----------
    throughput, sram, core_power, die_area : Datum
        Of the logic dies.
    memory_bandwidth, memory_power, memory_capacity : Datum
        Of HBM.
    link, network : Datum
        Scale-up link; scale-out network (ruling R8: like the link unless told otherwise).
    cpa : Datum
        Carbon per area of logic and per gigabyte of memory, used where a projection asks for it.
    memory_power_share : Datum
        Share of TDP that HBM draws, a fraction.
    """

    throughput: Datum
    sram: Datum
    core_power: Datum
    die_area: Datum
    memory_bandwidth: Datum
    memory_power: Datum
    memory_capacity: Datum
    link: Datum
    network: Datum
    cpa: Datum
    memory_power_share: Datum

    def __post_init__(self) -> None:
        """Refuse rates that cannot be meant."""
        for entry in fields(self):
            check_datum(getattr(self, entry.name), entry.name, "roadmap", RATIO)


def grow(value: Any, rate: Any, years: Any) -> Any:
    """Compound growth: value · rate^years.

    Parameters
    ----------
    value : float or array
        Present value, any unit.
    rate : float or array
        Factor per year.
    years : float or array

    >>> round(grow(1980.0, 1.3, 5), 1)
    7351.6
    """
    return value * rate**years


def power_growth(core_rate: Any, memory_rate: Any, memory_share: Any, years: Any) -> Any:
    """Factor of a device's power when its logic and its memory grow apart.

    Parameters
    ----------
    core_rate, memory_rate : float or array
        Factors per year.
    memory_share : float or array
        Present share of memory in the power, 0 to 1.
    years : float or array

    >>> round(power_growth(1.03, 1.03, 0.2, 10), 4)
    1.3439
    """
    return (1.0 - memory_share) * core_rate**years + memory_share * memory_rate**years


def _scaled(datum: Datum, factor: float, rate: Datum, years: float) -> Datum:
    return replace(
        datum,
        value=datum.value * factor,
        low=None if datum.low is None else datum.low * factor,
        high=None if datum.high is None else datum.high * factor,
        source=rate.source,
        basis="projection",
        remark=f"{datum.value:g} {datum.unit} ({datum.source}) times {factor:.4g} after {years:g} years",
    )


def _check_years(years: float) -> None:
    if not 0.0 <= years <= 100.0:
        raise InputError(
            "a projection looks into the future",
            key="years",
            value=years,
            allowed="0 to 100, fractions welcome",
            remedy="give the years from the device's own introduction",
        )


def project(device: Device, years: float, roadmap: Roadmap, *, cpa_growth: bool = False) -> Device:
    """Return the device that `roadmap` makes of `device` after `years`.

    Every peak grows with `throughput`, so formats keep their ratios; idle power grows like TDP; the number of cores
    and dies and the process label stay, as the growth of throughput and area already holds what becomes of them.

    Parameters
    ----------
    device : Device
    years : float
        From 0 (returns `device` itself) to 100.
    roadmap : Roadmap
    cpa_growth : bool
        Also raise the carbon per area and per gigabyte (v2's EUV curves): sets `Device.cpa_factor`.

    Raises
    ------
    InputError
        `years` is out of range.
    """
    _check_years(years)
    if years == 0:
        return device

    def by(datum: Datum, rate: Datum) -> Datum:
        return _scaled(datum, grow(1.0, rate.si, years), rate, years)

    power = power_growth(roadmap.core_power.si, roadmap.memory_power.si, roadmap.memory_power_share.si, years)
    return replace(
        device,
        id=f"{device.id}+{years:g}y",
        name=f"{device.name} + {years:g} years",
        year=device.year + math.floor(years),
        peak={name: by(datum, roadmap.throughput) for name, datum in device.peak.items()},
        memory_capacity=by(device.memory_capacity, roadmap.memory_capacity),
        memory_bandwidth=by(device.memory_bandwidth, roadmap.memory_bandwidth),
        link_bandwidth=by(device.link_bandwidth, roadmap.link),
        tdp=_scaled(device.tdp, power, roadmap.core_power, years),
        chip_power=device.chip_power and _scaled(device.chip_power, power, roadmap.core_power, years),
        idle_power=_scaled(device.idle_power, power, roadmap.core_power, years),
        die_area=by(device.die_area, roadmap.die_area),
        sram=by(device.sram, roadmap.sram),
        cpa_factor=device.cpa_factor * (grow(1.0, roadmap.cpa.si, years) if cpa_growth else 1.0),
    )


def project_host(host: Host, years: float, roadmap: Roadmap) -> Host:
    """Return the host with its network grown (ruling R8); all else stays.

    Raises
    ------
    InputError
        `years` is out of range.
    """
    _check_years(years)
    if years == 0:
        return host
    nic = _scaled(host.nic_bandwidth, grow(1.0, roadmap.network.si, years), roadmap.network, years)
    return replace(host, id=f"{host.id}+{years:g}y", name=f"{host.name} + {years:g} years", nic_bandwidth=nic)
