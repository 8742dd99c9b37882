"""Electricity by place: regions of clouds, countries and zones, by any name that people use for them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from functools import lru_cache

from carbonscaling.catalog.factors import factor
from carbonscaling.catalog.grids import Area, Basis, CloudRegion, areas, cloud_regions, names_elsewhere, newest, series
from carbonscaling.errors import InputError, misspelt
from carbonscaling.record import dataclass
from carbonscaling.sources import Datum

__all__ = ["BASES", "NO_CONTRACT", "Place", "common_basis", "known_place", "place", "region", "region_names", "slug"]

BASES: tuple[Basis, ...] = ("operational", "life-cycle")
"""What an intensity counts: burning fuel in power stations alone (GHG Protocol, scope 2), or with fuel supply and plants."""
NO_CONTRACT = "market-based: no contracts known, and no residual mix that may be passed on, so the location's own"
PROVIDERS = {"google": ("google-cloud", "google", "gcp"), "aws": ("amazon", "aws"), "azure": ("microsoft-azure", "azure"),
             "oci": ("oracle", "oci"), "ovh": ("ovhcloud", "ovh"), "scaleway": ("scaleway",),
             "coreweave": ("coreweave",), "crusoe": ("crusoe",)}  # fmt: skip
"""What people write before a region's id."""


MIXED = ("renewable", "nuclear")
"""Kinds of generation with a share of their own; the rest is fossil."""


@dataclass(frozen=True)
class Place:
    """Electricity at one place.

    Attributes
    ----------
    name : str
    provider : str
        google, aws, azure, oci, …, or empty for a country or zone.
    iso3 : str
        Country.
    title : str
        As a reader knows it: city or country.
    intensities : Mapping[str, Datum]
        Location-based carbon intensity by basis; one or both of `BASES`.
    carbon_free : Datum, optional
        Share of the provider's hours covered by carbon-free energy, its contracts included.
    residual : Datum, optional
        What nobody's contract claims (generation alone).
    marginal : Datum, optional
        Operating margin: of the plants that follow the load.
    water : Datum
        Of generation, L/kWh.
    water_on_site : Datum, optional
        Of this data centre, per IT energy.
    water_stress : int, optional
        0 (low) to 4 (extremely high): World Resources Institute, the country's mean.
    mix : Mapping[str, Datum]
        Shares of the country's generation that are renewable and nuclear; the rest is fossil. Empty where not published.
    zone : str
        Area whose hours are this place's.
    """

    name: str
    provider: str
    iso3: str
    title: str
    intensities: Mapping[str, Datum]
    carbon_free: Datum | None
    residual: Datum | None
    marginal: Datum | None
    water: Datum
    water_on_site: Datum | None
    water_stress: int | None
    mix: Mapping[str, Datum] = field(default_factory=dict)
    zone: str = ""

    @property
    def basis(self) -> Basis:
        """Operational where it is known: what scope 2 counts."""
        return next(basis for basis in BASES if basis in self.intensities)

    @property
    def location(self) -> Datum:
        """Location-based carbon intensity, operational where that is known."""
        return self.intensity()

    @property
    def market(self) -> Datum:
        """Market-based carbon intensity without contracts of one's own."""
        return self.market_intensity()

    def intensity(self, basis: Basis | None = None) -> Datum:
        """Return the location-based carbon intensity on a basis.

        Raises
        ------
        InputError
            It is not published on this basis.
        """
        wanted = basis or self.basis
        if wanted not in self.intensities:
            raise InputError(
                f"no {wanted} intensity is published for {self.name}, and no factor converts one basis into the other",
                key="basis", value=wanted, allowed=", ".join(self.intensities),
                remedy="ask for the other basis, name a place that has this one, or give --carbon-intensity-g-per-kwh",
            )  # fmt: skip
        return self.intensities[wanted]

    def market_intensity(self, basis: Basis | None = None) -> Datum:
        """Return the market-based intensity: the provider's contracts, else the residual mix, else the location's own."""
        location = self.intensity(basis)
        if self.carbon_free is not None:
            left = 1.0 - self.carbon_free.value
            return replace(
                location,
                value=left * location.value,
                low=left * (location.low or location.value),
                high=location.high,
                source=self.carbon_free.source,
                basis=location.basis.replace("location", "market"),
                remark=f"{self.carbon_free.value:.0%} carbon-free by the hour with the provider's contracts, the rest at the "
                "grid's average; high: nothing of it procured",
            )
        return self.residual or replace(location, basis=NO_CONTRACT)

    @property
    def upstream(self) -> float | None:
        """Fuel supply, plants and losses in g/kWh (scope 3, category 3); None unless both bases are known and agree on it."""
        if len(self.intensities) < len(BASES):
            return None
        beyond = self.intensities["life-cycle"].value - self.intensities["operational"].value
        return beyond if beyond >= 0.0 else None


