"""``plan`` and ``estimate`` at once where all that is typed is plain: the parser takes longer to load than they take.

Names, kinds and help of options follow from the fields of a scenario in both; whatever is not plain (help, another spelling,
a picture, another software's file, a word that no option has, a number that is none) is left to the parser, which says what
it means.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from carbonscaling.cli.answers import hand_over
from carbonscaling.cli.question import NESTED, PREFIX, number, scenario_of
from carbonscaling.cli.ticker import Ticker
from carbonscaling.errors import InputError
from carbonscaling.hints import hints_of
from carbonscaling.study import answer
from carbonscaling.study.scenario import Scenario

__all__ = ["quick"]


def quick(argv: Sequence[str]) -> int | None:
    """Answer a plain ``plan`` or ``estimate``; return its exit code, or None where the parser is needed and nothing printed."""
    words = [word for word in argv[1:] if word != "--json"]
    try:
        read = _read(words)
        if read is None or len(argv) - 1 - len(words) > 1:
            return None
        output = read[1].pop("output", None)
        if output is not None:
            from carbonscaling.reporting.suffixes import ANSWERS, check_suffix

            check_suffix(output, ANSWERS)
        question = scenario_of(read[0], SimpleNamespace(**read[1]))
        with Ticker() as ticker:
            found = (answer.plan if argv[0] == "plan" else answer.estimate)(question, progress=ticker)
    except InputError:
        return None
    return hand_over(found, asked=(argv[0], question), json="--json" in argv, output=output)


def _read(words: Sequence[str]) -> tuple[str | None, dict[str, Any]] | None:
    """Return the file and the options by name; None where a word is not plain."""
    kinds, own, left = {**_kinds(), "--output": str}, dict[str, Any](), list(words)
    path = left.pop(0) if left and not left[0].startswith("-") else None
    while left:
        name, given, value = left.pop(0).partition("=")
        name = "--output" if name == "-o" and not given else name
        kind = kinds.get(name)
        key = name.removeprefix("--").replace("-", "_")
        if kind is None or key in own or (kind is bool and given):
            return None
        if not given and kind is not bool:
            value = left.pop(0) if left else ""
        own[key] = True if kind is bool else _value(kind, value, name)
        if own[key] is None:
            return None
    return path, own


def _value(kind: Any, word: str, option: str) -> Any:
    """Return a value as its option takes it; None where it does not.

    Raises
    ------
    InputError
        Not a number where one is wanted.
    """
    if not word or word.startswith("-"):
        return None
    if kind in (int, float):
        return number(word, option, whole=kind is int)
    if kind is str:
        return word
    return word if word in typing.get_args(kind) else None


def _kinds() -> Mapping[str, Any]:
    """Return the kind of every option that holds one number, name, choice or switch, by how it is typed."""
    found: dict[str, Any] = {}
    for cls in (Scenario, *NESTED.values()):
        hints = hints_of(cls)
        for field in dataclasses.fields(cls):
            arms = [k for k in typing.get_args(hints[field.name]) if k is not type(None)]
            arms = [k for k in arms if not dataclasses.is_dataclass(k)] if arms else [hints[field.name]]
            choice = typing.get_origin(hints[field.name]) is typing.Literal
            kind = hints[field.name] if choice else arms[0] if len(arms) == 1 else None
            if kind in (int, float, str, bool) or typing.get_origin(kind) is typing.Literal:
                found[f"--{PREFIX.get(cls, '')}{field.name}".replace("_", "-")] = kind
    return found
