"""Plain questions without the parser: the same options, answers and messages as with it."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Any

import pytest

from carbonscaling.cli import main, quick
from carbonscaling.cli.app import build_app
from carbonscaling.cli.question import given

LAYOUT = "--tp 8 --pp 4 --dp 8 --cp 1 --zero 1 --micro-batch 1 --vpp 1 --recompute selective --batch 512"
PLAIN = f"estimate --model llama-3.1-70b --tokens 1T --device h100-sxm --devices 256 {LAYOUT}"


def _parsed(argv: list[str]) -> dict[str, Any]:
    _, bound, _ = build_app().parse_args(argv, exit_on_error=False, print_error=False)
    return given(bound.arguments.get("options"))


def test_every_option_is_read_as_the_parser_reads_it() -> None:
    kinds = quick._kinds()
    assert len(kinds) > 60
    words = {int: "16Ki", float: "1.5k", str: "some-name"}
    argv = [
        word
        for n, (name, kind) in enumerate(kinds.items())
        for value in ([] if kind is bool else [words.get(kind) or typing.get_args(kind)[-1]]) or [None]
        for word in ([name] if value is None else [f"{name}={value}"] if n % 2 else [name, value])
    ]
    read = quick._read(["file.toml", *argv])
    assert read is not None
    assert read[0] == "file.toml"
    assert read[1] == _parsed(["estimate", "file.toml", *argv])
    assert len(read[1]) == len(kinds)


@pytest.mark.parametrize(
    "words",
    [
        "--gpus 8", "--tokens", "--tokens -3", "--devices 1.5", "--tp 1 --tp 2", "-o x.doc", "--no-flash", "model",
        "--flash=1", "--software kernel=flash2", "--space Full", "--history 1.2", "--name x", "--model=", "--output",
        "--output=x", "-o=x.md", "--picture x.svg", "--from x.sh",
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_the_parser(words: str) -> None:
    assert quick.quick(["estimate", "--devices", "8", *words.split()]) is None


@pytest.mark.parametrize(
    "argv",
    [
        PLAIN,
        PLAIN.replace("estimate", "plan") + " --json",
        PLAIN.replace("--devices 256", "--devices 16"),  # contradicts the layout
        PLAIN.replace("h100-sxm", "h1000"),
        PLAIN.replace("llama-3.1-70b", "llama-3.1-405b"),  # fits nowhere
        PLAIN + " -o out.json --json",
        PLAIN + " --output=out.svg",
        PLAIN + " -o none/out.md",
        PLAIN + " -o out.tex",
    ],
)
def test_both_print_and_write_the_same(
    argv: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    own = main(argv.split()), *capsys.readouterr(), written(tmp_path)
    monkeypatch.setattr(quick, "quick", lambda _: None)
    assert (main(argv.split()), *capsys.readouterr(), written(tmp_path)) == own
    assert own[0] in (0, 2, 3)
    assert own[0] or bool(own[3]) == ("out" in argv)


def written(folder: Path) -> dict[str, bytes]:
    """Take every file away; return what stood in them."""
    found = {file.name: file.read_bytes() for file in folder.iterdir()}
    for name in found:
        (folder / name).unlink()
    return found
