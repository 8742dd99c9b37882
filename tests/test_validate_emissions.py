"""codecarbon's file teaches power, and an answer with that profile draws it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import carbonscaling as cs
from carbonscaling.calibration.emissions import is_emissions, read_emissions
from carbonscaling.calibration.own_power import measured_power
from carbonscaling.calibration.profile import load_calibration, shipped_calibration
from carbonscaling.cli import main
from carbonscaling.errors import InputError
from carbonscaling.study.scenario import Layout, Scenario
from carbonscaling.validate.speed.logs import log_run

HEADER = "timestamp,run_id,duration,cpu_energy,gpu_energy,ram_energy,energy_consumed,gpu_count,gpu_model,pue\n"
H100 = "8 x NVIDIA H100 80GB HBM3"
# 600 W over 16 device-hours and, with a PUE of 1.2 in the energy, 650 W over 8
RUNS = f"""t,a,7200,0.2,9.6,0.8,10.6,8,{H100},1.0
t,b,3600,0.12,6.24,0.48,6.84,8,{H100},1.2
"""


def _file(folder: Path, text: str, name: str = "emissions.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_power_is_energy_over_duration_and_count_without_the_pue(tmp_path: Path) -> None:
    power = measured_power([_file(tmp_path, HEADER + RUNS)])
    assert power.device == "h100-sxm"
    assert power.watts.si == pytest.approx((600 * 16 + 650 * 8) / 24, abs=0.01)
    assert power.watts.si_range == pytest.approx((0.95 * 600, 1.05 * 650))
    assert (power.n_runs, power.device_hours, power.files) == (2, 24.0, "emissions.csv")
    assert power.host_watts == pytest.approx((1.0 + 0.6 / 1.2) / 3 * 1000, abs=0.1)


def test_of_a_run_written_several_times_the_longest_row_counts(tmp_path: Path) -> None:
    early = f"t,a,1800,0.1,1.6,0.2,1.9,8,{H100},1.0\n"  # 400 W: its beginning
    runs = read_emissions(_file(tmp_path, HEADER + early + RUNS))
    assert [run.run for run in runs] == ["a", "b"]
    assert runs[0].watts == pytest.approx(600.0)


def test_rows_without_an_accelerator_or_length_are_left_out(tmp_path: Path) -> None:
    idle = f"t,c,600,0.1,0,0.1,0.2,,,1.0\nt,d,-3,0.1,1,0.1,0.2,8,{H100},1.0\n"
    assert len(read_emissions(_file(tmp_path, HEADER + idle + RUNS))) == 2
    with pytest.raises(InputError, match="no row read an accelerator"):
        read_emissions(_file(tmp_path, HEADER + idle))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("duration,energy_consumed\n1,1\n", "(?s)missing columns.*codecarbon 2.1"),
        (HEADER + f"t,a,x,0,1,0,1,8,{H100},1\n", "holds no number"),
        (HEADER + f"t,a,nan,0,1,0,1,8,{H100},1\n", "holds no number"),
        (HEADER + f"t,a,3600,0,1,0,1,8,{H100},0.5\n", "impossible PUE"),
        (HEADER + "t,a,3600,0,1,0,1,5,4 x NVIDIA A401 x NVIDIA A100 80GB PCIe,1\n", "mixes kinds"),
        (HEADER + "t,a,3600,0,0.3,0,1,1,1 x NVIDIA GeForce GTX 480,1\n", "does not know by this name"),
        (HEADER + f"t,a,3600,0,9.6,0,1,8,{H100},1\n", "cannot have drawn"),  # 1200 W of 700
        (HEADER + f"t,a,3600,0,0.1,0,1,8,{H100},1\n", "cannot have drawn"),  # 12 W
        (HEADER + RUNS + "t,z,3600,0,2,0,1,8,8 x NVIDIA A100-SXM4-80GB,1\n", "several kinds"),
    ],
)
def test_a_bad_file_is_refused_with_a_reason(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        measured_power([_file(tmp_path, text)])


def test_a_device_can_be_named(tmp_path: Path) -> None:
    row = "t,a,3600,0,2.4,0,2.4,4,4 x NVIDIA H100 NVL by name,1\n"
    assert measured_power([_file(tmp_path, HEADER + row)], "h100-sxm").watts.si == pytest.approx(600.0)


def test_only_such_a_file_is_taken_for_one(tmp_path: Path) -> None:
    assert is_emissions(_file(tmp_path, HEADER))
    assert is_emissions(_file(tmp_path, "\ufeff" + HEADER))
    assert not is_emissions(_file(tmp_path, "id,model,device,duration,energy_consumed\n"))
    assert not is_emissions(tmp_path / "absent.csv")


def _estimate(device: str, calibration: str, factors: str | None = None) -> cs.Estimate:
    found = cs.estimate(
        cs.Scenario(
            model="llama-3-8b", tokens=1e12, device=device, devices=64, layout=Layout(tp=2, pp=1, dp=32, zero=1),
            calibration=calibration, factors=factors,
        )
    )  # fmt: skip
    assert isinstance(found, cs.Estimate)
    return found


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    file = tmp_path / "mine.toml"
    assert main(["calibrate", "--runs", str(_file(tmp_path, HEADER + RUNS)), "-o", str(file)]) == 0
    return file


def test_power_alone_keeps_the_shipped_speeds(profile: Path) -> None:
    mine, shipped = load_calibration(profile), shipped_calibration()
    assert mine.constants == shipped.constants
    assert mine.interval == shipped.interval
    assert mine.power is not None
    assert mine.power.watts.source == "user"
    assert tomllib.loads(profile.read_text(encoding="utf-8"))["power"]["watts"]["unit"] == "W"


def test_an_estimate_draws_what_was_measured_and_says_so(profile: Path) -> None:
    mine, shipped = (_estimate("h100-sxm", c) for c in (str(profile), "shipped"))
    assert mine.duration_s == shipped.duration_s
    assert mine.footprint.parts.device_power_w == pytest.approx(616.67)
    assert mine.footprint.parts.device_energy_j == pytest.approx(616.67 * 64 * mine.duration_s)
    assert mine.footprint.parts.host_energy_j == shipped.footprint.parts.host_energy_j
    assert any("617 W a device (570 to 682)" in note for note in mine.resolved.notes)
    low, high = mine.resolved.carbon.factors["busy_ratio"].si_range
    assert (700 * low, 700 * high) == pytest.approx((570.0, 682.5))


def test_a_power_of_another_device_is_not_applied_and_said(profile: Path) -> None:
    mine, shipped = (_estimate("a100-80", c) for c in (str(profile), "shipped"))
    assert mine.footprint.energy_kwh == shipped.footprint.energy_kwh
    assert any("the calibration file measured h100-sxm" in note for note in mine.resolved.notes)


def test_a_factor_of_the_users_stands_before_the_profile(profile: Path, tmp_path: Path) -> None:
    factors = _file(tmp_path, 'busy_ratio = { value = 0.5, unit = "1" }\n', "factors.toml")
    one = _estimate("h100-sxm", str(profile), str(factors))
    assert one.footprint.parts.device_power_w == pytest.approx(350.0)


def test_an_impossible_power_in_a_profile_is_refused(profile: Path) -> None:
    profile.write_text(profile.read_text(encoding="utf-8").replace('unit = "W"', 'unit = "h"'), encoding="utf-8")
    with pytest.raises(InputError, match="unusable calibration"):
        load_calibration(profile)


def test_with_tokens_beside_it_the_file_is_a_speed(tmp_path: Path) -> None:
    file = _file(tmp_path, HEADER + RUNS.splitlines()[0] + "\n")
    ran = Scenario(model="llama-3-8b", device="h100-sxm", devices=8, batch=64, seq_len=8192, tokens=4e8)
    assert log_run(file, ran)[1] == pytest.approx(4e8 / 7200 / 8)
    with pytest.raises(InputError, match="knows no tokens"):
        log_run(file, Scenario(model="llama-3-8b", device="h100-sxm", devices=8))
    with pytest.raises(InputError, match="several runs"):
        log_run(_file(tmp_path, HEADER + RUNS), ran)
