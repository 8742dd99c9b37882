"""``carbonscaling help``."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter

from carbonscaling.cli.pages import page
from carbonscaling.errors import InputError, nearest

__all__ = ["help_"]


def help_(*command: Annotated[str, Parameter(help="The command, such as plan, or catalog show.")]) -> None:
    """Show all of a command's options; without a command, all commands and exit codes."""
    from carbonscaling.cli.app import COMMANDS, GROUPS

    text = page(["help", *command])
    if text is None:
        names = [*map(" ".join, COMMANDS), *GROUPS]
        raise InputError(
            "no such command", value=" ".join(command), suggestion=nearest(" ".join(command), names),
            remedy="carbonscaling help lists the commands, carbonscaling explain WORD says what a term means",
        )  # fmt: skip
    sys.stdout.write(text)
