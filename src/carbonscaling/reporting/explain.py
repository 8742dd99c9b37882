"""The arithmetic of an answer: each formula evaluated, its numbers, its result with unit and source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from carbonscaling.formula import TraceLine
from carbonscaling.reporting.blocks import bullets
from carbonscaling.reporting.jsonable import jsonable

__all__ = ["by_formula", "distinct", "explain_dict", "explain_page", "quantity"]

SHOWN = 4
"""Evaluations of one formula on the page."""


def quantity(value: Any) -> str:
    """Return a traced value: six significant digits, named tuples by field.

    >>> quantity(0.1 + 0.2), quantity(1.5e13), quantity((1.0, 2.0))
    ('0.3', '1.5e+13', '(1, 2)')
    """
    plain = jsonable(value)
    if isinstance(plain, Mapping):
        return ", ".join(f"{k} {quantity(v)}" for k, v in plain.items())
    if isinstance(plain, list):
        return f"({', '.join(quantity(v) for v in plain)})"
    if isinstance(plain, bool) or not isinstance(plain, int | float):
        return "none" if plain is None else str(plain)
    whole = float(plain).is_integer() and abs(plain) < 10**9
    return f"{plain:,.0f}" if whole else f"{plain:.6g}"


def _key(line: TraceLine) -> tuple[str, str]:
    return line.formula.name, repr(jsonable(line.arguments))


def distinct(lines: Iterable[TraceLine]) -> list[TraceLine]:
    """Return the evaluations without repetitions, in the order of the first of each."""
    found: dict[tuple[str, str], TraceLine] = {}
    for line in lines:
        found.setdefault(_key(line), line)
    return list(found.values())


def explain_dict(lines: Iterable[TraceLine]) -> list[dict[str, Any]]:
    """Return the evaluations as plain data."""
    return [
        {
            "name": line.formula.name,
            "expression": line.formula.expression,
            "arguments": jsonable(line.arguments),
            "result": jsonable(line.result),
            "unit": line.formula.unit,
            "source": line.formula.source,
            "place": line.formula.place,
        }
        for line in distinct(lines)
    ]


def _evaluation(line: TraceLine) -> Text:
    unit = "" if line.formula.unit in ("", "1") else f" {line.formula.unit}"
    numbers = ", ".join(f"{name} = {quantity(value)}" for name, value in line.arguments.items())
    text = Text(f"{quantity(line.result)}{unit}", style="bold")
    return text.append(f"  from {numbers}", style="not bold")


def _is_zero(value: Any) -> bool:
    plain = jsonable(value)
    inner = list(plain.values()) if isinstance(plain, Mapping) else plain if isinstance(plain, list) else [plain]
    return all(v == 0 for v in inner)


def by_formula(lines: Iterable[TraceLine]) -> dict[str, list[TraceLine]]:
    """Return the distinct evaluations of each formula, by its name."""
    found: dict[str, list[TraceLine]] = {}
    for line in distinct(lines):
        found.setdefault(line.formula.name, []).append(line)
    return found


def explain_page(lines: Iterable[TraceLine], shown: int = SHOWN) -> Group:
    """Return the page: a heading per formula, under it its evaluations with distinct numbers.

    Results of zero (a part the model or the setting does not have) and what exceeds `shown` are counted, not printed.
    """
    parts: list[RenderableType] = []
    idle: list[str] = []
    for name, evaluations in by_formula(lines).items():
        kept = [line for line in evaluations if not _is_zero(line.result)][:shown]
        if not kept:
            idle.append(name)
            continue
        f = evaluations[0].formula
        place = f", {f.place}" if f.place else ""
        heading = Text(name, style="bold cyan").append(f"  [{f.source}{place}]", style="not bold dim")
        parts += [heading, Padding(Text(f"= {f.expression}"), (0, 0, 0, 2))]
        parts += [Padding(_evaluation(line), (0, 0, 0, 4)) for line in kept]
        if len(evaluations) > len(kept):
            parts.append(Text(f"    not shown: {len(evaluations) - len(kept)}, zero or listed by --all", style="dim"))
        parts.append(Text(""))
    parts += bullets("Zero in this setting", [", ".join(idle)] if idle else [])
    return Group(*parts[:-1])
