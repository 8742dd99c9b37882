"""What the papers never print, as named choices with reasons and alternatives (``catalog/papers.toml``)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources

from carbonscaling.catalog.read import shipped

__all__ = ["Choice", "Realisation", "choices", "realisation", "variants"]


@dataclass(frozen=True)
class Choice:
    """One unprinted parameter.

    Attributes
    ----------
    value : float
    unit, source : str
    variants : tuple of float
        What the sensitivity table tries instead.
    reasoning : str
    """

    value: float
    unit: str
    source: str
    variants: tuple[float, ...]
    reasoning: str


@dataclass(frozen=True)
class Realisation:
    """Values of all choices; each field is a table of ``papers.toml``, where its meaning stands."""

    static_share: float
    alpha: float
    host_ratio_v1: float
    host_ratio_v2: float
    pue: float
    network: float
    deadline: float
    token_batch: float
    widest_tensor: float
    shared_hosts: float
    recompute: float
    eviction: float


@lru_cache(maxsize=1)
def choices() -> Mapping[str, Choice]:
    """Return every choice by name, in the file's order."""
    text = resources.files("carbonscaling.catalog").joinpath("papers.toml").read_text(encoding="utf-8")
    return {name: shipped(Choice, row) for name, row in tomllib.loads(text).items()}


@lru_cache(maxsize=1)
def realisation() -> Realisation:
    """Return the realisation that the reproduction uses.

    >>> realisation().deadline
    90.0
    """
    return Realisation(**{name: choice.value for name, choice in choices().items()})


def variants() -> Iterator[tuple[str, float, Realisation]]:
    """Return every alternative: the choice, its other value, and the realisation with it."""
    for name, choice in choices().items():
        for value in choice.variants:
            yield name, value, replace(realisation(), **{name: value})
