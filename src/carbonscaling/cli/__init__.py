"""The ``carbonscaling`` command."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code (`carbonscaling.errors.ExitCode`)."""
    args = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    from carbonscaling.cli.pages import page

    text = page(args)
    if text is not None:
        sys.stdout.write(text)
        return 0
    from carbonscaling.cli.run import run

    return run(args)
