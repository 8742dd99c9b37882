"""Make the n-th call of one kind on files below a folder fail, as a full or broken disk would."""

from __future__ import annotations

import builtins
import contextlib
import errno
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ERRORS = {
    "open": errno.EMFILE,
    "read": errno.EIO,
    "write": errno.ENOSPC,
    "fsync": errno.EIO,
    "replace": errno.EACCES,
    "stat": errno.EIO,
    "mkdir": errno.EROFS,
}
"""Calls that can fail, and how."""


class Faults:
    """Counts calls of one kind and fails the n-th.

    Parameters
    ----------
    folder : Path
        Only files below it count.
    kind : str
        A key of `ERRORS`.
    n : int
        From 1; 0 fails none.
    """

    def __init__(self, folder: Path, kind: str, n: int) -> None:
        self.folder, self.kind, self.n, self.calls = str(folder), kind, n, 0

    def meet(self, kind: str, path: object) -> None:
        """Count a call; fail it if it is the one."""
        if kind == self.kind and os.path.abspath(str(path)).startswith(self.folder):
            self.calls += 1
            if self.calls == self.n:
                number = ERRORS[kind]
                raise OSError(number, os.strerror(number), str(path))

    @property
    def met(self) -> bool:
        """Whether the n-th call came."""
        return 0 < self.n <= self.calls


class _File:
    """A file whose reads and writes are counted."""

    def __init__(self, file: Any, path: object, faults: Faults) -> None:
        self._file, self._path, self._faults = file, path, faults

    def read(self, *arguments: Any) -> Any:
        self._faults.meet("read", self._path)
        return self._file.read(*arguments)

    def write(self, *arguments: Any) -> Any:
        self._faults.meet("write", self._path)
        return self._file.write(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __iter__(self) -> Any:
        return iter(self._file)

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


@contextlib.contextmanager
def failing(folder: Path, kind: str, n: int) -> Iterator[Faults]:
    """Fail the n-th call of a kind below a folder while the block runs."""
    faults, real_open, real_fsync = Faults(folder, kind, n), io.open, os.fsync

    def opened(path: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(path, int):
            return real_open(path, *arguments, **options)
        faults.meet("open", path)
        return _File(real_open(path, *arguments, **options), path, faults)

    def on_path(kind: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *arguments: Any, **options: Any) -> Any:
            if not isinstance(path, int):
                faults.meet(kind, path)
            return real(path, *arguments, **options)

        return call

    def synced(descriptor: int) -> None:
        faults.meet("fsync", os.readlink(f"/proc/self/fd/{descriptor}"))
        real_fsync(descriptor)

    patches: list[tuple[Any, str, Any]] = [
        (builtins, "open", opened),
        (io, "open", opened),
        (os, "fsync", synced),
        *((os, name, on_path(name, getattr(os, name))) for name in ("open", "replace", "stat", "mkdir")),
    ]
    before = [(place, name, getattr(place, name)) for place, name, _ in patches]
    for place, name, instead in patches:
        setattr(place, name, instead)
    try:
        yield faults
    finally:
        for place, name, real in before:
            setattr(place, name, real)
