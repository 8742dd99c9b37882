"""One run's footprint as a result: totals with parts, interval, the factors that widen it, conventions and sources."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from carbonscaling.carbon.footprint import CarbonNumbers, FootprintParts, footprint
from carbonscaling.errors import InputError
from carbonscaling.sources import Datum
from carbonscaling.units import KWH, TONNE

__all__ = ["CarbonModel", "FactorRange", "Footprint", "WideningFactor", "assess", "spread"]


@dataclass(frozen=True)
class FactorRange:
    """One factor with its range, and the coefficients that follow from the range's two ends.

    Attributes
    ----------
    name : str
        Identifier of the factor.
    datum : Datum
    low, high : CarbonNumbers
        All other factors at their central values.
    """

    name: str
    datum: Datum
    low: CarbonNumbers
    high: CarbonNumbers


@dataclass(frozen=True)
class CarbonModel:
    """Coefficients of a cluster in a region, where they come from and how uncertain they are.

    Attributes
    ----------
    numbers : CarbonNumbers
    ranges : tuple of FactorRange
    factors : Mapping[str, Datum]
        Every factor used, with unit, source and range.
    mode, version : str
        ``physical`` or ``paper``; the paper's version where that matters.
    region : str
    amortisation : str
        The convention, as a phrase.
    embodied_route : str
        The route behind `numbers`: measured, bottom-up or paper.
    device_kg_by_route, host_kg_by_route : Mapping[str, float]
        Embodied carbon of one device and one host by every route that has data.
    """

    numbers: CarbonNumbers
    ranges: tuple[FactorRange, ...]
    factors: Mapping[str, Datum]
    mode: Literal["physical", "paper"]
    version: str
    region: str
    amortisation: str
    embodied_route: str
    device_kg_by_route: Mapping[str, float]
    host_kg_by_route: Mapping[str, float]


@dataclass(frozen=True)
class WideningFactor:
    """A factor's own effect on the total: tonnes with it at the low and at the high end of its range."""

    name: str
    low_tco2e: float
    high_tco2e: float
    source: str


@dataclass(frozen=True)
class Footprint:
    """Footprint of one training run.

    `parts` are in SI and add up to the totals. The interval combines the factors' one-at-a-time effects in quadrature
    on the log of the total, upwards and downwards apart; it covers the carbon factors, not duration or utilisation.

    Attributes
    ----------
    mode, version, region, amortisation, embodied_route, carbon_basis : str
        Conventions, to be printed with every figure; `carbon_basis` says what the carbon intensity counts.
    total_tco2e, low_tco2e, high_tco2e : float
    operational_tco2e, embodied_tco2e, development_tco2e : float
    energy_kwh, water_litres : float
    parts : FootprintParts
    widest : tuple of WideningFactor
        The (up to) three factors that widen the interval most, widest first.
    device_kg_by_route, host_kg_by_route : Mapping[str, float]
        Embodied carbon of one device and one host by route, side by side.
    sources : tuple of str
        Reference keys of the factors used.
    """

    mode: str
    version: str
    region: str
    amortisation: str
    embodied_route: str
    carbon_basis: str
    total_tco2e: float
    low_tco2e: float
    high_tco2e: float
    operational_tco2e: float
    embodied_tco2e: float
    development_tco2e: float
    energy_kwh: float
    water_litres: float
    parts: FootprintParts
    widest: tuple[WideningFactor, ...]
    device_kg_by_route: Mapping[str, float]
    host_kg_by_route: Mapping[str, float]
    sources: tuple[str, ...]


def spread(
    assemble: Callable[[Mapping[str, float]], CarbonNumbers], factors: Mapping[str, Datum]
) -> tuple[FactorRange, ...]:
    """Return the coefficients at both ends of every factor's range, one factor at a time.

    Parameters
    ----------
    assemble : callable
        Coefficients from the SI values of all factors.
    factors : Mapping[str, Datum]
    """
    central = {name: datum.si for name, datum in factors.items()}
    ends = {name: datum.si_range for name, datum in factors.items() if datum.low is not None}
    return tuple(
        FactorRange(name, factors[name], *(assemble({**central, name: end}) for end in pair))
        for name, pair in ends.items()
    )


