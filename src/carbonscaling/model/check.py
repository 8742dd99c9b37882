"""Checks of a dataclass's own fields, with messages a user can act on."""

from __future__ import annotations

from carbonscaling.errors import InputError

__all__ = ["MOST", "at_least", "located"]

MOST = 10**12
"""No count of an architecture comes near."""


def at_least(item: object, minimum: int, *keys: str, optional: bool = False) -> None:
    """Require whole numbers no smaller than `minimum` (and no larger than `MOST`) in the named fields of `item`.

    Parameters
    ----------
    item : object
        A dataclass instance.
    minimum : int
    *keys : str
        Field names.
    optional : bool
        Whether None is also accepted.

    Raises
    ------
    InputError
        A field is not a whole number, or out of these bounds.
    """
    for key in keys:
        value = getattr(item, key)
        if value is None and optional:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= MOST:
            raise InputError(
                f"{type(item).__name__} needs a whole number here",
                key=key,
                value="nothing" if value is None else value,
                allowed=f"an integer of at least {minimum}" + (f", at most {MOST:.0e}" if value is not None else ""),
                remedy=f"correct {key}",
            )


def located(error: InputError, where: str) -> InputError:
    """Return the error with the place it came from, unless it names one."""
    return InputError(
        error.problem,
        where=error.where or where,
        key=error.key,
        value=error.value,
        allowed=error.allowed,
        suggestion=error.suggestion,
        remedy=error.remedy,
    )
