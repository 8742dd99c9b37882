"""Files of meters: energy, scope and device-hours of each, planned beside measured, and broken files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carbonscaling.calibration.meters import Meter, meter_kind, read_meter
from carbonscaling.calibration.own_power import measured_power
from carbonscaling.carbon.drawn import draw_of
from carbonscaling.carbon.model import carbon_model
from carbonscaling.catalog import hardware
from carbonscaling.cli import main
from carbonscaling.errors import InputError

ANSWER = str(Path(__file__).parent / "data" / "statements" / "answer.json")
SACCT = """JobID|Elapsed|NNodes|AllocTRES|ConsumedEnergyRaw
7001|1-02:00:00|8|billing=64,cpu=896,gres/gpu=64,node=8|5400000000
7001.batch|1-02:00:00|8|cpu=896,gres/gpu=8|1
7002|02:00:00|8|gres/gpu:h100=64,node=8|
7002.0|02:00:00|8|gres/gpu=64|360000000
"""
DCGM = "".join(
    f'DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{{gpu="{g}"}} {1_000_000 + t * 600_000 * (1 + g)} {1_767_225_600_000 + t * 1000}\n'
    for g in range(2)
    for t in (0, 3600)
)
SMI = "timestamp, power.draw [W]\n" + "".join(
    f"2026/01/01 00:{m:02d}:00.{g}00, {600 + 10 * g}.00 W\n" for m in range(60) for g in range(8)
)
CODECARBON = (
    "timestamp,run_id,duration,emissions,energy_consumed,cpu_energy,gpu_energy,ram_energy,gpu_count,gpu_model,pue\n"
    "2026-01-01,a,3600,1,6,0.5,4.8,0.2,8,8 x NVIDIA H100,1.0\n"
)


def _read(tmp_path: Path, text: str) -> Meter:
    path = tmp_path / "meter.txt"
    path.write_text(text)
    return read_meter(path)


def test_slurm_counts_nodes_over_jobs_and_steps(tmp_path: Path) -> None:
    found = _read(tmp_path, SACCT)
    assert found.kind == "Slurm"
    assert found.scope == "it"
    assert found.energy_kwh == pytest.approx(5.76e9 / 3.6e6)
    assert found.device_hours == 64 * 28
    assert found.n_devices == 64


def test_dcgm_counters_are_differences_in_millijoules(tmp_path: Path) -> None:
    found = _read(tmp_path, DCGM)
    assert (found.kind, found.scope, found.n_devices) == ("DCGM", "devices", 2)
    assert found.device_hours == pytest.approx(2.0)
    assert found.energy_kwh == pytest.approx((600 + 1200) / 1e3)


def test_nvidia_smi_is_power_over_time(tmp_path: Path) -> None:
    found = _read(tmp_path, SMI)
    assert (found.kind, found.scope, found.n_devices) == ("nvidia-smi", "devices", 8)
    assert found.device_hours == pytest.approx(8.0, rel=0.001)
    assert found.energy_kwh == pytest.approx(8 * 0.635, rel=0.001)


def test_codecarbon_counts_accelerators(tmp_path: Path) -> None:
    found = _read(tmp_path, CODECARBON)
    assert found == Meter("CodeCarbon", 4.8, "devices", 8.0, 8)


def test_planned_beside_metered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "smi.csv"
    path.write_text(SMI)
    assert main(["report", ANSWER, "--meter", str(path), "--format", "json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["kind"] == "measured"
    assert record["energy_parts_kwh"]["device"] == pytest.approx(5.08, rel=0.001)
    assert record["plan"]["kind"] == "planned"
    assert main(["report", "--meter", str(path), "--device", "h100-sxm", "--region", "fr"]) == 0


def test_every_meter_calibrates_power(tmp_path: Path) -> None:
    """Accelerators as read; nodes less hosts and network, whose range widens what is left."""
    paths = []
    for name, text in (("smi.csv", SMI), ("dcgm.txt", DCGM), ("sacct.txt", SACCT)):
        paths.append(tmp_path / name)
        paths[-1].write_text(text)
        assert meter_kind(paths[-1]) is not None
    smi = measured_power(paths[:1], "h100-sxm").watts
    assert smi.value == pytest.approx(635.0, rel=1e-3)
    assert smi.si_range == pytest.approx((0.95 * 635.0, 1.05 * 635.0), rel=1e-3)
    with pytest.raises(
        InputError, match="cannot have drawn"
    ):  # one of DCGM's two counters runs at 1,200 W, their mean at 900
        measured_power(paths[1:2], "h100-sxm")
    nodes = measured_power(paths[2:], "h100-sxm").watts
    read = 5.76e9 / (64 * 28 * 3600)
    host, least, most = draw_of(
        carbon_model(hardware.cluster("h100-sxm"), pue=1.0, carbon_intensity_g_per_kwh=0.0), 8
    ).beside
    assert nodes.si_range[0] <= nodes.value <= nodes.si_range[1]
    jobs = {5.4e9 / (64 * 26 * 3600): 26, 3.6e8 / (64 * 2 * 3600): 2}
    assert sum(watts * hours for watts, hours in jobs.items()) / 28 == pytest.approx(read)
    assert nodes.value == pytest.approx(read - host, rel=1e-3)
    assert nodes.si_range[1] - nodes.si_range[0] > host - least
    assert most > host
    with pytest.raises(InputError, match="names no accelerator"):
        measured_power(paths[:1])


BAD_METERS = {
    "a letter": ("Dear all,\nthe job drew a lot.\n", "not a file of a meter"),
    "nothing": ("", "not a file of a meter"),
    "sacct without energy": ("JobID|Elapsed|NNodes\n1|01:00:00|1\n", "a column is missing"),
    "sacct of a CPU job": ("JobID|Elapsed|AllocTRES|ConsumedEnergyRaw\n1|01:00:00|cpu=8|100\n", "without accelerators"),
    "sacct of no time": ("JobID|Elapsed|AllocTRES|ConsumedEnergyRaw\n1|soon|gres/gpu=8|100\n", "not a duration"),
    "sacct of words": ("JobID|Elapsed|AllocTRES|ConsumedEnergyRaw\n1|01:00:00|gres/gpu=8|lots\n", "not a reading"),
    "sacct unmetered": ("JobID|Elapsed|AllocTRES|ConsumedEnergyRaw\n1|01:00:00|gres/gpu=8|\n", "metered nothing"),
    "dcgm read once": ('DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0"} 5 1767225600000\n', "one reading"),
    "dcgm power alone": ('DCGM_FI_DEV_POWER_USAGE{gpu="0"} 500 1767225600000\n', "one reading"),
    "dcgm restarted": (
        'DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0"} 9000 1000\nDCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0"} 5 9000\n',
        "runs backwards",
    ),
    "smi not supported": ("timestamp, power.draw [W]\n2026/01/01 00:00:00.0, [N/A]\n", "not a reading"),
    "smi of another day": ("timestamp, power.draw [W]\nyesterday, 500 W\n", "not a time"),
    "smi one sample": ("timestamp, power.draw [W]\n2026/01/01 00:00:00.000, 500 W\n", "metered nothing"),
    "smi of a star": ("timestamp, power.draw [W]\n2026/01/01 00:00:00.0, 1e9 W\n", "not a reading"),
    "codecarbon of CPUs": (
        CODECARBON.replace(",4.8,", ",0,").replace(",8,8 x NVIDIA H100", ",0,"),
        "no row read an accelerator",
    ),
}


@pytest.mark.parametrize(("text", "words"), BAD_METERS.values(), ids=BAD_METERS)
def test_broken_meters_end_in_one_clear_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    path = tmp_path / "meter.txt"
    path.write_text(text)
    assert main(["report", "--meter", str(path), "--device", "h100-sxm", "--region", "france"]) == 2
    error = capsys.readouterr().err
    assert error.count("error: ") == 1
    assert words in error
    assert "meter.txt" in error
    assert "remedy" in error


def test_a_meter_and_values_of_ones_own_contradict(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--meter", "m.csv", "--energy-kwh", "5"]) == 2
    assert "two measurements" in capsys.readouterr().err
