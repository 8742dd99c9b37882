"""What goes wrong for a user, said once and clearly, and the exit codes of the command."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from enum import IntEnum
from functools import lru_cache

from carbonscaling.literal import literal

__all__ = [
    "EXIT_CODES",
    "CarbonScalingError",
    "ExitCode",
    "InputError",
    "NothingFitsError",
    "misspelt",
    "nearest",
    "plain_name",
    "respelt",
]


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


class NothingFitsError(InputError):
    """An input that can be used, and to which there is no answer: nothing fits, serves, or ends in time."""

    exit_code = ExitCode.INFEASIBLE


def _short(text: str) -> str:
    text = literal(text)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}… ({len(text):,} characters)"


LEAST_LETTERS = 3
"""A shorter name differs from another as little as from its misspellings."""
SURE_LETTERS = 5
"""In fewer letters one that is exchanged makes another word (rl, dpo, ppo)."""


@lru_cache(maxsize=1024)
def plain_name(name: str) -> str:
    """Return a name as catalogues spell theirs: in lower case, hyphens between words.

    >>> plain_name(" RTX_Pro 6000")
    'rtx-pro-6000'
    """
    return name.strip().lower().replace("_", "-").replace(" ", "-")


def _plain(name: str) -> str:
    return plain_name(name)[:MOST_SHOWN]


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


def respelt(name: str, names: Iterable[str]) -> str | None:
    """Return the one name that says what another says: in other separators, without its last unit, or with a slip in a word.

    A product's name is words and numbers, each of which tells it from others: another number, one word more, or a
    word that stands in another name makes another product, whose shape is not this one's.

    >>> names = ["llama-3-70b", "nemotron-8b", "mixtral-8x7b", "mistral-7b", "deepseek-r1"]
    >>> respelt("lama3-70b", names), respelt("mixtral_8x7", names), respelt("Llama 3 70B", names)
    ('llama-3-70b', 'mixtral-8x7b', 'llama-3-70b')
    >>> [respelt(other, names) for other in ("nemotron-h-8b", "mixtral-7b", "deepseek-v1", "llama-70b")]
    [None, None, None, None]
    """
    plain, known = _plain(name), {one: _plain(one) for one in names}
    spelt = {plain, f"{plain}b"} if plain[-1:].isdigit() else {plain}
    same = [one for one, other in known.items() if _together(other) in map(_together, spelt)]
    if same:
        return same[0]
    words = {part for other in known.values() for way in (_words(other), _together(other)) for part in way}
    close = [one for one, other in known.items() if any(_slipped(_words(text), _words(other), words) for text in spelt)]
    if len({_together(known[one]) for one in close}) != 1:
        return None
    return min(close, key=lambda one: _slips(plain, known[one]))


def _words(name: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[^\W\d_]+|\d+(?:\.\d+)?", name))


def _together(name: str) -> tuple[str, ...]:
    """Return words and numbers in turn, whatever stands between words."""
    return _words(re.sub(r"(?<=[^\W\d])-(?=[^\W\d])", "", name))


def _slipped(given: Sequence[str], meant: Sequence[str], known: Collection[str]) -> bool:
    """Whether words differ in letters left out, doubled or swapped, of words that are none themselves."""
    if len(given) != len(meant):
        return False
    return all(
        a == b or (a not in known and misspelt(a, [b]) == b and (len(a) != len(b) or sorted(a) == sorted(b)))
        for a, b in zip(given, meant, strict=True)
    )


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
