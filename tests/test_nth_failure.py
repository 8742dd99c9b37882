"""The n-th failure: whichever call on a file fails, there is the old file or the new one, one message and a documented code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from carbonscaling import evidence
from carbonscaling.cli import main
from carbonscaling.errors import ExitCode
from faults import ERRORS, failing

SAVED = Path(__file__).parent / "data" / "v0_1_0" / "plan.json"
RUN = """
model = "llama-3-8b"
tokens = 1e10
devices = 8
batch = 64
hourly = "hours.csv"
[layout]
tp = 1
pp = 1
dp = 8
zero = 3
micro_batch = 1
recompute = "full"
"""
STUDY = """
shard_cases = 2
[scenario]
model = "gpt-3-1.3b"
tokens = 1e10
batch = 64
layout = { tp = 1, pp = 1, dp = 8, zero = 3, micro_batch = 1, recompute = "full" }
[[axis]]
key = "devices"
values = [8]
[[axis]]
table = "regions.csv"
"""
RUNS = evidence.path("runs").read_text(encoding="utf-8").splitlines(keepends=True)
FILES = {
    "run.toml": RUN,
    "hours.csv": "time,g_per_kwh\n"
    + "".join(f"2024-01-{1 + h // 24:02d}T{h % 24:02d}:00,{100 + h % 24}\n" for h in range(31 * 24)),
    "study.toml": STUDY,
    "regions.csv": "region\nfrance\ngermany\nus-east5\n",
    "answer.json": SAVED.read_text(encoding="utf-8"),
    "runs.csv": "".join(RUNS[:1] + RUNS[1:9] + RUNS[899:906]),
    "own.toml": 'pue = { value = 1.3, unit = "1" }\n',
}
COMMANDS: dict[str, tuple[list[str], list[str]]] = {
    "estimate": (["estimate", "run.toml", "-o", "out.json"], ["out.json"]),
    "estimate, Markdown": (["estimate", "run.toml", "--factors", "own.toml", "-o", "out.md"], ["out.md"]),
    "report": (["report", "answer.json", "--format", "sci", "-o", "out.md"], ["out.md"]),
    "report, HTML": (["report", "answer.json", "--format", "html", "-o", "out.html"], ["out.html"]),
    "sweep": (["sweep", "study.toml", "--executor", "inprocess", "-o", "out"], []),
    **{
        f"query, {kind}": (["query", "done", "SELECT * FROM best", "-o", f"out.{kind}"], [f"out.{kind}"])
        for kind in ("parquet", "csv", "json")
    },
    "plot": (["plot", "done", "tornado", "-o", "out.svg"], ["out.svg"]),
}
SLOW: dict[str, tuple[list[str], list[str]]] = {
    "reproduce": (["reproduce", "v1-fig7", "-o", "out"], ["out/claims.csv", "out/panels.csv"]),
    "calibrate": (
        ["calibrate", "--runs", "runs.csv", "-o", "out.toml", "--left-out", "out.csv"],
        ["out.toml", "out.csv"],
    ),
    "choose": (["choose", "run.toml", "--deadlines", "30,60", "-o", "out.json"], ["out.json"]),
}
MOST = 60
"""Calls of a kind that are failed one after the other."""


def put(folder: Path, outputs: list[str]) -> None:
    """Write the inputs, and old outputs."""
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    for name in outputs:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("old", encoding="utf-8")


def whole(folder: Path) -> None:
    """Check a study's folder: the manifest is read or absent, and going on completes the study."""
    manifest = folder / "out" / "manifest.json"
    if manifest.exists():
        json.loads(manifest.read_text(encoding="utf-8"))
    assert main(COMMANDS["sweep"][0]) == 0
    assert main(["query", "out", "SELECT count(*) AS n FROM best", "--json"]) == 0


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("command", [*COMMANDS, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_the_old_file_or_the_new_one(
    command: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    argv, outputs = (COMMANDS | SLOW)[command]
    put(tmp_path, outputs)
    if "done" in argv:
        assert main(["sweep", "study.toml", "--executor", "inprocess", "-o", "done"]) == 0
    assert main(argv) == 0
    new = {name: (tmp_path / name).read_bytes() for name in outputs}
    for n in range(1, MOST):
        put(tmp_path, outputs)
        if command == "sweep":
            shutil.rmtree(tmp_path / "out")
        capsys.readouterr()
        with failing(tmp_path, kind, n) as faults:
            code = main(argv)
        err = capsys.readouterr().err
        assert "Traceback" not in err
        assert "bug" not in err, err
        if not faults.met:
            assert code == 0
            break
        if code != 0:
            assert code in (ExitCode.USAGE, ExitCode.INCOMPLETE)
            assert err.count("error: ") <= 1, err
            assert "error: " in err or "incomplete: " in err
        for name in outputs:
            found = (tmp_path / name).read_bytes()
            assert found in (b"old", new[name])
            assert code != 0 or found == new[name]
        assert not list(tmp_path.rglob("*.part"))
        if command == "sweep":
            whole(tmp_path)
            assert '"n": 3' in capsys.readouterr().out
    else:
        pytest.fail("more calls than are tried")
