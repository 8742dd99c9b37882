"""Embodied carbon by one boundary: what was measured, what is added up, and that the two agree (A4 of the carbon audit)."""

from __future__ import annotations

import pytest

from carbonscaling.carbon import assess
from carbonscaling.carbon.model import bottom_up_range, carbon_model
from carbonscaling.catalog import hardware
from carbonscaling.catalog.factors import factor
from carbonscaling.catalog.grids import series
from carbonscaling.hardware.roadmap import project
from carbonscaling.units import DAY

GPUS = [
    name for name in hardware.device_names() if hardware.device(name).kind != "tpu" and not name.startswith("paper-")
]


@pytest.mark.parametrize(
    ("device", "kg"), [("h200", 225), ("gb200", 288), ("b300", 366), ("mi300x", 316), ("h100-sxm", 164), ("b200", 284)]
)
def test_devices_with_memory_as_measured_ones_have_it(device: str, kg: float) -> None:
    found = carbon_model(hardware.cluster(device), carbon_intensity_g_per_kwh=0.0)
    assert found.numbers.device_kg == pytest.approx(kg, rel=0.01)


@pytest.mark.parametrize("device", ["h100-sxm", "a100-40", "b200"])
def test_the_sum_of_parts_is_near_every_measured_device(device: str) -> None:
    routes = carbon_model(hardware.cluster(device), carbon_intensity_g_per_kwh=0.0).device_kg_by_route
    assert routes["bottom-up"] == pytest.approx(routes["measured"], rel=0.25)


@pytest.mark.parametrize(
    ("device", "kg"), [("h100-sxm", 225), ("h100-sxm", 273), ("h200", 364), ("a100-40", 181), ("a100-40", 127.6)]
)
def test_ranges_hold_what_others_say_of_the_same_device(device: str, kg: float) -> None:
    found = carbon_model(hardware.cluster(device), carbon_intensity_g_per_kwh=0.0).factors.get("embodied_device")
    low, _, high = bottom_up_range(hardware.cluster(device))
    own = (low, high) if found is None else found.si_range
    assert own[0] <= kg <= own[1]


def test_two_devices_differ_by_themselves_and_not_by_the_route_of_their_hosts() -> None:
    per_device = {
        name: float(m.numbers.host_kg) / hardware.cluster(name).host.devices_per_host
        for name in GPUS
        for m in (carbon_model(hardware.cluster(name), carbon_intensity_g_per_kwh=0.0),)
    }
    assert set(per_device.values()) == {312.5}
    h100, h200 = (
        assess(carbon_model(hardware.cluster(name), "europe-north2"), 64, 30 * DAY, 0.4)
        for name in ("h100-sxm", "h200")
    )
    ratio = h200.parts.embodied_device_kg / h100.parts.embodied_device_kg
    assert ratio == pytest.approx(225 / 164, rel=0.01)
    assert h200.parts.embodied_host_kg == h100.parts.embodied_host_kg


def test_a_server_of_eight_has_5700_kg_at_most() -> None:
    row = factor("embodied.measured.host_per_device.server")
    assert row.high == pytest.approx(5700 / 8)


@pytest.mark.parametrize("device", ["tpu-v5p", "tpu-v6e"])
def test_a_cradle_to_grave_figure_gets_nothing_on_top(device: str) -> None:
    run = assess(carbon_model(hardware.cluster(device), "us-east5"), 64, 30 * DAY, 0.4)
    assert run.parts.embodied_other_kg == 0.0
    assert run.parts.embodied_host_kg == run.parts.embodied_network_kg == 0.0
    other = assess(carbon_model(hardware.cluster("tpu-v4"), "us-east5"), 64, 30 * DAY, 0.4)
    assert other.parts.embodied_other_kg > 0.0


def test_storage_and_memory_reach_up_to_boaviztas_values() -> None:
    assert factor("embodied.bottom_up.ssd").high == 0.044
    assert factor("embodied.bottom_up.dram").high == 0.93
    assert factor("embodied.bottom_up.hbm").value == 0.86


def test_a_projection_is_added_up_whole() -> None:
    found = hardware.cluster("b200")
    later = hardware.cluster(project(found.device, 2.0, hardware.roadmap()), found.host)
    model = carbon_model(later, "us-east5")
    assert model.embodied_route == "bottom-up"
    assert "embodied_host" not in model.factors


def test_metals_and_primary_energy_beside_carbon() -> None:
    """H100: 8.95 g of antimony and 3,721 MJ a device, 46.25 g and 8,750 MJ for its share of the host; a year of five."""
    year = 365.25 * DAY
    run = assess(carbon_model(hardware.cluster("h100-sxm"), "france"), 8, year, 0.4)
    assert run.metals_kg_sb is not None
    assert run.primary_energy_mj is not None
    per_kwh = {q: series("FRA", q)[2024][0] for q in ("metals", "primary-energy")}
    assert run.metals_kg_sb == pytest.approx(8 * 0.0552 / 5 + run.energy_kwh * per_kwh["metals"])
    assert run.primary_energy_mj == pytest.approx(8 * 12_471 / 5 + run.energy_kwh * per_kwh["primary-energy"])
    assert assess(carbon_model(hardware.cluster("mi300x"), "france"), 8, year, 0.4).metals_kg_sb is None
