"""What a script's tests come to: true, false, or not known without running it."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from carbonscaling.exchange.shell.words import UNKNOWN

__all__ = ["condition"]

_NUMBERS = {"-eq": (0,), "-ne": (-1, 1), "-lt": (-1,), "-gt": (1,), "-le": (-1, 0), "-ge": (0, 1)}
"""Signs of left minus right for which a comparison holds."""


def condition(words: Sequence[str]) -> bool | None:
    """Return whether ``[ … ]`` holds for expanded words; None where something in it is not known, as files are not.

    >>> condition(["8", "-gt", "1"]), condition(["fp8", "==", "bf16"]), condition(["-f", "data.bin"])
    (True, False, None)
    """
    for joint, decides in (("||", True), ("-o", True), ("&&", False), ("-a", False)):
        if joint in words[1:-1]:
            at = list(words).index(joint, 1)
            sides = condition(words[:at]), condition(words[at + 1 :])
            return decides if decides in sides else None if None in sides else not decides
    if words[:1] == ["!"]:
        found = condition(words[1:])
        return None if found is None else not found
    if any(UNKNOWN in word for word in words):
        return None
    match list(words):
        case ["-z", text]:
            return not text
        case ["-n", text] | [text] if text not in ("-z", "-n"):
            return bool(text)
        case ["-z"] | []:
            return True
        case ["-n"]:
            return False
        case [left, "=" | "==", right]:
            return fnmatch.fnmatchcase(left, right)
        case [left, "!=", right]:
            return not fnmatch.fnmatchcase(left, right)
        case [left, compared, right] if compared in _NUMBERS:
            try:
                gap = int(left) - int(right)
            except ValueError:
                return None
            return (gap > 0) - (gap < 0) in _NUMBERS[compared]
    return None
