"""The carbon model of a cluster in a region, put together from the catalogue's factors and the user's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Literal

from carbonscaling.carbon.assess import CarbonModel
from carbonscaling.carbon.coefficients import (
    Values,
    device_kg_bottom_up,
    host_kg_bottom_up,
    paper_numbers,
    physical_numbers,
)
from carbonscaling.carbon.factor_sets import (
    Factors,
    device_parts,
    host_parts,
    measured,
    operation,
    paper_power_set,
    si,
    site,
)
from carbonscaling.carbon.footprint import CarbonNumbers
from carbonscaling.carbon.resources import resource_factors
from carbonscaling.catalog.grids import Basis
from carbonscaling.catalog.regions import NO_CONTRACT, place
from carbonscaling.errors import InputError, nearest
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.hints import NamedTuple
from carbonscaling.sources import Datum

__all__ = ["AMORTISATIONS", "HardwareFactors", "bottom_up_range", "carbon_model", "hardware_factors", "market_of"]

AMORTISATIONS = {
    "calendar": "calendar: run time over lifetime",
    "busy_hours": "busy hours: run time over lifetime times the share of hours in use",
}

ALIKE = (
    {"W", "kW"},
    {"g/kWh", "kg/kWh"},
    {"y", "d", "h", "s"},
    {"kg", "t", "g"},
    {"1", "%"},
    {"kg/cm2", "kg/m2"},
    {"mm2", "cm2", "m2"},
    {"B", "kB", "KiB", "MB", "MiB", "GB", "GiB", "TB"},
)
"""Units that stand for the same quantity."""


class HardwareFactors(NamedTuple):
    """Factors of a cluster that no place changes: of a device, all of those used, and the embodied route."""

    device: Factors
    used: Factors
    route: str


def hardware_factors(
    cluster: Cluster,
    mode: Literal["physical", "paper"] = "physical",
    version: Literal["v1", "v2"] = "v2",
    best_utilisation: float | None = None,
) -> HardwareFactors:
    """Return the factors of a cluster that its place does not change; they are costly, and many places share them."""
    device, host = device_parts(cluster.device, mode), host_parts(cluster.host, mode)
    if mode == "paper":
        return HardwareFactors(device, paper_power_set(cluster.device, version) | device | host, "paper")
    found = measured(cluster, device, host)
    parts = {} if "embodied_device" in found else device if found else device | host
    used = operation(cluster, best_utilisation) | parts | found
    return HardwareFactors(device, used, "measured" if "embodied_device" in found else "bottom-up")


def carbon_model(
    cluster: Cluster,
    region: str | None = None,
    mode: Literal["physical", "paper"] = "physical",
    version: Literal["v1", "v2"] = "v2",
    *,
    pue: float | str | None = None,
    lifetime_years: float | None = None,
    carbon_intensity_g_per_kwh: float | None = None,
    amortisation: Literal["calendar", "busy_hours"] = "calendar",
    shared_hosts: bool = False,
    best_utilisation: float | None = None,
    overrides: Mapping[str, Datum] | None = None,
    hardware: HardwareFactors | None = None,
    basis: Basis | None = None,
    scope2: Literal["location", "market"] = "location",
) -> CarbonModel:
    """Return coefficients, ranges, routes and sources for a cluster in a region.

    Parameters
    ----------
    cluster : Cluster
    region : str, optional
        As `region`; in paper mode the version's printed intensity if not given.
    mode : {"physical", "paper"}
        The default model, or the papers' equations and constants.
    version : {"v1", "v2"}
        Of the paper; the physical mode does not use it.
    pue : float or str, optional
        A value, or the name of a row (google, industry, …).
    lifetime_years : float, optional
    carbon_intensity_g_per_kwh : float, optional
        Overrides the region's.
    amortisation : {"calendar", "busy_hours"}
    shared_hosts : bool
        Whether others use the rest of a part-filled host.
    best_utilisation : float, optional
        MFU at which the device draws its busy power, e.g. the search's best; physical mode only.
    overrides : Mapping[str, Datum], optional
        The user's own factors by role, see `carbonscaling.catalog.user_factors`.
    hardware : HardwareFactors, optional
        The cluster's own factors, where they are at hand (`hardware_factors` of the same mode and version).
    basis : {"operational", "life-cycle"}, optional
        What the region's intensity counts; operational where that is published if not given.
    scope2 : {"location", "market"}
        Method that totals count.

    Raises
    ------
    InputError
        An unknown name, or a value out of range.
    """
    _one_of("mode", mode, ("physical", "paper"))
    _one_of("version", version, ("v1", "v2"))
    _one_of("amortisation", amortisation, tuple(AMORTISATIONS))
    _one_of("scope2", scope2, ("location", "market"))
    shared = site(mode, version, region, carbon_intensity_g_per_kwh, pue, lifetime_years, amortisation, basis)
    device, own, route = hardware or hardware_factors(cluster, mode, version, best_utilisation)
    factors = shared | own
    assemble = paper_numbers if mode == "paper" else _numbers
    assemble = partial(_sharing, assemble) if shared_hosts else assemble

    counted = region if carbon_intensity_g_per_kwh is None else None
    there = None if counted is None else place(counted)
    market = market_of(factors["carbon_intensity"], counted, basis)
    factors = _overridden({**factors, "market_intensity": market}, overrides or {})
    if {"tdp", "busy_ratio", "host_power"} & set(overrides or {}):  # the user knows one of those read as one
        factors.pop("system_power", None)
    methods = {"location": factors["carbon_intensity"], "market": factors.pop("market_intensity")}
    factors["carbon_intensity"] = methods[scope2]
    numbers = assemble(si(factors))
    device_routes = {route: float(numbers.device_kg)}
    if mode == "physical":
        device_routes.setdefault("bottom-up", float(device_kg_bottom_up(si(device))))
    return CarbonModel(
        numbers=numbers,
        assemble=assemble,
        location=methods["location"],
        market=methods["market"],
        scope2=scope2,
        resources=resource_factors(cluster, None if region is None else place(region)) if mode == "physical" else {},
        upstream_g_per_kwh=None if there is None or "carbon_intensity" in (overrides or {}) else there.upstream,
        factors=factors,
        mode=mode,
        version=version if mode == "paper" else "",
        region=region or ("as printed" if carbon_intensity_g_per_kwh is None else "given"),
        amortisation=AMORTISATIONS[amortisation],
        embodied_route=route,
        device_kg_by_route=device_routes,
    )


def _overridden(factors: Mapping[str, Datum], own: Mapping[str, Datum]) -> dict[str, Datum]:
    """Return the factors with the user's in their places.

    Raises
    ------
    InputError
        A role that this answer does not use, or a unit of another quantity.
    """
    for role, datum in own.items():
        if role not in factors:
            raise InputError(
                "unknown factor", key=role, suggestion=nearest(role, factors), allowed=", ".join(sorted(factors)),
                remedy="use one of the roles that this answer has",
            )  # fmt: skip
        alike = next((units for units in ALIKE if factors[role].unit in units), {factors[role].unit})
        if datum.unit not in alike:
            raise InputError(
                "a unit of another quantity", key=role, value=datum.unit, allowed=", ".join(sorted(alike)),
                remedy="give the factor in one of these",
            )  # fmt: skip
    return {**factors, **own}


def bottom_up_range(cluster: Cluster) -> tuple[float, float, float]:
    """Return low, central and high embodied carbon of one device by the bottom-up route, in kg.

    Low has every factor at its favourable end, high at its other: where a measured figure lies outside, no choice of
    published factors explains it.
    """
    parts = device_parts(cluster.device, "physical")
    ends = [{name: datum.si_range[end] for name, datum in parts.items()} for end in (0, 1)]
    good = parts["good_share"].si_range
    low, high = (
        device_kg_bottom_up({**values, "good_share": share}) for values, share in zip(ends, good[::-1], strict=True)
    )
    return float(low), float(device_kg_bottom_up(si(parts))), float(high)


def market_of(location: Datum, region: str | None, basis: Basis | None) -> Datum:
    """Return the market-based intensity of a region; that of its location where the user gives one, and no region counts."""
    return replace(location, basis=NO_CONTRACT) if region is None else place(region).market_intensity(basis)


def _numbers(v: Values) -> CarbonNumbers:
    """Return the physical mode's coefficients: what was measured of device and host, the rest bottom-up."""
    device_kg = v["embodied_device"] if "embodied_device" in v else device_kg_bottom_up(v)
    return physical_numbers(v, device_kg, v["embodied_host"] if "embodied_host" in v else host_kg_bottom_up(v))


def _sharing(assemble: Callable[[Values], CarbonNumbers], v: Values) -> CarbonNumbers:
    return assemble(v)._replace(shared_hosts=1.0)


def _one_of(key: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(
            f"unknown {key}",
            key=key,
            value=value,
            suggestion=nearest(value, allowed),
            allowed=", ".join(allowed),
            remedy="choose one of these",
        )
