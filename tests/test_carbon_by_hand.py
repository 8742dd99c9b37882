"""A footprint multiplied out: round factors, every figure by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from carbonscaling.carbon import Boundary, CarbonModel, CarbonNumbers, FootprintParts, assess, footprint
from carbonscaling.carbon.boundary import boundary_kg, boundary_lines
from carbonscaling.carbon.coefficients import device_kg_bottom_up, host_kg_bottom_up, paper_numbers, physical_numbers
from carbonscaling.carbon.footprint import low_static, without_embodied, without_static
from carbonscaling.carbon.hourly import passage
from carbonscaling.carbon.operational import host_count
from carbonscaling.carbon.power import capped_power, capped_throughput, paper_power
from carbonscaling.carbon.profile import HourlyProfile
from carbonscaling.carbon.uncertainty import Z95, interval, sample_factor, sample_footprint
from carbonscaling.errors import InputError
from carbonscaling.sources import Datum

ROUND = CarbonNumbers(
    idle_w=100.0, busy_w=500.0, exponent=0.5, best_utilisation=0.8, checkpoint_w=150.0, restart_w=50.0,
    communication_w=200.0, host_w=1000.0, host_idle_w=600.0, network_w=20.0, devices_per_host=8.0, pue=1.25,
    carbon_intensity=1e-7, device_kg=160.0, host_kg=800.0, network_kg=10.0, other_share=0.2, lifetime_s=1e8,
    busy_share=0.5, water_on_site=1e-7, water_off_site=3e-7,
)  # fmt: skip
SECONDS = 1e6


def test_every_part_of_a_footprint() -> None:
    """Twelve devices on two hosts for a million seconds at a quarter of the best utilisation: half the dynamic power."""
    p = footprint(ROUND, 12, SECONDS, 0.2)
    device_w = 100 + 400 * 0.5
    it = 12 * device_w + 2 * 1000 + 12 * 20
    kg = [12 * 160 * 0.02, 2 * 800 * 0.02, 12 * 10 * 0.02]  # a million of 50 million busy seconds
    expected = FootprintParts(
        device_energy_j=12 * device_w * SECONDS, host_energy_j=2000 * SECONDS, network_energy_j=240 * SECONDS,
        overhead_energy_j=0.25 * it * SECONDS, energy_j=1.25 * it * SECONDS, operational_kg=1.25 * it * 0.1,
        embodied_device_kg=kg[0], embodied_host_kg=kg[1], embodied_network_kg=kg[2], embodied_other_kg=0.2 * sum(kg),
        total_kg=1.25 * it * 0.1 + 1.2 * sum(kg), water_l=it * 0.1 + 1.25 * it * 0.3, device_power_w=device_w,
    )  # fmt: skip
    assert p._asdict() == pytest.approx(expected._asdict(), rel=1e-12)


def test_shares_of_the_time() -> None:
    """A tenth on checkpoints, a twentieth on restarts, a fifth on the network, a quarter idle: two fifths at work."""
    n = ROUND._replace(checkpoint_share=0.1, restart_share=0.05, communication_share=0.2, idle_share=0.25)
    p = footprint(n, 8, SECONDS, 0.2)
    device_w = 0.4 * 300 + 0.1 * 150 + 0.05 * 50 + 0.2 * 200 + 0.25 * 100
    assert p.device_power_w == pytest.approx(device_w)
    assert p.host_energy_j == pytest.approx((0.75 * 1000 + 0.25 * 600) * SECONDS)


def test_shared_hosts_count_in_proportion() -> None:
    shared = footprint(ROUND._replace(shared_hosts=1.0), 12, SECONDS, 0.2)
    assert shared.host_energy_j == pytest.approx(1.5 * 1000 * SECONDS)
    assert shared.embodied_host_kg == pytest.approx(1.5 * 800 * 0.02)
    assert host_count(12, 8, 0.5) == 1.75


def test_the_papers_what_ifs() -> None:
    """Low static: the shares change places. Ideal: no static power. No emb: nothing was made."""
    low, ideal, bare = low_static(ROUND), without_static(ROUND), without_embodied(ROUND)
    assert (low.idle_w, low.checkpoint_w, low.restart_w, low.busy_w) == (400, 400, 400, 500)
    assert (ideal.idle_w, ideal.checkpoint_w, ideal.restart_w, ideal.busy_w) == (0, 0, 0, 400)
    assert (bare.device_kg, bare.host_kg, bare.network_kg) == (0, 0, 0)
    assert bare._replace(device_kg=160.0, host_kg=800.0, network_kg=10.0) == ROUND


def test_lines_beside_the_run() -> None:
    """Half of the run again; and three tenths of its time with the devices idle: 100 W each, hosts at 600 W."""
    run = footprint(ROUND, 16, SECONDS, 0.2)
    lines = {x.name: x for x in boundary_lines(Boundary(evaluation=0.5, idle_reservation=0.3), ROUND, 16, SECONDS, run)}
    half, idle = lines["evaluation"], lines["idle_reservation"]
    assert half.energy_kwh == pytest.approx(run.energy_j / 2 / 3.6e6)
    assert half.operational_tco2e == pytest.approx(run.operational_kg / 2 / 1000)
    assert half.embodied_tco2e == pytest.approx((run.total_kg - run.operational_kg) / 2 / 1000)
    assert half.water_litres == pytest.approx(run.water_l / 2)
    joules = 1.25 * (16 * 100 + 2 * 600 + 16 * 20) * SECONDS * 0.3
    assert idle.energy_kwh == pytest.approx(joules / 3.6e6)
    assert idle.operational_tco2e == pytest.approx(joules * 1e-7 / 1000)
    assert idle.total_tco2e == pytest.approx(idle.operational_tco2e + 0.3 * 2 * half.embodied_tco2e)
    assert (half.share, idle.share, lines["development"].total_tco2e) == (0.5, 0.3, 0.0)
    busy = ROUND._replace(checkpoint_share=0.2, restart_share=0.1, communication_share=0.1)
    same = boundary_lines(Boundary(idle_reservation=0.3), busy, 16, SECONDS, run)[-1]
    assert same.energy_kwh == pytest.approx(idle.energy_kwh)


def test_lines_of_many_runs_at_once_are_those_of_each() -> None:
    """Half of the run again, and three tenths of its time idle: as a sum in kg, for one run and for two."""
    run = footprint(ROUND, 16, SECONDS, 0.2)
    shares = {f.name: 0.0 for f in dataclasses.fields(Boundary)} | {"evaluation": 0.5, "idle_reservation": 0.3}
    lines = boundary_lines(Boundary(evaluation=0.5, idle_reservation=0.3), ROUND, 16, SECONDS, run)
    kg = 1000.0 * sum(line.total_tco2e for line in lines)
    assert boundary_kg(shares, ROUND, 16, SECONDS, run) == pytest.approx(kg)
    both = boundary_kg(shares | {"evaluation": np.array([0.5, 0.0])}, ROUND, 16, SECONDS, run)
    assert both == pytest.approx([kg, kg - 0.5 * run.total_kg])


@pytest.mark.parametrize("share", [-1e-9, float("nan"), float("inf")])
def test_shares_that_cannot_be(share: float) -> None:
    with pytest.raises(InputError) as error:
        Boundary(inference=share)
    assert error.value.key == "boundary.inference"


# From factors to coefficients

PHYSICAL = dict(
    tdp=500.0, idle_power=70.0, busy_ratio=0.9, exponent=0.15, best_utilisation=0.6, host_power=1000.0,
    host_idle_power=600.0, network_share=0.05, communication_ratio=0.4, devices_per_host=8.0, pue=1.2,
    carbon_intensity=1e-7, building=0.01, transport=0.02, end_of_life=0.04, lifetime=1e8, busy_share=0.7, switches=11.0,
    water_on_site=2e-7, water_off_site=3e-7,
)  # fmt: skip


def test_physical_coefficients() -> None:
    n = physical_numbers(PHYSICAL, 150.0, 900.0)
    assert n._asdict() == pytest.approx(dict(
        idle_w=70.0, busy_w=450.0, exponent=0.15, best_utilisation=0.6, checkpoint_w=70.0, restart_w=70.0,
        communication_w=200.0, host_w=1000.0, host_idle_w=600.0, network_w=22.5, devices_per_host=8.0, pue=1.2,
        carbon_intensity=1e-7, device_kg=150.0, host_kg=900.0, network_kg=11.0, other_share=0.07, lifetime_s=1e8,
        busy_share=0.7, water_on_site=2e-7, water_off_site=3e-7, checkpoint_share=0.0, restart_share=0.0,
        communication_share=0.0, idle_share=0.0, shared_hosts=0.0,
    ))  # fmt: skip


PARTS = dict(
    die_area=8.0, logic_cpa=2.0, good_share=0.5, memory_capacity=80.0, memory_kg=1.5, board=30.0, cpa_factor=1.1,
    n_cpus=2.0, cpu_area=3.0, cpu_cpa=1.9, cpu_memory=200.0, dram_kg=0.4, storage=1000.0, ssd_kg=0.02, chassis=90.0,
)  # fmt: skip


def test_bottom_up_masses() -> None:
    """Dies over their yield, memory by the gigabyte, board; processors, memory, storage, chassis."""
    assert device_kg_bottom_up(PARTS) == pytest.approx(8 * 2.0 * 1.1 / 0.5 + 80 * 1.5 * 1.1 + 30)
    assert host_kg_bottom_up(PARTS) == pytest.approx(2 * 3 * 1.9 / 0.5 + 200 * 0.4 + 1000 * 0.02 + 90)


def test_paper_coefficients() -> None:
    """TDP split by Fernandez's two points (37.5 % of throughput for 7.5 % of power), the operating point at half load.

    At that point four fifths of the power are static; at full load 0.8/(0.8 + 0.2/0.5) = two thirds.
    """
    v = (
        PHYSICAL
        | PARTS
        | dict(alpha=1.5, throughput_drop=0.375, power_drop=0.075, operating_utilisation=0.5, host_ratio=0.25)
    )
    n = paper_numbers(v)
    static, dynamic = 500 * 2 / 3, 500 / 3
    at_work = static + 1.5 * dynamic * 0.5
    host_w = 0.25 * 8 * at_work
    assert n._asdict() == pytest.approx(dict(
        idle_w=static, busy_w=static + 1.5 * dynamic, exponent=1.0, best_utilisation=1.0, checkpoint_w=static,
        restart_w=static, communication_w=static, host_w=host_w, host_idle_w=host_w, network_w=0.0,
        devices_per_host=8.0, pue=1.2, carbon_intensity=1e-7, device_kg=device_kg_bottom_up(PARTS),
        host_kg=2 * 3 * 2.0 * 1.1 / 0.5 + 200 * 0.4 + 1000 * 0.02 + 90, network_kg=0.0, other_share=0.07,
        lifetime_s=1e8, busy_share=0.7, water_on_site=2e-7, water_off_site=3e-7, checkpoint_share=0.0,
        restart_share=0.0, communication_share=0.0, idle_share=0.0, shared_hosts=0.0,
    ))  # fmt: skip


def test_power_under_a_limit() -> None:
    """Half of the dynamic power left, at exponent one half: 1/sqrt(2) of the speed."""
    assert (capped_power(300.0, 200.0), capped_power(150.0, 200.0)) == (200.0, 150.0)
    assert capped_throughput(300.0, 200.0, 100.0, 0.5) == pytest.approx(0.5**0.5)
    assert capped_throughput(150.0, 200.0, 100.0, 0.5) == 1.0
    assert paper_power(470.0, 200.0, 0.5, 0.4) == pytest.approx(470 + 0.5 * 200 * 0.4)


# Results

FACTORS = {
    "pue": Datum(1.25, "1", "a", low=1.1, high=1.5),
    "carbon_intensity": Datum(360.0, "g/kWh", "b", low=180.0, high=720.0, basis="location"),
}


def _assemble(v: Mapping[str, Any]) -> CarbonNumbers:
    return ROUND._replace(pue=v["pue"], carbon_intensity=v["carbon_intensity"])


def model(factors: Mapping[str, Datum] = FACTORS) -> CarbonModel:
    central = _assemble({name: datum.si for name, datum in factors.items()})
    return CarbonModel(
        numbers=central, assemble=_assemble, factors=factors,
        location=factors["carbon_intensity"],
        market=Datum(36.0, "g/kWh", "c", low=18.0, high=72.0, basis="market"), mode="physical", version="v2", region="x",
        amortisation="a", embodied_route="measured", device_kg_by_route={},
    )  # fmt: skip


def test_totals_in_tonnes_and_kilowatt_hours() -> None:
    """360 g/kWh is 1e-7 kg/J: the footprint above, with its units changed."""
    run = assess(model(), 12, SECONDS, 0.2)
    it = 12 * 300 + 2 * 1000 + 12 * 20
    kwh = 1.25 * it * SECONDS / 3.6e6
    embodied = 1.2 * (12 * 160 + 2 * 800 + 12 * 10) * 0.02 / 1000
    assert run.energy_kwh == pytest.approx(kwh)
    assert run.operational_tco2e == pytest.approx(kwh * 0.36 / 1000)
    assert run.embodied_tco2e == pytest.approx(embodied)
    assert run.total_tco2e == pytest.approx(kwh * 0.36 / 1000 + embodied)
    assert run.market.operational_tco2e == pytest.approx(kwh * 0.036 / 1000)
    assert (run.carbon_intensity_g_per_kwh, run.market.carbon_intensity_g_per_kwh) == pytest.approx((360.0, 36.0))
    assert run.pue == 1.25
    assert run.water_litres == pytest.approx(it * (0.1 + 1.25 * 0.3))
    assert (run.low_tco2e, run.high_tco2e) == run.intervals["total_tco2e"]


def test_intervals_of_a_single_range() -> None:
    """One ranged factor moves every figure that it multiplies from the range's low end to its high end."""
    alone = {"pue": Datum(1.25, "1", "a"), "carbon_intensity": FACTORS["carbon_intensity"]}
    run = assess(model(alone), 12, SECONDS, 0.2)
    assert run.intervals["operational_tco2e"] == pytest.approx(
        (run.operational_tco2e / 2, run.operational_tco2e * 2), rel=0.03
    )
    ends = (run.operational_tco2e / 2 + run.embodied_tco2e, run.operational_tco2e * 2 + run.embodied_tco2e)
    assert run.intervals["total_tco2e"] == pytest.approx(ends, rel=0.03)
    for name in ("energy_kwh", "embodied_tco2e", "water_litres"):
        assert run.intervals[name] == pytest.approx((getattr(run, name),) * 2)
    assert run.market.interval_tco2e == pytest.approx(
        (run.market.operational_tco2e / 2, run.market.operational_tco2e * 2), rel=0.03
    )
    (only,) = run.widest
    assert (only.name, only.source) == ("carbon_intensity", "b")
    assert (only.low_tco2e, only.high_tco2e) == pytest.approx(ends)


