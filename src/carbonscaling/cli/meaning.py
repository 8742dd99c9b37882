"""The command that someone means who writes another tool's word."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from carbonscaling.meaning import words_in

__all__ = ["command_meant"]

COMMANDS: dict[str, str] = {
    "plan": "optimize optimise search train recommend best find run plans autotune tune solve size",
    "estimate": "predict simulate calculate calc compute cost evaluate emissions carbon footprint energy time price eta",
    "choose": "compare comparison vs versus select pick regions where when",
    "explain": "define glossary what why how meaning trace derive teach",
    "again": "rerun repeat replay redo retry refresh reload",
    "report": "export card statement disclose model-card modelcard",
    "attribute": "allocate share apportion meters split",
    "serve": "web ui gui server dashboard browser app page planner http api",
    "scale": "scaling curve laws law loss",
    "sweep": "study grid batchrun many",
    "calibrate": "fit tune-constants",
    "validate": "test check verify accuracy",
    "cite": "bibtex citation citations references bibliography",
    "bench": "benchmark speed perf",
    "catalog list": "list ls catalogue show",
    "catalog list devices": "devices device gpus gpu accelerators hardware",
    "catalog list models": "models",
    "catalog list prices": "prices",
    "catalog list stacks": "stacks software frameworks",
    "--version": "version",
    "completion": "autocomplete complete",
}
LEAST_ALIKE = 0.7
"""Twice the letters in common over the letters of both: commands are few and short, and none does harm."""


def command_meant(command: str, known: Iterable[str]) -> str | None:
    """Return the command that is meant by a word, or misspelt; None where that is not clear."""
    word = "-".join(words_in(command))
    meant = next((one for one, words in COMMANDS.items() if word in words.split()), None)
    alike = difflib.get_close_matches(word, list(known), n=1, cutoff=LEAST_ALIKE)
    return meant or (alike[0] if alike else None)
