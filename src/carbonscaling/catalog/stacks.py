"""Software stacks: the shipped ones by name, and a user's own, each said against the one that it is based on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from carbonscaling.catalog.read import build, packaged, read_toml, shipped
from carbonscaling.errors import InputError, nearest
from carbonscaling.hardware.device import Device
from carbonscaling.software.stack import Stack

__all__ = ["generic", "load_stack", "stack", "stack_names"]


@lru_cache(maxsize=1)
def _tables() -> dict[str, dict[str, Any]]:
    return packaged("carbonscaling.catalog", "stacks.toml")


def stack_names() -> tuple[str, ...]:
    """Return the names of the shipped stacks."""
    return tuple(_tables())


def _completed(name: str, table: Mapping[str, Any]) -> dict[str, Any]:
    parent = table.get("based_on")
    base = _completed(parent, _tables()[parent]) if parent else {}
    return {**base, **table, "name": name}


@lru_cache(maxsize=64)
def stack(name: str) -> Stack:
    """Return a stack of the catalogue, or the one that a TOML file describes.

    Parameters
    ----------
    name : str
        A name, or the path of a file that ends in ``.toml``.

    Raises
    ------
    InputError
        No such stack; or as `load_stack`.
    """
    if name.endswith(".toml"):
        return load_stack(Path(name))
    if name not in _tables():
        raise InputError(
            "unknown software stack",
            key="stack",
            value=name,
            allowed=", ".join(_tables()),
            suggestion=nearest(name, _tables()),
            remedy='carbonscaling catalog list stacks; or describe it in a TOML file: based_on = "megatron" and what differs',
        )
    return shipped(Stack, _completed(name, _tables()[name]))


def load_stack(path: Path) -> Stack:
    """Return the stack that a user's file describes.

    Parameters
    ----------
    path : Path
        TOML file: ``based_on``, a shipped stack, and the fields of `Stack` in which it differs. `name` defaults to the file's,
        `title` and `family` to those of the stack it is based on.

    Raises
    ------
    InputError
        No such file, an unknown key or stack, or a wrong value.
    """
    table = read_toml(path)
    parent = table.get("based_on", "community")
    if parent not in _tables():
        raise InputError(
            "unknown software stack",
            where=str(path),
            key="based_on",
            value=parent,
            allowed=", ".join(_tables()),
            suggestion=nearest(str(parent), _tables()),
            remedy="base it on a shipped stack",
        )
    name = table.pop("name", path.stem)
    return build(Stack, _completed(name, {**table, "based_on": parent}), str(path))


def generic(device: Device, practice: str) -> str:
    """Return the stack of a run that names none: of a plan a maker's own, of what people do the community's; XLA on TPUs."""
    if device.kind == "tpu":
        return "xla"
    return "tuned" if practice == "best" else "community"