def slug(name: str) -> str:
    """Return a name in lower case without accents, words joined by hyphens.

    >>> slug("São Paulo"), slug("US-TEX-ERCO"), slug("united_states"), slug("日本")
    ('sao-paulo', 'us-tex-erco', 'united-states', '日本')
    """
    plain = unicodedata.normalize("NFKD", name)
    return re.sub(r"[\W_]+", "-", "".join(c for c in plain if not unicodedata.combining(c)).lower()).strip("-")


@lru_cache(maxsize=1)
def _names() -> Mapping[str, str]:
    """Return every accepted name of an area with its code; what names one exactly comes before what lies in it."""
    found: dict[str, str] = {}
    listed = sorted(areas().values(), key=lambda area: area.kind != "country")
    for area in listed:
        for name in (area.name, area.code):
            found.setdefault(slug(name), area.code)
    for area in listed:
        if area.kind == "country" and area.iso2:
            found.setdefault(area.iso2.lower(), area.code)
    for area in reversed(listed):
        for name in area.names:
            found.setdefault(slug(name), area.code)
    return {name: code for name, code in found.items() if name and code}


@lru_cache(maxsize=1)
def _elsewhere() -> Mapping[str, str]:
    """Return the codes of countries by their names in other languages: read where no other name is found."""
    return {slug(name): code for code, names in names_elsewhere().items() for name in names}


def _cloud_ids(key: str) -> Iterable[tuple[str, str]]:
    """Return what a name could be as a region's id, with the provider that it names: bare, or with an availability zone."""
    for provider, said in (("", ("",)), *PROVIDERS.items()):
        for word in said:
            if key.startswith(f"{word}-") or not word:
                rest = key.removeprefix(f"{word}-") if word else key
                yield from (
                    (provider, name) for name in (rest, re.sub(r"(?<=\d)-?[a-f]$", "", rest), rest.replace("-", ""))
                )


def _cloud(key: str) -> CloudRegion | None:
    known = cloud_regions()
    for provider, name in _cloud_ids(key):
        if name in known and provider in ("", known[name].provider):
            return known[name]
    return None


@lru_cache(maxsize=256)
def place(name: str) -> Place:
    """Return the electricity of a place.

    Parameters
    ----------
    name : str
        A cloud region by its id (``us-east5``, ``aws:eu-west-1``, ``East US 2``, with or without an availability zone), a
        country by name, ISO code (``france``, ``FR``, ``FRA``) or city, or a zone (``US-TEX-ERCO``, ``ontario``).

    Raises
    ------
    InputError
        No such place.
    """
    key = slug(name)
    cloud = _cloud(key)
    if cloud is not None:
        return _of_cloud(cloud.name)
    code = (
        _names().get(key) or _names().get(name.replace(".", "").strip().lower()) or _elsewhere().get(key)
    )  # U.K., 日本
    if code is None or not (series(code, "generation") or series(code, "life-cycle")):
        known = [*cloud_regions(), *_names()]
        raise InputError(
            "unknown region" if code is None else "no carbon intensity is published for this region",
            key="region",
            value=name,
            suggestion=_misspelt(key, known) if code is None else None,
            allowed=_numbered_otherwise(key) or "regions of clouds, countries, zones, and their cities",
            remedy="carbonscaling catalog list regions, or give the carbon intensity itself in g/kWh",
        )
    return _of_area(code)


def known_place(name: str) -> Place | None:
    """Return the electricity of a place, None where the catalogue does not know it."""
    try:
        return place(name)
    except InputError:
        return None


@lru_cache(maxsize=1)
def _cloud_words() -> frozenset[str]:
    """Return the words of regions' ids, as us and east."""
    return frozenset(word for name in cloud_regions() for word in re.findall(r"[a-z]+", name))


def _misspelt(key: str, known: Iterable[str]) -> str | None:
    """Return the name that another misspells: codes and numbers are not words that one misspells.

    A word that ids know is not misspelt either: eu-east-1 is no us-east-1, and eastus3 no westus3.
    """
    found = misspelt(key, [name for name in known if len(name) > 5])
    meant = set(re.findall(r"[a-z]+", key)) & _cloud_words()
    return found if found and meant <= set(re.findall(r"[a-z]+", found)) else None


def _numbered_otherwise(key: str) -> str | None:
    """Return the regions of a cloud whose ids differ from a name in their number alone, or in having one; None without any."""
    bare = re.sub(r"\d+", "", key)
    ends = (bare, bare.rstrip("-")) if bare != key else (bare, f"{bare}-")
    alike = [name for name in cloud_regions() if re.sub(r"\d+", "", name) in ends]
    return ", ".join(sorted(alike)) or None


