"""Where in their ranges the constants of software lie: neither version of the paper prints what its simulator assumed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from carbonscaling.perf.efficiency import Efficiency
from carbonscaling.sources import Datum

__all__ = ["GROUPS", "at_ends"]

GROUPS = {
    "kernels": ("grouped",),
    "hiding": ("overlap", "tp_overlap", "ep_overlap"),
    "imbalance": ("imbalance",),
}
"""Constants that move together, by the choice of ``papers.toml``; the kernels' include `gemm` in every number format."""


def _at(datum: Datum, end: int) -> Datum:
    """Return a constant at the low (-1) or the high (1) end of its range."""
    value = datum.low if end < 0 else datum.high
    return datum if value is None else replace(datum, value=value)


def at_ends(constants: Efficiency, **ends: int) -> Efficiency:
    """Return a device's software constants with some groups at an end of their ranges.

    Parameters
    ----------
    constants : Efficiency
        As the catalogue has them.
    ends : int
        For each of `GROUPS` -1, 0 or 1: low end, central value, high end.
    """
    for name, end in ends.items():
        if not end:
            continue
        moved: dict[str, Any] = {field: _at(getattr(constants, field), end) for field in GROUPS[name]}
        if name == "kernels":
            moved["gemm"] = {kind: _at(datum, end) for kind, datum in constants.gemm.items()}
        constants = replace(constants, **moved)
    return constants
