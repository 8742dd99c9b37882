"""Answers of searches kept on disk between runs, under a stamp of the code, the catalogue and the compiler."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Hashable
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, TypeVar

from carbonscaling.search.cache import private_folder
from carbonscaling.search.compiled import available, source_stamp
from carbonscaling.study.sweep.stamp import code_stamp, file_stamp

__all__ = ["SWITCH", "remembered"]

T = TypeVar("T")

SWITCH = "CARBONSCALING_REMEMBER"
"""Environment variable; 0 asks everything anew."""
ASKING = ("kernels.py", "member.py", "task.py")
"""Files beside this one that decide an answer."""


@lru_cache(maxsize=1)
def _stamp() -> str:
    """Return what every answer depends on besides its arguments."""
    own = "".join(file_stamp(Path(__file__).parent / name) for name in ASKING)
    return "\0".join((code_stamp(), source_stamp() if available() else "plain", own))


@lru_cache(maxsize=1)
def _kept() -> sqlite3.Connection | None:
    """Open the file of answers, without those of other code; None where there is no folder for it."""
    folder = private_folder()
    if folder is None:
        return None
    file = sqlite3.connect(folder / "reproduced.sqlite", timeout=30.0, isolation_level=None)
    file.execute("PRAGMA synchronous = OFF")
    columns = "stamp TEXT, asked TEXT, answer TEXT, PRIMARY KEY (stamp, asked)"
    file.execute(f"CREATE TABLE IF NOT EXISTS answers ({columns})")
    file.execute("DELETE FROM answers WHERE stamp != ?", (_stamp(),))
    return file


def _ask(command: str, *values: str) -> list[tuple[str]]:
    """Read from the file, or write to it; without one an answer is found again."""
    try:
        file = _kept()
        return file.execute(command, values).fetchall() if file else []
    except (OSError, sqlite3.Error):
        return []


def remembered(pack: Callable[[T], Any], unpack: Callable[[Any], T]) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Return a decorator that keeps a function's answers in memory and on disk.

    Parameters
    ----------
    pack, unpack : callable
        Between an answer and what JSON can hold; floats come back to the last bit.
    """

    def decorated(ask: Callable[..., T]) -> Callable[..., T]:
        @lru_cache(maxsize=4096)
        @wraps(ask)
        def answer(*arguments: Hashable) -> T:
            if os.environ.get(SWITCH, "1") == "0":
                return ask(*arguments)
            asked = f"{ask.__qualname__}{arguments!r}"
            for (known,) in _ask("SELECT answer FROM answers WHERE stamp = ? AND asked = ?", _stamp(), asked):
                return unpack(json.loads(known))
            found = ask(*arguments)
            _ask("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", _stamp(), asked, json.dumps(pack(found)))
            return found

        return answer

    return decorated
