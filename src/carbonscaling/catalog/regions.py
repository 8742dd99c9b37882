"""Carbon intensity and water of electricity by place: Google Cloud, AWS and Azure regions, and countries."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources

from carbonscaling.catalog.factors import factor
from carbonscaling.errors import InputError, nearest
from carbonscaling.sources import Datum

__all__ = ["NO_CONTRACT", "Place", "place", "region", "region_names"]

NO_CONTRACT = "market-based: no contracts known, so the location's own"


@dataclass(frozen=True)
class Place:
    """Electricity at one place.

    Attributes
    ----------
    name : str
    provider : str
        google, aws, azure, or empty for a country.
    iso3 : str
        Country.
    location, market : Datum
        Carbon intensity by the location-based and by the market-based method.
    water : Datum
        Of generation, L/kWh.
    """

    name: str
    provider: str
    iso3: str
    location: Datum
    market: Datum
    water: Datum


def place(name: str) -> Place:
    """Return the electricity of a place.

    Parameters
    ----------
    name : str
        A Google Cloud region (``us-east5``; 2024, operational), an AWS or Azure region (``us-east-1``, ``eastus``; taken
        as the grid it is on), or a country by name or ISO code (``france``, ``FRA``; life-cycle). Mind the basis when
        comparing two.

    Raises
    ------
    InputError
        No such place.
    """
    key = _slug(name)
    known = _places()
    if key not in known:
        raise InputError(
            "unknown region",
            key="region",
            value=name,
            suggestion=nearest(key, known),
            allowed="Google Cloud, AWS and Azure regions, and countries",
            remedy="carbonscaling catalog list regions, or give the carbon intensity itself in g/kWh",
        )
    return known[key]


def region(name: str) -> Datum:
    """Return the location-based carbon intensity of a place, as `place`.

    Raises
    ------
    InputError
        No such place.
    """
    return place(name).location


def region_names() -> tuple[str, ...]:
    """Return the accepted names, without the ISO codes that mean the same countries."""
    return tuple(name for name in _places() if len(name) != 3)


def _ranged(datum: Datum) -> Datum:
    """Add what one year's average says about another year."""
    change = factor("grid.change.yearly")
    low, high = (datum.value * end for end in (change.low or 1.0, change.high or 1.0))
    return replace(datum, low=low, high=high)


def _google_market(location: Datum, carbon_free: float) -> Datum:
    """Market-based intensity from the provider's carbon-free share of every hour."""
    left = (1.0 - carbon_free) * location.value
    return replace(
        location,
        value=left,
        low=(1.0 - carbon_free) * (location.low or location.value),
        high=location.high,
        basis="operational, market-based",
        remark=f"{carbon_free:.0%} carbon-free by the hour, the rest at the grid's average; high: nothing of it procured",
    )


@lru_cache(maxsize=1)
def _places() -> Mapping[str, Place]:
    default_water = factor("facility.water.off_site")
    water = {
        row["iso3"]: Datum(
            float(row["l_per_kwh"]), "L/kWh", "ecologits_mixes", 0.5 * float(row["l_per_kwh"]),
            1.5 * float(row["l_per_kwh"]), 2025, "of generation", "by country; the range is a judgement",
        )
        for row in _csv("water_by_country.csv")
    }  # fmt: skip
    countries: dict[str, Place] = {}
    for row in _csv("countries_2023.csv"):
        datum = _ranged(
            Datum(
                float(row["g_per_kwh"]), "g/kWh", "owid_electricity_2023", year=int(row["year"]),
                basis="life-cycle, location-based", remark=row["country"],
            )
        )  # fmt: skip
        found = Place(_slug(row["country"]), "", row["iso3"], datum, replace(datum, basis=NO_CONTRACT),
                      water.get(row["iso3"], default_water))  # fmt: skip
        countries[found.name] = countries[row["iso3"].lower()] = found
    google = {row["Google Cloud Region"]: row for row in _csv("gcp_regions_2024.csv")}
    clouds: dict[str, Place] = {}
    for row in _csv("cloud_regions.csv"):
        name, iso3 = row["region"], row["iso3"]
        if row["provider"] == "google":
            own = google[name]
            location = _ranged(
                Datum(
                    float(own["Grid carbon intensity (gCO2eq / kWh)"]), "g/kWh", "gcp_regions_2024", year=2024,
                    basis="operational, location-based",
                    remark=f"{own['Location']}; carbon-free share {own['Google CFE']}",
                )
            )  # fmt: skip
            market = _google_market(location, float(own["Google CFE"]))
        else:
            grid = row["grid"]
            same = (clouds.get(grid) or countries[grid]).location
            location = replace(same, remark=f"{row['provider']} in {row['place']}: the grid of {grid}")
            market = replace(location, basis=NO_CONTRACT)
        clouds[name] = Place(name, row["provider"], iso3, location, market, water.get(iso3, default_water))
    return clouds | countries


def _csv(name: str) -> list[dict[str, str]]:
    text = (resources.files("carbonscaling.catalog") / "factors" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def _slug(name: str) -> str:
    return name.strip().lower().replace(" ", "-").replace("_", "-")
