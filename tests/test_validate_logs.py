"""A training log becomes a measured row."""

from __future__ import annotations

from pathlib import Path

import pytest

from carbonscaling.cli import main
from carbonscaling.errors import InputError
from carbonscaling.evidence.row import parse_row
from carbonscaling.software.options import Software
from carbonscaling.study.scenario import Layout, Scenario, replace
from carbonscaling.validate.replay import complete_row
from carbonscaling.validate.speed.logs import log_run, step_seconds
from carbonscaling.validate.speed.measured import measured_speed

MINE = Scenario(
    model="mixtral-8x7b", device="h100-sxm", devices=64, batch=256, seq_len=4096, tokens=1e12,
    layout=Layout(tp=2, pp=4, ep=8, zero=1, micro_batch=1),
)  # fmt: skip


def _megatron(seconds: list[float]) -> str:
    return "\n".join(
        f" iteration {k}/ 100 | elapsed time per iteration (ms): {1000 * t:.1f} | loss: 2"
        for k, t in enumerate(seconds)
    )


def test_megatron_warm_up_is_left_out() -> None:
    assert step_seconds(_megatron([60.0] * 5 + [12.0] * 7), 1.0, 1) == pytest.approx(12.0)


def test_torchtitan_speed_is_per_device() -> None:
    log = "\n".join(
        f"step: {k} loss: 3.1 memory: 60GiB tps: {t:,} mfu: 40%" for k, t in enumerate((100, 8192, 8192, 8192))
    )
    assert step_seconds(log, 8192.0 * 64 * 10, 64) == pytest.approx(10.0)


def test_a_log_without_steps_is_an_error(tmp_path: Path) -> None:
    assert step_seconds("nothing here", 1.0, 1) is None
    file = tmp_path / "empty.log"
    file.write_text("hello\n", encoding="utf-8")
    with pytest.raises(InputError, match="no step times"):
        log_run(file, MINE)


def test_a_logged_run_is_its_scenario(tmp_path: Path) -> None:
    file = tmp_path / "run.log"
    file.write_text(_megatron([10.0] * 20), encoding="utf-8")
    told = replace(MINE, software=Software(cuda_graphs="full"))
    run, speed = log_run(file, told)
    assert run.setting.n_devices == 64
    assert (run.setting.tp, run.setting.pp, run.setting.ep) == (2, 4, 8)
    assert run.scenario.software == told.software, "what the run changes about its stack is not lost"
    assert speed == pytest.approx(256 * 4096 / 10.0 / 64)


def test_command_needs_a_scenario_for_every_log(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "--log", "a.log"]) == 2
    assert "every log needs its scenario" in capsys.readouterr().err


@pytest.mark.parametrize("speed", ["1e300", "1e-300"])
def test_a_speed_that_no_device_reaches_is_no_measurement(speed: str) -> None:
    row = {
        "id": "a", "model": "llama-3-8b", "device": "H100-80", "n_devices": "8", "seq_len": "8192",
        "global_batch_seqs": "64", "tokens_per_s_per_device": speed,
    }  # fmt: skip
    assert measured_speed(row, complete_row(parse_row(row))) is None
    assert measured_speed({**row, "tokens_per_s_per_device": "9000"}, complete_row(parse_row(row))) == 9000