def test_what_stands_beside_the_run_widens_with_it() -> None:
    plain, beside = (
        assess(model(), 16, SECONDS, 0.2),
        assess(model(), 16, SECONDS, 0.2, boundary=Boundary(development=1.0)),
    )
    assert beside.total_tco2e == pytest.approx(2 * plain.total_tco2e)
    assert beside.boundary_tco2e == pytest.approx(plain.total_tco2e)
    assert beside.intervals["total_tco2e"] == pytest.approx(tuple(2 * end for end in plain.intervals["total_tco2e"]))
    assert [w.low_tco2e for w in beside.widest] == pytest.approx([2 * w.low_tco2e for w in plain.widest])
    assert [w.high_tco2e for w in beside.widest] == pytest.approx([2 * w.high_tco2e for w in plain.widest])
    assert beside.operational_tco2e == plain.operational_tco2e


def test_widest_factors_come_first_and_at_most_three() -> None:
    names = [w.name for w in assess(model(), 16, SECONDS, 0.2, time=Datum(1.0, "1", "t", low=0.9, high=1.2)).widest]
    assert names == ["carbon_intensity", "pue", "time"]


def test_a_slower_run_works_less_hard() -> None:
    """Four times the time at a quarter of the utilisation: the devices draw 200 W of their 300, four times as long."""
    run = assess(model(), 16, SECONDS, 0.2, time=Datum(1.0, "1", "t", low=0.25, high=4.0))
    slow = next(w for w in run.widest if w.name == "time").high_tco2e
    it = (16 * 200 + 2 * 1000 + 16 * 20) * 4 * SECONDS
    embodied = 1.2 * (16 * 160 + 2 * 800 + 16 * 10) * 0.08
    assert slow == pytest.approx((1.25 * it * 1e-7 + embodied) / 1000)
    fast = next(w for w in run.widest if w.name == "time").low_tco2e
    it, embodied = (16 * 500 + 2 * 1000 + 16 * 20) * SECONDS / 4, embodied / 16
    assert fast == pytest.approx((1.25 * it * 1e-7 + embodied) / 1000)
    quick = assess(model(), 16, SECONDS, 0.8, time=Datum(1.0, "1", "t", low=0.5, high=1.0))
    it = (16 * (100 + 400 * (1.0 / 0.8) ** 0.0) + 2 * 1000 + 16 * 20) * SECONDS / 2  # never above the best-tuned draw
    low = next(w for w in quick.widest if w.name == "time").low_tco2e
    assert low == pytest.approx((1.25 * it * 1e-7 + 1.2 * (16 * 160 + 1600 + 160) * 0.01) / 1000)


