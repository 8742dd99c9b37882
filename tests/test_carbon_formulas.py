"""Power, operational and embodied formulas: known answers, properties, units."""

from __future__ import annotations

from typing import Any

import numpy as np
import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.carbon import (
    construction,
    contracts,
    embodied,
    host_power,
    hourly,
    operational,
    power,
    resources,
    work_power,
)
from carbonscaling.carbon.embodied import amortised, die_carbon
from carbonscaling.carbon.operational import energy, host_count, operational_carbon
from carbonscaling.carbon.power import (
    paper_power,
    run_average_power,
    saturating_power,
    static_share_at_full_load,
    static_share_at_operating_point,
)
from carbonscaling.catalog.factors import factor
from carbonscaling.formula import formulas
from carbonscaling.reporting.statements import energy_mix
from carbonscaling.reporting.statements.sci import sci_score
from carbonscaling.units import HOUR, YEAR

share = st.floats(0.0, 1.0)
ureg: Any = pint.get_application_registry()  # type: ignore[no-untyped-call]


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
    states = (600.0, 100.0, 90.0, 150.0, 80.0)
    assert run_average_power(*states, 0.1, 0.02, 0.05, 0.2) == pytest.approx(0.63 * 600 + 10 + 1.8 + 7.5 + 16)
    assert run_average_power(*states, 0.0, 0.0, 0.0, 0.0) == 600.0


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
    """Gupta et al. 2022 (ACT), equation 5: energy of an area times its intensity, gases, materials."""
    row = factor(f"embodied.bottom_up.wafer.{node}")
    assert row.value == pytest.approx(epa * 0.583 + gas + 0.5, abs=1e-4)
    assert row.high == pytest.approx(epa * 0.820 + gas + 0.5, abs=1e-4)
    if with_yield is not None:
        assert die_carbon(1.0, row.value, factor("embodied.bottom_up.yield").value) == pytest.approx(
            with_yield, abs=0.005
        )


