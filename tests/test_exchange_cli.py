"""Launch files, pictures and traces through the command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from carbonscaling.cli import main
from carbonscaling.errors import ExitCode

Run = Callable[..., tuple[int, str, str]]

SMALL = ["--model", "llama-3-8b", "--tokens", "1T", "--batch", "512", "--device", "h100-sxm"]
FIXED = [*SMALL, "--devices", "64", "--tp", "4", "--pp", "1", "--zero", "1", "--micro-batch", "1"]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*args: object) -> tuple[int, str, str]:
        code = main([str(a) for a in args])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return code, captured.out, captured.err

    return call


LAUNCH = Path(__file__).parent / "data" / "launch"


def test_a_plan_is_written_for_other_software(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("estimate", *FIXED, "--emit", "megatron")
    assert code == 0
    assert "--tensor-model-parallel-size 4" in out
    assert "MFU" not in out  # it stands in the answer's place
    path = tmp_path / "train.sh"
    code, out, err = run("estimate", *FIXED, "--emit", "megatron", "-o", path)
    assert (code, "MFU" in out, "written" in err) == (0, True, True)
    code, out, _ = run("estimate", "--from", path, "--json")
    assert json.loads(out)["summary"]["tp"] == 4
    for option in (["--emit", "megatron"], ["--picture", path], ["-o", tmp_path / "plan.svg"]):
        code, out, err = run("estimate", *SMALL, "--devices", "1", *option)
        assert (code, "Nothing feasible" in out, "not written" in err) == (ExitCode.INFEASIBLE, True, True)
    code, _, err = run("estimate", *FIXED, "--emit", "megaton")
    assert code == ExitCode.USAGE
    assert "did you mean: megatron?" in err


def test_a_plan_is_drawn(run: Run, tmp_path: Path) -> None:
    for option in ("--picture", "-o"):
        path = tmp_path / f"{option.strip('-')}.svg"
        assert run("estimate", *FIXED, option, path)[0] == 0
        assert path.read_text().startswith("<svg")


def test_an_existing_run_is_answered(run: Run) -> None:
    code, out, _ = run("estimate", "--from", LAUNCH / "train.sh", "--device", "h200", "--json")
    assert code == 0
    answer = json.loads(out)
    assert (answer["summary"]["pp"], answer["summary"]["stack"], answer["summary"]["n_devices"]) == (8, "megatron", 128)
    notes = "\n".join(answer["notes"])
    assert "settings read from train.sh" in notes
    assert "not understood in train.sh: my_own_option" in notes
    assert "faster" in notes
    code, out, _ = run("estimate", "--from", LAUNCH / "train.sh", "--device", "h200", "--pp", "4", "--json")
    assert json.loads(out)["summary"]["pp"] == 4  # options go before the file
    code, _, err = run("estimate", "--from", LAUNCH / "ds_config.json")
    assert code == ExitCode.USAGE
    assert "add --model" in err
    code, _, err = run("estimate", "--from", LAUNCH / "nothing.sh")
    assert (code, "no such file" in err) == (ExitCode.USAGE, True)