def test_shares_of_the_time_reach_the_result() -> None:
    run = assess(
        model(), 8, SECONDS, 0.2, checkpoint_share=0.1, restart_share=0.05, communication_share=0.2, idle_share=0.25
    )
    assert run.parts.device_power_w == pytest.approx(0.4 * 300 + 0.1 * 150 + 0.05 * 50 + 0.2 * 200 + 0.25 * 100)


def test_bounds_of_a_run_are_inside() -> None:
    """One device, half a second, all of the time spent otherwise: small, and possible."""
    assert assess(model(), 1, 0.5, 1.0, checkpoint_share=0.5, idle_share=0.5).total_tco2e > 0.0
    with pytest.raises(InputError) as error:
        assess(model(), 1, 0.5, 0.4, restart_share=1.5)
    assert error.value.key == "restart_share"


# Ranges


@pytest.mark.parametrize(
    ("low", "high", "z", "expected"),
    [
        (50.0, 400.0, 0.0, 100.0),
        (50.0, 400.0, -Z95, 50.0),
        (50.0, 400.0, Z95, 400.0),
        (50.0, 400.0, Z95 / 2, 200.0),  # on the logarithm
        (50.0, 400.0, -2 * Z95, 25.0),
        (0.0, 400.0, -Z95 / 2, 50.0),  # on the value itself, where the range touches nought
        (0.0, 400.0, Z95 / 2, 250.0),
        (0.0, 400.0, -2 * Z95, 0.0),
    ],
)
def test_halves_of_a_range(low: float, high: float, z: float, expected: float) -> None:
    datum = Datum(100.0, "1", "x", low=low, high=high)
    assert sample_factor("any", datum, np.array([z])) == pytest.approx([expected])


