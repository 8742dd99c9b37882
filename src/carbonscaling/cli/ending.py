"""Signals that end a process, as an exception: what is at work can then say what is kept."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from carbonscaling.platform import ENDING_SIGNALS

__all__ = ["Ended", "ended_by_signals"]


class Ended(BaseException):
    """A signal to end has come; its name is the text. No `Exception`: nothing that mends failures may take it for one."""


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Raise `Ended` where SIGTERM or SIGHUP comes, once; a signal that is ignored (``nohup``) stays so.

    Once one has come, the others are not heard any more: the process is at its end, and has still to say so.
    """
    coming: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        coming.append(number)
        if len(coming) == 1:
            raise Ended(signal.Signals(number).name)

    here = threading.current_thread() is threading.main_thread()
    before = {s: signal.signal(s, end) for s in ENDING_SIGNALS if here and signal.getsignal(s) != signal.SIG_IGN}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if coming else handler)
