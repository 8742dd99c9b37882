"""Projection of devices by the papers' growth rates."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.catalog import hardware as catalog
from carbonscaling.errors import InputError
from carbonscaling.hardware.device import Device
from carbonscaling.hardware.roadmap import grow, power_growth, project, project_host
from carbonscaling.sources import Datum

ROADMAP = catalog.roadmap()
B100 = catalog.device("paper-b100")


def figures(device: Device) -> dict[str, float]:
    return {
        "peak": device.peak_flops("fp16"),
        "capacity": device.memory_capacity.si,
        "memory": device.memory_bandwidth.si,
        "link": device.link_bandwidth.si,
        "tdp": device.tdp.si,
        "idle": device.idle_power.si,
        "area": device.die_area.si,
        "sram": device.sram.si,
    }


# CarbonScaling v1 table 1, v2 table 2
RATES = {
    "peak": 1.3,
    "capacity": 1.24,
    "memory": 1.25,
    "link": 1.11,
    "tdp": 1.03,
    "idle": 1.03,
    "area": 1.05,
    "sram": 1.4,
}


@pytest.mark.parametrize("years", [1, 4, 5, 8, 10, 2.5])
def test_rates_are_the_printed_ones(years: float) -> None:
    now, then = figures(B100), figures(project(B100, years, ROADMAP))
    for key, rate in RATES.items():
        assert then[key] / now[key] == pytest.approx(rate**years, rel=1e-12), key


def test_ten_years_of_b100() -> None:
    device = project(B100, 10, ROADMAP)
    assert (device.id, device.year, device.cpa_factor) == ("paper-b100+10y", 2034, 1.0)
    assert device.peak_flops("fp16") == pytest.approx(27.30e15, rel=1e-3)
    assert device.memory_capacity.value == pytest.approx(1650, rel=1e-3)
    assert device.tdp.value == pytest.approx(940.7, rel=1e-3)
    assert device.die_area.value == pytest.approx(2606, rel=1e-3)
    assert set(device.peak) == set(B100.peak)
    assert (device.n_cores, device.n_dies, device.process_node) == (B100.n_cores, B100.n_dies, B100.process_node)


def test_cpa_grows_where_asked() -> None:
    assert project(B100, 5, ROADMAP, cpa_growth=True).cpa_factor == pytest.approx(1.1**5)
    assert project(B100, 0, ROADMAP, cpa_growth=True) is B100


def test_projected_numbers_say_where_they_come_from() -> None:
    tdp = project(B100, 5, ROADMAP).tdp
    assert (tdp.source, tdp.basis) == ("carbonscaling_v2", "projection")
    assert "700 W (carbonscaling_v2)" in tdp.remark
    idle = project(B100, 5, ROADMAP).idle_power
    assert idle.low is not None
    assert idle.si_range[0] < idle.si < idle.si_range[1]


def test_network_scales_like_the_link_unless_told_otherwise() -> None:
    host = catalog.host("paper-b100")
    assert project_host(host, 5, ROADMAP).nic_bandwidth.si == pytest.approx(host.nic_bandwidth.si * 1.11**5)
    faster = dataclasses.replace(ROADMAP, network=Datum(1.2, "1", "user"))
    grown = project_host(host, 5, faster)
    assert grown.nic_bandwidth.si == pytest.approx(host.nic_bandwidth.si * 1.2**5)
    assert grown.host_power == host.host_power
    assert project_host(host, 0, ROADMAP) is host


@given(first=st.floats(0.01, 10), second=st.floats(0.01, 10))
def test_two_steps_are_one(first: float, second: float) -> None:
    stepped = figures(project(project(B100, first, ROADMAP), second, ROADMAP))
    direct = figures(project(B100, first + second, ROADMAP))
    assert stepped == pytest.approx(direct, rel=1e-9)


@pytest.mark.parametrize("years", [-1.0, -1e-9, 101.0, float("nan"), float("inf")])
def test_years_out_of_range(years: float) -> None:
    with pytest.raises(InputError, match="looks into the future"):
        project(B100, years, ROADMAP)
    with pytest.raises(InputError, match="looks into the future"):
        project_host(catalog.host("paper-b100"), years, ROADMAP)


def test_bad_roadmap() -> None:
    with pytest.raises(InputError, match="not a usable number"):
        dataclasses.replace(ROADMAP, link=Datum(-1.0, "1", "user"))
    with pytest.raises(InputError, match="does not measure"):
        dataclasses.replace(ROADMAP, link=Datum(1.1, "GB/s", "user"))


def test_power_growth_weighs_logic_and_memory() -> None:
    assert power_growth(1.03, 1.03, 0.2, 10) == pytest.approx(1.03**10)
    assert power_growth(1.0, 1.1, 0.25, 1) == pytest.approx(1.025)


def test_formulas_on_arrays() -> None:
    years = np.array([0.0, 1.0, 7.5])
    assert grow(2.0, 1.3, years).tolist() == pytest.approx([grow(2.0, 1.3, y) for y in years.tolist()], rel=1e-15)
    assert power_growth(1.03, 1.05, 0.2, years).tolist() == pytest.approx(
        [power_growth(1.03, 1.05, 0.2, y) for y in years.tolist()], rel=1e-15
    )


def test_what_a_chip_may_draw_grows_with_its_board() -> None:
    board = catalog.device("h100-nvl")
    later = project(board, 10, ROADMAP)
    assert board.chip_power is not None
    assert later.chip_power is not None
    assert later.chip_power.si / board.chip_power.si == pytest.approx(later.tdp.si / board.tdp.si)
