"""What a stack may hold: choices by name, shares and switches from 0 to 1, bytes and counts of nought or more."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from carbonscaling.errors import InputError, nearest
from carbonscaling.fields import finite
from carbonscaling.software.options import OPTIMIZERS
from carbonscaling.sources import Choice, Datum
from carbonscaling.units import SI

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["CHOICES", "check", "rows"]

CHOICES: dict[str, tuple[str, ...]] = {
    "attention": ("explicit", "explicit-separate", "flash1", "flash2", "native"),
    "launch": ("fused", "eager"),
    "graphs": ("usual", "open", "none", "router", "attention", "full"),
    "optimizer": tuple(OPTIMIZERS),
    "zero3_gather": ("layer", "parameter"),
    "schedule": ("1f1b", "zb1p", "dualpipe"),
}
"""Values of the fields that hold a `Choice`; those of `recipes` are names of precision recipes."""

SWITCHES = (
    "master_apart", "logit_split", "sequence_parallel", "redo_last", "relay", "expert_overlap", "head_last", "tp_beside",
    "products_apart", "mixer_copies", "mixer_norms", "zero2", "copies",
    "fully_sharded", "hybrid", "whole_blocks", "interleaves", "compiled",
)  # fmt: skip
SHARES = ("bf16_share", "fuses", "repeated", "tp_overlap", "update_beside", "reserve", "zero3_checkpoints")
BYTES = (
    "gradient_sum", "gradient_traffic", "gradients", "weights", "logit", "logit_compiled", "loss", "unfused", "gate_kept",
)  # fmt: skip
SIZES = tuple(unit for unit in SI if unit.endswith("B") and not unit.startswith("kg"))


def rows(stack: DataclassInstance) -> Iterator[tuple[str, Datum | Choice]]:
    """Yield every number and choice of a stack with its name, those of maps under dotted ones."""
    for field in dataclasses.fields(stack):
        value = getattr(stack, field.name)
        if isinstance(value, Mapping):
            yield from ((f"{field.name}.{key}", entry) for key, entry in value.items())
        elif value is not None and not isinstance(value, str):
            yield field.name, value


def _refuse(key: str, value: object, allowed: str, suggestion: str | None = None) -> None:
    raise InputError(
        "not what a software stack can hold", key=key, value=value, allowed=allowed, suggestion=suggestion,
        remedy="correct the value; carbonscaling catalog show megatron has every field",
    )  # fmt: skip


def check(stack: DataclassInstance) -> None:
    """Refuse values of a stack that make no sense, each by name.

    Raises
    ------
    InputError
        An unknown choice, a unit other than the field's, or a number out of range.
    """
    for key, row in rows(stack):
        field = key.partition(".")[0]
        if not isinstance(row, Datum):
            names = CHOICES.get(field)
            if names is not None and row.value not in names:
                _refuse(f"{key}.value", row.value, ", ".join(names), nearest(row.value, names))
            continue
        units = ("B",) if field in BYTES else SIZES if field == "framework" else ("1",)
        if row.unit not in units:
            _refuse(f"{key}.unit", row.unit, ", ".join(units))
        if not (finite(row.value) and row.value >= 0):
            _refuse(f"{key}.value", row.value, "a number, 0 or more")
        if field in SWITCHES and row.value not in (0, 1):
            _refuse(f"{key}.value", row.value, "0 or 1")
        if field in SHARES and row.value > 1:
            _refuse(f"{key}.value", row.value, "0 to 1")
