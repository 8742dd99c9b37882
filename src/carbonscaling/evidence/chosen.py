"""Rows of a file that meet conditions, as people write them: ``mode=lora,sft``, ``seq_len>=65536``."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping, Sequence

from carbonscaling.errors import InputError, nearest

__all__ = ["chosen"]

_CONDITION = re.compile(r"\s*(\w+)\s*(>=|<=|=)\s*(.*?)\s*")
_COMPARE = {">=": operator.ge, "<=": operator.le}


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _meets(value: str, sign: str, wanted: str) -> bool:
    if sign == "=":
        given = value.strip().lower()
        alike = [w.strip().lower() for w in wanted.split(",")]
        return given in alike or (_number(given) is not None and _number(given) in map(_number, alike))
    number, limit = _number(value), _number(wanted)
    return number is not None and limit is not None and bool(_COMPARE[sign](number, limit))


def chosen(rows: Sequence[Mapping[str, str]], conditions: Sequence[str]) -> list[Mapping[str, str]]:
    """Return the rows that meet every condition: COLUMN=VALUE (or several, with commas), COLUMN>=NUMBER, COLUMN<=NUMBER.

    >>> [row["id"] for row in chosen([{"id": "a", "cp": "2.0"}, {"id": "b", "cp": ""}], ["cp>=2"])]
    ['a']

    Raises
    ------
    InputError
        No such condition or column, or a limit that is no number.
    """
    found = list(rows)
    for condition in conditions:
        parts = _CONDITION.fullmatch(condition)
        columns = list(rows[0]) if rows else []
        if parts is None or parts[1] not in columns or (parts[2] != "=" and _number(parts[3]) is None):
            raise InputError(
                "not a condition on the rows", key="where", value=condition,
                suggestion=nearest(parts[1], columns) if parts and parts[1] not in columns else None,
                allowed=f"COLUMN=VALUE, COLUMN>=NUMBER or COLUMN<=NUMBER, with one of {', '.join(columns)}",
                remedy="for instance mode=lora",
            )  # fmt: skip
        found = [row for row in found if _meets(row[parts[1]], parts[2], parts[3])]
    return found
