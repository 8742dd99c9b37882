"""Help pages: at once, complete, and in step with the commands."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from carbonscaling.cli import main
from carbonscaling.cli.app import COMMANDS
from carbonscaling.cli.generate import generated
from carbonscaling.cli.options import field_help, number
from carbonscaling.cli.pages import page, version
from carbonscaling.study.scenario import Layout, Scenario

DOCS = Path(__file__).parent.parent / "docs"
GENERATED = generated(DOCS)
AGAIN = "run: python -m carbonscaling.cli.generate docs"


@pytest.mark.golden
@pytest.mark.parametrize("file", GENERATED, ids=lambda path: path.name)
def test_generated_files_are_in_step(file: Path) -> None:
    assert file.is_file(), AGAIN
    assert file.read_text(encoding="utf-8") == GENERATED[file], AGAIN


def test_no_stale_page_remains() -> None:
    folder = next(path for path in GENERATED if path.suffix == ".txt").parent
    assert set(folder.iterdir()) == {path for path in GENERATED if path.suffix == ".txt"}


def test_every_field_is_an_option_with_a_text() -> None:
    plan = page(["plan", "--help"]) or ""
    for cls in (Scenario, Layout):
        for field in dataclasses.fields(cls):
            if field.name in ("layout", "boundary", "contracts"):
                continue
            option = field.name.replace("_", "-")
            assert f"--{option}" in plan or f"--[no-]{option}" in plan, field.name
            assert field.name in field_help(cls), f"{field.name} is not described in the docstring of {cls.__name__}"


def test_pages_are_80_columns_wide_and_ascii() -> None:
    for path, text in GENERATED.items():
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
    [("15.6T", 15.6e12), ("405B", 405e9), ("1e25", 1e25), ("16,384", 16384.0), ("2K", 2000.0), ("0.5", 0.5), ("-3", -3.0),
     ("1_000", 1000.0), ("300E", 3e20)],
)  # fmt: skip
def test_numbers_as_people_write_them(text: str, value: float) -> None:
    assert number(text, "--x") == pytest.approx(value, rel=1e-15)
