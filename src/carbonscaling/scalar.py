"""The twin of a formula on Python's own floats, for one setting or a few: NumPy's scalars cost ten times the arithmetic.

As for compilation (`carbonscaling.search.compiled`) a function is rebuilt from its own code object with the names that it
uses exchanged: other functions of this package for their twins, ``np.where`` and its like for functions of two floats. What
is not rounded exactly by definition (logarithms, exponentials) stays NumPy's, so that both agree to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from types import CodeType, FunctionType, ModuleType
from typing import Any, TypeVar

import numpy as np

from carbonscaling.arrays import floats
from carbonscaling.formula import is_traced

__all__ = ["FLOAT_ERRORS", "at", "rebuilt", "scalar"]

PACKAGE = "carbonscaling"
FLOAT_ERRORS = (ZeroDivisionError, OverflowError, ValueError)
"""What Python's floats raise where NumPy's become infinity, or not a number."""

F = TypeVar("F", bound=Callable[..., Any])


def rebuilt(function: Callable[..., Any], exchange: Callable[[Any], Any]) -> FunctionType:
    """Return a function of the same code whose global names mean what `exchange` makes of them.

    Parameters
    ----------
    function : callable
        A plain function; of a formula the function itself is taken.
    exchange : callable
        From a global's value to another.
    """
    plain = getattr(function, "__wrapped__", function)
    own = {name: exchange(plain.__globals__[name]) for name in _names(plain.__code__) if name in plain.__globals__}
    twin = FunctionType(plain.__code__, own | {"__builtins__": __builtins__, "__name__": plain.__module__})
    twin.__qualname__, twin.__module__, twin.__defaults__ = plain.__qualname__, plain.__module__, plain.__defaults__
    return twin


def _names(code: CodeType) -> set[str]:
    """Every global name that a function or a function inside it may use."""
    inner = [c for c in code.co_consts if isinstance(c, CodeType)]
    return set(code.co_names).union(*(_names(c) for c in inner))


@cache
def scalar(function: F) -> F:
    """Return the twin of a formula for plain floats.

    Where NumPy gives infinity, it raises ZeroDivisionError or OverflowError.
    """
    twin = rebuilt(function, _exchanged)
    n = getattr(function, "nought", 0)
    if not n:
        return twin  # type: ignore[return-value]

    def short(*args: Any) -> Any:
        return twin(*args) if math.prod(args[:n]) > 0 else 0.0  # as `formula` does

    return short  # type: ignore[return-value]


def at(function: Callable[..., Any], *values: Any) -> Any:
    """Return a formula's value at plain numbers, and at named tuples of them: what the function itself gives, sooner.

    Under `carbonscaling.formula.tracing` the function itself is evaluated, so that its arithmetic is written down.
    """
    own = [floats(value) if isinstance(value, tuple) else float(value) for value in values]
    if not is_traced():
        with suppress(*FLOAT_ERRORS):
            return scalar(function)(*own)
    return function(*own)


def _exchanged(value: Any) -> Any:
    if value is np:
        return _NUMPY
    if isinstance(value, FunctionType) and value.__module__.startswith(PACKAGE):
        return scalar(value)
    return value


def _where(condition: Any, yes: Any, no: Any) -> Any:
    return yes if condition else no


def _minimum(a: Any, b: Any) -> Any:
    return a if a <= b or a != a else b  # noqa: PLR0124 - not a number stays so


def _maximum(a: Any, b: Any) -> Any:
    return a if a >= b or a != a else b  # noqa: PLR0124


_NUMPY = ModuleType("numpy_of_floats")
vars(_NUMPY).update(
    {name: value for name, value in vars(np).items() if not name.startswith("__")},
    where=_where,
    minimum=_minimum,
    maximum=_maximum,
    sqrt=math.sqrt,
    ceil=lambda x: float(math.ceil(x)),
    floor=lambda x: float(math.floor(x)),
    remainder=lambda a, b: a % b,
    equal=lambda a, b: a == b,
    log=lambda x: float(np.log(x)),
    log2=lambda x: float(np.log2(x)),
    exp=lambda x: float(np.exp(x)),
    expm1=lambda x: float(np.expm1(x)),
    empty=lambda shape, _kind=None: np.zeros(shape, object),
    logical_not=lambda a: not a,
)
