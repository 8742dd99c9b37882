"""Every component check by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from carbonscaling.errors import InputError, nearest
from carbonscaling.validate.parts.collectives import check_collectives
from carbonscaling.validate.parts.gemm import check_gemm
from carbonscaling.validate.parts.megatron import check_megatron
from carbonscaling.validate.parts.memory import check_memory, check_oom
from carbonscaling.validate.parts.part import Component
from carbonscaling.validate.parts.pipeline import check_pipeline

__all__ = ["PARTS", "component_table"]

PARTS: Mapping[str, Callable[[], tuple[Component, ...]]] = {
    "gemm": check_gemm,
    "collectives": check_collectives,
    "memory": check_memory,
    "oom": check_oom,
    "pipeline": check_pipeline,
    "megatron": check_megatron,
}
"""Checks by the name of the part."""


def component_table(part: str | None = None) -> tuple[Component, ...]:
    """Return the lines of one part, or of all.

    Raises
    ------
    InputError
        No such part.
    """
    if part in (None, "all"):
        return tuple(line for check in PARTS.values() for line in check())
    if part not in PARTS:
        raise InputError(
            "unknown component",
            key="components",
            value=part,
            allowed=", ".join((*PARTS, "all")),
            suggestion=nearest(str(part), PARTS),
            remedy="choose one of these",
        )
    return PARTS[part]()
