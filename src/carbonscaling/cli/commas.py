"""Commas in numbers: between thousands, before decimals, between several. Read is only what can mean one thing."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import NoReturn

from carbonscaling.errors import InputError
from carbonscaling.hints import NamedTuple

__all__ = ["SEVERAL", "Written", "parted", "refuse_readings", "written"]

SEVERAL: dict[str, str] = {
    "--devices": "choose --counts",
    "--max-devices": "choose --counts",
    "--max-days": "choose --deadlines",
    "--power-limit": "choose --power-limits",
    "--in-flight": "decide --in-flight",
}
"""Where several values of an option can be asked at once."""
BINARY = 1024
"""Counts are written by the thousand where they are multiples of this: 16,384."""
FAR_APART = 100
"""Counts that are asked beside each other differ less than this: 1,256 is hardly 1 and 256."""

_PARTS = re.compile(r"([$]?\s*[+-]?)(\d+(?:([, \u00a0\u202f])\d+)(?:\3\d+)*)((?:\.\d*)?)(?![,\d])(.*)", re.DOTALL)
_GROUP = re.compile(r"\d{3}(?!\d)")


class Written(NamedTuple):
    """What digits with commas (or spaces) between may mean, each as it would be written without, or None.

    Attributes
    ----------
    grouped : str, optional
        The commas group thousands.
    decimal : str, optional
        The comma stands before decimals.
    several : str, optional
        The commas stand between numbers: those numbers with commas between.
    spaced : bool
        Spaces stand where the commas would.
    """

    grouped: str | None
    decimal: str | None
    several: str | None
    spaced: bool

    @property
    def one(self) -> tuple[str, ...]:
        """Readings as one number."""
        return tuple(text for text in (self.grouped, self.decimal) if text)


def written(text: str, option: str, whole: bool, plain: Callable[[str], str | None]) -> Written | None:
    """Return what a text with commas or spaces between digits may mean; None where it has none.

    Parameters
    ----------
    plain : callable
        Makes of a number without commas what the option takes, or None where it takes no such number.

    >>> written("1,500", "--budget-usd", False, str)[:3], written("64,128", "--devices", True, str)[:3]
    (('1500', '1.500', None), ('64128', None, '64,128'))
    """
    found = _PARTS.fullmatch(text.strip())
    if found is None:
        return None
    sign, digits, gap, point, tail = found.groups()
    first, *rest = digits.split(gap)
    groups = len(first) <= 3 and first[0] != "0" and all(map(_GROUP.fullmatch, rest))
    grouped = plain(sign + first + "".join(rest) + point + tail) if groups else None
    decimal = None
    if gap == "," and len(rest) == 1 and not point and not (groups and rest[0] == "000") and not _counts(whole, tail):
        decimal = plain(f"{sign}{first}.{rest[0]}{tail}")
    several = None
    if all(part[0] != "0" for part in (first, *rest)) and (whole or option in SEVERAL or not (grouped or decimal)):
        last = rest[-1] + point + tail.strip()
        several = ",".join((first, *rest[:-1], last)) if plain(last) == last else None
    return Written(grouped, decimal, several, gap != ",")


def _counts(whole: bool, tail: str) -> bool:
    """Say whether a count has no suffix that would make a fraction whole."""
    return whole and not tail.strip()


def refuse_readings(text: str, option: str, whole: bool, w: Written) -> NoReturn:
    """Refuse a number that may mean several things, or another than it says, with all that it may mean.

    Raises
    ------
    InputError
        Always.
    """
    said = [f"{option} {reading}" for reading in w.one]
    remedy = "write " + ", or ".join(said) if said else f"give one number after {option}"
    if w.several and option in SEVERAL:
        listed = f'"{w.several.replace(",", ", ")}"' if _doubtful(w.several) else w.several
        said.append(f"{SEVERAL[option]} {listed}")
        remedy += f"; several are asked at once by: {said[-1]}"
    elif w.several:
        remedy += "; several are asked one by one, or by a sweep"
    problem = "not a whole number" if whole else "not a number"
    if w.several:
        problem = "one number or several?"
    elif len(said) > 1:
        problem = "a comma of thousands or of decimals?"
    raise InputError(
        problem, where=f"option {option}", value=text,
        allowed="one whole number, without commas" if whole else "one number, with a point before decimals",
        suggestion=said[0] if len(said) == 1 else None, remedy=remedy,
    )  # fmt: skip


def parted(text: str, option: str, whole: bool) -> list[str]:
    """Return the numbers of a list with commas between; a space after a comma says that it is one.

    >>> parted("64,128", "--counts", True), parted("none, 300", "--pause-above", False)
    (['64', '128'], ['none', '300'])

    Raises
    ------
    InputError
        Commas that may group thousands, or spaces and semicolons where commas belong.
    """
    for listed in re.split(r",\s+", text):
        wrong = re.split(r"[;\s]\s*", listed.strip())
        if len(wrong) > 1 and all(part[:1].isdigit() for part in wrong):
            again = ",".join(part.rstrip(",") for part in wrong)
            raise InputError(
                "several go with commas between", where=f"option {option}", value=text, allowed="numbers with commas between",
                suggestion=f"{option} {again}", remedy=f"write {option} {again}",
            )  # fmt: skip
        if _doubtful(listed, whole):
            one = re.sub(r",(?=\d{3}(?!\d))", "", listed)
            many = listed.replace(",", ", ")
            raise InputError(
                "commas of thousands or between several?", where=f"option {option}", value=text,
                allowed="numbers without commas of thousands, with commas between",
                remedy=f'write {option} {one}, or {option} "{many}" if they are several',
            )  # fmt: skip
    return [part.strip() for part in text.split(",") if part.strip()]


def _doubtful(listed: str, whole: bool = True) -> bool:
    """Say whether commas of a list may group thousands: a part begins with nought, or two are hardly counts of one list."""
    parts = [part.strip() for part in listed.split(",")]
    for first, second in itertools.pairwise(parts):
        if re.match(r"0\d", second) and first.isdecimal():
            return True
        if whole and re.fullmatch(r"[1-9]\d{0,2}", first) and _GROUP.fullmatch(second):
            a, b = int(first), int(second)
            if (1000 * a + b) % BINARY == 0 or b > FAR_APART * a:
                return True
    return False
