"""What the papers never print, as named choices with reasons and alternatives (``catalog/papers.toml``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from carbonscaling.catalog.read import packaged, shipped

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
    printed : bool
        Whether the papers do print the value, so that other ones only show what it hides.
    wording : bool
        Whether it turns a word of a claim into a number, and is no input of the papers at all.
    range : tuple of float, optional
        Ends between which a value that turns a verdict is sought; none for a choice between readings or one that
        needs other searches.
    """

    value: float
    unit: str
    source: str
    variants: tuple[float, ...]
    reasoning: str
    printed: bool = False
    wording: bool = False
    range: tuple[float, float] | None = None

    def plausible(self, value: float) -> bool:
        """Whether a value lies between the smallest and the largest that the papers or measurements support."""
        known = (self.value,) if self.printed else (self.value, *self.variants)
        return min(known) <= value <= max(known)


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
    network: float
    network_follows_link: float
    deadline: float
    trillion_width: float
    batch_multiple: float
    token_batch: float
    widest_tensor: float
    total_memory: float
    median_of_layouts: float
    far_above: float
    shared_hosts: float
    recompute: float
    eviction: float
    full_power_at: float
    micro_batch: float
    zero_v1: float
    kernels: float
    hiding: float
    imbalance: float
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
    return Realisation(**{name: choice.value for name, choice in choices().items()})


def variants() -> Iterator[tuple[str, float, Realisation]]:
    """Return every alternative: the choice, its other value, and the realisation with it."""
    return (
        (name, value, replace(realisation(), **{name: value})) for name, c in choices().items() for value in c.variants
    )
