"""One run's footprint as a result: totals with parts, intervals, what widens them, conventions and sources."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from functools import cached_property
from typing import Literal

import numpy as np

from carbonscaling.arrays import Number
from carbonscaling.carbon.boundary import Boundary, BoundaryLine, boundary_lines
from carbonscaling.carbon.construction import Construction, built_for
from carbonscaling.carbon.footprint import CarbonNumbers, FootprintParts, footprint
from carbonscaling.carbon.resources import ResourceFactors, resource_taken
from carbonscaling.carbon.result import Footprint, Scope2, WideningFactor
from carbonscaling.carbon.uncertainty import draw, drawn_numbers, interval, intervals
from carbonscaling.errors import InputError
from carbonscaling.record import dataclass
from carbonscaling.scalar import at
from carbonscaling.sources import Datum
from carbonscaling.units import KWH, TONNE

__all__ = ["CarbonModel", "assess", "idling", "total_interval"]


@dataclass(frozen=True)
class CarbonModel:
    """Coefficients of a cluster in a region, where they come from and how uncertain they are.

    Attributes
    ----------
    numbers : CarbonNumbers
    assemble : callable
        Coefficients from the SI values of `factors`; floats or arrays.
    factors : Mapping[str, Datum]
        Every factor used, with unit, source and range.
    location, market : Datum
        Location-based and market-based carbon intensity; the one that `scope2` names is in `factors` as well.
    mode, version : str
        ``physical`` or ``paper``; the paper's version where that matters.
    region : str
    amortisation : str
        The convention, as a phrase.
    embodied_route : str
        The route behind `numbers`: measured, bottom-up or paper.
    device_kg_by_route : Mapping[str, float]
        Embodied carbon of one device by every route that has data.
    covered : bool
        Whether `market` is that of one run under its contract.
    contracted : Mapping[str, float]
        Share of the run's energy that a contract covers, by what generates it.
    scope2 : str
        Method that totals count: location or market.
    upstream_g_per_kwh : float, optional
        What the life-cycle intensity of the place counts beside generation; None where not both are published.
    resources : Mapping[str, ResourceFactors]
        Metals and primary energy, where they are known of device and place.
    """

    numbers: CarbonNumbers
    assemble: Callable[[Mapping[str, Number]], CarbonNumbers]
    factors: Mapping[str, Datum]
    location: Datum
    market: Datum
    mode: Literal["physical", "paper"]
    version: str
    region: str
    amortisation: str
    embodied_route: str
    device_kg_by_route: Mapping[str, float]
    scope2: Literal["location", "market"] = "location"
    covered: bool = False
    upstream_g_per_kwh: float | None = None
    resources: Mapping[str, ResourceFactors] = field(default_factory=dict)
    contracted: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def ranged(self) -> Mapping[str, Datum]:
        """The factors that have a range."""
        return {name: datum for name, datum in self.factors.items() if datum.low is not None}

    @cached_property
    def ends(self) -> CarbonNumbers:
        """Coefficients at the low and the high end of every range in turn, all else central, and twice all of it central."""
        values: dict[str, Number] = {name: datum.si for name, datum in self.factors.items()}
        for place, (name, datum) in enumerate(ranged := self.ranged.items()):
            every = np.full(2 * len(ranged) + 2, datum.si)
            every[2 * place : 2 * place + 2] = datum.si_range
            values[name] = every
        return self.assemble(values)

    @cached_property
    def drawn(self) -> CarbonNumbers:
        """Coefficients for the draws of every factor with a range."""
        return drawn_numbers(self.assemble, self.factors)


def idling(model: CarbonModel, share: float) -> CarbonModel:
    """Return the model of a cluster of which a share of the devices has no work at all."""
    if share == model.numbers.idle_share:
        return model

    def idle(numbers: CarbonNumbers) -> CarbonNumbers:
        return numbers._replace(idle_share=share)

    return replace(model, numbers=idle(model.numbers), assemble=lambda values: idle(model.assemble(values)))


def assess(
    model: CarbonModel,
    n_devices: int,
    duration_s: float,
    utilisation: float,
    *,
    checkpoint_share: float = 0.0,
    restart_share: float = 0.0,
    communication_share: float = 0.0,
    idle_share: float | None = None,
    boundary: Boundary | None = None,
    time: Datum | None = None,
) -> Footprint:
    """Return the footprint of one run.

    Parameters
    ----------
    model : CarbonModel
    n_devices : int
    duration_s : float
        Wall-clock seconds, including the shares below.
    utilisation : float
        MFU while productive, in [0, 1]: of the devices at work.
    checkpoint_share, restart_share, communication_share, idle_share : float
        Shares of the time spent writing checkpoints, starting again, waiting for the network alone, and idle; the last as the
        model has it if not given.
    boundary : Boundary, optional
        Lines beside the final run; none if not given.
    time : Datum, optional
        Actual over given duration, with its range; exact if not given.

    Raises
    ------
    InputError
        A quantity is out of its range.
    """
    shares = {
        "checkpoint_share": checkpoint_share,
        "restart_share": restart_share,
        "communication_share": communication_share,
        "idle_share": float(model.numbers.idle_share) if idle_share is None else idle_share,
    }
    _check("n_devices", n_devices, n_devices >= 1, "at least 1")
    _check("duration_s", duration_s, 0.0 < duration_s < math.inf, "a positive, finite number of seconds")
    _check("utilisation", utilisation, 0.0 <= utilisation <= 1.0, "0 to 1 (model FLOP/s over peak)")
    for name, share in shares.items():
        _check(name, share, 0.0 <= share <= 1.0, "0 to 1")
    _check(
        "idle_share", sum(shares.values()), sum(shares.values()) <= 1.0, "shares of the time that add up to 1 at most"
    )

    def run(numbers: CarbonNumbers, ratio: Number = 1.0) -> FootprintParts:
        return _run(numbers._replace(**shares), n_devices, duration_s, utilisation, ratio)

    numbers = model.numbers._replace(**shares)
    parts = _central(numbers, n_devices, duration_s, utilisation)
    lines = boundary_lines(boundary or Boundary(), numbers, n_devices, duration_s, parts)
    scale = 1.0 + sum(line.total_tco2e for line in lines) * TONNE / parts.total_kg if parts.total_kg else 1.0
    ranged = [(name, datum.source) for name, datum in model.ranged.items()]
    ratio = np.ones(2 * len(ranged) + 2)
    if time is not None and time.low is not None:
        ranged.append(("time", time.source))
        ratio[-2:] = time.si_range
    tonnes = (scale * np.reshape(run(model.ends, ratio).total_kg, (-1, 2)) / TONNE).tolist()
    effects = [
        WideningFactor(name, low, high, source)
        for (name, source), (low, high) in zip(ranged, tonnes[: len(ranged)], strict=True)
    ]
    sampled = run(model.drawn, _drawn_time(time))
    used = {
        name: resource_taken(factors, n_devices, duration_s, model.numbers, float(parts.energy_j))
        for name, factors in model.resources.items()
    }
    rated = model.mode == "physical" and "tdp" in model.factors  # stored data has no rating
    built = built_for(model.factors, n_devices, duration_s) if rated else None
    return _result(model, parts, lines, effects, sampled, used, built)


def total_interval(
    model: CarbonModel,
    n_devices: int,
    duration_s: float,
    utilisation: float,
    *,
    boundary: Boundary | None = None,
    time: Datum | None = None,
) -> tuple[float, float]:
    """Return the 5th and 95th percentiles of the total in t CO2e alone, as `assess` gives them; arguments as there."""
    run = n_devices, duration_s, utilisation
    parts = _central(model.numbers, *run)
    lines: tuple[BoundaryLine, ...] = ()
    if boundary is not None and any(vars(boundary).values()):  # else all are nought
        lines = boundary_lines(boundary, model.numbers, n_devices, duration_s, parts)
    total, scale = _with_lines(parts, lines)
    return interval(scale * _run(model.drawn, *run, _drawn_time(time)).total_kg / TONNE, total)


def _drawn_time(time: Datum | None) -> Number:
    return 1.0 if time is None or time.low is None else draw("time", time)


def _run(
    numbers: CarbonNumbers, n_devices: Number, duration_s: Number, utilisation: Number, ratio: Number
) -> FootprintParts:
    """Return the parts of runs that take `ratio` times as long, and work less hard."""
    found: FootprintParts = at(footprint, numbers, n_devices, duration_s * ratio, np.minimum(utilisation / ratio, 1.0))
    return found


def _central(numbers: CarbonNumbers, n_devices: int, duration_s: float, utilisation: float) -> FootprintParts:
    """Return a run's parts, central values."""
    return FootprintParts(*map(float, at(footprint, numbers, n_devices, duration_s, min(utilisation, 1.0))))


