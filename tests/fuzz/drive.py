"""Run cases, and count how they end."""

from __future__ import annotations

import signal
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from carbonscaling.errors import InputError
from fuzz.targets import TARGETS, Target

__all__ = ["BLOCK", "ended", "run_block"]

BLOCK = 250
"""Cases that a worker takes at once."""
BUSY_S, WALL_S = 60, 900
"""A case that computes longer, or has not ended by then, hangs, which counts as a crash."""


@contextmanager
def _limited() -> Iterator[None]:
    """Stop a case by its own processor time, so that a busy machine makes none look hung; by the clock much later."""

    def stop(number: int, _frame: object) -> None:
        raise TimeoutError(
            f"no end after {BUSY_S} s of work" if number == signal.SIGPROF else f"no end after {WALL_S} s"
        )

    before = {number: signal.signal(number, stop) for number in (signal.SIGPROF, signal.SIGALRM)}
    signal.setitimer(signal.ITIMER_PROF, BUSY_S)
    signal.alarm(WALL_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)


def ended(target: Target, seed: int, folder: Path) -> tuple[str, str]:
    """Run one case; return how it ended (answered, refused, crashed), and where it crashed.

    A warning counts as a crash: nobody who uses the command can do anything about one.
    """
    with warnings.catch_warnings(), _limited():
        warnings.simplefilter("error")
        try:
            target.run(Random(f"{target.name}-{seed}"), folder)
        except InputError as error:
            return (
                ("refused", "")
                if error.problem
                else ("crashed", f"{target.name} --seed {seed}: refused without a word\n")
            )
        except Exception as error:
            where = "".join(traceback.format_tb(error.__traceback__)[-3:])
            return "crashed", f"{target.name} --seed {seed}: {type(error).__name__}: {str(error)[:300]}\n{where}"
    return "answered", ""


def run_block(name: str, first: int, n: int) -> tuple[Counter[str], list[str]]:
    """Run `n` cases from the seed `first` on; count their ends, one example of each crash."""
    target = next(t for t in TARGETS if t.name == name)
    counts: Counter[str] = Counter()
    crashes: dict[str, str] = {}
    if target.prepare is not None:
        target.prepare()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + n):
            end, text = ended(target, seed, Path(folder))
            counts[end] += 1
            if text:
                crashes.setdefault(text.partition("\n")[2], text)
    return counts, list(crashes.values())
