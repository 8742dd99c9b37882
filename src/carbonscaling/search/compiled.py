"""Compile plain formula functions with numba, unchanged: the search runs the very source that an estimate runs.

A function is rebuilt from its own code object with the names it uses exchanged for compiled ones: other functions of
this package for their compiled selves, ``np.where`` and its like for scalar versions, properties of named tuples for
attribute overloads. Arithmetic is strict (no reordering, no fused operations). Machine code is kept in a user's cache
folder under a stamp of this package's source, so that an edited formula is never served stale.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import platform
import sys
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from carbonscaling.errors import ExitCode
from carbonscaling.scalar import PACKAGE, rebuilt
from carbonscaling.search.cache import private_folder

if TYPE_CHECKING:
    import threading

__all__ = ["available", "compiled", "entry", "interruptible", "leave_mark", "on_disk", "source_stamp"]

SWITCH = "CARBONSCALING_COMPILE"
"""Environment variable: 0 searches with NumPy alone."""


@lru_cache(maxsize=1)
def available() -> bool:
    """Whether numba is installed and not switched off."""
    return os.environ.get(SWITCH, "1") != "0" and importlib.util.find_spec("numba") is not None


@lru_cache(maxsize=1)
def source_stamp() -> str:
    """Digest of everything that compiled code depends on: formulas, search, numba, Python, processor."""
    import llvmlite.binding as llvm  # type: ignore[import-untyped]
    import numba

    return _digest(numba.__version__, llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())


def _digest(*parts: str) -> str:
    import hashlib

    digest = hashlib.sha256()
    for part in (sys.version, *parts):
        digest.update(part.encode())
    root = Path(__file__).parents[1]
    for pattern in ("scalar.py", "perf/*.py", "search/*.py", "model/*.py"):
        for path in sorted(root.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@lru_cache(maxsize=1)
def _mark_name() -> str:
    from importlib.metadata import version

    return f"made-{_digest(version('numba'), platform.machine())}"


def _mark() -> Path | None:
    """Return the file that says that machine code of this source was made here; found without loading numba."""
    folder = private_folder()
    return folder and folder / _mark_name()


def on_disk() -> bool:
    """Whether machine code of this source was left on disk, on a machine of this kind."""
    mark = _mark()
    return mark is not None and mark.exists()


def leave_mark() -> None:
    """Note that machine code of this source lies on disk."""
    mark = _mark()
    with contextlib.suppress(OSError):
        if mark is not None:
            mark.touch()


@cache
def compiled(function: Callable[..., Any]) -> Any:
    """Return the compiled twin of a plain function and of everything it calls in this package."""
    return _dispatcher(function, keep=False)


@cache
def entry(function: Callable[..., Any]) -> Any:
    """Return the compiled twin of a function that Python calls; its machine code is cached on disk."""
    return _dispatcher(function, keep=True)


def _dispatcher(function: Callable[..., Any], *, keep: bool) -> Any:
    import numba

    plain = getattr(function, "__wrapped__", function)
    for value in list(plain.__globals__.values()):
        if isinstance(value, type) and hasattr(value, "_fields"):
            _teach_properties(value)
    twin = rebuilt(plain, _exchanged)
    dispatcher = numba.njit(twin, nogil=True, error_model="numpy", forceinline=not keep)
    if keep:
        from carbonscaling.search.cache import keep_machine_code

        keep_machine_code(dispatcher, source_stamp())
    return dispatcher


def _exchanged(value: Any) -> Any:
    """Return what a global of a formula becomes in its compiled twin."""
    if isinstance(value, ModuleType) and value.__name__ == "numpy":
        return _scalar_numpy()
    if isinstance(value, FunctionType) and value.__module__.startswith(PACKAGE):
        own = {"to_tuple": _fixed_tuple, "nothing": _nothing}.get(value.__name__)
        return own() if own else compiled(value)
    if isinstance(value, type) and value.__module__.startswith(PACKAGE) and not hasattr(value, "_fields"):
        # a class of constants
        constants = ModuleType(value.__name__)
        vars(constants).update({k: v for k, v in vars(value).items() if not k.startswith("_")})
        return constants
    return value


@lru_cache(maxsize=1)
def _scalar_numpy() -> ModuleType:
    """NumPy as formulas use it, with functions of scalars where numba's would make arrays."""
    import numba
    import numpy as np

    module = ModuleType("numpy_of_scalars")
    vars(module).update({k: v for k, v in vars(np).items() if not k.startswith("__")})
    module.where = numba.njit(lambda condition, yes, no: yes if condition else no)  # type: ignore[attr-defined]
    module.equal = numba.njit(lambda a, b: a == b)  # type: ignore[attr-defined]
    # as NumPy's, what is not a number included, in fewer steps than numba's
    module.maximum = numba.njit(lambda a, b: a if a > b or a != a else b)  # type: ignore[attr-defined]  # noqa: PLR0124
    module.minimum = numba.njit(lambda a, b: a if a < b or a != a else b)  # type: ignore[attr-defined]  # noqa: PLR0124
    return module


def _fixed_tuple() -> Any:
    from numba.np.unsafe.ndarray import to_fixed_tuple

    return to_fixed_tuple


def _nothing() -> Any:
    import numba

    return numba.njit(
        lambda like: -0.0
    )  # the nought whose sum with any number is that number, which the compiler knows


def _teach_properties(kind: type) -> None:
    """Let compiled code read the properties of a named tuple."""
    if kind in _TAUGHT:
        return
    _TAUGHT.add(kind)
    for name, value in vars(kind).items():
        if isinstance(value, property):
            _PROPERTIES.setdefault(name, {})[kind] = compiled(value.fget)
            _teach(name)


_TAUGHT: set[type] = set()
_PROPERTIES: dict[str, dict[type, Any]] = {}


@cache
def _teach(name: str) -> None:
    from numba import types
    from numba.extending import overload_attribute

    def attribute(kind):  # type: ignore[no-untyped-def]  # numba compares the two signatures
        getter = _PROPERTIES[name].get(kind.instance_class)
        return None if getter is None else lambda kind: getter(kind)  # noqa: PLW0108 - numba wants a plain function

    for base in (types.NamedTuple, types.NamedUniTuple):
        overload_attribute(base, name, inline="never")(attribute)


PATIENCE_S = 2.0
"""Compilation that lasts longer than this is announced; loading what is on disk is not."""


def interruptible(work: Callable[[], None]) -> None:
    """Run a compilation so that Ctrl-C ends the wait for it, and the process, at once; say so on stderr where it lasts."""
    import threading

    failure: list[BaseException] = []
    done = threading.Event()  # a thread whose join is interrupted counts as ended

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failure.append(error)
        finally:
            done.set()

    threading.Thread(target=run, daemon=True).start()
    try:
        if not done.wait(PATIENCE_S) and not on_disk():
            sys.stderr.write("compiling the search, once after an installation or update; about half a minute\n")
            sys.stderr.flush()
        while not done.wait(0.1):
            pass
    except KeyboardInterrupt:
        atexit.register(_leave_at_once, done)
        raise
    if failure:
        raise failure[0]


def _leave_at_once(done: threading.Event) -> None:
    """End the process where a compilation still runs: it cannot be stopped, and the interpreter would wait for it."""
    if not done.is_set():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ExitCode.INTERRUPTED)