@lru_cache(maxsize=1024)
def _of_area(code: str) -> Place:
    area = areas()[code]
    return _assembled(slug(area.name), "", area, code, code, "", None, area.name)


@lru_cache(maxsize=1024)
def _of_cloud(name: str) -> Place:
    cloud = cloud_regions()[name]
    country = areas()[cloud.iso3]
    on_site = None
    if cloud.wue is not None:
        on_site = Datum(
            cloud.wue, "L/kWh", "li_2023", 0.5 * cloud.wue, 2.0 * cloud.wue, 2023, "per IT energy",
            "the provider's site; the range is a judgement",
        )  # fmt: skip
    found = _assembled(
        cloud.name,
        cloud.provider,
        country,
        cloud.grid,
        cloud.zone,
        cloud.water,
        on_site,
        cloud.city if cloud.city == country.name else f"{cloud.city}, {country.name}",
    )
    if cloud.provider != "google":
        return found
    share = series(cloud.name, "carbon-free")
    year = max(share)
    return replace(found, carbon_free=Datum(share[year][0], "1", share[year][1], year=year, basis="by the hour"))


def _assembled(
    name: str, provider: str, country: Area, grid: str, zone: str, basin: str, on_site: Datum | None, title: str
) -> Place:
    said = {grid: "", zone: ""} if not provider else {code: f"; the grid of {_words(code)}" for code in (grid, zone)}
    kinds = (
        ("operational", newest(grid, "generation", "g/kWh", "operational, location-based", title + said[grid])),
        (
            "life-cycle",
            newest(
                zone,
                "consumed" if provider else "life-cycle",
                "g/kWh",
                "life-cycle, location-based",
                title + said[zone],
            ),
        ),
    )
    code = country.iso3
    stress = series(code, "water-stress")
    return Place(
        name=name,
        provider=provider,
        iso3=code,
        title=title,
        intensities={basis: datum for basis, datum in kinds if datum is not None},
        carbon_free=None,
        residual=newest(code, "residual", "g/kWh", "operational, market-based: residual mix", areas()[code].name),
        marginal=newest(code, "operating-margin", "g/kWh", "operating margin", areas()[code].name),
        water=_water(basin or zone, code),
        water_on_site=on_site,
        water_stress=int(stress[max(stress)][0]) if stress else None,
        mix=_mix(code),
        zone=zone,
    )


def _mix(country: str) -> Mapping[str, Datum]:
    found = {}
    for kind, years in (
        ("renewable", series(country, "renewable-share")),
        ("nuclear", series(country, "nuclear-share")),
    ):
        if years:
            year = max(years)
            value, source = years[year]
            found[kind] = Datum(value, "1", source, year=year, basis="of generation", remark=areas()[country].name)
    return found if len(found) == len(MIXED) else {}


def _words(code: str) -> str:
    """Return what a reader calls a grid: a Google Cloud region's id, or an area's name."""
    area = areas().get(code)
    return code if area is None else slug(area.name)


def _water(code: str, country: str) -> Datum:
    """Return the water of generation of the smallest area that it is known for."""
    for known in (code, country):
        years = series(known, "water")
        if years:
            year = max(years)
            value, source = years[year]
            return Datum(value, "L/kWh", source, 0.5 * value, 1.5 * value, year, "of generation",
                         f"{_words(known)}, evaporation of reservoirs included; the range is a judgement")  # fmt: skip
    return factor("facility.water.off_site")


def region(name: str) -> Datum:
    """Return the location-based carbon intensity of a place, as `place`.

    Raises
    ------
    InputError
        No such place.
    """
    return place(name).location


@lru_cache(maxsize=1)
def region_names() -> tuple[str, ...]:
    """Return one name of every place: the ids of cloud regions, then countries and zones."""
    listed = (area for area in areas().values() if series(area.code, "generation") or series(area.code, "life-cycle"))
    return (*cloud_regions(), *(slug(area.name) for area in listed))


def common_basis(places: Iterable[Place], wanted: Basis | None = None) -> Basis:
    """Return the one basis that places are compared on: the wanted one, else operational where all have it, else life-cycle.

    Raises
    ------
    InputError
        A place lacks the wanted basis, or no basis is known for all of them.
    """
    listed = tuple(places)
    for basis in (wanted,) if wanted else BASES:
        if all(basis in there.intensities for there in listed):
            return basis
    lacking = "; ".join(f"{there.name}: {' and '.join(there.intensities)}" for there in listed)
    raise InputError(
        f"no {wanted} intensity is published for every place" if wanted else "these places have no basis in common",
        key="basis", value=wanted, allowed=lacking, remedy="leave out those that lack it, or ask for the other basis",
    )  # fmt: skip
