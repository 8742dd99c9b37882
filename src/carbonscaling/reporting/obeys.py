"""Whether plain data obey one of this package's own JSON Schemas: the few words that those use, and no library."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from carbonscaling.errors import InputError

__all__ = ["check_obeys"]

MOST = 1e40
"""More than any figure of an answer."""


def check_obeys(data: Any, schema: Mapping[str, Any], where: str, *, whole: bool) -> None:
    """Refuse data of another shape than a schema's: the first value of a wrong kind, or key that is missing.

    Keys that the schema does not know are left alone: a later version may have added them.

    Parameters
    ----------
    whole : bool
        Whether every key that the schema requires must be there.

    Raises
    ------
    InputError
        With the place of the value, and what belongs there.
    """
    for key, problem, value, allowed in _faults(data, schema, schema.get("$defs", {}), "", whole):
        raise InputError(
            problem, where=where, key=key, value="null" if value is None else value, allowed=allowed,
            remedy="save it again with this version",
        )  # fmt: skip


Fault = tuple[str, str, Any, str | None]


def _is(kind: str, value: Any) -> bool:
    if kind == "number":
        return (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and abs(value) <= MOST
            and not math.isnan(value)
        )
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MOST
    kinds = {"string": str, "boolean": bool, "null": type(None), "array": list, "object": Mapping}
    return isinstance(value, kinds[kind])


def _faults(value: Any, schema: Mapping[str, Any], known: Mapping[str, Any], at: str, whole: bool) -> Iterator[Fault]:
    if "$ref" in schema:
        schema = known[schema["$ref"].rpartition("/")[2]]
    arms = schema.get("anyOf") or schema.get("oneOf")
    if arms:
        found = [list(_faults(value, arm, known, at, whole)) for arm in arms]
        yield from min(found, key=len)
        return
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    allowed = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if kinds and not any(_is(kind, value) for kind in kinds):
        yield at, "a value of another kind than belongs here", value, " or ".join(kinds)
        return
    if allowed is not None and value not in allowed:
        yield at, "not one of the values that belong here", value, ", ".join(map(str, allowed))
    if isinstance(value, int | float) and value < schema.get("minimum", -math.inf):
        yield at, "out of range", value, f"{schema['minimum']} or more"
    if isinstance(value, list):
        low, high = schema.get("minItems", 0), schema.get("maxItems", math.inf)
        if not low <= len(value) <= high:
            yield at, "a list of another length than belongs here", len(value), f"{low} to {high} entries"
        for i, entry in enumerate(value):
            yield from _faults(entry, schema.get("items", {}), known, f"{at}.{i}", whole)
    if isinstance(value, Mapping):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        for key in schema.get("required", ()) if whole else ():
            if key not in value:
                yield f"{at}.{key}".removeprefix("."), "a key is missing: another version saved this", None, None
        for key, entry in value.items():
            inner = properties.get(key, others if isinstance(others, Mapping) else {})
            yield from _faults(entry, inner, known, f"{at}.{key}".removeprefix("."), whole)
