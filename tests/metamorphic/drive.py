"""Answer cases, and count how they end."""

from __future__ import annotations

import tempfile
import traceback
import warnings
from collections import Counter
from pathlib import Path
from random import Random

import carbonscaling as cs
from carbonscaling.errors import InputError
from metamorphic.invariants import fixed, least_of_all, more_allowed, parts
from metamorphic.pages import agree
from metamorphic.scenarios import case

__all__ = ["BLOCK", "ended", "hold", "run_block"]

BLOCK = 25
"""Cases that a worker takes at once."""


def hold(seed: int, folder: Path) -> str:
    """Check every invariant of one case; return whether it was answered or infeasible.

    Raises
    ------
    AssertionError
        An invariant is violated.
    InputError
        The scenario contradicts itself.
    """
    rng = Random(f"metamorphic-{seed}")
    asked = case(rng, folder)
    every = least_of_all(asked)
    name = rng.choice(sorted(every))
    answer = every[name]
    try:
        more_allowed(asked, answer)
        if isinstance(answer, cs.Infeasible):
            assert answer.reason
            assert answer.remedies
            return "infeasible"
        parts(answer)
        fixed(asked, answer, rng)
        agree(asked, answer, folder)
    except InputError as error:
        raise AssertionError(f"answered, and then refused: {error}") from error
    return "answered"


def ended(seed: int) -> tuple[str, str]:
    """Run one case; return how it ended (answered, infeasible, refused, violated), and what was violated."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return hold(seed, Path(folder)), ""
        except InputError as error:
            return "refused", "" if error.problem else f"--seed {seed}: refused without a word"
        except Exception as error:
            where = "".join(traceback.format_tb(error.__traceback__)[-3:])
            return "violated", f"--seed {seed}: {type(error).__name__}: {str(error)[:500]}\n{where}"


def run_block(first: int, n: int) -> tuple[Counter[str], list[str]]:
    """Run `n` cases from the seed `first` on; count their ends, with every violation."""
    counts: Counter[str] = Counter()
    violations = []
    for seed in range(first, first + n):
        end, text = ended(seed)
        counts[end] += 1
        if text:
            violations.append(text)
    return counts, violations
