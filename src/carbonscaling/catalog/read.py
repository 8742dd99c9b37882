"""Read a TOML file into a frozen dataclass, or say in one sentence why that cannot be."""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from carbonscaling.catalog.parsed import parsed
from carbonscaling.catalog.unreadable import unreadable
from carbonscaling.errors import InputError
from carbonscaling.files import PACKAGE, SETTINGS, read_text
from carbonscaling.hints import hints_of
from carbonscaling.meaning import key_meant

__all__ = ["build", "keys_of_tables", "packaged", "read_toml", "shipped"]

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")
MOST_PARTS = 50
NUMBER = "write it without quotes, as a number: 1T is 1e12"
_DEEP_KEY = re.compile(rf"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){{{MOST_PARTS}}}""")
"""The parser takes time by the square of a key's parts."""


def packaged(package: str, name: str) -> dict[str, Any]:
    """Return a TOML file that ships inside a package of this one (``carbonscaling.catalog``)."""
    return parsed(PACKAGE.joinpath(*package.split(".")[1:], name).read_text(encoding="utf-8"))


def read_toml(path: Path) -> dict[str, Any]:
    """Return the parsed TOML file.

    Raises
    ------
    InputError
        As `carbonscaling.files.read_text`, or the file is not TOML (with line and column), or a key has too many parts.
    """
    text = read_text(path, SETTINGS)
    ours = path.is_relative_to(PACKAGE)
    if not ours and (deep := _DEEP_KEY.search(text)):
        raise InputError(
            "a key of too many parts", where=f"{path}, line {text.count(chr(10), 0, deep.start()) + 1}",
            value=f"{deep[0][:40]}…", allowed=f"at most {MOST_PARTS} names with dots between", remedy="shorten the key",
        )  # fmt: skip
    try:
        return parsed(text) if ours else _loaded(text)
    except (ValueError, RecursionError) as error:  # not TOML, a number of thousands of digits, brackets without end
        twice = re.match(r"Cannot (overwrite|declare)", str(error))
        raise InputError(
            f"not valid TOML: {error}",
            where=str(path),
            remedy="a key or a table stands there a second time: leave one"
            if twice
            else "strings need quotes; numbers stand bare; tables are [name]",
        ) from error


def _loaded(text: str) -> dict[str, Any]:
    import tomllib

    return tomllib.loads(text)