def test_percentiles_never_leave_the_central_value_out() -> None:
    values = np.arange(101.0)
    assert interval(values, 50.0) == (5.0, 95.0)
    assert interval(values, 2.0) == (2.0, 95.0)
    assert interval(values, 99.0) == (5.0, 99.0)
    assert interval(7.0, 7.0) == (7.0, 7.0)


def test_a_sample_without_ranges_is_the_central_value() -> None:
    exact = {name: dataclasses.replace(datum, low=None, high=None) for name, datum in FACTORS.items()}
    parts, drawn = sample_footprint(_assemble, exact, 12, SECONDS, 0.2)
    assert drawn == {}
    assert float(np.asarray(parts.total_kg)[0]) == pytest.approx(footprint(ROUND, 12, SECONDS, 0.2).total_kg)


def test_given_normals_are_used_and_time_slows_the_run() -> None:
    z = {"pue": np.array([0.0, Z95]), "carbon_intensity": np.array([-Z95, 0.0]), "time": np.array([0.0, Z95])}
    time = Datum(1.0, "1", "t", low=0.25, high=4.0)
    parts, drawn = sample_footprint(_assemble, FACTORS, 16, SECONDS, 0.2, time, shares={"idle_share": 0.5}, normals=z)
    assert drawn["time"].tolist() == pytest.approx([1.0, 4.0])
    assert drawn["pue"].tolist() == pytest.approx([1.25, 1.5])
    hosts, network = 2 * (0.5 * 1000 + 0.5 * 600), 16 * 20
    first = 1.25 * (16 * (0.5 * 300 + 0.5 * 100) + hosts + network) * SECONDS
    second = 1.5 * (16 * (0.5 * 200 + 0.5 * 100) + hosts + network) * 4 * SECONDS
    assert np.asarray(parts.energy_j).tolist() == pytest.approx([first, second])
    assert np.asarray(parts.operational_kg).tolist() == pytest.approx([first * 0.5e-7, second * 1e-7])


