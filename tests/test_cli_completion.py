"""Shell completion: the scripts that are printed work in their shells."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from carbonscaling.cli import main
from carbonscaling.cli.app import COMMANDS, GROUPS

TOP = {path[0] for path in COMMANDS} | set(GROUPS)


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


def complete(file: Path, *words: str) -> set[str]:
    """Return what bash offers for the last word."""
    typed = f"COMP_WORDS=({' '.join(words)} ''); COMP_CWORD={len(words)}"
    line = f'source {file}; {typed}; _carbonscaling; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True, timeout=600)
    assert done.stderr == ""
    return set(done.stdout.split())


def test_bash_completes_commands_options_and_choices(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "carbonscaling.bash"
    file.write_text(script("bash", capsys), encoding="utf-8")
    assert complete(file, "carbonscaling") >= TOP
    assert complete(file, "carbonscaling", "catalog") >= {"list", "show"}
    assert complete(file, "carbonscaling", "plan", "--carbon-mode") == {"physical", "paper"}


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_know_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = script(shell, capsys)
    for path in COMMANDS:
        assert path[-1] in text
    program = shutil.which(shell)
    if program:
        subprocess.run([program, "-n"], input=text, text=True, check=True, timeout=600)


def test_an_unknown_shell_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"]) == 2
    assert "bash" in capsys.readouterr().err
