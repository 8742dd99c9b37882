"""The shipped factors: each with unit and source, the papers' tables as printed, regions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from carbonscaling.catalog.factors import device_row, factor, factor_ids, node_row, pue
from carbonscaling.catalog.read import build
from carbonscaling.catalog.references import references
from carbonscaling.catalog.regions import place, region, region_names
from carbonscaling.errors import InputError
from carbonscaling.sources import Datum


def test_every_factor_and_region_has_a_known_source() -> None:
    known = references()
    for datum in [factor(name) for name in factor_ids()] + [region(name) for name in region_names()]:
        assert datum.source in known, datum


EXACT = (
    "papers",
    "calendar",
    "reported",
    "cradle to",
    "by likeness",
    "measured",
    "assumption",
    "yield included",
    "operational",
)
"""Beginnings of a basis that may stand without a range: printed constants, definitions, single published figures."""


def incomplete(name: str, datum: Datum) -> list[str]:
    """Say what a factor lacks: a known source, a year (its own or its source's), a basis, a range."""
    known = references()
    lacks = [] if datum.source in known else ["source"]
    lacks += [] if datum.year or (datum.source in known and known[datum.source].year) else ["year"]
    lacks += [] if datum.basis or datum.remark else ["basis"]
    exact = name.startswith("paper.") or datum.basis.startswith(EXACT)
    return lacks + ([] if datum.low is not None or exact else ["range"])


def test_every_factor_is_complete() -> None:
    assert {name: found for name in factor_ids() if (found := incomplete(name, factor(name)))} == {}
    assert {name: found for name in region_names() if (found := incomplete(name, region(name)))} == {}


def test_an_incomplete_factor_is_refused() -> None:
    whole = Datum(1.1, "1", "patterson_2021", low=1.0, high=1.2, basis="fleet")
    assert incomplete("pue", whole) == []
    assert incomplete("pue", replace(whole, source="nobody")) == ["source", "year"]
    assert incomplete("pue", replace(whole, low=None, high=None)) == ["range"]
    assert incomplete("pue", replace(whole, basis="")) == ["basis"]
    for row in ({"value": 1.1, "unit": "1"}, {"unit": "1", "source": "x"}, {"value": 1.1, "source": "x"}):
        with pytest.raises(InputError, match="missing key"):
            build(Datum, row, "own.toml")
    with pytest.raises(InputError, match="outside its range"):
        build(Datum, {"value": 2.0, "unit": "1", "source": "x", "low": 0.0, "high": 1.0}, "own.toml")


def test_data_that_were_taken_over_name_their_licence() -> None:
    for key in (
        "gcp_regions_2024",
        "ember_2026",
        "electricity_maps_2025",
        "ecologits_mixes",
        "zeus_2023",
        "ml_energy",
        "act_2022",
    ):
        assert references()[key].licence


@pytest.mark.parametrize(("node", "kg"), [("12nm", 1.2), ("7nm", 1.6), ("5nm", 1.9), ("4nm", 2.1)])
def test_papers_table_3(node: str, kg: float) -> None:
    assert node_row("paper.cpa", node).value == kg


@pytest.mark.parametrize(
    ("kind", "kg"), [("hbm2", 1.8), ("hbm2e", 1.85), ("hbm3", 1.9), ("hbm3e", 1.95), ("ssd", 0.018)]
)
def test_papers_table_4(kind: str, kg: float) -> None:
    assert factor(f"paper.memory.{kind}").value == kg


@pytest.mark.parametrize(
    ("name", "g"),
    [("us-east5", 323.05), ("asia-south1", 678.76), ("europe-north2", 2.73), ("europe-west6", 15.05)],
)
def test_google_regions(name: str, g: float) -> None:
    assert region(name).value == g
    assert region(name).year == 2024


def test_all_regions_and_the_median_of_googles() -> None:
    google = sorted(region(name).value for name in region_names() if place(name).provider == "google")
    assert len(google) == 44
    assert (google[21] + google[22]) / 2 == pytest.approx(314, abs=10)
    assert 323.05 in google
    assert len(region_names()) > 80


def test_countries_by_name_and_code() -> None:
    assert region("France") is region("FRA")
    assert region("South Korea").basis.startswith("life-cycle")
    assert region("france").basis.startswith("operational")
    with pytest.raises(InputError, match="germany"):
        region("germny")


def test_nearest_process_node() -> None:
    assert node_row("embodied.bottom_up.wafer", "12nm") is factor("embodied.bottom_up.wafer.14nm")
    assert node_row("embodied.bottom_up.wafer", "4NP") is factor("embodied.bottom_up.wafer.5nm")
    assert node_row("embodied.bottom_up.wafer", "6nm") is factor("embodied.bottom_up.wafer.7nm")
    with pytest.raises(InputError, match="length"):
        node_row("paper.cpa", "EUV")


def test_rows_by_beginning_of_a_device_id() -> None:
    ids = {"a100-80-sxm": 187.0, "a100-40": 150.0, "h100-sxm": 164.0, "paper-h100": 164.0}
    for device_id, kg in ids.items():
        row = device_row("embodied.measured.device", device_id)
        assert row is not None
        assert row.value == kg
    assert device_row("embodied.measured.device", "mi300x") is None
    assert device_row("power.busy_ratio", "mi300x") is factor("power.busy_ratio.default")
    assert device_row("power.busy_ratio", "paper-tpuv4") is factor("power.busy_ratio.tpu-v4")


def test_pue_rows() -> None:
    assert pue().value == pue("paper").value == 1.1
    assert pue().low == 1.08
    assert pue("jean_zay").value == 1.2


def test_unknown_factor_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"power\.exponent\.default"):
        factor("power.exponent.defualt")
