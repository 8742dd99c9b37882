"""Prices by what is bought; devices without one are named, never dropped (A10 of the carbon audit)."""

from __future__ import annotations

import json

import pytest

from carbonscaling.catalog.prices import price, price_bases, prices
from carbonscaling.catalog.references import references
from carbonscaling.cli import main
from carbonscaling.study.answer import estimate
from carbonscaling.study.scenario import Scenario

RUN = ["--model", "llama-3-8b", "--tokens", "1e10", "--devices", "64", "--practice", "typical"]


def test_every_price_has_its_basis_year_and_source() -> None:
    for basis in price_bases():
        for device, datum in prices(basis).items():
            assert datum.source in references(), device
            assert datum.year, device
            assert datum.basis, device
            assert datum.low is not None
            assert datum.high is not None
            assert datum.low <= datum.value <= datum.high


@pytest.mark.parametrize(
    ("device", "basis", "usd"),
    [("h200", "list", 7.912), ("b200", "list", 14.2416), ("gb200", "committed", 3.3), ("mi300x", "list", 3.45),
     ("h100-sxm", "list", 6.88)],
)  # fmt: skip
def test_devices_that_had_no_price(device: str, basis: str, usd: float) -> None:
    found = price(device, basis)  # type: ignore[arg-type]
    assert found is not None
    assert found.value == usd


def test_what_is_bought_sets_the_cost() -> None:
    costs = {
        basis: estimate(
            Scenario(model="llama-3-8b", tokens=1e10, devices=64, practice="typical", price_basis=basis)
        ).cost_usd
        for basis in price_bases()
    }
    assert costs["low"] is not None
    assert costs["committed"] is not None
    assert costs["list"] is not None
    assert costs["low"] < costs["committed"] < costs["list"]
    assert costs["committed"] / costs["list"] == pytest.approx(4.2008 / 6.88)


def test_unpriced_devices_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["choose", *RUN, "--accelerators", "h100-sxm,gb200"]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert "No such price is known of gb200" in page
    assert "Price: on-demand list price [skypilot_catalog]" in page
    assert main(["choose", *RUN, "--accelerators", "h100-sxm,gb200", "--price-basis", "committed", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert all(row["cost_usd"] for row in rows)
    assert all(row["price_basis"].startswith("committed") for row in rows)


def test_an_answer_says_that_no_price_is_known() -> None:
    asked = Scenario(model="llama-3-8b", tokens=1e10, device="mi300a", devices=64)
    found = estimate(asked)
    assert found.summary()["cost_usd"] is None
    assert [note for note in found.to_dict()["notes"] if "no list price" in note and "--price-usd" in note]
    priced = estimate(Scenario(**{**vars(asked), "price_usd_per_device_hour": 2.0}))
    assert not [note for note in priced.to_dict()["notes"] if "price" in note]
