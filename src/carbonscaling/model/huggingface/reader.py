"""A ``config.json`` read key by key: each with its type, its default where the model's class has one, and its error."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from carbonscaling.errors import InputError, nearest
from carbonscaling.files import CONFIG, read_text
from carbonscaling.model.check import MOST

__all__ = ["Config", "load_json"]

LAYERS = ("num_hidden_layers", "num_layers", "n_layer", "n_layers")
MOST_LAYERS = 100_000
"""Layers are looked at one by one."""
T = TypeVar("T")
_MISSING: Any = object()


class Config:
    """The keys of one configuration, checked as they are read.

    Parameters
    ----------
    data : Mapping
        The parsed JSON object.
    where : str
        Its file, for messages.
    """

    def __init__(self, data: Mapping[str, Any], where: str) -> None:
        self.data, self.where = data, where
        self.read: set[str] = set()
        self.children: list[Config] = []
        self.assumed: dict[str, Any] = {}

    def assume(self, **defaults: Any) -> None:
        """Add values for keys that are not there."""
        self.assumed = {key: value for key, value in defaults.items() if key not in self.data}
        self.data = {**self.assumed, **self.data}

    def fail(self, problem: str, key: str, value: Any, allowed: str, remedy: str = "correct the value") -> InputError:
        """Return the error for a key, ready to raise."""
        shown = "null" if value is None else value
        return InputError(problem, where=self.where, key=key, value=shown, allowed=allowed, remedy=remedy)

    def _get(self, keys: Sequence[str], default: Any) -> tuple[str, Any]:
        self.read.update(keys)
        for key in keys:
            if key in self.data:
                return key, self.data[key]
        if default is _MISSING:
            raise InputError(
                "missing key",
                where=self.where,
                key=keys[0],
                allowed=" or ".join(keys),
                suggestion=nearest(keys[0], self.data),
                remedy=f"add {keys[0]}: this model type has no default for it",
            )
        return keys[0], default

    def integer(self, *keys: str, default: Any = _MISSING, minimum: int = 1) -> int:
        """Return a whole number under the first of `keys` that is there.

        A null takes the default where there is one.

        Raises
        ------
        InputError
            Missing without default, not a whole number, below `minimum`, or larger than any model's.
        """
        key, value = self._get(keys, default)
        if value is None and default is not _MISSING:
            value = default
        most = MOST_LAYERS if key in LAYERS else MOST
        if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= most:
            raise self.fail("not a usable count", key, value, f"an integer of at least {minimum}, at most {most:,}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """Return true or false.

        Raises
        ------
        InputError
            Something else.
        """
        return self._of_kind(bool, key, default, "not a yes or no", "true or false")

    def ratio(self, key: str, default: float) -> float:
        """Return a positive number.

        Raises
        ------
        InputError
            Something else.
        """
        _, value = self._get([key], default)
        value = default if value is None else value
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MOST:
            raise self.fail("not a usable ratio", key, value, "a positive number")
        return float(value)

    def text(self, key: str, default: str) -> str:
        """Return a string.

        Raises
        ------
        InputError
            Something else.
        """
        return self._of_kind(str, key, default, "not a text", "a string")

    def _of_kind(self, kind: type[T], key: str, default: T, problem: str, allowed: str) -> T:
        _, value = self._get([key], default)
        if value is None:
            return default
        if not isinstance(value, kind):
            raise self.fail(problem, key, value, allowed)
        return value

    def items(self, key: str) -> list[Any] | None:
        """Return a list, or None where the key is missing or null.

        Raises
        ------
        InputError
            Something else.
        """
        _, value = self._get([key], None)
        if value is not None and not isinstance(value, list):
            raise self.fail("not a list", key, value, "a list or null")
        return value

    def child(self, key: str, default: Any = _MISSING) -> Config:
        """Return the configuration nested under `key`.

        Raises
        ------
        InputError
            Missing without default, or not an object.
        """
        _, value = self._get([key], default)
        if value is None and default is not _MISSING:
            value = default
        if not isinstance(value, dict):
            raise self.fail("not a nested object", key, value, "a JSON object {…}")
        self.children.append(Config(value, f"{self.where}: {key}"))
        return self.children[-1]

    def own_unread(self) -> list[str]:
        """Return the keys that nobody asked for, nested ones left out."""
        return sorted(set(self.data) - self.read)

    def unread(self) -> list[str]:
        """Return the keys that nobody asked for."""
        return sorted(set(self.own_unread()).union(*(child.unread() for child in self.children)))


def load_json(path: Path) -> Mapping[str, Any]:
    """Return the JSON object in a file.

    Raises
    ------
    InputError
        As `carbonscaling.files.read_text`, a directory without ``config.json``, empty, not JSON (with line), or no object.
    """
    where = str(path)
    if os.path.isdir(path):
        if not os.path.exists(path / "config.json"):
            raise InputError("the directory holds no config.json", where=where, remedy="name the file itself")
        return load_json(path / "config.json")
    text = read_text(path, CONFIG)
    if not text.strip():
        raise InputError("the file is empty", where=where, remedy="download the config.json again")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:  # not JSON, a number of thousands of digits, brackets without end
        raise InputError(f"not valid JSON: {error}", where=where, remedy="name the model's config.json") from error
    if not isinstance(data, dict):
        raise InputError("expected a JSON object", where=where, value=type(data).__name__, remedy="{…} at the top")
    return data
