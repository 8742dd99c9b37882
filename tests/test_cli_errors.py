"""What a user gets wrong: one clear error on stderr with a remedy, the right exit code, nothing on stdout."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from carbonscaling.cli import main
from carbonscaling.errors import ExitCode
from carbonscaling.study import answer

Refuse = Callable[[Iterable[object], Iterable[str]], None]

MODEL = ("--model", "llama-3-8b", "--tokens", "1T", "--batch", "512")

BAD: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "unknown device": (("plan", *MODEL, "--device", "h100-sxn"), ("unknown device", "did you mean: h100", "remedy")),
    "two devices": (
        ("plan", *MODEL, "--device", "h100", "--device", "a100"),
        ("one job runs on one kind of device", "h100, a100", "choose --accelerators"),
    ),
    "unknown model": (("plan", "--model", "lama-3.1-405b"), ("unknown model", "did you mean: llama-3.1-405b")),
    "unknown region": (("plan", *MODEL, "--region", "frace"), ("unknown region", "did you mean: france")),
    "unknown precision": (("plan", *MODEL, "--precision", "bf61"), ("unknown precision", "did you mean: bf16")),
    "unknown objective": (("plan", *MODEL, "--objective", "carbn"), ("unknown objective", "did you mean: carbon")),
    "unknown law": (("scale", "--law", "hofmann_2022"), ("unknown scaling law", "did you mean: hoffmann_2022")),
    "no law": (("scale",), ("a curve needs a scaling law", "remedy")),
    "no model": (("plan",), ("no model given", "remedy")),
    "a word too many": (("model", "show", "llama-3-8b", "qwen3-8b"), ("takes: qwen3-8b", "remedy")),
    "a shelf before its entry": (
        ("catalog", "show", "devices", "b300"),
        ("did you mean: carbonscaling catalog show b300 --kind devices",),
    ),
    "a needed option left out": (("chances", *MODEL), ("no --write-s given", "allowed: Seconds to write", "remedy")),
    "two questions of validate": (
        ("validate", "--ledger", "--history"),
        ("--history says nothing about what --ledger asks", "remedy: leave --history or --ledger out"),
    ),
    "two questions of bench": (
        ("bench", "--sweep", "--short"),
        ("--short says nothing about what --sweep asks", "remedy"),
    ),
    "published batches of a model": (
        ("batch", "--published", "--model", "llama-3-8b"),
        ("a scenario says nothing about what --published asks", "model", "remedy"),
    ),
    "a table that is printed and a file": (
        ("accounts", "--csv", "-o", "a.json"),
        ("--output says nothing about what --csv asks", "remedy: leave --output or --csv out"),
    ),
    "no device count": (("estimate", *MODEL), ("needs a device count", "remedy")),
    "negative tokens": (("plan", "--model", "llama-3-8b", "--tokens", "-5"), ("tokens", "-5", "1e6 to", "remedy")),
    "tokens without a suffix": (("plan", "--model", "llama-3-8b", "--tokens", "15"), ("--tokens", "15.6T", "remedy")),
    "zero days": (("plan", *MODEL, "--max-days", "0"), ("--max-days", "above 0", "remedy")),
    "a unit on a number": (("plan", *MODEL, "--max-days", "90kg"), ("--max-days", "90kg", "without a unit", "remedy")),
    "not a number": (("plan", *MODEL, "--max-days", "soon"), ("not a number", "--max-days", "remedy")),
    "not finite": (("plan", *MODEL, "--max-days", "nan"), ("not a number", "--max-days", "remedy")),
    "a batch beyond whole numbers": (
        ("estimate", *MODEL[:4], "--devices", "8", "--batch", "1e18"),
        ("--batch", "9,007,199,254,740,992", "remedy"),
    ),
    "half a device": (("plan", *MODEL, "--devices", "1.5"), ("not a whole number", "--devices", "1.5")),
    "contradictory degrees": (
        ("estimate", *MODEL, "--devices", "64", "--tp", "8", "--pp", "8", "--dp", "8"),
        ("contradictory parallelism", "= 512 is more than 64 devices", "remedy"),
    ),
    "argument as an option": (
        ("plan", "--scenario", "x.toml"),
        ("did you mean: SCENARIO, which stands without an option?",),
    ),
    "misspelt option": (("plan", "--modl", "x"), ("unknown option: --modl", "did you mean: --model", "remedy")),
    "misspelt command": (("pln",), ('unknown command "pln"', "did you mean: plan", "allowed: plan, estimate")),
    "misspelt subcommand": (("catalog", "shw"), ('unknown command "shw"', "did you mean: show")),
    "not a choice": (("plan", *MODEL, "--space", "defalt"), ("--space", "did you mean: default", "allowed: default")),
    "option without its value": (("plan", "--tp"), ("--tp", "requires an argument", "remedy")),
    "too many files": (("plan", "a.toml", "b.toml"), ("b.toml", "remedy")),
    "a number alone": (("plan", *MODEL, "--history", "1.3", "0.9"), ("0.9", "commas")),
    "no such file": (("plan", "nowhere/run.toml"), ("no such file", "nowhere/run.toml", "remedy")),
    "two formats": (("scale", "--law", "paper_v2", "--json", "--csv"), ("two formats at once", "remedy")),
    "unknown kind": (("catalog", "list", "dvices"), ("no such kind", "did you mean: devices")),
    "unknown entry": (("catalog", "show", "h100-smx"), ("not in the catalogue", "did you mean: h100-sxm")),
    "unknown reference": (("cite", "hofmann_2022"), ("unknown reference", "did you mean: hoffmann_2022")),
    "nothing to cite": (("cite",), ("nothing to cite", "remedy")),
    "keys and an answer": (("cite", "act_2022", *MODEL), ("not for both", "remedy")),
    "sequence of nothing": (("model", "show", "llama-3-8b", "--seq-len", "0"), ("--seq-len", "1 or more")),
}

FILES = {
    "misspelt key": ('modle = "llama-3-8b"\n', ("unknown key", "'modle'", "did you mean: model", "run.toml")),
    "misspelt key in a table": ("[layout]\ntpp = 8\n", ("unknown key", "layout.tpp", "run.toml", "remedy")),
    "wrong type": ('model = "llama-3-8b"\ntokens = "many"\n', ("tokens", "many", "run.toml", "remedy")),
    "true for a count": ("devices = true\n", ("not a number", "'devices'", "true", "run.toml", "remedy")),
    "false for a number": ("tokens = false\n", ("not a number", "'tokens'", "false")),
    "true in a table": ("[layout]\ntp = true\n", ("not a number", "'layout.tp'")),
    "true in a list": ("quantiles = [0.5, true]\n", ("not a number", "'quantiles.1'")),
    "a key of many parts": (
        f"a = 1\n{'b.' * 60}c = 1\n",
        ("too many parts", "run.toml, line 2", "at most 50", "remedy"),
    ),
    "a key of many quoted parts": ('"b c" . ' * 60 + "c = 1\n", ("too many parts", "line 1")),
    "a name of a million letters": (
        'model = "llama-3-8b"\ndevice = "' + "x" * 10**6 + '"\n',
        ("unknown device", "1,000,002 characters"),
    ),
    "out of range": ('model = "llama-3-8b"\npue = 0.5\n', ("pue", "0.5", "run.toml", "allowed: 1 ")),
    "a number as text": ('model = "llama-3-8b"\ntokens = "1T"\n', ("cannot be text", "tokens", "1T", "1e12", "remedy")),
    "a key twice": ("tokens = 1e12\ntokens = 2e12\n", ("not valid TOML", "line 2", "a second time")),
    "not TOML": ('model = "llama\n', ("not valid TOML", "run.toml", "line 1", "remedy")),
    "unknown choice": ('model = "llama-3-8b"\nspace = "papr"\n', ("space", "papr", "run.toml")),
}


@pytest.fixture
def refuse(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Refuse:
    monkeypatch.delenv("CARBONSCALING_DEBUG", raising=False)

    def call(args: Iterable[object], expected: Iterable[str]) -> None:
        code = main([str(a) for a in args])
        out, err = capsys.readouterr()
        assert code == ExitCode.USAGE, err
        assert out == ""
        assert err.startswith("error: ")
        assert err.count("error:") == 1
        assert "Traceback" not in err
        for words in expected:
            assert words in err, err

    return call


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments(refuse: Refuse, case: str) -> None:
    refuse(*BAD[case])


@pytest.mark.parametrize("case", FILES)
def test_bad_files(refuse: Refuse, tmp_path: Path, case: str) -> None:
    text, expected = FILES[case]
    file = tmp_path / "run.toml"
    file.write_text(text)
    refuse(("plan", file), expected)


def test_directory_as_a_file(refuse: Refuse, tmp_path: Path) -> None:
    refuse(("plan", tmp_path), ("expected a file, found a directory", str(tmp_path), "remedy"))
    refuse(("estimate", *MODEL, "--devices", "8", "--pp", "1", "-o", tmp_path), ("cannot be written", str(tmp_path)))


def test_config_with_a_missing_key(refuse: Refuse, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"model_type": "llama", "hidden_size": 4096}')
    refuse(("plan", "--model", file), ("config.json", "missing", "remedy"))


def test_config_that_is_not_json(refuse: Refuse, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text("{")
    refuse(("model", "show", file), ("config.json", "JSON"))


def test_bytes_that_are_no_text(refuse: Refuse, tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_bytes(b"\xff\xfe\x00")
    refuse(("plan", file), ("not UTF-8", "run.toml", "remedy"))


def _raise(error: BaseException) -> Callable[..., Any]:
    def instead(*_args: object, **_kwargs: object) -> None:
        raise error

    return instead


def test_interruption_is_a_sentence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "plan", _raise(KeyboardInterrupt()))
    assert main(["plan", *MODEL]) == ExitCode.INTERRUPTED
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("interrupted: ")
    assert "same command" in err


def test_a_bug_says_that_it_is_one(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "plan", _raise(RuntimeError("boom")))
    monkeypatch.delenv("CARBONSCALING_DEBUG", raising=False)
    assert main(["plan", *MODEL]) == ExitCode.BUG
    err = capsys.readouterr().err
    assert "this is a bug" in err
    assert "RuntimeError: boom" in err
    assert "Traceback" not in err
    monkeypatch.setenv("CARBONSCALING_DEBUG", "1")
    assert main(["plan", *MODEL]) == ExitCode.BUG
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "more memory than there is"),
        (OSError(24, "Too many open files", "x.toml"), "the system refuses: too many open files (x.toml)"),
    ],
)
def test_what_the_machine_refuses_is_no_bug(
    error: Exception, words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer, "plan", _raise(error))
    assert main(["plan", *MODEL]) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert "remedy" in err
    assert "bug" not in err


def test_errors_stay_off_stdout_when_the_terminal_knows_few_letters(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = (tmp_path / "err.txt").open("w", encoding="ascii")
    monkeypatch.setattr(sys, "stderr", file)
    assert main(["plan", "--model", "modèle"]) == ExitCode.USAGE
    file.close()
    assert "error: unknown model" in (tmp_path / "err.txt").read_text()
