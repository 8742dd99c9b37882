"""What the file system gives in place of a file: devices, pipes, sockets, folders, links, huge and empty files, any name."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from carbonscaling.cli import main
from carbonscaling.errors import ExitCode

FIXED = ("estimate", "--model", "llama-3-8b", "--devices", "8", "--tokens", "1e10", "--tp", "1", "--pp", "1")
DOORS: dict[str, tuple[str, ...]] = {
    "plan": ("plan", "{}.toml"),
    "cite": ("cite", "{}.toml"),
    "choose": ("choose", "{}.toml"),
    "config": ("model", "show", "{}.json"),
    "model": ("model", "show", "{}.toml"),
    "device": (*FIXED, "--device", "{}.toml"),
    "host": (*FIXED, "--host", "{}.toml"),
    "factors": (*FIXED, "--factors", "{}.toml"),
    "hourly": (*FIXED, "--hourly", "{}.csv"),
    "profile": (*FIXED, "--profile", "{}.toml"),
    "calibration": (*FIXED, "--calibration", "{}.toml"),
    "report": ("report", "{}.json"),
    "report, HTML": ("report", "{}.json", "--format", "html"),
    "runs": ("validate", "--runs", "{}.csv"),
    "carbon runs": ("validate", "--carbon-runs", "{}.csv"),
    "calibrate": ("calibrate", "--runs", "{}.csv"),
    "log": ("calibrate", "--log", "{}.log", "--scenario", "good.toml"),
    "scenario of a log": ("calibrate", "--log", "good.toml", "--scenario", "{}.toml"),
    "sweep": ("sweep", "{}.toml"),
    "table": ("sweep", "table.toml", "{}.csv"),
    "Parquet": ("sweep", "parquet.toml", "{}.parquet"),
}
"""Commands that read a file, by what it is to them."""
GOOD = 'model = "llama-3-8b"\ndevices = 8\ntokens = 1e10\nbatch = 64\nlayout = { tp = 1, pp = 1 }\n'
TABLE = '[scenario]\nmodel = "llama-3-8b"\n[[axis]]\ntable = "NAME"\n'


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(path))


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(5 << 30)


THINGS: dict[str, Callable[[Path], object]] = {
    "an endless device": lambda p: p.symlink_to("/dev/zero"),
    "a pipe": os.mkfifo,
    "a socket": _socket,
    "a folder": lambda p: p.mkdir(),
    "a link to itself": lambda p: p.symlink_to(p),
    "a link to nothing": lambda p: p.symlink_to("nowhere"),
    "a file that cannot be read": lambda p: p.symlink_to("/proc/self/mem"),
    "5 GB": _huge,
    "UTF-16": lambda p: p.write_text("a = 1", encoding="utf-16"),
    "NULs": lambda p: p.write_bytes(b"\0" * 100),
    "brackets without end": lambda p: p.write_text("[" * 50_000),
    "a key of 50,000 parts": lambda p: p.write_text(".".join("a" * 50_000) + " = 1"),
    "null": lambda p: p.write_text("null"),
}


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("door", DOORS)
def test_whatever_is_there_is_an_error_of_one_sentence(
    door: str, thing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    *words, last = DOORS[door][:-1] if door in ("table", "Parquet") else DOORS[door]
    named = next(word for word in DOORS[door] if "{}" in word).format("x")
    Path("good.toml").write_text(GOOD)
    Path("table.toml").write_text(TABLE.replace("NAME", "x.csv"))
    Path("parquet.toml").write_text(TABLE.replace("NAME", "x.parquet"))
    THINGS[thing](tmp_path / named)
    assert main([word.format("x") for word in (*words, last)]) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("error: ") == 1
    assert len(err) < 2000
    assert "bug" not in err


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "\udcff", "", "x/" * 2000])
@pytest.mark.parametrize("door", sorted(set(DOORS) - {"table", "Parquet"}))
def test_any_name_is_refused_in_one_sentence(
    door: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good.toml").write_text(GOOD)
    assert main([word.replace("{}", name) for word in DOORS[door]]) == ExitCode.USAGE
    err = capsys.readouterr().err
    assert err.count("error: ") == 1
    assert len(err) < 2500
    assert "bug" not in err


@pytest.mark.parametrize("ending", ["json", "md"])
@pytest.mark.parametrize("name", ["x" * 5000, "nowhere/x", "good.toml/x", "a\0b"])
def test_an_output_that_cannot_be(
    name: str, ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good.toml").write_text(GOOD)
    assert main(["estimate", "good.toml", "-o", f"{name}.{ending}"]) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert "the file cannot be written" in err
    assert "remedy" in err


@pytest.mark.parametrize("thing", ["a full device", "a folder"])
def test_an_output_that_takes_nothing(thing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "good.toml").write_text(GOOD)
    path = "/dev/full" if thing == "a full device" else str(tmp_path)
    assert main(["estimate", str(tmp_path / "good.toml"), "-o", path]) == ExitCode.USAGE
    assert "the file cannot be written" in capsys.readouterr().err


def test_a_byte_order_mark_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Editors of Windows write one, in TOML as in JSON."""
    config = Path(__file__).parents[1] / "examples" / "llama-3.1-405b.json"
    for name, content, ask in (
        ("run.toml", GOOD.encode(), ("estimate",)),
        ("config.json", config.read_bytes(), ("model", "show")),
        ("answer.json", (Path(__file__).parent / "data/v0_1_0/plan.json").read_bytes(), ("report",)),
    ):
        outputs = []
        for mark in (b"", b"\xef\xbb\xbf"):
            (tmp_path / name).write_bytes(mark + content)
            assert main([*ask, str(tmp_path / name)]) == 0
            outputs.append(capsys.readouterr().out)
        assert outputs[0] == outputs[1] != ""
