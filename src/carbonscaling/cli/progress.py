"""Progress of sweeps and queries on stderr: a line that is rewritten on a terminal, a heartbeat now and then elsewhere."""

from __future__ import annotations

import sys
import time

from carbonscaling.study.sweep.state import Tally

__all__ = ["QueryProgress", "SweepProgress", "span_words"]

HEARTBEAT_S = 30.0


def span_words(seconds: float) -> str:
    """Say a length of time.

    >>> span_words(8.2), span_words(4000)
    ('8 s', '1 h 07 min')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes < 2880 else f"{minutes / 1440:.1f} days"


class _Line:
    """Text that is rewritten twice a second on a terminal, and a line every half minute elsewhere."""

    def __init__(self, heartbeat_s: float = HEARTBEAT_S) -> None:
        self.tty = sys.stderr.isatty()
        self.every = 0.5 if self.tty else heartbeat_s
        self.last = time.monotonic()
        self.shown = 0

    def due(self) -> bool:
        """Return whether it is time to say something."""
        now = time.monotonic()
        due = now - self.last >= self.every
        self.last = now if due else self.last
        return due

    def say(self, text: str) -> None:
        """Say it."""
        if self.tty:
            sys.stderr.write("\r" + text.ljust(self.shown))
            self.shown = len(text)
        else:
            sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the rewritten line."""
        if self.shown:
            sys.stderr.write("\n")
            self.shown = 0


class QueryProgress(_Line):
    """Told how long a query has been at work, and how far it is."""

    def __call__(self, seconds: float, share: float | None) -> None:
        """Say it, if it is time."""
        if self.due():
            self.say(f"query: {span_words(seconds)}" + ("" if share is None else f", {share:.0%} done"))


class SweepProgress(_Line):
    """Told how far a study is; says so twice a second on a terminal, every half minute elsewhere."""

    def __call__(self, tally: Tally) -> None:
        """Say it, if it is time."""
        if self.due():
            self.say(self.words(tally))

    def words(self, t: Tally) -> str:
        """Return the line."""
        left = t.n_cases - t.done_cases
        rest = span_words(left / t.rate) if t.rate > 0 and t.done_cases > t.before_cases else "?"
        best = "" if t.best_tco2e is None else f", least {t.best_tco2e:.4g} tCO2e"
        return (
            f"{t.done_cases:,} of {t.n_cases:,} cases ({t.done_cases / max(t.n_cases, 1):.1%}), "
            f"{t.rate:,.0f} a second, {t.statuses['error'] + len(t.given_up):,} failed{best}, {rest} left"
        )
