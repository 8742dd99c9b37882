"""Ways to spoil data and text, from a seed: the same seed does the same damage."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from copy import deepcopy
from random import Random
from typing import Any

__all__ = ["HOSTILE", "spoilt", "spoilt_text", "toml_text"]

HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 3, 7, 64, 100, 2**31, 2**63, 2**64 + 1, 10**30, 10**320, 0.0, -0.0, 0.5, 1.5, -2.5,
    1e-320, 1e-9, 1e9, 1e19, 1e200, 1e308, -1e308, math.nan, math.inf, -math.inf, "", " ", "x", "none", "nan", "inf", "8",
    "1e3", "1,000", "0x10", "h100-sxm", "llama-3-8b", "france", "bf16", "paper", "carbon", "é", "\u202e", "\x00", "../..", "/",
    "/dev/null", ".", "a.toml", "a" * 5000, [], [1], ["a"], [[]], {}, {"a": 1}, {"value": 1}, [None],
)  # fmt: skip
"""Values that somebody, or something, may put anywhere."""

_SNIPPETS = (
    "\x00", "\ufeff", "\r\n", "\n", ",", '"', "'", "[", "]", "{", "}", "=", "#", "-", "e", "nan", "NaN", "inf", "1e999",
    "9" * 5000, "[" * 2000, '{"a":' * 2000, "a.b.c", "null", "true", "\\u0000", "\\ud800", ";", "\t", "0", "1",
)  # fmt: skip


def _places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(place for key, value in inner for place in _places(value, (*path, key)))]


def spoilt(rng: Random, data: Mapping[str, Any], most: int = 3) -> dict[str, Any]:
    """Return a copy with up to `most` values exchanged, removed, renamed, scaled or moved."""
    copy: dict[str, Any] = deepcopy(dict(data))
    for _ in range(rng.randrange(most + 1)):
        *above, last = rng.choice(_places(copy)[1:] or [("a",)])
        holder: Any = copy
        for key in above:
            holder = holder[key]
        _spoil(rng, holder, last)
    return copy


def _spoil(rng: Random, holder: Any, key: Any) -> None:
    present = isinstance(holder, list) or key in holder
    value = holder[key] if present else None
    match rng.randrange(6):
        case 0 if present:
            del holder[key]
        case 1 if isinstance(holder, dict) and present:
            holder[str(key) + rng.choice(("s", "_", "é", " "))] = holder.pop(key)
        case 2 if isinstance(value, int | float) and not isinstance(value, bool):
            holder[key] = _scaled(rng, value)
        case 3 if isinstance(holder, dict) and holder:
            holder[key] = deepcopy(holder[rng.choice(list(holder))])
        case _:
            holder[key] = deepcopy(rng.choice(HOSTILE))


def _scaled(rng: Random, value: float) -> float:
    factor = rng.choice((-1, 0, 2, 3, 0.5, 10, 1000, 1e-3, 1e6, 1 + 1e-9))
    try:
        return int(value * factor) if isinstance(value, int) else value * factor
    except OverflowError:
        return math.inf


def spoilt_text(rng: Random, text: str) -> bytes:
    """Return the text with spans cut, doubled or exchanged and odd characters put in; not always UTF-8."""
    for _ in range(rng.randrange(1, 5)):
        a, b = sorted(rng.randrange(len(text) + 1) for _ in range(2))
        b = min(b, a + rng.choice((1, 3, 20, 10**6)))
        match rng.randrange(5):
            case 0:
                text = text[:a] + text[b:]
            case 1 if len(text) < 10**6:
                text = text[:b] + text[a:b] + text[b:]
            case 2:
                text = text[:a]
            case _:
                text = text[:a] + rng.choice(_SNIPPETS) + text[a if rng.random() < 0.5 else b :]
    raw = text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.1 and raw:
        at = rng.randrange(len(raw))
        raw = raw[:at] + bytes([rng.randrange(128, 256)]) + raw[at + 1 :]
    return raw


def toml_text(data: Mapping[str, Any]) -> str:
    """Return data as TOML, tables inline; what TOML cannot say (null) is left out."""
    return "".join(f"{json.dumps(str(key))} = {_toml(value)}\n" for key, value in data.items() if value is not None)


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(str(k))} = {_toml(v)}" for k, v in value.items() if v is not None) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(v) for v in value if v is not None) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value)
