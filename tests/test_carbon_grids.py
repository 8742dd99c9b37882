"""Grids by place: two bases that never mix, the newest values, ranges by their own history, names as people type them."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.catalog.ages import aged
from carbonscaling.catalog.factors import factor
from carbonscaling.catalog.grid_hours import HOURS_SOURCE, hours_by_year
from carbonscaling.catalog.grids import areas, changing, cloud_regions, series
from carbonscaling.catalog.references import references
from carbonscaling.catalog.regions import BASES, common_basis, place, region_names
from carbonscaling.cli import main
from carbonscaling.errors import InputError
from carbonscaling.study.answer import estimate
from carbonscaling.study.begin import best_begin, typical_hours
from carbonscaling.study.choices import Options, choices
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.places import ranked
from carbonscaling.study.scenario import Scenario

LLAMA = Scenario(model="llama-3-8b", tokens=1e12, devices=64, practice="typical", region="sweden")


def test_every_place_is_complete() -> None:
    known = references()
    count: dict[str, int] = {}
    for name in region_names():
        p = place(name)
        count[p.provider] = count.get(p.provider, 0) + 1
        data = [*p.intensities.values(), p.market, p.water, p.residual, p.marginal, p.water_on_site]
        assert p.intensities, name
        for datum in filter(None, data):
            assert datum.source in known, name
            assert datum.basis, name
            assert datum.year, name
            assert datum.low is not None, name
        assert "market" in p.market.basis
        assert p.basis in p.location.basis
    assert count["google"] == 44
    assert count["aws"] >= 35
    assert count["azure"] >= 50
    assert count["oci"] >= 35
    assert {"ovh", "scaleway", "coreweave", "crusoe"} <= set(count)
    assert count[""] >= 400


def test_every_cloud_region_stands_on_grids_that_are_known() -> None:
    for cloud in cloud_regions().values():
        assert cloud.iso3 in areas()
        assert not cloud.grid or series(cloud.grid, "generation"), cloud.name
        assert series(cloud.zone, "consumed"), cloud.name
        assert not cloud.water or series(cloud.water, "water"), cloud.name


def test_nothing_ships_that_its_owner_forbids() -> None:
    sources = {source for area in areas() for q in ("residual", "generation") for _, source in series(area, q).values()}
    assert sources <= {
        "eea_2025",
        "desnz_2026",
        "egrid_2025",
        "eccc_2025",
        "nga_2025",
        "mfe_2026",
        "mee_2025",
        "nve_2020",
    }
    assert all(references()[source].licence for source in sources | {"electricity_maps_2025", "ember_2026", "ifi_2021"})
    assert "gsf_cloud_regions" not in references()


# A1 of the carbon audit: one basis in a comparison.


def test_both_bases_of_one_grid_are_kept_apart() -> None:
    sweden, stockholm = place("sweden"), place("europe-north2")
    assert sweden.intensity("operational").value == 8.0
    assert sweden.intensity("life-cycle").value == 35.26
    assert stockholm.intensity("operational").value == 2.73
    assert stockholm.intensity("life-cycle").value == 20.0
    for basis in BASES:
        (low, high), (other, another) = (p.intensity(basis).si_range for p in (sweden, stockholm))
        assert low <= another
        assert other <= high


def test_a_comparison_has_one_basis() -> None:
    found = choices(LLAMA, Options(regions=("sweden", "europe-north2", "eu-west-1", "eu-west-2")))
    assert {c.basis for c in found} == {"operational, location-based"}
    by_region = {c.region: c.operational_tco2e / c.energy_kwh * 1e6 for c in found}
    assert by_region == pytest.approx({"sweden": 8.0, "europe-north2": 2.73, "eu-west-1": 260.0, "eu-west-2": 105.94})
    wider = choices(LLAMA, Options(regions=("sweden", "europe-north2", "norway")))
    assert {c.basis for c in wider} == {"life-cycle, location-based"}
    assert {row.basis for row in ranked(estimate(LLAMA))} == {"operational, location-based"}  # type: ignore[arg-type]


def test_places_without_a_common_basis_are_refused() -> None:
    with pytest.raises(InputError, match=r"(?s)no operational intensity.*norway: life-cycle"):
        common_basis([place("norway"), place("sweden")], "operational")
    with pytest.raises(InputError, match=r"(?s)no basis in common.*virginia: operational"):
        common_basis([place("virginia"), place("norway")])
    with pytest.raises(InputError, match="no factor converts"):
        place("norway").intensity("operational")


def test_choose_prints_and_exports_the_basis(capsys: pytest.CaptureFixture[str]) -> None:
    words = "choose --model llama-3-8b --tokens 1e12 --devices 64 --practice typical --regions sweden,europe-north2"
    assert main(words.split()) == 0
    assert capsys.readouterr().out.count("Carbon intensity: operational, location-based") == 1
    assert main([*words.split(), "--basis", "life-cycle", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["basis"] for row in rows} == {"life-cycle, location-based"}


# A2: market-based without contracts is the residual mix where one may be passed on.


@pytest.mark.parametrize(
    ("name", "g"), [("norway", 402.0), ("china", 609.6), ("australia", 810.0), ("norwayeast", 402.0)]
)
def test_the_residual_mix_is_what_is_left_without_contracts(name: str, g: float) -> None:
    assert place(name).market.value == g
    assert "residual" in place(name).market.basis


def test_scope_2_by_market_is_what_the_total_counts_when_asked() -> None:
    by_location, by_market = (
        estimate(Scenario(model="llama-3-8b", tokens=1e12, devices=64, practice="typical", region="norway", scope2=method))
        for method in ("location", "market")
    )  # fmt: skip
    assert by_location.footprint is not None
    assert by_market.footprint is not None
    assert by_location.footprint.location == by_market.footprint.location
    assert by_location.footprint.market == by_market.footprint.market
    assert by_market.footprint.operational_tco2e == by_market.footprint.market.operational_tco2e
    ratio = by_market.footprint.operational_tco2e / by_location.footprint.operational_tco2e
    assert ratio == pytest.approx(402.0 / 28.11)


@pytest.mark.parametrize(("name", "g"), [("sweden", 68), ("france", 158), ("united-states", 416), ("china", 899)])
def test_operating_margins(name: str, g: float) -> None:
    assert place(name).marginal is not None
    assert place(name).marginal.value == g  # type: ignore[union-attr]


def test_upstream_is_what_the_two_bases_differ_by() -> None:
    assert place("sweden").upstream == pytest.approx(35.26 - 8.0)
    assert place("norway").upstream is None
    assert place("australia").upstream is None  # generation above life-cycle: two sources that contradict each other


# A7: the newest values, and names as people type them.


@pytest.mark.parametrize(
    ("code", "g"),
    [
        ("FR", 41), ("DE", 330), ("IT", 285), ("SE", 35), ("IE", 257), ("ES", 154), ("PL", 589), ("CN", 525), ("US", 384),
        ("AE", 468), ("IL", 493), ("FI", 57), ("DK", 114), ("PT", 128),
    ],
)  # fmt: skip
def test_newest_life_cycle_values(code: str, g: float) -> None:
    assert round(place(code).intensity("life-cycle").value) == g


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("uk", "united-kingdom"), ("GB", "united-kingdom"), ("paris", "france"), ("FRA", "france"), ("fr", "france"),
        ("Frankfurt", "germany"), ("São Paulo", "brazil"), ("quebec", "quebec"), ("Québec", "quebec"), ("Texas", "texas"),
        ("georgia", "georgia"), ("UAE", "united-arab-emirates"), ("Czech Republic", "czechia"), ("USA", "united-states"),
        ("us", "united-states"), ("us-va", "virginia"), ("South Korea", "south-korea"), ("sydney", "new-south-wales"),
        ("us-central1-a", "us-central1"), ("gcp:us-central1", "us-central1"), ("google us-central1", "us-central1"),
        ("aws/us-east-1", "us-east-1"), ("us-east-1a", "us-east-1"), ("East US 2", "eastus2"), ("West Europe", "westeurope"),
        ("azure uksouth", "uksouth"), ("oci us-ashburn-1", "us-ashburn-1"), ("fr-par", "fr-par"), ("US_EAST5", "us-east5"),
    ],
)  # fmt: skip
def test_names_as_people_type_them(typed: str, name: str) -> None:
    assert place(typed).name == name


def test_every_name_of_an_area_leads_to_a_place_of_its_country() -> None:
    for area in areas().values():
        for name in (area.name, *area.names):
            if series(area.code, "generation") or series(area.code, "life-cycle"):
                assert place(name).iso3 == area.iso3, name


def test_regions_no_longer_stand_for_their_whole_country() -> None:
    for name, country in (
        ("me-south-1", "bahrain"),
        ("me-central-1", "uae"),
        ("southindia", "india"),
        ("ukwest", "uk"),
    ):
        assert place(name).intensity("life-cycle").value < place(country).intensity("life-cycle").value


# A8: a range by its own history.


def test_ranges_without_a_history_are_those_of_grids_of_its_kind() -> None:
    assert changing(400.0, {2024: 400.0}) == pytest.approx((400 * 0.77, 400 * 1.23))
    assert changing(100.0, {2024: 100.0}) == pytest.approx((41.0, 172.0))


def test_a_steady_grid_has_a_narrower_range_than_one_that_jumps() -> None:
    steady = changing(400.0, dict.fromkeys(range(2019, 2025), 400.0))
    jumping = changing(400.0, {year: 400.0 * 2 ** ((-1) ** year) for year in range(2019, 2025)})
    usual = changing(400.0, {2024: 400.0})
    assert jumping[0] < usual[0] < steady[0] < 400.0 < steady[1] < usual[1] < jumping[1]


def test_ranges_hold_the_year_that_follows() -> None:
    held = []
    for code in areas():
        years = {year: value for year, (value, _) in series(code, "consumed").items()}
        if {2024, 2025} <= set(years) and years[2024]:
            low, high = changing(years[2024], {year: value for year, value in years.items() if year < 2025})
            held.append(low <= years[2025] <= high)
    assert len(held) > 300
    assert 0.90 < sum(held) / len(held) < 0.97


@given(st.dictionaries(st.integers(2015, 2026), st.floats(0.0, 2000.0), min_size=1, max_size=8))
def test_a_range_holds_its_value(years: dict[int, float]) -> None:
    value = years[max(years)]
    low, high = changing(value, years)
    assert 0.0 <= low <= value <= high < math.inf


# A9: water by place.


@pytest.mark.parametrize(
    ("name", "litres"),
    [("us-south1", 1.29), ("texas", 1.29), ("us-east4", 2.39), ("us-central1", 3.1), ("westus3", 4.96), ("westus2", 9.5),
     ("us-east5", 3.1321), ("france", 3.6737)],
)  # fmt: skip
def test_water_of_generation_is_of_the_smallest_known_area(name: str, litres: float) -> None:
    assert place(name).water.value == litres


# A10: a country's data centres are no hyperscaler's.


def test_pue_of_a_country_is_that_of_data_centres_at_large() -> None:
    found = estimate(Scenario(model="llama-3-8b", tokens=1e12, devices=64, practice="typical", region="france"))
    assert found.footprint is not None
    assert found.footprint.pue == 1.54 == factor("facility.pue.anywhere").value
    assert estimate(LLAMA).footprint.pue == 1.54  # type: ignore[union-attr]


def test_what_has_grown_old_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    found = {(one.kind, one.source, one.year): set(one.names) for one in aged(2026)}
    assert "SWE" in found["grid: generation", "eea_2025", 2023]
    assert "NOR" in found["grid: residual", "nve_2020", 2020]
    assert not any("europe-north2" in names for names in found.values())
    assert len(aged(2021)) < len(found)
    assert main(["catalog", "check", "--year", "2026"]) == 0
    assert "eea_2025" in capsys.readouterr().out


# Hours: what the day and the year do to a grid, and when a run begins best.

ZONES = tuple(area for area in areas() if hours_by_year(area, "operational"))


def test_hours_are_those_of_their_years() -> None:
    assert HOURS_SOURCE in references()
    assert references()[HOURS_SOURCE].licence.startswith("ODbL")
    assert len(ZONES) == 14
    for code in ZONES:
        for basis in BASES:
            years = hours_by_year(code, basis)
            assert sorted(years) == [2021, 2022, 2023, 2024]
            for months in years.values():
                assert months.shape == (12, 24)
                assert months.mean() == pytest.approx(1.0, abs=0.01)  # months are not of one length
                assert months.min() >= 0.0
    noon, night = (typical_hours("US-CAL-CISO", "operational")[5, hour] for hour in (19, 7))  # type: ignore[index]
    assert noon < 0.7 * night  # the sun of California
    assert typical_hours("SWE", "operational") is None


@pytest.mark.parametrize("code", ZONES)
def test_a_longer_run_can_save_less_and_a_whole_year_nothing(code: str) -> None:
    saved = [best_begin(code, "operational", hours) for hours in (1.0, 24.0, 720.0, 8760.0)]
    shares = [begin.saves for begin in saved if begin is not None]
    assert shares == sorted(shares, reverse=True)
    assert len(shares) == 4
    assert shares[-1] == pytest.approx(0.0, abs=1e-12)
    assert saved[0] is not None
    hours = typical_hours(code, "operational")
    assert hours is not None
    days = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    mean = sum(d * row.sum() for d, row in zip(days, hours, strict=True)) / 8760.0
    assert saved[0].saves == pytest.approx(1.0 - hours.min() / mean)  # an hour long: the cleanest hour of all
    assert saved[0].when.endswith(f"{hours.argmin() % 24:02d}:00 UTC")


def test_places_say_when_a_run_begins_best() -> None:
    answer = estimate(LLAMA)
    assert isinstance(answer, Estimate)
    rows = {row.region: row for row in ranked(answer)}
    california, sweden = rows["us-west2"], rows["europe-north2"]
    begin = best_begin("US-CAL-CISO", "operational", answer.duration_s / 3600.0)
    assert begin is not None
    assert california.best_start == begin.when
    saved = california.total_tco2e - (california.at_best_tco2e or 0.0)
    assert saved == pytest.approx(begin.saves * california.operational_tco2e)
    assert california.saved_low is not None
    assert california.saved_low <= begin.saves <= (california.saved_high or 0.0)
    assert (sweden.best_start, sweden.at_best_tco2e) == ("", None)
