"""Carbon, energy, water and money of many runs at once: what varies of the place is an array, one value for each run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from carbonscaling.carbon.assess import assess
from carbonscaling.carbon.boundary import Boundary
from carbonscaling.carbon.model import HardwareFactors
from carbonscaling.catalog.prices import price
from carbonscaling.catalog.user_factors import load_factors
from carbonscaling.study.hours import hours_of
from carbonscaling.study.outcome import run_footprint
from carbonscaling.study.resolve import Resolved, carbon_of
from carbonscaling.study.scenario import Scenario
from carbonscaling.units import DAY, HOUR, KWH, TONNE, to_si

__all__ = ["NUMBERS", "interval_columns", "place_columns"]

FACTORS = {
    "carbon_intensity_g_per_kwh": ("carbon_intensity", "g/kWh"),
    "pue": ("pue", "1"),
    "lifetime_years": ("lifetime", "y"),
}
"""Fields that stand for one carbon factor each: its role and unit."""
NUMBERS = (*FACTORS, "price_usd_per_device_hour", *(f"boundary.{field.name}" for field in fields(Boundary)))
"""Place fields whose values go together as an array; cases that differ in another one are worked out apart."""


def place_columns(
    s: Scenario, r: Resolved, hardware: HardwareFactors, run: Mapping[str, Any], own: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the columns that follow from the place, for runs of one kind of hardware.

    Parameters
    ----------
    s : Scenario
        Of one of them: what they have in common.
    r : Resolved
        Gives the hardware.
    hardware : HardwareFactors
        Its factors.
    run : Mapping
        Arrays of ``n_devices, duration_days, mfu, tp, pp, dp, cp``.
    own : Mapping
        Arrays by the names in `NUMBERS`: values that differ.

    Raises
    ------
    InputError
        The place is unknown, or a file of factors unusable.
    """
    model = carbon_of(s, r.cluster, hardware=hardware)
    fixed = load_factors(s.factors) if s.factors else {}
    values: dict[str, Any] = {name: datum.si for name, datum in model.factors.items()}
    market: Any = model.market.si
    for key, (role, unit) in FACTORS.items():
        if key in own and role not in fixed:
            values[role] = to_si(own[key], unit)
    if "carbon_intensity_g_per_kwh" in own and "market_intensity" not in fixed:
        market = to_si(own["carbon_intensity_g_per_kwh"], "g/kWh")
    n, duration = run["n_devices"], run["duration_days"] * DAY
    hours = hours_of(s)
    if hours is not None:
        mean: Any = hours.mean(duration / HOUR)
        met = to_si(mean, "g/kWh")
        values["carbon_intensity"] = met
        market = market if "market_intensity" in fixed else met
    shares = {f.name: own.get(f"boundary.{f.name}", getattr(s.boundary, f.name)) for f in fields(Boundary)}
    money = own.get("price_usd_per_device_hour", s.price_usd_per_device_hour)
    if money is None:
        listed = price(r.cluster.device.id, s.price_basis)
        money = float("nan") if listed is None else listed.si * HOUR
    idle, working = _at_work(run)
    numbers = model.assemble(values)._replace(idle_share=idle)
    taken = run_footprint(numbers, n, duration, working, money / HOUR, shares)
    parts, beside = taken.parts, taken.boundary_kg / TONNE
    total, operational = parts.total_kg / TONNE, parts.operational_kg / TONNE
    return {
        "energy_kwh": parts.energy_j / KWH,
        "water_litres": parts.water_l,
        "carbon_operational_tco2e": operational,
        "carbon_operational_market_tco2e": parts.energy_j * market / TONNE,
        "carbon_embodied_tco2e": total - operational,
        "carbon_boundary_tco2e": beside,
        "carbon_total_tco2e": total + beside,
        "carbon_intensity": values["carbon_intensity"] * 1000.0 * KWH,
        "cost_usd": taken.cost_usd,
    }


def _at_work(run: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the share of the devices that a run's layout leaves idle, and the utilisation of the others."""
    used = run["tp"] * run["pp"] * run["dp"] * run["cp"] / run["n_devices"]
    return 1.0 - used, run["mfu"] / used


def interval_columns(s: Scenario, r: Resolved, run: Mapping[str, float]) -> dict[str, float]:
    """Return the 5th and 95th percentile of one run's carbon; `run` as in `place_columns`, one number each."""
    duration, (idle, working) = run["duration_days"] * DAY, _at_work(run)
    model = carbon_of(s, r.cluster, duration_s=duration)
    f = assess(
        model, int(run["n_devices"]), duration, min(working, 1.0), idle_share=idle, boundary=s.boundary, time=r.time()
    )
    return {"carbon_low_tco2e": f.low_tco2e, "carbon_high_tco2e": f.high_tco2e}
