"""BibTeX of the works behind an answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from carbonscaling.errors import InputError, nearest
from carbonscaling.sources import Reference

__all__ = ["bibtex"]

NO_WORK = frozenset({"", "user"})
"""Sources that are nobody's publication: the user's own values."""


def bibtex(keys: Iterable[str], known: Mapping[str, Reference]) -> str:
    """Return the entries of `keys`, each once, sorted.

    Raises
    ------
    InputError
        A key that names no reference.
    """
    wanted = sorted(set(keys) - NO_WORK)
    for key in wanted:
        if key not in known:
            raise InputError(
                "unknown reference",
                value=key,
                suggestion=nearest(key, known),
                remedy="carbonscaling catalog list references",
            )
    return "\n\n".join(known[key].bibtex() for key in wanted) + ("\n" if wanted else "")
