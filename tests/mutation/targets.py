"""The functions of `perf` and `carbon`, their mutants, and how one takes a function's place."""

from __future__ import annotations

import dataclasses
import functools
import gc
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from mutation.operators import Mutant, mutants

__all__ = ["all_mutants", "forget", "function_of", "modules"]

LAYERS = ("carbonscaling.perf", "carbonscaling.carbon")
PACKAGE = "carbonscaling."
DATA = tuple(PACKAGE + layer for layer in ("catalog", "evidence", "calibration", "search.compiled"))
"""Modules that remember files and no results."""


def modules() -> list[ModuleType]:
    """Return the modules of both layers."""
    found = []
    for layer in LAYERS:
        package = importlib.import_module(layer)
        found += [importlib.import_module(m.name) for m in pkgutil.iter_modules(package.__path__, layer + ".")]
    return found


def _is_number(annotation: object) -> bool:
    return annotation in ("float", "int", "Number", "Any")


def _fields(cls: type) -> list[str]:
    if hasattr(cls, "_fields"):
        hints = cls.__annotations__
        return [name if _is_number(_written(hints[name])) else "" for name in cls._fields]
    if dataclasses.is_dataclass(cls):
        return [f.name if _is_number(f.type) else "" for f in dataclasses.fields(cls)]
    return []


def _written(annotation: Any) -> object:
    return getattr(annotation, "__forward_arg__", annotation)


def all_mutants() -> Iterator[Mutant]:
    """Yield the mutants of both layers."""
    for module in modules():
        fields = {name: _fields(value) for name, value in vars(module).items() if isinstance(value, type)}
        yield from mutants(module.__name__.removeprefix(PACKAGE), inspect.getsource(module), fields)


def function_of(module: str, name: str) -> FunctionType:
    """Return the plain function behind a qualified name: without its formula, property or cache."""
    found: Any = importlib.import_module(PACKAGE + module)
    for part in name.split("."):
        found = inspect.getattr_static(found, part)
    if isinstance(found, property):
        found = found.fget
    elif isinstance(found, classmethod | staticmethod):
        found = found.__func__
    elif isinstance(found, functools.cached_property):
        found = found.func
    function = inspect.unwrap(found)
    assert isinstance(function, FunctionType)
    return function


def put(mutant: Mutant) -> CodeType:
    """Let the mutant take the function's place, for everyone who imported it; return what stood there."""
    function = function_of(mutant.module, mutant.function)
    before = function.__code__
    function.__code__ = mutant.code
    return before


def forget() -> None:
    """Empty the caches that hold results of the formulas."""
    for kept in gc.get_objects():
        if isinstance(kept, functools._lru_cache_wrapper):
            module = str(getattr(kept, "__module__", ""))
            if not module.startswith(DATA) and not module.startswith(
                ("pydantic", "hypothesis", "numpy", "pint", "_pytest")
            ):
                kept.cache_clear()