# By the hour

STAIRS = HourlyProfile("2025-01-01T00:00", (100.0, 200.0, 300.0, 400.0))


@pytest.mark.parametrize(
    ("start", "hours", "above", "working", "paused", "g", "paused_g"),
    [
        (0.0, 2.0, np.inf, 2.0, 0.0, 150.0, 0.0),
        (1.5, 2.0, np.inf, 2.0, 0.0, (0.5 * 200 + 300 + 0.5 * 400) / 2, 0.0),
        (3.0, 2.0, np.inf, 2.0, 0.0, 250.0, 0.0),  # around the end
        (0.0, 9.0, np.inf, 9.0, 0.0, (2 * 1000 + 100) / 9, 0.0),
        (0.0, 3.0, 250.0, 3.0, 2.0, (100 + 200 + 100) / 3, 350.0),
        (2.0, 1.0, 250.0, 1.0, 2.0, 100.0, 350.0),
        (0.5, 4.0, 250.0, 4.0, 4.0, (100 + 200 + 200 + 100) / 4, 350.0),
        (0.0, 2.0, 100.0, 2.0, 3.0, 100.0, 300.0),
        (5.25, 0.5, np.inf, 0.5, 0.0, 200.0, 0.0),  # an hour and a quarter into the second round
        (0.0, 2.0, 250.0, 2.0, 0.0, 150.0, 0.0),  # a pause after the work is no part of the run
        (3.5, 1.0, 250.0, 1.0, 0.5, 100.0, 400.0),
        (2.5, 3.0, 250.0, 3.0, 3.5, (100 + 200 + 100) / 3, (0.5 * 300 + 400 + 300 + 400) / 3.5),
    ],
)
def test_hours_and_pauses_by_hand(
    start: float, hours: float, above: float, working: float, paused: float, g: float, paused_g: float
) -> None:
    met = passage(STAIRS, start, hours, above)
    assert met.start_hour == start
    assert (met.working_h, met.paused_h) == pytest.approx((working, paused))
    assert (met.working_g_per_kwh, met.paused_g_per_kwh) == pytest.approx((g, paused_g))


def test_the_cleanest_hour_is_still_allowed() -> None:
    assert STAIRS.average == 250.0
    with pytest.raises(InputError) as error:
        passage(STAIRS, 0.0, 1.0, 99.9)
    assert "100 g/kWh" in str(error.value)
