"""Data kept: the carbon model of one stored terabyte, by the same footprint as a run's."""

from __future__ import annotations

from typing import Literal

from carbonscaling.carbon.assess import CarbonModel
from carbonscaling.carbon.coefficients import Values
from carbonscaling.carbon.factor_sets import si, site
from carbonscaling.carbon.footprint import CarbonNumbers
from carbonscaling.carbon.model import AMORTISATIONS, market_of
from carbonscaling.catalog.factors import factor
from carbonscaling.catalog.grids import Basis

__all__ = ["storage_model"]


def storage_model(
    medium: str,
    region: str | None,
    *,
    pue: float | None = None,
    lifetime_years: float | None = None,
    carbon_intensity_g_per_kwh: float | None = None,
    basis: Basis | None = None,
    scope2: Literal["location", "market"] = "location",
    amortisation: Literal["calendar", "busy_hours"] = "calendar",
) -> CarbonModel:
    """Return the carbon model whose device is one terabyte, stored once; servers and racks are inside its figures.

    Parameters
    ----------
    medium : {"hdd", "ssd"}
    region, pue, lifetime_years, carbon_intensity_g_per_kwh, basis, scope2, amortisation :
        As in `carbon_model`.

    Raises
    ------
    InputError
        An unknown name, or a value out of range.
    """
    shared = site("physical", "v2", region, carbon_intensity_g_per_kwh, pue, lifetime_years, amortisation, basis)
    own = {"storage_power": factor(f"storage.power.{medium}"), "storage_kg": factor(f"storage.embodied.{medium}")}
    location = shared["carbon_intensity"]
    market = market_of(location, region if carbon_intensity_g_per_kwh is None else None, basis)
    factors = {**shared, **own, "carbon_intensity": {"location": location, "market": market}[scope2]}
    return CarbonModel(
        numbers=_numbers(si(factors)),
        assemble=_numbers,
        factors=factors,
        location=location,
        market=market,
        scope2=scope2,
        mode="physical",
        version="",
        region=region or "given",
        amortisation=AMORTISATIONS[amortisation],
        embodied_route="published figures of a terabyte",
        device_kg_by_route={},
    )


def _numbers(v: Values) -> CarbonNumbers:
    watts = v["storage_power"]
    return CarbonNumbers(
        idle_w=watts,
        busy_w=watts,
        exponent=1.0,
        best_utilisation=1.0,
        checkpoint_w=watts,
        restart_w=watts,
        communication_w=watts,
        host_w=0.0,
        host_idle_w=0.0,
        network_w=0.0,
        devices_per_host=1.0,
        pue=v["pue"],
        carbon_intensity=v["carbon_intensity"],
        device_kg=v["storage_kg"],
        host_kg=0.0,
        network_kg=0.0,
        other_share=v["building"] + v["transport"] + v["end_of_life"],
        lifetime_s=v["lifetime"],
        busy_share=v["busy_share"],
        water_on_site=v["water_on_site"],
        water_off_site=v["water_off_site"],
    )
