"""What a value that cannot be read should have been, in plain words for those of the library that reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["unreadable"]

_WANTED = {
    "int_parsing_size": "a whole number, up to 9,007,199,254,740,992",
    "int_": "a whole number",
    "finite_number": "a finite number",
    "float_": "a number",
    "bool_": "true or false",
    "string_": "a text",
    "tuple_": "a list",
    "list_": "a list",
    "dict_": "a table",
    "mapping_": "a table",
    "dataclass_": "a table",
    "none_": "nothing",
}
"""By how the name of an error begins, the closest first."""


def unreadable(error: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return the problem of one error of the library's, and what is allowed in the value's place.

    >>> unreadable({"type": "int_from_float", "msg": "Input should be a valid integer, got a number with a fractional part"})
    ('a value of the wrong kind', 'a whole number')
    >>> unreadable({"type": "literal_error", "msg": "Input should be 'a' or 'b'", "ctx": {"expected": "'a' or 'b'"}})
    ('a value of the wrong kind', "'a' or 'b'")
    """
    kind = str(error["type"])
    wanted = next((words for name, words in _WANTED.items() if kind.startswith(name)), None)
    if kind.startswith("dataclass_") and error.get("ctx", {}).get("class_name") == "Datum":
        wanted = "a table { value, unit, source }"
    if wanted is None and kind in ("literal_error", "enum"):
        wanted = str(error["ctx"]["expected"])
    return ("a value of the wrong kind", wanted) if wanted else (str(error["msg"]), None)
