"""Help pages as shipped text, so that ``--help`` answers at once; `carbonscaling.cli.generate` writes them."""

from __future__ import annotations

import os
from collections.abc import Sequence

__all__ = ["page", "page_name", "version"]

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
