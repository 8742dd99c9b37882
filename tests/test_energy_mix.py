"""Energy by what generates it (ESRS E1-5), and the building by its power."""

from __future__ import annotations

import csv
import io
import json

import pytest

from carbonscaling.carbon.assess import assess
from carbonscaling.carbon.model import carbon_model
from carbonscaling.catalog import hardware
from carbonscaling.catalog.grids import areas, series
from carbonscaling.catalog.regions import place
from carbonscaling.cli import main
from carbonscaling.units import YEAR

MEASURED = "report --energy-kwh 1000 --energy-scope facility --device h100-sxm --format esrs"
KINDS = ("fossil", "nuclear", "renewable", "unclaimed")


def _split(capsys: pytest.CaptureFixture[str], words: str) -> dict[str, str]:
    assert main(words.split()) == 0
    rows = {row["line"]: row["value"] for row in csv.DictReader(io.StringIO(capsys.readouterr().out))}
    of = ("from fossil sources", "from nuclear sources", "from renewable sources")
    names = [f"Energy consumption {words}" for words in (*of, "from renewables of the grid without a contract")]
    return {"total": rows["Total energy consumption"], **dict(zip(KINDS, (rows[name] for name in names), strict=True))}


def test_without_a_contract_nothing_counts_as_renewable(capsys: pytest.CaptureFixture[str]) -> None:
    """France in 2025: 26.06 % renewable and 68.79 % nuclear (Ember)."""
    found = {k: float(v) for k, v in _split(capsys, f"{MEASURED} --region fr").items()}
    assert found == pytest.approx(
        {"total": 1.0, "fossil": 0.0515, "nuclear": 0.6879, "renewable": 0.0, "unclaimed": 0.2606}, abs=1e-6
    )


def test_contracts_come_first_and_the_grids_mix_is_of_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    found = {
        k: float(v) for k, v in _split(capsys, f"{MEASURED} --region fr --contracted renewable=0.5,nuclear=0.1").items()
    }
    assert found["renewable"] == pytest.approx(0.5)
    assert found["nuclear"] == pytest.approx(0.1 + 0.4 * 0.6879)
    assert sum(found[k] for k in KINDS) == pytest.approx(found["total"], rel=1e-5)


def test_a_mix_that_nobody_publishes_is_not_known_unless_it_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    place_less = f"{MEASURED} --carbon-intensity-g-per-kwh 50"
    assert set(_split(capsys, place_less).values()) == {"1", "not known"}
    found = {k: float(v) for k, v in _split(capsys, f"{place_less} --grid-mix renewable=0.25,nuclear=0.5").items()}
    assert found == pytest.approx({"total": 1.0, "fossil": 0.25, "nuclear": 0.5, "renewable": 0.0, "unclaimed": 0.25})


@pytest.mark.parametrize("text", ["wind=1", "renewable=lots", "renewable=0.7,nuclear=0.4", "nuclear=-0.1", "0.5"])
def test_shares_that_are_none(capsys: pytest.CaptureFixture[str], text: str) -> None:
    assert main([*MEASURED.split(), "--region", "fr", "--grid-mix", text]) == 2
    error = capsys.readouterr().err
    assert error.count("error: ") == 1
    assert "not shares of energy" in error


def test_every_shipped_mix_is_one() -> None:
    codes = [code for code, area in areas().items() if area.kind == "country" and series(code, "renewable-share")]
    assert len(codes) > 200
    for code in codes:
        mix = place(code).mix if series(code, "life-cycle") else {}
        assert set(mix) in ({"renewable", "nuclear"}, set())
        assert sum(datum.value for datum in mix.values()) <= 1.0 + 1e-3, code
    assert place("europe-west9").mix["nuclear"].value == place("france").mix["nuclear"].value


def test_a_plans_contract_reaches_its_statement(capsys: pytest.CaptureFixture[str], tmp_path: object) -> None:
    answer = f"{tmp_path}/a.json"
    ask = (
        "estimate --model llama-3-8b --tokens 1e11 --devices 64 --practice typical --region norway --contract-kind ppa"
    )
    assert main([*ask.split(), "-o", answer]) == 0
    capsys.readouterr()
    found = {k: float(v) for k, v in _split(capsys, f"report {answer} --format esrs").items()}
    assert found["renewable"] == pytest.approx(found["total"], rel=1e-5)
    assert found["unclaimed"] == 0.0
    with open(answer, encoding="utf-8") as file:
        assert json.load(file)["carbon"]["contracted"] == {"renewable": 1.0}


def test_the_building_by_its_power_by_hand() -> None:
    """Eight H100 of 700 W with 5 % for the network and a host, for a year of 25, at 1,829 kg a kW."""
    model = carbon_model(hardware.cluster("h100-sxm"), "france")
    built = assess(model, 8, YEAR, 0.4).construction
    assert built is not None
    watts = 8 * 700 * 1.05 + model.factors["host_power"].si
    assert built.capacity_w == pytest.approx(watts)
    assert built.tco2e == pytest.approx(watts / 1e3 * 1829 / 25 / 1e3)
    assert built.low < built.tco2e < built.high
    paper = carbon_model(hardware.cluster("paper-h100"), None, "paper")
    assert assess(paper, 8, YEAR, 0.4).construction is None
