"""The footprint: parts and totals, arrays, intervals, both modes, errors."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.carbon import (
    Boundary,
    CarbonNumbers,
    FootprintParts,
    assess,
    footprint,
    low_static,
    without_embodied,
    without_static,
)
from carbonscaling.carbon.model import carbon_model
from carbonscaling.catalog import hardware
from carbonscaling.catalog.regions import place
from carbonscaling.errors import InputError
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.hardware.device import Device, Host
from carbonscaling.sources import Datum
from carbonscaling.units import DAY, HOUR, KWH


def datum(value: float, unit: str) -> Datum:
    return Datum(value, unit, "user")


def cluster(
    name: str = "h100-sxm",
    tdp: float = 700,
    idle: float = 100,
    area: float = 814,
    node: str = "5nm",
    memory: tuple[str, float] = ("HBM3", 80),
    per_host: int = 8,
    host_kw: float = 2.2,
) -> Cluster:
    device = Device(
        id=name, name=name, vendor="", architecture="", kind="gpu", year=2022, peak={"bf16": datum(989.4, "TFLOP/s")},
        memory_kind=memory[0], memory_capacity=datum(memory[1], "GB"), memory_bandwidth=datum(3352, "GB/s"),
        link_bandwidth=datum(900, "GB/s"), tdp=datum(tdp, "W"), idle_power=datum(idle, "W"),
        die_area=datum(area, "mm2"), n_dies=1, process_node=node, n_cores=132, sram=datum(50, "MB"),
        default_host="host",
    )  # fmt: skip
    host = Host(
        id="host", name="host", devices_per_host=per_host, domain_size=per_host, topology="switch",
        nic_bandwidth=datum(400, "Gbit/s"), host_power=datum(host_kw, "kW"), host_idle_power=datum(host_kw / 2, "kW"),
        n_cpus=2, cpu_memory=datum(2048, "GB"), storage=datum(30.72, "TB"),
    )  # fmt: skip
    return Cluster(device, host)


A100_40 = cluster("paper-a100", 400, 55, 826, "7nm", ("HBM2", 40))
A100_80 = cluster("paper-a100", 400, 55, 826, "7nm", ("HBM2e", 80))
H100 = cluster()
TPU_V4 = cluster("tpu-v4", 192, 90, 600, "7nm", ("HBM2", 32), 4, 0.76)
TPU_V5P = cluster("tpu-v5p", 450, 135, 426, "5nm", ("HBM2e", 95), 4, 1.0)
B200 = cluster("b200", 1000, 140, 1600, "4nm", ("HBM3e", 180))


def region_water(name: str) -> float:
    return place(name).water.value


def check_sums(p: FootprintParts) -> None:
    np.testing.assert_allclose(sum(p[:4]), p.energy_j, rtol=1e-12)
    np.testing.assert_allclose(sum(p[5:10]), p.total_kg, rtol=1e-12)
    assert FootprintParts._fields[3:5] == ("overhead_energy_j", "energy_j")
    assert FootprintParts._fields[9:11] == ("embodied_other_kg", "total_kg")


@given(
    n=st.integers(1, 100_000),
    days=st.floats(0.01, 400),
    mfu=st.floats(0, 1),
    waiting=st.floats(0, 0.3),
)
def test_total_is_the_sum_of_its_parts(n: int, days: float, mfu: float, waiting: float) -> None:
    numbers = carbon_model(H100, "us-east5").numbers._replace(
        checkpoint_share=waiting / 2, restart_share=waiting / 4, communication_share=waiting / 4, idle_share=waiting
    )
    check_sums(footprint(numbers, n, days * DAY, mfu))


def test_assessed_parts_add_up() -> None:
    beside = Boundary(development=0.5, evaluation=0.02, idle_reservation=0.1)
    run = assess(carbon_model(H100, "us-east5"), 1024, 30 * DAY, 0.4, idle_share=0.05, boundary=beside)
    check_sums(run.parts)
    parts = run.operational_tco2e + run.embodied_tco2e + run.boundary_tco2e
    assert parts == pytest.approx(run.total_tco2e)
    lines = {line.name: line for line in run.lines}
    assert sum(line.total_tco2e for line in run.lines) == pytest.approx(run.boundary_tco2e)
    assert lines["development"].total_tco2e == pytest.approx((run.operational_tco2e + run.embodied_tco2e) / 2)
    assert lines["failed_runs"].total_tco2e == lines["inference"].energy_kwh == 0.0
    assert 0 < lines["idle_reservation"].operational_tco2e < 0.1 * run.operational_tco2e
    assert lines["idle_reservation"].embodied_tco2e == pytest.approx(0.1 * run.embodied_tco2e)


def test_only_the_final_run_counts_unless_asked() -> None:
    run = assess(carbon_model(H100, "us-east5"), 1024, 30 * DAY, 0.4)
    assert run.boundary_tco2e == 0.0
    assert {line.name for line in run.lines} == {
        "development", "failed_runs", "evaluation", "inference", "idle_reservation"
    }  # fmt: skip
    assert run.total_tco2e == pytest.approx(run.operational_tco2e + run.embodied_tco2e)


@pytest.mark.parametrize("mode", ["physical", "paper"])
def test_arrays_equal_scalars(mode: str) -> None:
    numbers = carbon_model(H100, "us-east5", mode).numbers  # type: ignore[arg-type]
    n, d, u = np.array([8, 100, 4096]), np.array([1.0, 20.0, 90.0]) * DAY, np.array([0.1, 0.4, 0.7])
    block: tuple[Any, ...] = footprint(numbers, n, d, u)
    for i in range(3):
        one = footprint(numbers, int(n[i]), float(d[i]), float(u[i]))
        assert [float(part[i]) for part in block] == pytest.approx([float(part) for part in one], rel=1e-13)


def test_paper_equations_by_hand() -> None:
    """v1 equations 1 to 3 on 64 H100 for 30 days at 40 %: every factor multiplied out."""
    n = carbon_model(H100, None, "paper", "v1").numbers
    static, dynamic = 0.68116 * 700, (1 - 0.68116) * 700
    device_w = static + dynamic * 0.4
    host_w = 0.5 * 8 * device_w
    kwh = (64 * device_w + 8 * host_w) * 30 * 24 / 1000
    device_kg = 8.14 * 1.9 + 80 * 1.9
    host_kg = 1.47 * 1.9 + 256 * 0.4 + 32_000 * 0.018
    embodied = (64 * device_kg + 8 * host_kg) * 30 / (5 * 365.25)
    got = footprint(n, 64, 30 * DAY, 0.4)
    assert got.operational_kg == pytest.approx(kwh * 1.1 * 0.127, rel=1e-4)
    assert got.embodied_device_kg + got.embodied_host_kg == pytest.approx(embodied, rel=1e-9)
    assert got.embodied_other_kg == 0.0
    assert got.device_power_w == pytest.approx(566.1, abs=0.1)


@pytest.mark.parametrize(("machine", "years", "tonnes"), [(A100_40, 6.0, 3.6), (A100_80, 5.0, 6.2)])
def test_papers_formula_on_bloom(machine: Cluster, years: float, tonnes: float) -> None:
    """3.6 to 6.2 t against the reported 11.2 t, by memory size and lifetime."""
    numbers = carbon_model(machine, None, "paper", "v1", lifetime_years=years).numbers
    parts = footprint(numbers, 384, 118.24 * DAY, 0.4)
    assert (parts.embodied_device_kg + parts.embodied_host_kg) / 1000 == pytest.approx(tonnes, rel=0.03)


def test_paper_versions_differ_where_printed() -> None:
    v1, v2 = carbon_model(H100, None, "paper", "v1").numbers, carbon_model(H100, None, "paper", "v2").numbers
    assert v1.carbon_intensity * KWH == pytest.approx(0.127)
    assert v2.carbon_intensity * KWH == pytest.approx(0.32305)
    assert v2.lifetime_s / v1.lifetime_s == pytest.approx(6 / 5)
    assert v1.pue == v2.pue == 1.1
    assert v2.host_w == pytest.approx(2 * v1.host_w)


@pytest.mark.parametrize(
    ("machine", "mfu", "watts", "tolerance"),
    [(H100, 0.43, 624, 0.06), (H100, 0.43, 649, 0.06)],
)
def test_measured_device_power(machine: Cluster, mfu: float, watts: float, tolerance: float) -> None:
    """OLMo 3 whole runs, accelerator only."""
    parts = footprint(carbon_model(machine, "us-east5").numbers, 1024, HOUR, mfu)
    assert parts.device_power_w == pytest.approx(watts, rel=tolerance)


def test_measured_power_with_host() -> None:
    """PaLM: 378.5 W per TPUv4 with its host, before PUE, at 46 % MFU."""
    parts = footprint(carbon_model(TPU_V4, "us-central2").numbers, 6144, HOUR, 0.46)
    per_chip = (parts.device_energy_j + parts.host_energy_j) / 6144 / HOUR
    assert per_chip == pytest.approx(378.5, rel=0.06)


def test_palm_energy() -> None:
    parts = footprint(carbon_model(TPU_V4, "us-central2", pue=1.08).numbers, 6144, 8_404_992 / 6144 * HOUR, 0.46)
    assert parts.energy_j / KWH == pytest.approx(3_435_793, rel=0.06)


def test_both_readings_of_the_static_share() -> None:
    """84 % static at the operating point is 68 % at full load; read at full load it stays 84 %."""
    own = {"operating_utilisation": Datum(1.0, "1", "user")}
    usual = carbon_model(H100, None, "paper", "v1").numbers
    other = carbon_model(H100, None, "paper", "v1", overrides=own).numbers
    assert usual.idle_w / usual.busy_w == pytest.approx(0.68, abs=0.005)
    assert other.idle_w / other.busy_w == pytest.approx(0.84, abs=0.005)


def test_ordering_of_the_papers_curves() -> None:
    """v1 Figure 4: low-static below the device, no-embodied below it, both above neither static nor embodied."""
    numbers = carbon_model(B200, None, "paper", "v1").numbers
    total, low, free, ideal = (
        footprint(n, 1024, 30 * DAY, 0.3).total_kg
        for n in (numbers, low_static(numbers), without_embodied(numbers), without_static(without_embodied(numbers)))
    )
    assert ideal < low < total
    assert ideal < free < total
    swapped = low_static(numbers)
    assert (swapped.idle_w, swapped.busy_w) == pytest.approx((numbers.busy_w - numbers.idle_w, numbers.busy_w))


def test_routes_side_by_side() -> None:
    model = carbon_model(H100, "us-east5")
    assert model.embodied_route == "measured"
    assert model.device_kg_by_route["measured"] == 164.0
    assert model.numbers.host_kg == 2500.0
    assert model.device_kg_by_route["bottom-up"] == pytest.approx(163.4, abs=0.1)
    assert carbon_model(B200, "us-east5").device_kg_by_route["measured"] == 284.0
    chip = carbon_model(TPU_V5P, "us-east5")
    assert (chip.numbers.device_kg, chip.numbers.host_kg) == (1101.0, 0.0)
    assert carbon_model(TPU_V4, "us-east5").embodied_route == "bottom-up"


def test_a_projected_device_uses_the_bottom_up_route_with_grown_cpa() -> None:
    device = dataclasses.replace(B200.device, id="b200+5y", cpa_factor=1.1**5)
    now, later = (carbon_model(Cluster(d, B200.host), None, "paper").numbers for d in (B200.device, device))
    assert later.device_kg == pytest.approx(now.device_kg * 1.1**5)
    assert carbon_model(Cluster(device, B200.host), "us-east5").embodied_route == "bottom-up"


def test_interval_holds_the_value_and_names_what_widens_it() -> None:
    run = assess(carbon_model(H100, "us-east5"), 1024, 30 * DAY, 0.4)
    assert run.low_tco2e < run.total_tco2e < run.high_tco2e
    assert len(run.widest) == 3
    widths = [f.high_tco2e - f.low_tco2e for f in run.widest]
    assert widths == sorted(widths, key=abs, reverse=True)
    assert all(f.source for f in run.widest)
    clean = assess(carbon_model(H100, "europe-north2"), 1024, 30 * DAY, 0.4)
    assert "embodied_host" in {f.name for f in clean.widest}
    assert clean.embodied_tco2e > clean.operational_tco2e


def test_a_rating_that_is_itself_a_guess_widens_the_interval() -> None:
    guessed, rated = (carbon_model(hardware.cluster(name), "us-east5") for name in ("tpu-v5p", "tpu-v4"))
    assert "tdp" in guessed.ranged
    assert "tdp" not in rated.ranged


def test_factors_without_effect_are_not_named() -> None:
    run = assess(carbon_model(hardware.cluster("paper-h100"), None, "paper", "v1"), 8, DAY, 0.4)
    assert [f.name for f in run.widest] == ["host_ratio"]


def test_nothing_emitted_has_no_interval() -> None:
    run = assess(carbon_model(H100, carbon_intensity_g_per_kwh=0.0), 8, DAY, 0.4)
    assert run.operational_tco2e == 0.0
    assert run.low_tco2e < run.total_tco2e


def test_conventions_are_stated() -> None:
    run = assess(carbon_model(H100, "france", amortisation="busy_hours"), 8, DAY, 0.4)
    assert (run.mode, run.region, run.carbon_basis) == ("physical", "france", "operational, location-based")
    assert run.amortisation.startswith("busy hours")
    assert "eea_2025" in run.sources
    calendar = assess(carbon_model(H100, "france"), 8, DAY, 0.4)
    assert run.embodied_tco2e == pytest.approx(calendar.embodied_tco2e / 0.85)


def test_waiting_costs_less_power_but_the_same_machines() -> None:
    model = carbon_model(H100, "us-east5")
    busy, waiting = (assess(model, 64, DAY, 0.5, idle_share=x) for x in (0.0, 0.5))
    assert waiting.energy_kwh < busy.energy_kwh
    assert waiting.embodied_tco2e == busy.embodied_tco2e


def test_a_part_filled_host_counts_whole_unless_others_use_it() -> None:
    model, sharing = (carbon_model(H100, "us-east5", shared_hosts=shared) for shared in (False, True))
    alone, shared = assess(model, 4, DAY, 0.5), assess(sharing, 4, DAY, 0.5)
    assert shared.parts.host_energy_j == pytest.approx(alone.parts.host_energy_j / 2)
    assert shared.parts.embodied_host_kg == pytest.approx(alone.parts.embodied_host_kg / 2)
    assert assess(sharing, 8, DAY, 0.5) == assess(model, 8, DAY, 0.5)


def test_water_comes_along() -> None:
    run = assess(carbon_model(H100, "us-east5"), 64, DAY, 0.5)
    assert run.water_litres == pytest.approx(run.energy_kwh * (0.94 / 1.09 + region_water("us-east5")))
    own = assess(carbon_model(H100, carbon_intensity_g_per_kwh=300.0), 64, DAY, 0.5)
    assert own.water_litres == pytest.approx(own.energy_kwh * (0.3 / 1.1 + 3.8))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"region": "us-eats5"}, ["unknown region", "us-east5"]),
        ({"region": "us-east5", "pue": 0.9}, ["pue", "0.9", "1 or more"]),
        ({"region": "us-east5", "pue": "jean_zey"}, ["jean_zay"]),
        ({"region": "us-east5", "lifetime_years": 0.0}, ["lifetime_years", "more than 0"]),
        ({"carbon_intensity_g_per_kwh": -5.0}, ["carbon_intensity_g_per_kwh", "0 or more"]),
        ({"carbon_intensity_g_per_kwh": float("nan")}, ["carbon_intensity_g_per_kwh"]),
        ({"region": "us-east5", "best_utilisation": 1.5}, ["best_utilisation"]),
        ({"region": "us-east5", "mode": "papre"}, ["unknown mode", "paper"]),
        ({"region": "us-east5", "amortisation": "never"}, ["unknown amortisation", "calendar"]),
        ({}, ["no region"]),
    ],
)
def test_bad_options(options: dict[str, object], words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        carbon_model(H100, **options)  # type: ignore[arg-type]
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    "run",
    [
        {"n_devices": 0},
        {"duration_s": 0.0},
        {"duration_s": float("inf")},
        {"utilisation": 1.2},
        {"utilisation": float("nan")},
        {"idle_share": -0.1},
        {"checkpoint_share": 0.6, "idle_share": 0.6},
        {"communication_share": -0.1},
        {"restart_share": 0.9, "checkpoint_share": 0.2},
    ],
)
def test_bad_runs(run: dict[str, float]) -> None:
    model = carbon_model(H100, "us-east5")
    with pytest.raises(InputError, match="out of range"):
        assess(model, **{"n_devices": 8, "duration_s": DAY, "utilisation": 0.4, **run})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", hardware.device_names())
def test_every_shipped_device_has_a_footprint_in_both_modes(name: str) -> None:
    shipped = hardware.cluster(name)
    run = assess(carbon_model(shipped, "us-east5"), 256, 10 * DAY, 0.4)
    assert 0 < run.low_tco2e < run.total_tco2e < run.high_tco2e
    assert run.parts.device_power_w <= shipped.device.tdp.si
    if name.startswith("paper-"):
        assert assess(carbon_model(shipped, None, "paper", "v1"), 256, 10 * DAY, 0.4).total_tco2e > 0


def test_numbers_are_plain_floats() -> None:
    numbers: CarbonNumbers = carbon_model(H100, "us-east5").numbers
    assert all(isinstance(value, float) for value in numbers)
