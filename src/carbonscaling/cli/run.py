"""Run the command tree and turn every way it can end into a sentence and an exit code."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from itertools import pairwise

from cyclopts import App, CoercionError, CycloptsError, UnknownCommandError, UnknownOptionError, UnusedCliTokensError

from carbonscaling.cli.meaning import command_meant
from carbonscaling.cli.stray import stray_words
from carbonscaling.cli.told import told
from carbonscaling.errors import ExitCode, InputError
from carbonscaling.meaning import choice_meant, option_meant

__all__ = ["run", "usage_error"]

_QUOTED = r"\"?([^\"?]+?)\"?"


def run(argv: Sequence[str], app: App | None = None) -> int:
    """Run `argv`; return the exit code.

    Parameters
    ----------
    app : App, optional
        Another command tree than the shipped one.
    """
    try:
        from carbonscaling.cli.app import build_app

        result = (app or build_app())(list(argv))
        sys.stdout.flush()
    except CycloptsError as error:
        torn = stray_words(argv) if isinstance(error, UnusedCliTokensError) else None
        return told(torn or usage_error(error, argv))
    except InputError as error:
        if error.problem == "no such file" or error.problem.endswith("stands alone"):
            words = {error.where, str(error.value)} & set(argv)
            return told((words and stray_words(argv)) or error)
        return told(error)
    except (Exception, KeyboardInterrupt) as error:
        return told(error)
    return int(result) if isinstance(result, int) else ExitCode.OK


def usage_error(error: CycloptsError, argv: Sequence[str]) -> InputError:
    """Return the parser's error in the words of every other one: problem, nearest match, allowed, remedy."""
    error.verbose = False
    text = " ".join(str(error).split())
    near = re.search(rf"Did you mean {_QUOTED}\?", text)
    allowed = re.search(r"(?:Choose from|Available commands): (.*?)\.(?: |$)", text)
    problem = text
    for part in (near, allowed):
        problem = problem.replace(part[0], "") if part else problem
    choices = allowed[1].replace('"', "") if allowed else None
    suggestion = None
    if isinstance(error, UnknownOptionError):
        typed = error.token.value or error.token.keyword or ""
        known = [name for argument in error.argument_collection or () for name in argument.names]
        bare = typed.partition("=")[0].lstrip("-").replace("-", "_").upper()
        meant = option_meant(typed, [name for name in known if name.startswith("-")])
        suggestion = f"{bare}, which stands without an option" if bare in known else meant
    elif isinstance(error, CoercionError) and error.token is not None:
        option = (error.token.keyword or "").removeprefix("--").replace("-", "_")
        suggestion = choice_meant(option, error.token.value, choices.split(", ") if choices else ())
    if isinstance(error, UnknownCommandError):
        word = next((word for word in argv if f'"{word}"' in text), "")
        suggestion = command_meant(word, [path[-1] for path in _below(error.command_chain)])
        choices = ", ".join(dict.fromkeys(path[len(error.command_chain or ())] for path in _below(error.command_chain)))
    if re.search(r'(?i)parameter "?--device"? specified multiple times', problem):
        from carbonscaling.catalog.hardware import two_kinds

        return two_kinds(", ".join(after for word, after in pairwise(argv) if word == "--device"))
    if isinstance(error, UnusedCliTokensError):
        problem = f"more words than the command takes: {', '.join(error.unused_tokens or ())}"
        if error.command_chain == ("catalog", "show") and len(argv) == 4:
            suggestion = f"carbonscaling catalog show {argv[3]} --kind {argv[2]}"
    missing = re.search(r'parameter "?(--[a-z-]+|[A-Z][A-Z_]*)"? requires an argument', problem)
    if missing and missing[1] not in argv:
        problem = f"no {missing[1].lower()} given"
        choices = (error.argument.parameter.help if error.argument else "") or choices
    command = " ".join(error.command_chain or ())
    words = ("carbonscaling", command, "--help") if command else ("carbonscaling", "--help")
    return InputError(
        (problem.strip()[:1].lower() + problem.strip()[1:]).rstrip("."),
        where=None if not argv else f"carbonscaling {command}".strip(),
        suggestion=suggestion,
        allowed=choices,
        remedy=" ".join(words) + " lists what is accepted",
    )


def _below(chain: Sequence[str] | None) -> list[tuple[str, ...]]:
    from carbonscaling.cli.app import COMMANDS

    start = tuple(chain or ())
    return [path for path in COMMANDS if path[: len(start)] == start and len(path) > len(start)]
