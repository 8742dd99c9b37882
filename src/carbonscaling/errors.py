"""What goes wrong for a user, said once and clearly, and the exit codes of the command."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from carbonscaling.literal import literal

__all__ = ["EXIT_CODES", "CarbonScalingError", "ExitCode", "InputError", "misspelt", "nearest"]


MOST_SHOWN = 300
"""Characters of a user's text that a message repeats."""


class ExitCode(IntEnum):
    """Exit codes of the ``carbonscaling`` command."""

    OK = 0
    BUG = 1
    USAGE = 2
    INFEASIBLE = 3
    INCOMPLETE = 4
    CHANGED = 5
    INTERRUPTED = 130


EXIT_CODES = (
    "Exit codes: 0 done, 1 a bug, 2 unusable input, 3 nothing feasible, 4 sweep\n"
    "incomplete, 5 a repeated answer has changed, 130 interrupted.\n"
)
"""What people read of them."""


class CarbonScalingError(Exception):
    """Base of every error this package raises on purpose."""

    exit_code = ExitCode.BUG


class InputError(CarbonScalingError):
    """A user's input cannot be used.

    Parameters
    ----------
    problem : str
        What is wrong, one sentence.
    where : str, optional
        The file or option that holds the input.
    key, value : optional
        The offending key and its value.
    allowed : str, optional
        What would be accepted.
    suggestion : str, optional
        The nearest accepted spelling.
    remedy : str, optional
        What to do next.
    """

    exit_code = ExitCode.USAGE

    def __init__(
        self,
        problem: str,
        *,
        where: str | None = None,
        key: str | None = None,
        value: object = None,
        allowed: str | None = None,
        suggestion: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.problem, self.where, self.key, self.value = problem, where, key, value
        self.allowed, self.suggestion, self.remedy = allowed, suggestion, remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        """One paragraph: problem, place, what is allowed, the remedy."""
        at = ", ".join(
            part
            for part in (
                _short(self.where or ""),
                f"key '{_short(self.key)}'" if self.key else None,
                f"value {_short(repr(self.value))}" if self.value is not None else None,
            )
            if part
        )
        lines = [f"{self.problem} ({at})" if at else self.problem]
        if self.suggestion:
            lines.append(f"  did you mean: {literal(self.suggestion)}?")
        if self.allowed:
            lines.append(f"  allowed: {self.allowed}")
        if self.remedy:
            lines.append(f"  remedy: {self.remedy}")
        return "\n".join(lines)


def _short(text: str) -> str:
    text = literal(text)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}… ({len(text):,} characters)"


LEAST_LETTERS = 3
"""A shorter name differs from another as little as from its misspellings."""
SURE_LETTERS = 5
"""In fewer letters one that is exchanged makes another word (rl, dpo, ppo)."""


def _plain(name: str) -> str:
    return name.strip().lower()[:MOST_SHOWN].replace("_", "-").replace(" ", "-")


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the accepted name that another is or misspells, or None: no suggestion is better than a wrong one.

    >>> nearest("h100_sxm", ["h100-sxm", "a100-80"]), nearest("int3", ["int8", "int4"]), nearest("ful", ["full", "paper"])
    ('h100-sxm', None, 'full')
    """
    known = list(names)
    same = [one for one in known if _plain(one) == _plain(name)]
    return same[0] if same else misspelt(name, known)


def misspelt(name: str, names: Iterable[str]) -> str | None:
    """Return the one name that another misspells: the same first letter, a slip apart, or two in more than eight letters.

    Another number is another thing, not a misspelling; so is another letter in a word of fewer than five.

    >>> misspelt("micro-bacth", ["micro-batch", "batch"]), misspelt("role", ["profile"]), misspelt("wue", ["pue"])
    ('micro-batch', None, None)
    """
    plain = _plain(name)
    close = [
        (_slips(plain, other), one)
        for one in names
        if (other := _plain(one))[:1] == plain[:1] and len(other) >= LEAST_LETTERS and _digits(other) == _digits(plain)
        and (len(other) >= SURE_LETTERS or len(other) != len(plain) or sorted(other) == sorted(plain))
    ]  # fmt: skip
    close = [(slips, one) for slips, one in close if slips <= (1 if max(len(plain), len(one)) <= 8 else 2)]
    least = min((slips for slips, _ in close), default=0)
    likest = [one for slips, one in close if slips == least]
    return likest[0] if len(likest) == 1 else None


def _digits(name: str) -> list[str]:
    return sorted(letter for letter in name if letter.isdigit())


def _slips(a: str, b: str) -> int:
    """Return how many letters are to be added, left out, exchanged or swapped with their neighbour; more than 2 are 3."""
    if abs(len(a) - len(b)) > 2:
        return 3
    before, row = list[int](), list(range(len(b) + 1))
    for i, x in enumerate(a):
        earlier, before, row = before, row, [i + 1]
        for j, y in enumerate(b):
            least = min(before[j] + (x != y), before[j + 1] + 1, row[j] + 1)
            swapped = i and j and x == b[j - 1] and a[i - 1] == y
            row.append(min(least, earlier[j - 1] + 1) if swapped else least)
    return row[-1]
