"""The table of model types: a row for each, with what it takes over from others."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

from carbonscaling.errors import respelt

__all__ = ["alike", "family", "model_types", "not_counted", "row"]

_ABSTRACT = ("decoder",)
_NOT_COUNTED = {
    "an encoder-decoder of another kind": "bigbird_pegasus encoder-decoder fsmt led longt5 mvp nllb-moe pegasus_x prophetnet"
    " seamless_m4t speech_to_text switch_transformers t5gemma udop whisper xlm-prophetnet",
    "RWKV in the frame of Qwen": "rwkv6qwen2 rwkv7qwen2",
}
"""What no part of a `ModelSpec` stands for, with the types that are it."""


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, Any]]:
    return tomllib.loads(resources.files(__package__).joinpath("types.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def model_types() -> tuple[str, ...]:
    """Return the supported values of ``model_type``, sorted."""
    return tuple(sorted(name for name in _table() if name not in _ABSTRACT))


@lru_cache(maxsize=256)
def row(kind: str) -> Mapping[str, Any]:
    """Return everything that the table says of a type."""
    own = _table()[kind]
    return {**row(own["like"]), **own} if "like" in own else own


def not_counted(kind: str) -> str | None:
    """Return what a type is that no counts are known for.

    >>> not_counted("whisper"), not_counted("t5")
    ('an encoder-decoder of another kind', None)
    """
    return next((what for what, kinds in _NOT_COUNTED.items() if kind in kinds.split()), None)


def alike(kind: str) -> str | None:
    """Return the type that a name misspells; none where it may as well be another architecture.

    >>> alike("lama"), alike("qwen3_nexxt"), alike("qwen4"), alike("pixtral")
    ('llama', 'qwen3_next', None, None)
    """
    return respelt(kind, model_types())


def family(kind: str) -> str:
    """Return the types that share a name's letters, and how many there are in all.

    >>> family("kimi_k9").split(", of ")[0]
    'kimi_k2, kimi_k25, kimi_k3, kimi_linear, kimi_vl'
    """
    letters = re.match("[a-z]*", kind.lower())
    assert letters is not None
    near = [other for other in model_types() if len(letters[0]) > 2 and other.startswith(letters[0])]
    return (
        f"{', '.join(near)}, of {len(model_types())} types"
        if near
        else f"{len(model_types())} types, none of that name"
    )
