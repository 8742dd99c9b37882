"""Nouns by name or as people say them, and a word for those who give a name where an object belongs."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from carbonscaling.errors import InputError
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.model.spec import ModelSpec
from carbonscaling.perf.numbers import Setting
from carbonscaling.perf.precision import Recipe
from carbonscaling.perf.precision import precision as recipe
from carbonscaling.software.stack import Stack

__all__ = ["noun", "numbers", "recipe"]

T = TypeVar("T")

_CONSTRUCTORS = {ModelSpec: "model_spec", Cluster: "cluster", Stack: "stack", Recipe: "recipe", Setting: "setting"}
"""What makes a noun of a name, or of how people say it."""


def noun(name: str, value: T, kind: type[T]) -> T:
    """Return an object of a class, or say what makes one.

    Raises
    ------
    InputError
        It is something else.
    """
    if not isinstance(value, kind):
        raise InputError(
            f"{name} is not a {kind.__name__}", key=name, value=value, allowed=kind.__name__,
            remedy=f"carbonscaling.{_CONSTRUCTORS[kind]} makes one",
        )  # fmt: skip
    return value


def numbers(key: str, value: Any) -> Any:
    """Return a value, or an array of them, as floats.

    Raises
    ------
    InputError
        It holds something else, `key` is its name.
    """
    try:
        found = np.asarray(value)
    except ValueError:  # lists of several lengths
        found = np.asarray(None)
    if found.dtype.kind not in "iuf":
        raise InputError(
            f"{key} is not a number", key=key, value=value, allowed="a number, or an array of them",
            remedy="correct the value",
        )  # fmt: skip
    return found.astype(float)
