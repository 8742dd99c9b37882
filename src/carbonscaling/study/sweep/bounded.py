"""Work of DuckDB that can be watched and ended: a thread does it, the main thread waits and hears Ctrl-C."""

from __future__ import annotations

import atexit
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import Any, Protocol, TypeVar

from carbonscaling.errors import ExitCode, InputError

__all__ = ["Progress", "bounded"]

T = TypeVar("T")
TICK_S = 0.1
GRACE_S = 0.5
"""How long an interrupted query may take to end; a few functions hear no interrupt while they work on one value."""


class Progress(Protocol):
    """Hears how far a query is."""

    def __call__(self, seconds: float, share: float | None, /) -> None:
        """Hear seconds since the start, and the share done where that is known."""

    def end(self) -> None:
        """Hear that it is over."""


def bounded(
    connection: Any, work: Callable[[], T], most_s: float, progress: Progress | None, clean: Callable[[], object]
) -> T:
    """Return what `work` on a connection returns.

    Parameters
    ----------
    most_s : float
        Seconds after which it is ended.
    clean : callable
        Removes what the work leaves on the disk, where the process ends without it.

    Raises
    ------
    InputError
        It takes longer.
    KeyboardInterrupt
        Ctrl-C; the query is ended.
    """
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    thread, begin = Thread(target=run, daemon=True), time.monotonic()
    thread.start()
    code = ExitCode.INTERRUPTED
    try:
        while not wait([done], timeout=TICK_S).done:
            seconds = time.monotonic() - begin
            if seconds > most_s:
                code = ExitCode.USAGE
                raise InputError(
                    f"the query takes longer than {most_s:g} s", key="max_seconds", value=most_s,
                    remedy="ask for less, or raise --max-seconds",
                )  # fmt: skip
            if progress is not None:
                progress(seconds, _share(connection))
    except BaseException:
        connection.interrupt()
        thread.join(GRACE_S)
        if thread.is_alive():
            atexit.register(_leave, thread, code, clean)
        raise
    finally:
        if progress is not None:
            progress.end()
    return done.result()


def _share(connection: Any) -> float | None:
    """Return the share of a query that is done; None where DuckDB does not tell."""
    percent = connection.query_progress()
    return percent / 100 if percent >= 0 else None


def _leave(thread: Thread, code: ExitCode, clean: Callable[[], object]) -> None:
    """End the process at its exit where a query still runs that heard no interrupt: the exit would wait for it."""
    if thread.is_alive():
        clean()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
