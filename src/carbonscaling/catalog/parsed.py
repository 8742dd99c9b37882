"""What is worked out once on a machine: a file of the catalogue, whose JSON is read 20 times as quickly as its TOML; draws."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from carbonscaling.platform import cache_folder, held_by_others

try:  # what hashlib has without OpenSSL, which takes a thirtieth as long to load as NumPy
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

__all__ = ["kept", "parsed"]

T = TypeVar("T")

MOST = 1000
"""Files after which all are cleared away: several versions of the catalogue."""


def parsed(text: str) -> dict[str, Any]:
    """Return what TOML says, from the cache where that is possible, and leave it there.

    Raises
    ------
    ValueError
        It is not TOML.
    """
    try:
        found: dict[str, Any] = kept(text, lambda: json.dumps(_read(text)).encode(), json.loads)
    except TypeError:  # a date, which JSON does not have
        return _read(text)
    return found


def kept(key: str, make: Callable[[], bytes], read: Callable[[bytes], T]) -> T:
    """Return what `read` understands of what `make` gives, which the cache keeps under a digest of its key.

    Parameters
    ----------
    read : callable
        Raises ValueError where it is not whole.
    """
    folder = _folder()
    path = folder and folder / f"{blake2b(key.encode(), digest_size=16).hexdigest()}.json"
    with contextlib.suppress(OSError, ValueError):
        if path is not None:
            return read(path.read_bytes())
    made = make()
    with contextlib.suppress(OSError):  # no room
        if path is not None:
            _keep(path, made)
    return read(made)


def _read(text: str) -> dict[str, Any]:
    import tomllib

    return tomllib.loads(text)


def _keep(path: Path, content: bytes) -> None:
    others = list(path.parent.iterdir())
    for old in others if len(others) >= MOST else ():
        old.unlink(missing_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_bytes(content)
    part.replace(path)


@lru_cache(maxsize=1)
def _folder() -> Path | None:
    """Return the folder of what is kept, which only this user may write to: what lies there is believed."""
    with contextlib.suppress(OSError, RuntimeError):
        home = cache_folder()
        for folder in (home, home / "parsed"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if held_by_others(folder):
                return None
        return folder
    return None
