"""The same run in every place: what changes is the electricity, so places are ranked without another search."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from carbonscaling.carbon.assess import idling
from carbonscaling.carbon.boundary import boundary_kg
from carbonscaling.carbon.footprint import footprint
from carbonscaling.carbon.model import hardware_factors
from carbonscaling.catalog.regions import common_basis, place, region_names
from carbonscaling.record import dataclass
from carbonscaling.study.begin import Begin, best_begin
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.outcome import contracted
from carbonscaling.study.resolve import carbon_of
from carbonscaling.units import HOUR, KWH, TONNE

__all__ = ["Ranked", "cloud_names", "ranked"]


@dataclass(frozen=True)
class Ranked:
    """A run in one place.

    Attributes
    ----------
    region, provider, country : str
    basis : str
        What the intensity counts: the same for every place.
    carbon_intensity_g_per_kwh : float
        Location-based.
    operational_tco2e, market_tco2e, embodied_tco2e, boundary_tco2e, total_tco2e : float
        The total is location-based.
    best_start : str
        When the run would begin best in a typical year; empty where the grid's hours are not known.
    at_best_tco2e : float, optional
        Total with that start.
    saved_low, saved_high : float, optional
        Least and most that this start saved in a year of those known, as a share of operational carbon; below nought it cost.
    """

    region: str
    provider: str
    country: str
    basis: str
    carbon_intensity_g_per_kwh: float
    operational_tco2e: float
    market_tco2e: float
    embodied_tco2e: float
    boundary_tco2e: float
    total_tco2e: float
    best_start: str = ""
    at_best_tco2e: float | None = None
    saved_low: float | None = None
    saved_high: float | None = None


def cloud_names() -> tuple[str, ...]:
    """Return the regions of cloud providers, without the countries."""
    return tuple(name for name in region_names() if place(name).provider)


def ranked(answer: Estimate, names: Iterable[str] | None = None) -> tuple[Ranked, ...]:
    """Return the answer's run in other places, least carbon first, with the setting it has.

    Central values only: the factors that make the interval are the same everywhere but for the intensity. Where the
    objective is carbon, another setting may be a little better in another place: ask there for that.

    Parameters
    ----------
    answer : Estimate
    names : iterable of str, optional
        Cloud regions or countries; if not given every cloud region that is known on the basis of the answer.

    Raises
    ------
    InputError
        An unknown place, or places without a basis in common.
    """
    s, cluster = answer.scenario, answer.resolved.cluster
    shared = hardware_factors(cluster, s.carbon_mode, s.paper_version)
    rows = []
    listed = tuple(map(place, cloud_names() if names is None else names))
    wanted = s.basis
    if names is None:
        wanted = wanted or place(s.region).basis
        listed = tuple(there for there in listed if wanted in there.intensities)
    basis = common_basis(listed, wanted)
    for there in listed:
        local = replace(
            s, region=there.name, basis=basis, carbon_intensity_g_per_kwh=None, hourly=None, start_hour=0.0
        )  # fmt: skip
        carbon = carbon_of(local, cluster, hardware=shared)
        run = answer.n_devices, answer.duration_s, answer.working_mfu
        carbon = contracted(local, idling(carbon, answer.idle_share), *run)
        parts = footprint(carbon.numbers, *run)
        kg = boundary_kg(vars(s.boundary), carbon.numbers, answer.n_devices, answer.duration_s, parts)
        beside = float(kg) / TONNE
        total = float(parts.total_kg) / TONNE
        operational = float(parts.operational_kg) / TONNE
        rows.append(
            Ranked(
                region=there.name,
                provider=there.provider,
                country=there.iso3,
                basis=carbon.location.basis,
                carbon_intensity_g_per_kwh=carbon.factors["carbon_intensity"].si * 1000.0 * KWH,
                operational_tco2e=operational,
                market_tco2e=float(parts.energy_j) * carbon.market.si / TONNE,
                embodied_tco2e=total - operational,
                boundary_tco2e=beside,
                total_tco2e=total + beside,
                **_begun(best_begin(there.zone, basis, answer.duration_s / HOUR), operational, total + beside),
            )
        )
    return tuple(sorted(rows, key=lambda row: (row.total_tco2e, row.region)))


def _begun(begin: Begin | None, operational: float, total: float) -> dict[str, Any]:
    if begin is None:
        return {}
    saved = begin.years.values()
    return {
        "best_start": begin.when, "at_best_tco2e": total - begin.saves * operational,
        "saved_low": min(saved), "saved_high": max(saved),
    }  # fmt: skip
