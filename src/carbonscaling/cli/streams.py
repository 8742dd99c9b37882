"""Standard streams of the command's own process: an output that takes nothing is an error, a remark nobody hears is none."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any

from carbonscaling.errors import CarbonScalingError, ExitCode, InputError
from carbonscaling.platform import fill_standard_streams

__all__ = ["UnreadError", "guard_streams"]


class UnreadError(CarbonScalingError):
    """Whoever read the output has left (``| head``): nothing is left to do."""

    exit_code = ExitCode.OK


class _Stream(io.TextIOWrapper):
    """A standard stream that is given up where it fails: what it still holds goes nowhere, also when Python ends."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self._give_up()
            self._lost(error)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._give_up()
            self._lost(error)

    def _give_up(self) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)

    def _lost(self, error: OSError) -> None:
        """Nobody is left to tell."""


class _Output(_Stream):
    """Standard output: what does not reach it was not delivered."""

    def _lost(self, error: OSError) -> None:
        if isinstance(error, BrokenPipeError):
            raise UnreadError from error
        why = "it is closed" if error.errno == errno.EBADF else (error.strerror or str(error)).lower()
        raise InputError(
            f"standard output cannot be written: {why}",
            remedy="send it to a place that takes it, such as a disk with room",
        ) from error


def guard_streams() -> None:
    """Take over this process's standard streams; where one is closed, the null device holds its number.

    Otherwise the next file to be opened would get the number, and what is printed.
    """
    fill_standard_streams()
    sys.stdout = _guarded(_Output, sys.stdout, 1)
    sys.stderr = _guarded(_Stream, sys.stderr, 2)


def _guarded(kind: type[_Stream], stream: Any, number: int) -> _Stream:
    if not isinstance(stream, io.TextIOWrapper):  # None: it was closed
        return kind(open(number, "wb", closefd=False), encoding="utf-8")
    options = {name: getattr(stream, name) for name in ("encoding", "errors", "line_buffering", "write_through")}
    return kind(stream.detach(), **options)
