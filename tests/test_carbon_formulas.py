"""Power, operational and embodied formulas: known answers, properties, units."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.carbon.embodied import amortised, die_carbon, fab_carbon_per_area, host_bottom_up, memory_carbon
from carbonscaling.carbon.operational import energy, host_count, operational_carbon, overhead_energy, water_use
from carbonscaling.carbon.power import (
    paper_power,
    run_average_power,
    saturating_power,
    static_share_at_full_load,
    static_share_at_operating_point,
)
from carbonscaling.catalog.factor_rows import factor
from carbonscaling.units import HOUR, YEAR

share = st.floats(0.0, 1.0)


def test_fernandez_split() -> None:
    at_point = static_share_at_operating_point(0.3722, 0.0587)
    assert at_point == pytest.approx(0.84, abs=0.005)
    assert static_share_at_full_load(at_point, 0.40) == pytest.approx(0.68, abs=0.005)
    # the line reproduces the measurement it came from
    s = static_share_at_full_load(at_point, 0.40)
    before, after = paper_power(s, 1 - s, 1.0, 0.40), paper_power(s, 1 - s, 1.0, 0.40 * (1 - 0.3722))
    assert 1 - after / before == pytest.approx(0.0587)


def test_saturating_power_meets_fernandez_and_decoding() -> None:
    g = factor("power.exponent.default").value
    drop = saturating_power(84.0, 658.0, 1 - 0.3722, g) / 658.0
    assert 1 - drop == pytest.approx(0.0587, abs=0.002)


@given(idle=st.floats(0, 200), span=st.floats(0, 1000), u=share, v=share, g=st.floats(0.01, 2))
def test_power_is_bounded_and_monotone(idle: float, span: float, u: float, v: float, g: float) -> None:
    low, high = sorted((u, v))
    at_low, at_high = (saturating_power(idle, idle + span, x, g) for x in (low, high))
    assert idle <= at_low <= at_high + 1e-9 <= idle + span + 2e-9


def test_power_clips_utilisation() -> None:
    assert saturating_power(100.0, 650.0, 1.4, 0.15) == 650.0
    assert saturating_power(100.0, 650.0, -0.1, 0.15) == 100.0


@given(st.lists(share, min_size=1, max_size=8))
def test_scalar_equals_array(us: list[float]) -> None:
    array = saturating_power(100.0, 650.0, np.array(us), 0.15)
    assert array == pytest.approx([saturating_power(100.0, 650.0, u, 0.15) for u in us], rel=1e-14)


def test_run_average() -> None:
    assert run_average_power(600.0, 100.0, 80.0, 0.1, 0.2) == pytest.approx(0.7 * 600 + 10 + 16)
    assert run_average_power(600.0, 100.0, 80.0, 0.0, 0.0) == 600.0


def test_part_filled_hosts_count_whole() -> None:
    np.testing.assert_array_equal(host_count(np.array([1, 8, 9, 16]), 8), [1, 1, 2, 2])


def test_bloom_embodied_11_2_t() -> None:
    """Luccioni et al. 2022: 2,500 kg a server, 150 kg a GPU, six years, 85 % use: 7.57 + 3.64 t."""
    gpu_seconds, year = 1_082_990 * HOUR, 8760 * HOUR
    server = amortised(2500.0 / 8, gpu_seconds, 6 * year, 0.85)
    gpu = amortised(150.0, gpu_seconds, 6 * year, 0.85)
    assert server == pytest.approx(7_570, abs=10)
    assert gpu == pytest.approx(3_640, abs=10)
    assert server + gpu == pytest.approx(11_200, abs=50)


def test_olmo_embodied_13_2_g_per_hour() -> None:
    assert amortised(3700.0 / 8, HOUR, 4 * YEAR, 1.0) * 1000 == pytest.approx(13.2, abs=0.05)
    assert amortised(3700.0 / 8, 1.65e6 * HOUR, 4 * YEAR, 1.0) == pytest.approx(21_800, rel=0.005)


@pytest.mark.parametrize(("hours", "tonnes"), [(30.84e6, 8930), (7.0e6, 2040), (1.46e6, 420)])
def test_llama_3_1_model_card(hours: float, tonnes: float) -> None:
    """Hours at TDP under the 0.414 kg/kWh (PUE times intensity) that the three rows of the model card imply."""
    joules = energy(700.0, 1, hours * HOUR)
    assert operational_carbon(joules, 0.414 / 3.6e6) / 1000 == pytest.approx(tonnes, rel=0.01)


def test_llama_3_1_sum() -> None:
    assert operational_carbon(energy(700.0, 1, 39.3e6 * HOUR), 0.414 / 3.6e6) / 1000 == pytest.approx(11_390, rel=0.002)


@pytest.mark.parametrize(
    ("node", "epa", "gas", "with_yield"),
    [("7nm", 2.15, 0.275, 2.32), ("5nm", 2.75, 0.3275, 2.78), ("3nm", 3.25, 0.3725, 3.16), ("14nm", 1.2, 0.1625, None)],
)
def test_shipped_wafer_cpa_is_acts(node: str, epa: float, gas: float, with_yield: float | None) -> None:
    row = factor(f"embodied.bottom_up.wafer.{node}")
    assert row.value == pytest.approx(fab_carbon_per_area(epa, 0.583, gas, 0.5), abs=1e-4)
    assert row.high == pytest.approx(fab_carbon_per_area(epa, 0.820, gas, 0.5), abs=1e-4)
    if with_yield is not None:
        assert die_carbon(1.0, row.value, factor("embodied.bottom_up.yield").value) == pytest.approx(
            with_yield, abs=0.005
        )


def test_pint_dimensions() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pint = pytest.importorskip("pint")
        ureg = pint.UnitRegistry()
    w, h, kg, cm2, gb = ureg.watt, ureg.hour, ureg.kilogram, ureg.centimeter**2, ureg.gigabyte
    power = saturating_power(100 * w, 650 * w, 0.7, 0.15)
    assert power.check("[power]")
    assert paper_power(470 * w, 230 * w, 1.0, 0.4).check("[power]")
    it = energy(run_average_power(power, 100 * w, 100 * w, 0.05, 0.05), 1024, 24 * h)
    facility = it + overhead_energy(it, 1.1)
    assert facility.check("[energy]")
    assert facility.to("kWh").magnitude == pytest.approx(1.1 * it.to("kWh").magnitude)
    assert operational_carbon(facility, 323.05 * ureg.gram / ureg.kilowatt_hour).check("[mass]")
    assert water_use(it, facility, 0.3 * ureg.liter / ureg.kilowatt_hour, 1.3 * ureg.liter / ureg.kilowatt_hour).check(
        "[volume]"
    )
    die = die_carbon(814 * ureg.millimeter**2, 1.9 * kg / cm2, 1.0)
    assert die.to("kg").magnitude == pytest.approx(15.466)
    memory = memory_carbon(80 * gb, 1.9 * kg / gb)
    host = host_bottom_up(1, die, memory, memory, 5 * kg)
    assert amortised(die + memory + host, 90 * ureg.day, 5 * ureg.year, 1.0).check("[mass]")
    assert fab_carbon_per_area(
        2.15 * ureg.kilowatt_hour / cm2, 583 * ureg.gram / ureg.kilowatt_hour, 0.275 * kg / cm2, 0.5 * kg / cm2
    ).check("[mass]/[area]")
