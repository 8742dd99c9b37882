"""How far a search has come: one line that is rewritten."""

from __future__ import annotations

import sys
import time

__all__ = ["Ticker"]

QUIET_SECONDS = 1.0
"""Progress is shown only of what lasts longer."""


class Ticker:
    """A line of progress on stderr: nothing when piped, nothing in the first second.

    It is called with settings decided so far and the share (or number) of them done.
    """

    def __init__(self) -> None:
        self.begin = time.monotonic()
        self.shown = 0.0
        self.tty = sys.stderr.isatty()

    def __call__(self, n_decided: int, _done: float) -> None:
        """Rewrite the line, at most ten times a second."""
        now = time.monotonic()
        elapsed = now - self.begin
        if self.tty and elapsed > QUIET_SECONDS and now - self.shown > 0.1:
            self.shown = now
            sys.stderr.write(f"\r{n_decided:,} settings looked at, {n_decided / elapsed:,.0f} a second ")
            sys.stderr.flush()

    def __enter__(self) -> Ticker:
        """Start."""
        return self

    def __exit__(self, *_: object) -> None:
        """Clear the line."""
        if self.shown:
            sys.stderr.write("\r" + " " * 60 + "\r")
            sys.stderr.flush()
