"""What the laws share: the type of a quantity, checks of it, and the inverse of a monotone function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from carbonscaling.arrays import Number as Reals
from carbonscaling.errors import InputError

__all__ = ["Reals", "finite", "least_where", "positive", "reachable"]


def positive(key: str, value: Reals) -> None:
    """Refuse anything but finite numbers above zero.

    Raises
    ------
    InputError
        With the key and the value.
    """
    if not (np.all(np.isfinite(value)) and np.all(np.asarray(value) > 0)):
        raise InputError(
            f"{key} must be a positive number",
            key=key,
            value=value,
            allowed="finite numbers above 0",
            remedy="check its sign and its unit (parameters and tokens are counts, compute is in FLOP)",
        )


def reachable(loss: Reals, irreducible: float) -> None:
    """Refuse a target loss that no amount of compute reaches.

    Raises
    ------
    InputError
        The loss is not a number, or lies at or below the irreducible loss.
    """
    if not (np.all(np.isfinite(loss)) and np.all(np.asarray(loss) > irreducible)):
        raise InputError(
            "this loss cannot be reached",
            key="loss",
            value=loss,
            allowed=f"reachable losses lie above E = {irreducible:.12g}",
            remedy="raise the target, or choose a law with a lower irreducible loss",
        )


def finite(what: str, value: Any, key: str, given: Reals) -> None:
    """Refuse an answer that has left the range of floating-point numbers.

    Raises
    ------
    InputError
        The result is infinite, zero or undefined.
    """
    if not (np.all(np.isfinite(value)) and np.all(np.asarray(value) > 0)):
        raise InputError(
            f"the {what} that this needs is too large or too small to represent",
            key=key,
            value=given,
            remedy="move the target away from the limit of the law",
        )


def least_where(reaches: Callable[[Any], Any], low: Reals, high: Reals, steps: int = 62) -> Any:
    """Return the least x in [`low`, `high`] where a condition holds that, once true, stays true.

    Bisection on log x; 62 halvings of the whole range of floats end at the neighbouring float.

    Parameters
    ----------
    reaches : callable
        Maps x to truth values of the same shape; false below the answer and true above it.
    low, high : float or array
        Positive bounds; the condition holds at `high`, and the answer is `high` where it does not.

    >>> round(float(least_where(lambda x: x * x >= 2.0, 1.0, 2.0)), 12)
    1.414213562373
    """
    low, high = np.log(low), np.log(high)
    for _ in range(steps):
        middle = (low + high) / 2
        yes = reaches(np.exp(middle))
        low, high = np.where(yes, low, middle)[()], np.where(yes, middle, high)[()]
    return np.exp(high)
