"""What the papers never print, as named choices with reasons and alternatives (``catalog/papers.toml``)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from carbonscaling.catalog.read import packaged, shipped
from carbonscaling.papers.variants import Engine
from carbonscaling.record import dataclass

__all__ = ["Choice", "Realisation", "Value", "choices", "realisation", "shown"]

Value = float | str


@dataclass(frozen=True)
class Choice:
    """One unprinted parameter.

    Attributes
    ----------
    value : float or str
        A number, or the name of an engine.
    unit, source : str
    variants : tuple
        What the sensitivity table tries instead.
    reasoning : str
    printed : bool
        Whether the papers do print the value, so that other ones only show what it hides.
    range : tuple of float, optional
        Ends between which a value that turns a verdict is sought; none for a choice between readings or one that
        needs other searches.
    """

    value: Value
    unit: str
    source: str
    variants: tuple[Value, ...]
    reasoning: str
    printed: bool = False
    range: tuple[float, float] | None = None

    def plausible(self, value: Value) -> bool:
        """Whether a value lies between the smallest and the largest that the papers or measurements support."""
        known = (self.value,) if self.printed else (self.value, *self.variants)
        numbers = [v for v in known if isinstance(v, int | float)]
        return value in known if isinstance(value, str) else min(numbers) <= value <= max(numbers)


@dataclass(frozen=True)
class Realisation:
    """Values of all choices; each field is a table of ``papers.toml``, where its meaning stands."""

    static_share: float
    alpha: float
    power_v100: float
    power_a100: float
    power_h100: float
    power_b100: float
    host_ratio_v1: float
    host_ratio_v2: float
    same_host: float
    host_memory_v2: float
    dram_kg_per_gb: float
    pue: float
    engine_v1: Engine
    engine_v2: Engine
    efficiency: float
    network: float
    network_grows: float
    cache: float
    exact_batch: float
    deadline: float
    trillion_width: float
    far_above: float
    shared_hosts: float
    eviction: float
    full_power_at: float
    layer_multiple: float


@lru_cache(maxsize=1)
def choices() -> Mapping[str, Choice]:
    """Return every choice by name, in the file's order."""
    return {name: shipped(Choice, row) for name, row in packaged("carbonscaling.catalog", "papers.toml").items()}


@lru_cache(maxsize=1)
def realisation() -> Realisation:
    """Return the realisation that the reproduction uses.

    >>> realisation().deadline
    90.0
    """
    values: dict[str, Any] = {name: choice.value for name, choice in choices().items()}
    return Realisation(**values)


def shown(value: Value) -> str:
    """Return a value as text.

    >>> shown(2.0), shown("F")
    ('2', 'F')
    """
    return value if isinstance(value, str) else f"{value:g}"
