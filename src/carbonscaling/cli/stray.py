"""Words that stand alone behind an option's value: parts of it, which a blank has torn off."""

from __future__ import annotations

import os
from collections.abc import Sequence

from carbonscaling.cli.question import number
from carbonscaling.errors import InputError

__all__ = ["stray_words"]


def stray_words(argv: Sequence[str]) -> InputError | None:
    """Return the error of the first words that no option takes: the option before them, in one word.

    Parameters
    ----------
    argv : sequence of str
        As typed.
    """
    for at, option in enumerate(argv):
        if not option.startswith("--") or "=" in option:
            continue
        end = next((i for i in range(at + 1, len(argv)) if argv[i].startswith("-")), len(argv))
        value, rest = argv[at + 1 : at + 2], argv[at + 2 : end]
        if rest and not any(os.path.exists(word) or "." in word.strip(".0123456789") for word in rest):
            return _torn(option, [*value, *rest])
    return None


def _torn(option: str, words: Sequence[str]) -> InputError:
    several, meant = ",".join(word.strip(",") for word in words), None
    if words[0][:1].isdigit() and not words[1][:1].isdigit():
        joined = "".join(words)
        try:
            number(joined, option)
            meant = f"{option} {joined}"
        except InputError as error:
            meant = error.suggestion
    quoted = (
        "" if several.replace(",", "").isdigit() else f', a name with blanks in quotes ({option} "{" ".join(words)}")'
    )
    return InputError(
        f"{' '.join(words[1:])} behind {option} {words[0]} belongs to no option", suggestion=meant,
        allowed="one word behind an option",
        remedy=f"write it in one word: {meant}" if meant
        else f"several values go with commas, where the option takes them ({option} {several})" + quoted,
    )  # fmt: skip