def _with_lines(parts: FootprintParts, lines: tuple[BoundaryLine, ...]) -> tuple[float, float]:
    """Return the total in t CO2e with the lines beside the run, and that over the run's own."""
    own = float(parts.total_kg)
    total = own / TONNE + sum(line.total_tco2e for line in lines)
    return total, total * TONNE / own if own else 1.0


def _result(
    model: CarbonModel,
    parts: FootprintParts,
    lines: tuple[BoundaryLine, ...],
    effects: list[WideningFactor],
    sampled: FootprintParts,
    used: Mapping[str, float],
    built: Construction | None,
) -> Footprint:
    embodied_kg = math.fsum(
        (parts.embodied_device_kg, parts.embodied_host_kg, parts.embodied_network_kg, parts.embodied_other_kg)
    )
    extra = sum(line.total_tco2e for line in lines)
    energy_j, operational_kg, water_l = (float(part) for part in (parts.energy_j, parts.operational_kg, parts.water_l))
    total, scale = _with_lines(parts, lines)
    methods = {"location": model.location, "market": model.market}
    roles, counted = {"location": "carbon_intensity", "market": "market_intensity"}, model.factors["carbon_intensity"]
    found = intervals(
        {
            "energy_kwh": (sampled.energy_j / KWH, energy_j / KWH),
            "operational_tco2e": (sampled.operational_kg / TONNE, operational_kg / TONNE),
            "embodied_tco2e": ((sampled.total_kg - sampled.operational_kg) / TONNE, embodied_kg / TONNE),
            "total_tco2e": (scale * sampled.total_kg / TONNE, total),
            "water_litres": (sampled.water_l, water_l),
            **{
                name: (draw(roles[name], datum) * sampled.energy_j / TONNE, energy_j * datum.si / TONNE)
                for name, datum in methods.items()
                if name == "market" or datum is not counted  # else operational carbon is just that
            },
        }
    )
    bought = {name: found.pop(name, found["operational_tco2e"]) for name in methods}
    by_method = {
        name: Scope2(datum.si * 1000.0 * KWH, datum.basis, datum.source, energy_j * datum.si / TONNE, bought[name])
        for name, datum in methods.items()
    }
    return Footprint(
        mode=model.mode,
        version=model.version,
        region=model.region,
        amortisation=model.amortisation,
        embodied_route=model.embodied_route,
        carbon_basis=counted.basis,
        carbon_intensity_g_per_kwh=counted.si * 1000.0 * KWH,
        pue=model.factors["pue"].si,
        upstream_g_per_kwh=model.upstream_g_per_kwh,
        scope2=model.scope2,
        total_tco2e=total,
        operational_tco2e=operational_kg / TONNE,
        embodied_tco2e=embodied_kg / TONNE,
        boundary_tco2e=extra,
        energy_kwh=energy_j / KWH,
        water_litres=water_l,
        water_on_site_litres=float(parts.energy_j) / model.factors["pue"].si * float(model.numbers.water_on_site),
        metals_kg_sb=used.get("metals"),
        primary_energy_mj=used["primary_energy"] / 1e6 if "primary_energy" in used else None,
        construction=built,
        parts=parts,
        lines=lines,
        intervals=found,
        **by_method,
        contracted=model.contracted,
        widest=tuple(sorted(filter(_width, effects), key=_width, reverse=True)[:3]),
        device_kg_by_route=model.device_kg_by_route,
        sources=tuple(sorted({datum.source for datum in (*model.factors.values(), model.location, model.market)})),
    )


def _check(key: str, value: float, accepted: bool, allowed: str) -> None:
    if not accepted:
        raise InputError(f"{key} is out of range", key=key, value=value, allowed=allowed, remedy="correct the value")


def _width(effect: WideningFactor) -> float:
    return abs(effect.high_tco2e - effect.low_tco2e)
