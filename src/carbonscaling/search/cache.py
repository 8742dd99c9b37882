"""Keep machine code on disk between runs, under a stamp of the source it was made from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

__all__ = ["cache_folder", "keep_machine_code"]


def cache_folder() -> Path:
    """Folder of compiled code: ``$XDG_CACHE_HOME/carbonscaling`` or ``~/.cache/carbonscaling``."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "carbonscaling"


def keep_machine_code(dispatcher: Any, stamp: str) -> None:
    """Make a numba function load its machine code from disk, or leave it there; silently not where that is impossible."""
    from numba.core import caching as numba_caching

    caching: Any = numba_caching

    class Locator(caching._CacheLocator):  # type: ignore[misc]
        def get_cache_path(self) -> str:
            return str(cache_folder())

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
