"""Commands as a user types them, in this process: each ends with a documented exit code and in words."""

from __future__ import annotations

import contextlib
import io
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from carbonscaling.cli import main
from carbonscaling.errors import ExitCode, InputError
from fuzz.damage import HOSTILE

__all__ = ["FILES", "SECRET", "Said", "asked", "controls", "inside", "option_words", "ran", "word"]

DOCUMENTED = frozenset(ExitCode) - {ExitCode.BUG}
SECRET = "a file that nobody named"
"""Stands in a file beside the study: no command may print it."""


FILES = ("out.json", "out.csv", "out.parquet", "out.png", "out.svg", "out", "", ".", "/", "/dev/full", "no/such/folder.csv",
         "a" * 300 + ".csv", "/proc/x.csv", "é.csv", "study.sweep", "\x1b.csv", ".csv", "-.csv")  # fmt: skip
"""Files to write that are good, and that cannot be."""


def word(rng: Random, known: Sequence[str]) -> str:
    """Return a known word, now and then anything; a word of a command line holds no null character."""
    return (rng.choice(known) if rng.random() < 0.85 else str(rng.choice(HOSTILE))).replace("\x00", "")


def option_words(rng: Random, *known: tuple[str, Sequence[str]], often: float = 0.2) -> list[str]:
    """Return some options, each with a word."""
    return [part for name, words in known if rng.random() < often for part in (name, word(rng, words))]


class Said(NamedTuple):
    """How a command ended: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder, as names on a command line are relative to one."""
    with contextlib.chdir(folder):
        yield


def controls(text: str) -> set[str]:
    """Return the characters that would steer a terminal."""
    return {c for c in text if unicodedata.category(c) == "Cc"} - {"\n", "\t"}


def ran(argv: Sequence[str]) -> Said:
    """Run a command; it may refuse or end early, but not crash."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(argv)
    said = Said(code, out.getvalue(), err.getvalue())
    words = f"{argv}\n{said.err[-400:]}"
    assert code in DOCUMENTED, f"exit code {code}: {words}"
    for trace in ("Traceback (most recent", "this is a bug"):
        assert trace not in said.out + said.err, words
    assert code == ExitCode.OK or said.err.strip(), f"exit code {code} without a word: {argv}"
    assert SECRET not in said.out, f"read what it was not given: {argv}"
    assert not controls(said.err), f"control characters on stderr: {words!r}"
    return said


def asked(argv: Sequence[str]) -> Said:
    """Run a command; a refusal is an error here too.

    Raises
    ------
    InputError
        It was refused.
    """
    said = ran(argv)
    if said.code != ExitCode.OK:
        raise InputError(said.err.partition("\n")[0].removeprefix("error: "))
    return said
