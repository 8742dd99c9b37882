"""Keep machine code on disk between runs, in a folder of its own for every version of the source it was made from."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

from carbonscaling.platform import cache_folder, held_by_others

__all__ = ["code_folder", "keep_machine_code", "private_folder"]

VERSIONS_KEPT = 8
"""Folders of machine code, the latest used, that are not cleared away."""
PREFIX = "code-"


def private_folder() -> Path | None:
    """Return the folder of what is kept, which only this user may write to: what lies there is run.

    None where there can be none, or where another user owns it or may write to it; that is said once on stderr.
    """
    try:
        folder = cache_folder()
        return _private(folder)
    except RuntimeError:  # no HOME, and a user whom the system does not know
        _say_once("there is no home folder")
    except OSError as error:
        _say_once(f"{folder}: {(error.strerror or str(error)).lower()}")
    return None


def _private(folder: Path) -> Path | None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    others = held_by_others(folder)
    if others:
        _say_once(f"{folder} {others}")
    return None if others else folder


@cache
def _say_once(why: str) -> None:
    from multiprocessing import parent_process

    if parent_process() is None:  # workers are many, and their parent has said it
        sys.stderr.write(
            f"machine code is not kept, and compiled anew each time: {why}\n"
            "  remedy: a folder of your own that nobody else may write to (chmod 700), or one named by XDG_CACHE_HOME\n"
        )


@cache
def code_folder(stamp: str) -> Path | None:
    """Return the folder of machine code of one version, marked as used now; those of old versions are cleared away.

    None as of `private_folder`.

    Raises
    ------
    OSError
        It cannot be made.
    """
    home = private_folder()
    folder = home and _private(home / (PREFIX + stamp))
    if folder is None:
        return None
    folder.touch()
    others = sorted((p for p in folder.parent.glob(PREFIX + "*") if p != folder), key=_last_used, reverse=True)
    for old in others[VERSIONS_KEPT - 1 :]:
        import shutil  # slow to load

        shutil.rmtree(old, ignore_errors=True)
    return folder


def _last_used(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:  # another process has just cleared it away
        return 0.0


def keep_machine_code(dispatcher: Any, stamp: str) -> None:
    """Make a numba function load its machine code from disk, or leave it there; not where that is impossible."""
    from numba.core import caching as numba_caching

    caching: Any = numba_caching
    try:
        folder = code_folder(stamp)
    except OSError:
        return
    if folder is None:
        return

    class Locator(caching._CacheLocator):  # type: ignore[misc]
        def get_cache_path(self) -> str:
            return str(folder)

        def get_source_stamp(self) -> str:
            return stamp

        def get_disambiguator(self) -> str:
            return ""

    locator: Any = Locator()

    class Implementation(caching.CompileResultCacheImpl):  # type: ignore[misc]
        def __init__(self, function: Any) -> None:
            self._lineno = function.__code__.co_firstlineno
            self._locator = locator
            self._filename_base = self.get_filename_base(function.__qualname__, "")

    kept = type("KeptCode", (caching.Cache,), {"_impl_class": Implementation})
    try:
        locator.ensure_cache_path()
    except OSError:
        return
    dispatcher._cache = kept(dispatcher.py_func)
