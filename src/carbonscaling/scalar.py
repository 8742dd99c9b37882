"""The twin of a formula on Python's own floats, for one setting or a few: NumPy's scalars cost ten times the arithmetic.

As for compilation (`carbonscaling.search.compiled`) a function is rebuilt from its own code object with the names that it
uses exchanged: other functions of this package for their twins, ``np.where`` and its like for functions of two floats. What
is not rounded exactly by definition (logarithms, exponentials) stays NumPy's, so that both agree to the last bit. Where
some of the numbers are arrays, what depends on none of them is still worked out once, on floats.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from functools import cache, lru_cache
from types import CodeType, FunctionType, ModuleType
from typing import Any, TypeVar

import numpy as np
from numpy import ndarray

from carbonscaling.arrays import plain
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
        some = math.prod(args[:n]) > 0  # as `formula` does
        return twin(*args) if (some.any() if isinstance(some, ndarray) else some) else 0.0

    return short  # type: ignore[return-value]


def at(function: Callable[..., Any], *values: Any) -> Any:
    """Return a formula's value at numbers, and at named tuples of them: what the function itself gives, sooner.

    Under `carbonscaling.formula.tracing` the function itself is evaluated, so that its arithmetic is written down.
    """
    own = [plain(value) for value in values]
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
    if condition is True:
        return yes
    return no if condition is False else np.where(condition, yes, no)


def _minimum(a: Any, b: Any) -> Any:
    less = a <= b
    if less is True:
        return a
    return np.minimum(a, b) if less is not False else b if a == a else a  # noqa: PLR0124 - not a number stays so


def _maximum(a: Any, b: Any) -> Any:
    more = a >= b
    if more is True:
        return a
    return np.maximum(a, b) if more is not False else b if a == a else a  # noqa: PLR0124


def _ceil(x: Any) -> Any:
    if type(x) is float and (found := -(-x // 1.0)) - found == 0.0:  # infinity and what is no number raise below
        return found
    return np.ceil(x) if isinstance(x, ndarray) else float(math.ceil(x))


def _floor(x: Any) -> Any:
    if type(x) is float and (found := x // 1.0) - found == 0.0:
        return found
    return np.floor(x) if isinstance(x, ndarray) else float(math.floor(x))


def _of(name: str, of_float: Callable[[Any], Any]) -> Callable[[Any], Any]:
    of_array = getattr(np, name)
    return lambda x: of_array(x) if isinstance(x, ndarray) else of_float(x)


@lru_cache(maxsize=4096)
def _log2(x: float) -> float:
    """Return NumPy's logarithm: formulas ask for that of the same few degrees and widths again and again."""
    return float(np.log2(x))


@lru_cache(maxsize=4096)
def _float_power(x: float, y: float) -> float:
    return float(np.power(x, y))


def _power(x: Any, y: Any) -> Any:
    """Return NumPy's power, which Python's ``**`` differs from in the last bit."""
    return np.power(x, y) if isinstance(x, ndarray) or isinstance(y, ndarray) else _float_power(x, y)


_NUMPY = ModuleType("numpy_of_floats")
vars(_NUMPY).update(
    {name: value for name, value in vars(np).items() if not name.startswith("__")},
    where=_where,
    power=_power,
    minimum=_minimum,
    maximum=_maximum,
    sqrt=_of("sqrt", math.sqrt),
    ceil=_ceil,
    floor=_floor,
    remainder=lambda a, b: a % b,
    equal=lambda a, b: a == b,
    log=_of("log", lambda x: float(np.log(x))),
    log2=_of("log2", _log2),
    exp=_of("exp", lambda x: float(np.exp(x))),
    expm1=_of("expm1", lambda x: float(np.expm1(x))),
    empty=lambda shape, _kind=None: np.zeros(shape, object),
    logical_not=_of("logical_not", lambda a: not a),
)
