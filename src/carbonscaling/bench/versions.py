"""The same questions asked of this version and of another one's source, turn by turn in one run: before and after."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from carbonscaling.errors import InputError
from carbonscaling.platform import children_processor_s
from carbonscaling.record import dataclass

__all__ = ["Versus", "against", "version_in"]

RUNS = 5
COMMANDS = {
    "command: plan --help": "plan --help",
    "command: catalog list devices": "catalog list devices",
    "command: estimate, one layout": "estimate --model llama-3.1-70b --tokens 1e12 --devices 256 --batch 512 "
    "--tp 8 --pp 4 --dp 8 --cp 1",
    "command: plan, 405B within 90 days": "plan --model llama-3.1-405b --tokens 15.6T --batch 2048 --max-days 90",
}
"""Commands that both versions have; their processor time is measured."""
CALLS = {
    "Python: estimate, one layout": "estimate(cs.Scenario(model='llama-3.1-70b', tokens=1e12, devices=256, batch=512, "
    "layout=cs.Layout(tp=8, pp=4, dp=8, cp=1)))",
    "Python: estimate, layout searched": "estimate(cs.Scenario(model='llama-3-8b', tokens=1e12, devices=64, batch=512))",
    "Python: plan, 405B within 90 days": "plan(cs.Scenario(model='llama-3.1-405b', tokens=15.6e12, batch=2048, max_days=90))",
    "Python: plan, Mixtral in the full space": "plan(cs.Scenario(model='mixtral-8x7b', tokens=2e12, batch=1024, "
    "max_days=60, space='full'))",
}
"""Calls, each in a process that has made it once already."""
PROGRAM = (
    "import sys, time, carbonscaling as cs; cs.{0}; t = time.process_time(); cs.{0}; print(time.process_time() - t)"
)


@dataclass(frozen=True)
class Versus:
    """Processor time of one question in s, before and now: medians of a few turns."""

    what: str
    before: float
    now: float

    @property
    def ratio(self) -> float:
        """How many times as fast it is now."""
        return self.before / self.now


def version_in(source: Path) -> str:
    """Return the version of the package in a folder.

    Raises
    ------
    InputError
        None is there.
    """
    program = "import carbonscaling as cs; print(cs.__version__, cs.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", program], env=_env(source), capture_output=True, text=True, check=False
    )
    version, _, where = done.stdout.strip().partition(" ")
    if done.returncode or not Path(where).is_relative_to(source.resolve()):
        raise InputError(
            "no version of carbonscaling is in this folder", where="option --against", value=str(source),
            allowed="the folder that holds carbonscaling/, src of a checkout",
            remedy="git worktree add ../before COMMIT, then --against ../before/src",
        )  # fmt: skip
    return version


def against(source: Path) -> Iterator[Versus]:
    """Measure both versions, one question at a time; each asks in turn, and its first turn does not count.

    Raises
    ------
    InputError
        No version is there, or it refuses a question.
    """
    version_in(source)
    sources = source, Path(__file__).parents[2]
    with tempfile.TemporaryDirectory() as compiled:
        for what, words in COMMANDS.items():
            yield _versus(what, [sys.executable, "-m", "carbonscaling", *words.split()], sources, compiled)
        for what, call in CALLS.items():
            yield _versus(what, [sys.executable, "-c", PROGRAM.format(call)], sources, compiled)


def _env(source: Path, compiled: str = "") -> dict[str, str]:
    """Return the environment of one version; both compile their modules once, wherever they lie."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(source.resolve()), **({"PYTHONPYCACHEPREFIX": compiled} if compiled else {})}


def _versus(what: str, command: Sequence[str], sources: tuple[Path, Path], compiled: str) -> Versus:
    turns = [[_processor_s(command, source, compiled) for source in sources] for _ in range(RUNS + 1)][1:]
    before, now = (statistics.median(taken) for taken in zip(*turns, strict=True))
    return Versus(what, before, now)


def _processor_s(command: Sequence[str], source: Path, compiled: str) -> float:
    """Return the processor time of a command; what it prints where that is such a time."""
    start = children_processor_s()
    done = subprocess.run(command, env=_env(source, compiled), cwd=source, capture_output=True, text=True, check=False)
    taken = children_processor_s() - start
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        raise InputError(
            "a version refused a question", where=str(source), value=" ".join(command[1:]), allowed=str(last)
        )
    if command[1] == "-c":
        return float(done.stdout)
    return taken