def assess(
    model: CarbonModel,
    n_devices: int,
    duration_s: float,
    utilisation: float,
    *,
    checkpoint_share: float = 0.0,
    idle_share: float = 0.0,
    development: float = 1.0,
) -> Footprint:
    """Return the footprint of one run.

    Parameters
    ----------
    model : CarbonModel
    n_devices : int
    duration_s : float
        Wall-clock seconds, including the two shares below.
    utilisation : float
        MFU while productive, in [0, 1].
    checkpoint_share, idle_share : float
        Shares of the time spent writing checkpoints, and idle or restarting.
    development : float
        Emissions of the whole project over those of this run, at least 1.

    Raises
    ------
    InputError
        A quantity is out of its range.
    """
    _check("n_devices", n_devices, n_devices >= 1, "at least 1")
    _check("duration_s", duration_s, 0.0 < duration_s < math.inf, "a positive, finite number of seconds")
    _check("utilisation", utilisation, 0.0 <= utilisation <= 1.0, "0 to 1 (model FLOP/s over peak)")
    _check("checkpoint_share", checkpoint_share, 0.0 <= checkpoint_share <= 1.0, "0 to 1")
    _check("idle_share", idle_share, 0.0 <= idle_share <= 1.0 - checkpoint_share, "0 to 1 - checkpoint_share")
    _check("development", development, 1.0 <= development < math.inf, "1 (this run alone) or more")

    def total(numbers: CarbonNumbers) -> FootprintParts:
        run = numbers._replace(checkpoint_share=checkpoint_share, idle_share=idle_share, development=development)
        return FootprintParts(*(float(part) for part in footprint(run, n_devices, duration_s, utilisation)))

    parts = total(model.numbers)
    effects = [
        WideningFactor(r.name, total(r.low).total_kg / TONNE, total(r.high).total_kg / TONNE, r.datum.source)
        for r in model.ranges
    ]
    central = parts.total_kg / TONNE
    low, high = _combine(central, effects)
    return Footprint(
        mode=model.mode,
        version=model.version,
        region=model.region,
        amortisation=model.amortisation,
        embodied_route=model.embodied_route,
        carbon_basis=model.factors["carbon_intensity"].basis,
        total_tco2e=central,
        low_tco2e=low,
        high_tco2e=high,
        operational_tco2e=parts.operational_kg / TONNE,
        embodied_tco2e=(parts.embodied_device_kg + parts.embodied_host_kg + parts.embodied_other_kg) / TONNE,
        development_tco2e=parts.development_kg / TONNE,
        energy_kwh=parts.energy_j / KWH,
        water_litres=parts.water_l,
        parts=parts,
        widest=tuple(sorted(filter(_width, effects), key=_width, reverse=True)[:3]),
        device_kg_by_route=model.device_kg_by_route,
        host_kg_by_route=model.host_kg_by_route,
        sources=tuple(sorted({datum.source for datum in model.factors.values()})),
    )


def _check(key: str, value: float, accepted: bool, allowed: str) -> None:
    if not accepted:
        raise InputError(f"{key} is out of range", key=key, value=value, allowed=allowed, remedy="correct the value")


def _width(effect: WideningFactor) -> float:
    return abs(effect.high_tco2e - effect.low_tco2e)


def _combine(central: float, effects: list[WideningFactor]) -> tuple[float, float]:
    """Interval from the effects, in quadrature on the logarithm; a zero total has no interval."""
    if central <= 0.0:
        return central, central
    tiny = np.finfo(float).tiny
    ends = np.array([[e.low_tco2e, e.high_tco2e] for e in effects]).reshape(-1, 2)
    logs = np.log(np.maximum(ends, tiny) / central)
    down = np.sqrt(np.sum(np.minimum(logs.min(axis=1, initial=0.0), 0.0) ** 2))
    up = np.sqrt(np.sum(np.maximum(logs.max(axis=1, initial=0.0), 0.0) ** 2))
    return float(central * np.exp(-down)), float(central * np.exp(up))
