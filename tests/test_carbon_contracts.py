"""Contracts for electricity: what they cover, by the year or by the hour, and what the market-based method then counts."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.carbon.boundary import Boundary
from carbonscaling.carbon.contracts import Contracts, contract_cost, contracted_intensity, covered_energy, covered_share
from carbonscaling.cli import main
from carbonscaling.errors import InputError
from carbonscaling.study.answer import estimate, explain
from carbonscaling.study.choices import Options, choices
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.places import ranked
from carbonscaling.study.project.file import project_from
from carbonscaling.study.scenario import Scenario, load_scenario
from carbonscaling.units import KWH, YEAR

NORWAY = Scenario(model="llama-3-8b", tokens=1e12, devices=64, practice="typical", region="norway", scope2="market")


def _run(contracts: Contracts, **more: object) -> Estimate:
    found = estimate(Scenario(**{**vars(NORWAY), "contracts": contracts, **more}))
    assert isinstance(found, Estimate)
    return found


def test_a_volume_covers_its_part_and_the_residual_mix_the_rest() -> None:
    plain = _run(Contracts())
    half = _run(Contracts("ppa", mwh=plain.footprint.energy_kwh / 2e3))
    assert plain.footprint.market.carbon_intensity_g_per_kwh == pytest.approx(402.0)
    assert half.footprint.market.carbon_intensity_g_per_kwh == pytest.approx(201.0)
    assert half.footprint.operational_tco2e == pytest.approx(plain.footprint.operational_tco2e / 2)
    assert half.footprint.location == plain.footprint.location
    low, high = half.footprint.intervals["total_tco2e"]
    assert low < half.footprint.total_tco2e < high
    whole = _run(Contracts("certificates"))
    assert whole.footprint.operational_tco2e == 0.0
    assert "100% of the use" in whole.footprint.market.basis


def test_by_the_hour_only_what_is_delivered_during_the_run_counts() -> None:
    plain = _run(Contracts())
    volume = plain.footprint.energy_kwh / 1e3
    by_hour = _run(Contracts("ppa", mwh=volume, match="hour"))
    share = plain.duration_s / YEAR
    assert by_hour.footprint.market.carbon_intensity_g_per_kwh == pytest.approx(402.0 * (1 - share))


def test_location_based_totals_do_not_know_of_contracts() -> None:
    with_one, without = _run(Contracts("ppa"), scope2="location"), _run(Contracts(), scope2="location")
    assert with_one.footprint.total_tco2e == without.footprint.total_tco2e
    assert with_one.footprint.market.operational_tco2e == 0.0


def test_contracts_in_choices_places_and_explain() -> None:
    s = Scenario(**{**vars(NORWAY), "contracts": Contracts("green_tariff", g_per_kwh=20.0)})
    (choice,) = choices(s, Options())
    assert choice.market_tco2e == pytest.approx(choice.energy_kwh * 20.0 / 1e6)
    answer, lines = explain(s)
    assert isinstance(answer, Estimate)
    assert any(line.formula.name.endswith("operational_carbon") and line.result / 1e3 == pytest.approx(choice.market_tco2e)
               for line in lines)  # fmt: skip
    (row,) = ranked(answer, ["norway"])
    assert row.market_tco2e == pytest.approx(choice.market_tco2e)


@pytest.mark.parametrize("objective", ["carbon", "time"])
def test_a_volume_is_spent_once_on_the_run_and_what_stands_beside_it(objective: str) -> None:
    beside = Boundary(development=4.0, idle_reservation=0.5)
    plain = _run(Contracts(), boundary=beside)
    lines = sum(line.energy_kwh for line in plain.footprint.lines)
    whole = plain.footprint.energy_kwh + lines
    some = _run(Contracts("ppa", mwh=10.0, price_usd_per_mwh=7.0), boundary=beside, objective=objective)
    assert some.footprint.market.carbon_intensity_g_per_kwh == pytest.approx(402.0 * (1.0 - 1e4 / whole))
    beside_t = sum(line.operational_tco2e for line in some.footprint.lines)
    assert some.footprint.operational_tco2e + beside_t == pytest.approx((whole - 1e4) * 402.0 / 1e6)
    assert any("it costs 70 $" in note for note in some.resolved.notes)


def test_what_a_contract_costs_is_said_only_where_its_price_is() -> None:
    assert contract_cost(Contracts("ppa"), 1e12, 1e6) is None
    notes = _run(Contracts("ppa")).resolved.notes
    assert any("its price is not stated" in note for note in notes)
    assert not any("the rest" in note for note in notes if "purchase" in note)


def test_in_a_project_a_volume_is_spent_once() -> None:
    bought = {"kind": "ppa", "mwh": 1.0}
    stage = {"name": "run", "kind": "pretraining", "model": "llama-3-8b", "tokens": 1e11, "devices": 64}
    project_from({"stage": [{**stage, "contracts": bought}]}, "one")
    share = {"name": "failed", "kind": "share", "of": "run", "share": 0.1}
    for spent in (
        {"stage": [{**stage, "contracts": bought, "count": 10.0}]},
        {"stage": [stage], "common": {"contracts": bought}},
        {"stage": [{**stage, "contracts": bought}, share]},
    ):
        with pytest.raises(InputError, match="spent once"):
            project_from(spent, "many")


def test_a_contract_costs_for_what_it_covers() -> None:
    contract = Contracts("ppa", mwh=10.0, price_usd_per_mwh=7.0)
    assert contract_cost(contract, 30e3 * KWH, 1e6) == pytest.approx(70.0)
    assert contract_cost(contract, 5e3 * KWH, 1e6) == pytest.approx(35.0)


@given(energy=st.floats(1.0, 1e15), volume=st.floats(0.0, 1e15), contract=st.floats(0, 1e-6), rest=st.floats(0, 1e-6))
def test_a_mix_lies_between_its_parts(energy: float, volume: float, contract: float, rest: float) -> None:
    share = float(covered_energy(energy, volume)) / energy
    assert 0.0 <= share <= 1.0
    mixed = float(contracted_intensity(share, contract, rest))
    assert min(contract, rest) * (1 - 1e-9) <= mixed <= max(contract, rest) * (1 + 1e-9)


def test_a_file_and_the_command_line_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run.toml"
    path.write_text(
        'model = "llama-3-8b"\ntokens = 1e12\ndevices = 64\npractice = "typical"\nregion = "norway"\nscope2 = "market"\n'
        '[contracts]\nkind = "ppa"\nmwh = 10\nmatch = "year"\nprice_usd_per_mwh = 5\n'
    )
    assert load_scenario(path).contracts == Contracts("ppa", 10.0, "year", 0.0, 5.0)
    words = "estimate --model llama-3-8b --tokens 1e12 --devices 64 --practice typical --region norway --scope2 market --json"
    assert (
        main([*words.split(), "--contract-kind", "ppa", "--contract-mwh", "10", "--contract-price-usd-per-mwh", "5"])
        == 0
    )
    one = json.loads(capsys.readouterr().out)
    assert main(["estimate", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["carbon"] == one["carbon"]
    assert "it costs 50 $" in " ".join(one["notes"])


BAD_CONTRACTS = {
    "unknown kind": (["--contract-kind", "promise"], "ppa"),
    "no kind": (["--contract-mwh", "10"], "a contract of no kind"),
    "negative volume": (["--contract-kind", "ppa", "--contract-mwh", "-1"], "mwh is out of range"),
    "volume in words": (["--contract-kind", "ppa", "--contract-mwh", "plenty"], "not a number"),
    "negative price": (
        ["--contract-kind", "ppa", "--contract-price-usd-per-mwh", "-5"],
        "price_usd_per_mwh is out of range",
    ),
    "dirtier than coal": (["--contract-kind", "ppa", "--contract-g-per-kwh", "9000"], "g_per_kwh is out of range"),
    "fuel that emits nothing": (["--contract-kind", "ppa", "--contract-origin", "fossil"], "without its carbon"),
    "unknown match": (["--contract-kind", "ppa", "--contract-match", "week"], "year"),
    "unknown method": (["--scope2", "both"], "market"),
}


@pytest.mark.parametrize(("words", "said"), BAD_CONTRACTS.values(), ids=BAD_CONTRACTS)
def test_broken_contracts_end_in_one_clear_error(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["estimate", "--model", "llama-3-8b", "--tokens", "1e10", "--devices", "64", *words]) == 2
    error = capsys.readouterr().err
    assert error.count("error: ") == 1
    assert said in error


def test_contracts_of_studies_are_refused(tmp_path: Path) -> None:
    from carbonscaling.study.sweep.studyfile import load_study

    path = tmp_path / "study.toml"
    path.write_text(
        'name = "x"\n[scenario]\nmodel = "llama-3-8b"\n[scenario.contracts]\nkind = "ppa"\n'
        '[[axis]]\nkey = "devices"\nvalues = [8]\n'
    )
    with pytest.raises(InputError, match="covers one run"):
        load_study(path)


def test_a_study_of_regions_has_one_basis(tmp_path: Path) -> None:
    from carbonscaling.study.sweep.studyfile import load_study

    def basis(*names: str) -> object:
        path = tmp_path / "study.toml"
        path.write_text(
            f'name = "x"\n[scenario]\nmodel = "llama-3-8b"\n[[axis]]\nkey = "region"\nvalues = {list(names)}\n'
        )
        return load_study(path).base.get("basis")

    assert basis("sweden", "europe-north2") == "operational"
    assert basis("sweden", "norway") == "life-cycle"
    with pytest.raises(InputError, match="no basis in common"):
        basis("norway", "virginia")


@pytest.mark.parametrize("match", ["year", "hour"])
@pytest.mark.parametrize("objective", ["carbon", "time"])
def test_a_search_counts_the_contract_as_its_answer_does(match: Literal["year", "hour"], objective: Any) -> None:
    """The best setting, every other one and the front are of the same totals, and the least is the least of all."""
    contract = Contracts("ppa", mwh=1.0, match=match, g_per_kwh=5.0)
    found = _run(contract, tokens=1e10, objective=objective, devices=16, batch=64, practice="best")
    assert found.search is not None
    assert found.search.top[0].carbon_kg == pytest.approx(1e3 * found.footprint.total_tco2e, rel=1e-9)
    other = _run(contract, tokens=1e10, objective="energy", devices=16, batch=64, practice="best")
    if objective == "carbon":
        assert found.footprint.total_tco2e <= other.footprint.total_tco2e * (1.0 + 1e-9)
    for one in found.search.top:
        low, high = found.intervals_of(one)["carbon_interval_tco2e"]
        assert low <= one.carbon_kg / 1e3 <= high


def test_a_contract_that_ends_covers_its_part_of_the_run(tmp_path: Path) -> None:
    plain = _run(Contracts())
    half_s = plain.duration_s / 2
    half = _run(Contracts("ppa", days=half_s / 86400))
    assert half.footprint.market.carbon_intensity_g_per_kwh == pytest.approx(201.0)
    assert half.footprint.contracted == {"renewable": pytest.approx(0.5)}
    begins = datetime(2026, 11, 1)
    days = (datetime(2026, 11, 11) - begins).days  # until the end of the 10th
    dated = _run(Contracts("ppa", until="2026-11-10", run_begins="2026-11-01", origin="nuclear"))
    assert dated.footprint.contracted == {"nuclear": pytest.approx(days * 86400 / plain.duration_s)}
    assert _run(Contracts("ppa", until="2026-10-10", run_begins="2026-11-01")).footprint.contracted == {
        "renewable": 0.0
    }
    assert _run(Contracts("ppa", until="2027-10-10", run_begins="2026-11-01")).footprint.contracted == {
        "renewable": 1.0
    }
    hours = tmp_path / "hours.csv"
    rows = (f"{begins + timedelta(hours=h):%Y-%m-%dT%H:%M},402" for h in range(60 * 24))
    hours.write_text("time,g_per_kwh\n" + "\n".join(rows) + "\n")
    met = _run(Contracts("ppa", until="2026-11-12"), hourly=str(hours), start_hour=48.0)
    assert met.footprint.contracted == {"renewable": pytest.approx(days * 86400 / plain.duration_s)}


@given(
    energy=st.floats(1.0, 1e6), hours=st.integers(1, 200), held=st.integers(0, 300), volume=st.floats(0.0, 1e6),
    match=st.sampled_from(["year", "hour"]),
)  # fmt: skip
def test_covered_energy_is_that_of_the_hours_by_brute_force(
    energy: float, hours: int, held: int, volume: float, match: Literal["year", "hour"]
) -> None:
    """Hour by hour: while the contract holds it covers what is used, up to its volume, or to what it delivers in all."""
    contract = Contracts("ppa", mwh=volume / 1e3, match=match, days=held / 24)
    left = volume if match == "year" else volume * min(hours, held) * 3600.0 / YEAR
    covered = 0.0
    for hour in range(hours):
        taken = min(energy / hours, left) if hour < held else 0.0
        covered, left = covered + taken, left - taken
    share = float(covered_share(contract, energy * KWH, hours * 3600.0))
    assert share == pytest.approx(covered / energy, abs=1e-9)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "ppa", "until": "soon"}, "no date"),
        ({"kind": "ppa", "run_begins": "2026-13-01"}, "no date"),
        ({"kind": "ppa", "until": "2026-01-01", "days": 5.0}, "two ends of one contract"),
        ({"kind": "ppa", "days": -1.0}, "days is out of range"),
        ({"until": "2026-01-01"}, "a contract of no kind"),
    ],
)
def test_contracts_whose_end_cannot_be(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Contracts(**fields)


def test_a_contract_that_ends_asks_when_the_run_begins(capsys: pytest.CaptureFixture[str]) -> None:
    words = (
        "estimate --model llama-3-8b --tokens 1e10 --devices 64 --practice typical --region norway --contract-kind ppa"
    )
    assert main([*words.split(), "--contract-until", "2027-01-01"]) == 2
    assert "--contract-run-begins" in capsys.readouterr().err
