"""Help pages: at once, complete, and in step with the commands."""

import dataclasses
import functools
import inspect
import os
import re
import subprocess
import sys
import typing
from pathlib import Path

import pytest

from carbonscaling.cli import main
from carbonscaling.cli.app import COMMANDS, GROUPS, build_app
from carbonscaling.cli.generate import generated
from carbonscaling.cli.options import number, real_number, whole_number
from carbonscaling.cli.pages import page, version
from carbonscaling.cli.tasks import EXAMPLES, OWN_OPTIONS, START
from carbonscaling.fields import field_help
from carbonscaling.study.scenario import Layout, Scenario

DOCS = Path(__file__).parent.parent / "docs"
AGAIN = "run: python -m carbonscaling.cli.generate docs"


@functools.cache
def _generated() -> dict[Path, str]:
    return generated(DOCS)


@pytest.mark.golden
def test_generated_files_are_in_step() -> None:
    assert not [path.name for path in _generated() if not path.is_file()], AGAIN
    assert not [path.name for path, text in _generated().items() if path.read_text(encoding="utf-8") != text], AGAIN


def test_no_stale_page_remains() -> None:
    folder = next(path for path in _generated() if path.suffix == ".txt").parent
    assert set(folder.iterdir()) == {path for path in _generated() if path.suffix == ".txt"}


def test_every_field_is_an_option_with_a_text() -> None:
    plan = page(["help", "plan"]) or ""
    for cls in (Scenario, Layout):
        for field in dataclasses.fields(cls):
            if field.name in ("layout", "boundary", "contracts"):
                continue
            option = field.name.replace("_", "-")
            assert f"--{option}" in plan or f"--[no-]{option}" in plan, field.name
            assert field.name in field_help(cls), f"{field.name} is not described in the docstring of {cls.__name__}"
        clean = type(cls.__name__, (), {"__doc__": inspect.cleandoc(str(cls.__doc__))})  # as Python 3.13 keeps it
        assert field_help(clean) == field_help(cls)


def test_pages_are_80_columns_wide_and_ascii() -> None:
    for path, text in _generated().items():
        if path.suffix == ".txt":
            assert max(map(len, text.splitlines())) <= 80
            assert text.isascii(), path.name


@pytest.mark.parametrize("args", [[], ["--help"], ["-h"], *([*command, "--help"] for command in COMMANDS)])
def test_help_through_the_entry_point(capsys: pytest.CaptureFixture[str], args: list[str]) -> None:
    assert main(args) == 0
    out = capsys.readouterr().out
    assert out.startswith("Usage: carbonscaling")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == version() + "\n"


def test_help_after_other_options_is_answered_by_the_command_tree(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--tp", "8", "--help"]) == 0
    assert "--max-days" in capsys.readouterr().out


@pytest.mark.parametrize("command", [(), *COMMANDS, *((group,) for group in GROUPS)], ids=" ".join)
def test_help_fits_sixty_lines_and_says_where_the_rest_is(command: tuple[str, ...]) -> None:
    text = page([*command, "--help"])
    assert text is not None
    assert text.count("\n") <= 60
    whole = page(["help", *command])
    assert whole is not None
    assert whole == text or f"carbonscaling help{''.join(f' {word}' for word in command)}" in text


@pytest.mark.parametrize("command", sorted(OWN_OPTIONS))
def test_a_short_page_shows_what_its_command_is_for(command: str) -> None:
    shown = page([command, "--help"]) or ""
    assert [
        option for option in OWN_OPTIONS[command] if not re.search(rf"^  ({option}|--.no-.{option[2:]})\b", shown, re.M)
    ] == []
    assert all(line.count("(") == line.count(")") for line in re.split(r"\n  (?=\S)|\n\n", shown))


def test_the_first_page_is_a_screen_with_every_command() -> None:
    text = page([]) or ""
    assert text.count("\n") <= 32
    for name in {path[0] for path in COMMANDS} - {"completion", "help"}:
        assert re.search(rf"\b{name}\b", text.partition("Commands:")[2]), name
    assert "Exit codes: 0 done" in (page(["help"]) or "")


SAID = [line for lines in EXAMPLES.values() for _, line in lines] + list(START)


@pytest.mark.parametrize(
    "line", [line for line in dict.fromkeys(SAID) if line.split()[0] in ("choose", "explain", "cite")]
)
def test_examples_of_help_pages_run(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(line.split()) == 0
    assert capsys.readouterr().out


@pytest.mark.parametrize("line", dict.fromkeys(SAID))
def test_examples_of_help_pages_are_read(line: str) -> None:
    """Each is understood, without the work behind it."""
    command, bound, _ = build_app().parse_args(line.split(), exit_on_error=False, print_error=False)
    assert command.__name__ == line.split(maxsplit=1)[0]
    assert bound.arguments


def test_every_number_is_read_as_people_write_it() -> None:
    app, seen = build_app(), 0
    for path in COMMANDS:
        command = functools.reduce(lambda tree, name: tree[name], path, app)
        for argument in command.assemble_argument_collection():
            kinds = {*typing.get_args(argument.hint), argument.hint}
            if kinds & {int, float}:
                seen += 1
                several = typing.get_origin(argument.hint) is tuple
                converter = argument.parameter.converter
                assert converter in (whole_number, real_number) or (several and converter), (path, argument.name)
    assert seen > 200


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; from carbonscaling.cli import main; code = main(['--help']);"
        "heavy = {'numpy', 'pydantic', 'rich', 'cyclopts', 'scipy'} & set(sys.modules);"
        "sys.stderr.write(','.join(sorted(heavy))); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=os.environ, check=True)
    assert done.stdout.startswith("Usage: carbonscaling")
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("text", "value"),
    [("15.6T", 15.6e12), ("405B", 405e9), ("1e25", 1e25), ("1,600,000", 1.6e6), ("2K", 2000.0), ("0.5", 0.5), ("-3", -3.0),
     ("1_000", 1000.0), ("300E", 3e20), ("16Ki", 16384.0), ("1Mi", 1048576.0), ("15t", 15e12), ("7b", 7e9)],
)  # fmt: skip
def test_numbers_as_people_write_them(text: str, value: float) -> None:
    assert number(text, "--x") == pytest.approx(value, rel=1e-15)
