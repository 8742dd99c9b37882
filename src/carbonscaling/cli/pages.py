"""Help pages as shipped text, so that ``--help`` answers at once; `carbonscaling.cli.generate` writes them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import takewhile

__all__ = ["page", "page_name", "version"]

HELP = ("--help", "-h")


def version() -> str:
    """Return the package's version, as answers and studies say it."""
    import carbonscaling

    return carbonscaling.__version__


def page_name(command: Sequence[str]) -> str:
    """Return the file of a command's page; of everything about it under ``help`` and its name."""
    return "-".join(("carbonscaling", *command)) + ".txt"


def page(argv: Sequence[str]) -> str | None:
    """Return the page that answers these arguments; None where they ask for more than a page.

    ``help COMMAND`` and ``COMMAND --help`` are pages; with ``--help`` anything else that was typed does not count.
    """
    if list(argv) == ["--version"]:
        return version() + "\n"
    argv = argv or HELP
    if argv[0] == "help" and not any(word.startswith("-") for word in argv):
        return _read(argv) or _read(argv[1:])
    if not any(flag in argv for flag in HELP):
        return None
    words = list(takewhile(lambda word: not word.startswith("-"), argv))
    command = list(takewhile(str.isalpha, words))
    return _read(command) or (_read(command[:-1]) if len(words) > len(command) else None)


def _read(command: Sequence[str]) -> str | None:
    if not all(word.isalpha() for word in command):
        return None
    try:
        with open(os.path.join(os.path.dirname(__file__), "help", page_name(command)), encoding="utf-8") as file:
            return file.read()
    except OSError:  # no such command
        return None
