"""Run cases, and count how they end."""

from __future__ import annotations

import tempfile
import traceback
import warnings
from collections import Counter
from pathlib import Path
from random import Random

from carbonscaling.errors import InputError
from fuzz.targets import TARGETS, Target

__all__ = ["BLOCK", "ended", "run_block"]

BLOCK = 250
"""Cases that a worker takes at once."""


def ended(target: Target, seed: int, folder: Path) -> tuple[str, str]:
    """Run one case; return how it ended (answered, refused, crashed), and where it crashed.

    A warning counts as a crash: nobody who uses the command can do anything about one.
    """
    with warnings.catch_warnings():
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
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + n):
            end, text = ended(target, seed, Path(folder))
            counts[end] += 1
            if text:
                crashes.setdefault(text.partition("\n")[2], text)
    return counts, list(crashes.values())