@lru_cache(maxsize=64)
def _adapter(cls: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(cls)


@lru_cache(maxsize=64)
def _fields(cls: Any) -> dict[str, Any]:
    hints = hints_of(cls)
    return {f.name: hints[f.name] for f in dataclasses.fields(cls)}


@lru_cache(maxsize=1024)
def _dataclasses_in(hint: Any) -> tuple[type, ...]:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return (hint,)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return tuple(found for arg in typing.get_args(hint) for found in _dataclasses_in(arg))
    return ()


def _plain(hint: Any, value: Any) -> Any:
    if isinstance(value, Mapping):
        for inner in _dataclasses_in(hint):
            return shipped(inner, value)
        arguments = typing.get_args(hint)
        item = arguments[1] if len(arguments) == 2 else Any
        return {key: _plain(item, entry) for key, entry in value.items()}
    return tuple(value) if isinstance(value, list) else value


def shipped(cls: type[T], data: Mapping[str, Any]) -> T:
    """Make the dataclass `cls` from a table of the catalogue, without the checks that a user's file needs.

    The catalogue's own files are checked by tests, where `build` reads each of them to the same result; leaving the
    checks out at run time keeps commands quick.
    """
    found = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
    tables = [key for key, value in data.items() if isinstance(value, Mapping)]
    if tables:
        hints = _fields(typing.cast(Any, cls))
        found |= {key: _plain(hints[key], data[key]) for key in tables}
    return cls(**found)


@lru_cache(maxsize=64)
def keys_of_tables(cls: Any) -> tuple[str, ...]:
    """Return the keys of the tables in a dataclass that may be left out, as ``layout.tp``."""
    return tuple(
        f"{name}.{field.name}"
        for name, hint in _fields(cls).items()
        if dataclasses.is_dataclass(hint) and all(_is_open(field) for field in dataclasses.fields(hint))
        for field in dataclasses.fields(hint)
    )


def _is_open(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def _refuse_unknown_keys(
    cls: type, data: Mapping[str, Any], where: str, table: str = "", root: type | None = None
) -> None:
    fields = _fields(typing.cast(Any, cls))
    for key, value in data.items():
        if key not in fields:
            outer = () if root is None else tuple(_fields(typing.cast(Any, root)))
            meant = key_meant(key, fields, (*outer, *keys_of_tables(typing.cast(Any, root or cls))))
            home, dot, _ = (meant or "").partition(" =")[0].rpartition(".")
            if table and meant and home == table.rstrip("."):
                meant = meant.removeprefix(table)
            elif table and meant and not dot and re.split(r"[ ,]", meant)[0] not in fields:
                meant = f"{meant}, outside [{table.rstrip('.')}]"
            raise InputError(
                "unknown key",
                where=where,
                key=table + key,
                suggestion=meant,
                allowed=", ".join(fields),
                remedy=f"it stands in the table [{home}]" if home and not table else "correct or remove the key",
            )
        for inner in _dataclasses_in(fields[key]):
            if isinstance(value, Mapping):
                _refuse_unknown_keys(inner, value, where, f"{table}{key}.", root or cls)


@lru_cache(maxsize=256)
def _kinds(hint: Any) -> tuple[Any, ...]:
    """Return the arms of a union, or what is no union alone."""
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return tuple(kind for arm in typing.get_args(hint) for kind in _kinds(arm)) if union else (hint,)


def _item(hint: Any) -> Any:
    """Return what a mapping or tuple holds."""
    return next((kind for kind in reversed(typing.get_args(hint)) if kind is not ...), Any)


def _refuse_no_numbers(hint: Any, value: Any, where: str, key: str) -> None:
    """Refuse true and false for a number, which Python takes for 1 and 0, and text, of which some would be read as one."""
    kinds = _kinds(hint)
    if isinstance(value, bool):
        if bool not in kinds and {int, float} & set(kinds):
            raise InputError(
                "not a number", where=where, key=key, value=str(value).lower(), allowed="a number",
                remedy="true and false are for switches",
            )  # fmt: skip
    elif isinstance(value, str):
        words = [word for kind in kinds for word in typing.get_args(kind)]
        if {int, float} & set(kinds) and str not in kinds and value not in words:
            raise InputError("a number cannot be text", where=where, key=key, value=value, remedy=NUMBER)
    elif isinstance(value, Mapping):
        for kind in kinds:
            hints = (
                _fields(typing.cast(Any, kind)) if dataclasses.is_dataclass(kind) else dict.fromkeys(value, _item(kind))
            )
            for name, entry in value.items():
                _refuse_no_numbers(hints.get(name, Any), entry, where, f"{key}.{name}".removeprefix("."))
    elif isinstance(value, list | tuple):
        for kind in kinds:
            for i, entry in enumerate(value):
                _refuse_no_numbers(_item(kind), entry, where, f"{key}.{i}")


def build(cls: type[T], data: Mapping[str, Any], where: str) -> T:
    """Validate `data` as the dataclass `cls`.

    Parameters
    ----------
    cls : type
        A frozen dataclass with annotated fields.
    data : Mapping
        As read from TOML or JSON.
    where : str
        File or option, for the message.

    Raises
    ------
    InputError
        An unknown key (with the nearest known one), a missing key, or a value of the wrong type or range.
    """
    from pydantic import ValidationError

    _refuse_unknown_keys(cls, data, where)
    _refuse_no_numbers(cls, data, where, "")
    try:
        return typing.cast(T, _adapter(typing.cast(Any, cls)).validate_python(dict(data)))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        missing = first["type"] in ("missing", "missing_argument")
        problem, allowed = unreadable(first)
        raise InputError(
            "missing key" if missing else problem,
            where=where,
            key=key or None,
            value=None if missing or isinstance(first["input"], dict) else first["input"],
            allowed=allowed
            if not missing
            else ", ".join(_fields(typing.cast(Any, cls)))
            if len(first["loc"]) == 1
            else None,
            remedy=f"add {key}" if missing else "correct the value",
        ) from error