def _cases() -> list[tuple[Any, dict[str, Any], str]]:
    """Every formula of the layer with quantities, and the unit that its result must have."""
    u: Any = ureg
    w, kg, m2, b, j, litre = u.watt, u.kilogram, u.meter**2, u.byte, u.joule, u.liter
    hours = u.hour
    return [
        (power.saturating_power, dict(idle=100 * w, busy=650 * w, utilisation=0.7, exponent=0.15), "W"),
        (power.paper_power, dict(static=470 * w, dynamic=0.23 * u.kilowatt, alpha=1.0, utilisation=0.4), "W"),
        (power.static_share_at_operating_point, dict(throughput_drop=0.37, power_drop=0.06), ""),
        (power.static_share_at_full_load, dict(share_at_operating_point=0.84, operating_utilisation=0.4), ""),
        (
            power.run_average_power,
            dict(productive=600 * w, checkpoint=100 * w, restart=90 * w, communication=0.15 * u.kilowatt, idle=80 * w,
                 checkpoint_share=0.1, restart_share=0.01, communication_share=0.05, idle_share=0.02),
            "W",
        ),
        (
            power.host_from_system,
            dict(system=0.31 * u.kilowatt, device=220.5 * w, network=11 * w, devices_per_host=8), "W",
        ),
        (host_power.reading_spread, dict(t=2.132, s=0.07, n=3), ""),
        (energy_mix.share_of_energy, dict(contracted=0.1, covered=0.4, of_grid=0.7), ""),
        (
            construction.construction_share,
            dict(power=1 * u.megawatt, carbon_per_power=1829 * kg / u.kilowatt, duration=24 * hours, lifetime=25 * u.year),
            "kg",
        ),
        (hourly.mean_intensity, dict(met=5e3 * u.gram / u.kilowatt_hour * hours, hours=24 * hours), "kg/J"),
        (power.capped_power, dict(demand=226 * w, limit=0.15 * u.kilowatt), "W"),
        (
            work_power.work_power,
            dict(
                idle=100 * w, busy=0.65 * u.kilowatt, flop_share=0.1, memory_share=0.2, stalled_share=0.1,
                flop_weight=12.0, memory_weight=4.0,
            ),
            "W",
        ),
        (power.capped_throughput, dict(demand=226 * w, limit=150 * w, idle=42 * w, exponent=0.43), ""),
        (operational.host_count, dict(n_devices=12, devices_per_host=8, shared=0.5), ""),
        (operational.energy, dict(power=650 * w, count=1024, duration=24 * hours), "J"),
        (operational.overhead_energy, dict(it_energy=5 * u.kilowatt_hour, pue=1.1), "J"),
        (
            operational.operational_carbon,
            dict(facility_energy=5 * u.kilowatt_hour, carbon_intensity=323.05 * u.gram / u.kilowatt_hour), "kg",
        ),
        (
            operational.water_use,
            dict(it_energy=5 * j, facility_energy=6 * j, on_site=0.3 * litre / u.kilowatt_hour, off_site=2 * litre / j),
            "L",
        ),
        (embodied.die_carbon, dict(area=814 * u.millimeter**2, carbon_per_area=1.9 * kg / m2, good_share=0.9), "kg"),
        (embodied.murphy_yield, dict(area=814 * u.millimeter**2, defect_density=0.1 / u.centimeter**2), ""),
        (embodied.memory_carbon, dict(capacity=80 * u.gigabyte, carbon_per_byte=1.9e-9 * kg / b), "kg"),
        (embodied.device_bottom_up, dict(logic=16 * kg, memory=152 * kg, board=7.2e4 * u.gram), "kg"),
        (embodied.host_bottom_up, dict(n_cpus=2, cpu=40 * kg, main_memory=800 * kg, storage=500 * kg, chassis=650 * kg), "kg"),
        (embodied.amortised, dict(embodied=164 * kg, duration=90 * u.day, lifetime=5 * u.year, busy_share=0.85), "kg"),
        (contracts.covered_energy, dict(energy=5 * u.kilowatt_hour, volume=4e6 * j), "J"),
        (
            contracts.contracted_intensity,
            dict(covered=0.4, contract=20 * u.gram / u.kilowatt_hour, residual=0.4 * kg / u.kilowatt_hour), "kg/kWh",
        ),
        (resources.resource_use, dict(made=9 * u.gram, facility_energy=5 * j, used=1e-8 * kg / u.kilowatt_hour), "kg"),
        (
            sci_score,
            dict(energy=1 * u.kilowatt_hour, intensity=0.3 * kg / u.kilowatt_hour, embodied=40 * u.gram, units=1000.0), "kg",
        ),
    ]  # fmt: skip


CARBON = ("carbon.", "reporting.statements.")


def test_every_formula_of_the_layer_has_its_dimension_checked() -> None:
    checked = {
        f"{function.__module__.removeprefix('carbonscaling.')}.{function.__name__}" for function, _, _ in _cases()
    }
    assert {name for name in formulas() if name.startswith(CARBON)} <= checked


@pytest.mark.parametrize("case", _cases(), ids=lambda case: case[0].__name__)
def test_pint_dimensions(case: tuple[Any, dict[str, Any], str]) -> None:
    function, arguments, unit = case
    result = function(**arguments)
    quantity = result if hasattr(result, "to") else ureg.Quantity(float(result), "")
    plain = {k: v.to_base_units().magnitude if hasattr(v, "to_base_units") else v for k, v in arguments.items()}
    in_bytes = {k: v / 8 if k == "capacity" else v * 8 if k == "carbon_per_byte" else v for k, v in plain.items()}
    expected = float(function(**in_bytes))  # Pint's base unit of data is the bit
    assert quantity.to(ureg.Unit(unit)).to_base_units().magnitude == pytest.approx(expected)


def test_units_that_do_not_fit_are_refused() -> None:
    found: Any = operational.operational_carbon(5 * ureg.watt, 300 * ureg.gram / ureg.kilowatt_hour)
    with pytest.raises(pint.DimensionalityError):
        found.to("kg")
