"""Every way in which a command can end, as a sentence and an exit code."""

from __future__ import annotations

import os
import sys
import traceback

from carbonscaling.cli.interrupt import was_interrupted
from carbonscaling.errors import CarbonScalingError, ExitCode
from carbonscaling.literal import literal

__all__ = ["told"]


def told(error: BaseException) -> int:
    """Say on standard error how a command ended; return its exit code."""
    if isinstance(error, KeyboardInterrupt) or (was_interrupted() and not isinstance(error, CarbonScalingError)):
        hint = str(error) if isinstance(error, KeyboardInterrupt) else ""
        hint = hint.removeprefix("interrupted: ") or "nothing was written; run the same command again to start over"
        return _say(f"interrupted: {hint}", ExitCode.INTERRUPTED)
    if isinstance(error, BrokenPipeError):
        return int(ExitCode.OK)
    if isinstance(error, CarbonScalingError):
        return _say(f"error: {error}" if str(error) else "", error.exit_code)
    if os.environ.get("CARBONSCALING_DEBUG"):
        traceback.print_exception(error)
    if isinstance(error, MemoryError):
        return _say("error: this takes more memory than there is\n  remedy: ask for less at once", ExitCode.USAGE)
    if isinstance(error, OSError):
        place = f" ({error.filename})" if error.filename else ""
        why = (error.strerror or str(error)).lower()
        return _say(
            f"error: the system refuses: {why}{place}\n  remedy: mend that, then run the command again", ExitCode.USAGE
        )
    return _say(
        f"error: this is a bug in carbonscaling, not in your input ({type(error).__name__}: {error})\n"
        "  remedy: report it with the command you ran; CARBONSCALING_DEBUG=1 shows where it happened",
        ExitCode.BUG,
    )


def _say(text: str, code: ExitCode) -> int:
    if text:
        sys.stderr.writelines(f"{literal(line)}\n" for line in text.split("\n"))
    return int(code)
