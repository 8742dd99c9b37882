"""Commands whose output a page shows: run while the page is built, in a folder of the page's own."""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from carbonscaling.cli import main

__all__ = ["folder_of", "run_command"]

EXAMPLES = Path(__file__).parents[3] / "examples"


@cache
def folder_of(page: str) -> Path:
    """Return the folder a page's commands run in; the shipped examples lie in it."""
    folder = Path(tempfile.mkdtemp(prefix=f"carbonscaling-{page.replace('/', '-')}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shutil.copytree(EXAMPLES, folder / "examples")
    return folder


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def run_command(line: str, page: str) -> tuple[int, str]:
    """Return the exit code of a command line and what it printed (stderr only where it failed)."""
    words = shlex.split(line, comments=True)
    if not words or words[0] != "carbonscaling":
        raise ValueError(f"not a carbonscaling command: {line}")
    out, err = io.StringIO(), io.StringIO()
    with _inside(folder_of(page)), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words[1:])
    return code, out.getvalue() + (err.getvalue() if code else "")
