"""What is typed as a question: numbers as people write them, and options laid over a scenario's file."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from carbonscaling.carbon.boundary import Boundary
from carbonscaling.carbon.contracts import Contracts
from carbonscaling.cli.commas import refuse_readings, written
from carbonscaling.cli.given_files import check_scenario_file
from carbonscaling.cli.unit_words import is_unit, two_units, without_unit
from carbonscaling.errors import InputError
from carbonscaling.software.options import option_value
from carbonscaling.study.scenario import Layout, Scenario, load_scenario

__all__ = ["NESTED", "PREFIX", "given", "number", "scenario_of"]

SUFFIXES = {"": 1.0, "k": 1e3, "M": 1e6, "B": 1e9, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
SUFFIXES |= {f"{letter}i": 2.0 ** (10 * n) for n, letter in enumerate("KMGTPE", 1)}
SUFFIXES |= {"K": 1e3, "b": 1e9, "t": 1e12}
"""Suffixes of a number on the command line: 405B parameters, 15.6T tokens, 16Ki = 16,384 devices; m could be milli."""

NESTED: dict[str, Any] = {"layout": Layout, "boundary": Boundary, "contracts": Contracts}
"""Fields of a scenario whose fields are options of their own."""
PREFIX: dict[type, str] = {Contracts: "contract_"}
"""What stands before the names of such options."""

_NUMBER = re.compile(r"([+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([kKMBGTPEbt]?|[KMGTPE]i)")


def number(text: str, option: str, whole: bool = False) -> float | int:
    """Read a number as people write it.

    >>> number("15.6T", "--tokens"), number("16k", "--devices", whole=True), number("16Ki", "--devices", whole=True)
    (15600000000000.0, 16000, 16384)

    Raises
    ------
    InputError
        Not a number, or not a whole one where a count is asked for; or commas that may mean something else than thousands.
    """
    value = _value(text, option, whole)
    if value is not None:
        return value
    said = written(text, option, whole, lambda one: _as_taken(one, option, whole))
    if said is not None and (said.one or said.several):
        read = None if said.decimal or said.several or said.spaced else _value(text.replace(",", ""), option, whole)
        if read is not None:
            return read
        refuse_readings(text, option, whole, said)
    meant = _as_taken(text, option, whole)
    either = two_units(text, option)
    remedy = f"write {option} {meant}" if meant else f"give a number after {option}"
    raise InputError(
        "not a whole number" if whole else "not a number",
        where=f"option {option}",
        value=text,
        allowed="digits, with a suffix k, M, B or T for thousands to trillions, or Ki, Mi, Gi" if whole
        else "a number such as 90, 0.5, 15.6e12, 15.6T or 16Ki, without a unit",
        suggestion=f"{option} {meant}" if meant else None,
        remedy=either or remedy,
    )  # fmt: skip


def _value(text: str, option: str, whole: bool) -> float | int | None:
    """Return a number without commas; None where it is none, or has a unit."""
    found = _NUMBER.fullmatch(text.strip())
    if not found or (found[2] and is_unit(found[2], option)):  # 10t is ten tonnes, not ten trillions of them
        return None
    value = float(found[1].replace("_", "")) * SUFFIXES[found[2]]
    if not math.isfinite(value) or (whole and value != int(value)):
        return None
    return int(value) if whole else value


def _as_taken(text: str, option: str, whole: bool) -> str | None:
    """Return a number without commas, with a unit or written another way, as the option takes it."""
    from carbonscaling.cli.number_shapes import written_otherwise

    if _value(text, option, whole) is not None:
        return "".join(text.split())
    meant = written_otherwise(text, option) or without_unit(text, option)
    return meant if meant and _value(meant, option, whole) is not None else None


def software_changes(texts: Sequence[str]) -> dict[str, Any]:
    """Return the options of the software, KEY=VALUE each, by key.

    Raises
    ------
    InputError
        As `option_value`, or two values of one key.
    """
    found: dict[str, tuple[Any, str]] = {}
    for text in texts:
        key, value = option_value(text)
        before, said = found.setdefault(key, (value, text))
        if before != value and said != text:
            raise InputError(
                "two values of one option of the software", key="software", value=f"{said} and {text}",
                remedy="keep one of them",
            )  # fmt: skip
    return {key: value for key, (value, _) in found.items()}


def given(options: Any) -> dict[str, Any]:
    """Return the options that were given, by field name."""
    return {} if options is None else {k: v for k, v in vars(options).items() if v is not None}


def scenario_of(path: str | None, options: Any, between: Callable[[Scenario], Scenario] = lambda s: s) -> Scenario:
    """Return the scenario of a file with the options laid over it.

    Parameters
    ----------
    path : str, optional
    options : ScenarioOptions, optional
    between : callable, optional
        Changes the file's scenario before the options do.

    Raises
    ------
    InputError
        The file cannot be used, or an option is out of range; the message names the option.
    """
    if path is not None:
        check_scenario_file(path)
    base = between(Scenario() if path is None else load_scenario(Path(path)))
    own = given(options)
    nested: dict[str, Any] = {}
    try:
        nested["software"] = dataclasses.replace(base.software, **software_changes(own.pop("software", ())))
        for name, cls in NESTED.items():
            said = {PREFIX.get(cls, "") + field.name: field.name for field in dataclasses.fields(cls)}
            changes = {said[k]: own.pop(k) for k in said.keys() & own.keys()}
            nested[name] = dataclasses.replace(getattr(base, name), **changes)
        return dataclasses.replace(base, **nested, **own)
    except InputError as error:
        outer, _, inner = (error.key or "").rpartition(".")
        name = outer if outer == "software" else PREFIX.get(NESTED.get(outer, Scenario), "") + inner
        error.where = error.where or f"option --{name.replace('_', '-')}"
        raise
