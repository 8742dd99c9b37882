"""Software stacks: the shipped ones by name, and a user's own, each said against the one that it is based on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from carbonscaling.catalog.read import build, packaged, read_toml, shipped
from carbonscaling.errors import InputError
from carbonscaling.hardware.device import Device
from carbonscaling.meaning import choice_meant
from carbonscaling.software.stack import Stack

__all__ = ["generic", "stack", "stack_names", "stated_by"]


@lru_cache(maxsize=1)
def _tables() -> dict[str, dict[str, Any]]:
    return packaged("carbonscaling.catalog", "stacks.toml")


def stack_names() -> tuple[str, ...]:
    """Return the names of the shipped stacks."""
    return tuple(_tables())


def _completed(table: Mapping[str, Any]) -> dict[str, Any]:
    parent = table.get("based_on")
    return {**(_completed(_tables()[parent]) if parent else {}), **table}


@lru_cache(maxsize=64)
def _shipped(name: str) -> Stack:
    return shipped(Stack, {**_completed(_tables()[name]), "name": name})


def _stated(name: str) -> dict[str, Any]:
    """Return what a stack itself states: a table of the catalogue, or a user's file.

    Raises
    ------
    InputError
        No such stack or file, or a file based on no shipped stack.
    """
    where, key, value = None, "stack", name
    if name.endswith(".toml"):
        path = Path(name)
        table = {"name": path.stem, "based_on": "community", **read_toml(path)}
        where, key, value = name, "based_on", table["based_on"]
        if value in tuple(_tables()):
            return table
    elif name in _tables():
        return {"name": name, **_tables()[name]}
    raise InputError(
        "unknown software stack",
        where=where,
        key=key,
        value=value,
        allowed=", ".join(_tables()),
        suggestion=choice_meant("stack", str(value), _tables()),
        remedy="base it on a shipped stack" if where
        else 'carbonscaling catalog list stacks; or a TOML file with based_on = "megatron" and what differs',
    )  # fmt: skip


def stack(name: str) -> Stack:
    """Return a stack of the catalogue, or the one that a TOML file describes.

    Parameters
    ----------
    name : str
        A name, or the path of a file that ends in ``.toml``: ``based_on``, a shipped stack ("community" unless it says so),
        and the fields of `Stack` in which it differs. Its name is the file's unless it says another.

    Raises
    ------
    InputError
        No such stack or file; in a file an unknown key, a stack that does not ship to be based on, or a wrong value.
    """
    if name in _tables():
        return _shipped(name)
    table = _stated(name)
    try:
        return build(Stack, _completed(table), name)
    except InputError as error:
        if error.where is None:
            error.where = name
            error.args = (str(error),)
        raise


def stated_by(name: str) -> dict[str, str]:
    """Return for every field of a stack the name of the stack that states it: itself, or one that it is based on.

    Raises
    ------
    InputError
        As `stack`.
    """
    table, by = _stated(name), stack(name).name
    found = dict.fromkeys(table, by)
    while by := table.get("based_on", ""):
        table = _tables()[by]
        found = dict.fromkeys(table, by) | found
    return found


def generic(device: Device, practice: str) -> str:
    """Return the stack of a run that names none: of a plan a maker's own, of what people do the community's; XLA on TPUs."""
    if device.kind == "tpu":
        return "xla"
    return "tuned" if practice == "best" else "community"
