"""Ctrl-C in the command's own process: one sentence and exit code 130, at whatever moment it comes."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from types import FrameType, TracebackType
from typing import Any

from carbonscaling.errors import ExitCode

__all__ = ["ended", "mind_interrupts", "was_interrupted"]

_signals: list[int] = []
_codes: list[int] = []


def mind_interrupts() -> None:
    """Mind Ctrl-C from now on, unless this process was started to ignore it."""
    atexit.register(_leave)
    sys.unraisablehook = _unraisable
    sys.excepthook = _uncaught
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def was_interrupted() -> bool:
    """Whether Ctrl-C was pressed; a library that it meets while loading may turn it into an error of its own."""
    return bool(_signals)


def ended(code: int) -> int:
    """Return the exit code after setting what else is to happen: from here, Ctrl-C ends the process at once."""
    _codes.append(code)
    if signal.getsignal(signal.SIGINT) is _interrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return code


def _interrupt(number: int, _frame: FrameType | None) -> None:
    _signals.append(number)
    raise KeyboardInterrupt


def _uncaught(kind: type[BaseException], problem: BaseException, trace: TracebackType | None, /) -> None:
    """Say nothing of Ctrl-C, which is said once: a library that it meets while loading prints it, and raises its own error."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, problem, trace)


def _unraisable(problem: Any, /) -> None:
    """End here where Ctrl-C falls into a place that Python lets no exception leave, and would go on from."""
    if not issubclass(problem.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(problem)
        return
    sys.stderr.write("interrupted: run the same command again\n")
    _codes.append(ExitCode.INTERRUPTED)
    _leave()


def _leave() -> None:
    """Leave at once: all that was loaded need not be taken apart, and Python would say an interruption in its own way."""
    if _codes:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ExitCode.INTERRUPTED if ExitCode.INTERRUPTED in _codes else _codes[-1])
