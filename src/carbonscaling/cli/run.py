"""Run the command tree and turn every way it can end into a sentence and an exit code."""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Sequence

from cyclopts import App, CycloptsError, UnknownCommandError

from carbonscaling.errors import CarbonScalingError, ExitCode, InputError

__all__ = ["run", "usage_error"]

_QUOTED = r"\"?([^\"?]+?)\"?"


def run(argv: Sequence[str], app: App | None = None) -> int:
    """Run `argv`; return the exit code.

    Parameters
    ----------
    app : App, optional
        Another command tree than the shipped one.
    """
    from carbonscaling.cli.app import build_app

    try:
        result = (app or build_app())(list(argv))
        sys.stdout.flush()
    except CycloptsError as error:
        return _say(str(usage_error(error, argv)), ExitCode.USAGE)
    except CarbonScalingError as error:
        return _say(str(error), error.exit_code)
    except KeyboardInterrupt as error:
        hint = str(error) or "nothing was written; run the same command again to start over"
        return _say(hint, ExitCode.INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except Exception as error:
        return _bug(error)
    return int(result) if isinstance(result, int) else ExitCode.OK


def _say(text: str, code: ExitCode) -> int:
    label = "interrupted" if code == ExitCode.INTERRUPTED else "error"
    sys.stderr.write(f"{label}: {text.removeprefix('interrupted: ')}\n")
    return int(code)


def _bug(error: Exception) -> int:
    if os.environ.get("CARBONSCALING_DEBUG"):
        traceback.print_exc()
    sys.stderr.write(
        f"error: this is a bug in carbonscaling, not in your input ({type(error).__name__}: {error})\n"
        "  remedy: report it with the command you ran; CARBONSCALING_DEBUG=1 shows where it happened\n"
    )
    return int(ExitCode.BUG)


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
    if isinstance(error, UnknownCommandError):
        choices = ", ".join(dict.fromkeys(path[len(error.command_chain or ())] for path in _below(error.command_chain)))
    command = " ".join(error.command_chain or ())
    words = ("carbonscaling", command, "--help") if command else ("carbonscaling", "--help")
    return InputError(
        (problem.strip()[:1].lower() + problem.strip()[1:]).rstrip("."),
        where=None if not argv else f"carbonscaling {command}".strip(),
        suggestion=near[1] if near else None,
        allowed=choices,
        remedy=" ".join(words) + " lists what is accepted",
    )


def _below(chain: Sequence[str] | None) -> list[tuple[str, ...]]:
    from carbonscaling.cli.app import COMMANDS

    start = tuple(chain or ())
    return [path for path in COMMANDS if path[: len(start)] == start and len(path) > len(start)]
