"""Help pages as shipped text, so that ``--help`` answers at once.

Run ``python -m carbonscaling.cli.pages docs`` to write them anew, with ``docs/cli.md`` and ``docs/schema``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

__all__ = ["page", "page_name", "render_page", "version"]

HELP = ("--help", "-h")


def version() -> str:
    """Return the installed version."""
    from importlib import metadata

    return metadata.version("carbonscaling")


def page_name(command: Sequence[str]) -> str:
    """Return the file of a command's page."""
    return "-".join(("carbonscaling", *command)) + ".txt"


def page(argv: Sequence[str]) -> str | None:
    """Return the page that answers these arguments; None where they ask for more than a page."""
    if list(argv) == ["--version"]:
        return version() + "\n"
    *command, flag = argv or HELP
    if flag not in HELP or not all(word.isalpha() for word in command):
        return None
    try:
        with open(os.path.join(os.path.dirname(__file__), "help", page_name(command)), encoding="utf-8") as file:
            return file.read()
    except OSError:  # no such command
        return None


def render_page(command: Sequence[str]) -> str:
    """Return a command's help as the command tree makes it, 80 columns wide."""
    import io

    from rich.console import Console

    from carbonscaling.cli.app import build_app

    out = io.StringIO()
    console = Console(file=out, width=80, color_system=None, force_terminal=False, legacy_windows=False)
    build_app().help_print(list(command), console=console)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


if __name__ == "__main__":
    import sys

    from carbonscaling.cli.generate import write_all

    write_all(sys.argv[1:])
