"""The ``carbonscaling`` command."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # what signal wraps: there without a file to read
import io
import sys

__all__ = ["main"]

TYPE_CHECKING = False
"""As in ``typing``: until `main` runs, Ctrl-C is Python's own, so nothing is imported before that could wait."""
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code (`carbonscaling.errors.ExitCode`).

    Parameters
    ----------
    argv : sequence of str, optional
        Without them the arguments of this process, which is then the command's own: its standard streams and its
        interruption are minded too.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if argv is not None:
        return _run(list(argv))
    try:
        _hold(True)
        from carbonscaling.cli.interrupt import ended, mind_interrupts
        from carbonscaling.cli.streams import guard_streams
        from carbonscaling.garbage import collect_seldom

        collect_seldom()
        guard_streams()
        mind_interrupts()
        _hold(False)
        return ended(_run(sys.argv[1:]))
    except KeyboardInterrupt as error:  # between the lines above
        _hold(True)
        from carbonscaling.cli.told import told

        return told(error)


def _hold(held: bool) -> None:
    """Let Ctrl-C wait, where the system can: inside an import it would leave half a module, or be lost."""
    if hasattr(_signal, "pthread_sigmask"):
        _signal.pthread_sigmask(_signal.SIG_BLOCK if held else _signal.SIG_UNBLOCK, [_signal.SIGINT])


def _run(args: list[str]) -> int:
    from carbonscaling.cli.pages import page

    try:
        text = page(args)
        if text is not None:
            sys.stdout.write(text)
            sys.stdout.flush()
            return 0
        if args[0] in ("plan", "estimate"):
            from carbonscaling.cli.quick import quick

            code = quick(args)
            if code is not None:
                sys.stdout.flush()
                return code
        from carbonscaling.cli.run import run

        return run(args)
    except (Exception, KeyboardInterrupt) as error:
        from carbonscaling.cli.told import told

        return told(error)
