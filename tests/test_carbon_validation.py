"""The carbon layer against published accounts, measured energy and measured power."""

from __future__ import annotations

from pathlib import Path

import pytest

from carbonscaling.errors import InputError
from carbonscaling.validate.accounts import check_accounts, embodied_table, llmcarbon_table
from carbonscaling.validate.carbon_runs import check_carbon_runs, load_carbon_runs, summary
from carbonscaling.validate.power import score_caps, score_nodes, score_power


def test_bloom_under_its_own_conventions_and_ours() -> None:
    bloom = check_accounts()[0]
    assert bloom.repeated_embodied == pytest.approx(11.2, rel=0.01)
    assert bloom.repeated_operational == pytest.approx(39.3, rel=0.01)
    assert bloom.repeated_operational + bloom.repeated_embodied == pytest.approx(50.5, rel=0.01)
    for (low, high), reported in ((bloom.operational_interval, 39.3), (bloom.embodied_interval, 11.2)):
        assert low <= reported <= high
    low, high = bloom.formula_tco2e  # the papers' formula on BLOOM: 45 to 68 % below
    assert low == pytest.approx(3.6, rel=0.03)
    assert high == pytest.approx(6.2, rel=0.04)


def test_olmo_embodied_under_its_own_conventions_and_ours() -> None:
    olmo = check_accounts()[1]
    assert olmo.repeated_embodied == pytest.approx(21.8, rel=0.01)
    assert olmo.embodied_interval[0] <= 21.8 <= olmo.embodied_interval[1]
    assert olmo.physical_operational > olmo.repeated_operational  # hosts and network were not metered


@pytest.mark.parametrize(
    ("title", "printed"), [("T5", 45.66), ("GPT-3", 553.87), ("GShard", 4.46), ("Switch", 63.9), ("XLM", 37.6)]
)
def test_llmcarbons_method_with_its_inputs(title: str, printed: float) -> None:
    row = next(r for r in llmcarbon_table() if r.title == title)
    assert row.repeated == pytest.approx(printed, rel=0.01)
    assert abs(row.ours / row.reported - 1.0) < 0.15  # without the run's own watts and speed
    assert "of the run itself" in row.inputs


@pytest.mark.parametrize(("device", "kg"), [("h100-sxm", 164.0), ("a100-40", 127.6), ("b200", 284.0)])
def test_primary_embodied_lies_inside_the_bottom_up_range(device: str, kg: float) -> None:
    row = next(r for r in embodied_table() if r.device == device)
    assert row.primary == kg
    assert row.inside
    assert row.bottom_up[0] < row.bottom_up[1] < row.bottom_up[2]


def test_energy_of_measured_runs_given_their_hours() -> None:
    checks = check_carbon_runs(load_carbon_runs())
    found = summary(checks)
    assert found["n_rows"] == 47
    assert found["n_scored"] == 7
    assert found["energy_mape"] is not None
    assert found["energy_mape"] <= 0.12
    assert found["energy_coverage"] is not None
    assert found["energy_coverage"] >= 0.8
    assert all(c.run.energy_basis.startswith("measured") for c in checks if c.scored)


def test_hours_times_rating_is_never_evidence() -> None:
    checks = {c.run.name: c for c in check_carbon_runs(load_carbon_runs())}
    bloom = checks["BLOOM-176B (dynamic only)"]
    assert not bloom.scored
    assert "no evidence" in bloom.note


def test_power_model_on_public_measurements() -> None:
    scores = {s.device: s for s in score_power()}
    assert scores["v100-sxm2-32"].r2 > 0.9
    assert scores["h100-sxm"].r2 > 0.868
    assert scores["b200"].r2 > 0.85
    assert scores["all"].r2_left_out > 0.95
    assert all(s.r2_left_out <= s.r2 and s.mape < 0.13 for s in scores.values())


def test_power_limits_of_a_v100() -> None:
    caps = score_caps()
    assert caps.n_rows == 408
    assert caps.r2 > 0.9
    assert caps.mape_left_out < 0.06  # speed


def test_a_node_at_work() -> None:
    measured, ours, n = score_nodes()
    assert n == 3
    assert ours == pytest.approx(measured, rel=0.1)


HEADER = "name,device,energy_basis,n_devices,device_hours,days,energy_kwh,pue,ci_g_per_kwh"


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "runs.csv"
    path.write_text(text)
    return path


def test_other_runs_are_checked_alike(tmp_path: Path) -> None:
    rows = (
        "mine,H100-80GB,measured_gpu_only,512,100000,,70000,1.1,\n"
        "days,A100,measured_with_host,8,,10,900,,100\n"
        "new,Q900,measured_gpu_only,8,100,,70,1.1,\n"
        "blank,,,,,,,,\n"
    )
    mine, days, new, blank = check_carbon_runs(load_carbon_runs(_file(tmp_path, f"{HEADER}\n{rows}")))
    assert mine.scored
    assert mine.energy_kwh == pytest.approx(70_000, rel=0.05)
    assert days.run.hours == 1920
    assert days.operational_tco2e == pytest.approx((days.energy_kwh or 0) * 1e-4)
    assert "not in the catalogue" in new.note
    assert blank.note == "no device-hours"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,devise,energy_basis\n", ["a column is missing", "devise"]),
        (f"{HEADER}\n", ["no rows"]),
        (f"{HEADER}\nx,H100,guess,8,1,,1,1.1,\n", ["energy basis", "tdp", "line 2"]),
        (f"{HEADER}\nx,H100,tdp,8,many,,1,1.1,\n", ["device_hours", "many", "line 2"]),
        (f"{HEADER}\nx,H100,tdp,8,1,,1,0.9,\n", ["pue", "1 or more"]),
        (f"{HEADER}\nx,H100,tdp,8,1,,1,1.1,-3\n", ["ci_g_per_kwh"]),
    ],
)
def test_bad_files(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        load_carbon_runs(_file(tmp_path, text))
    assert all(word in str(caught.value) for word in words)
