"""A model as the TOML file that `load_model` reads: what differs from the defaults, one line a field."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from carbonscaling.model.spec import ModelSpec

__all__ = ["model_toml"]

SAYS_NOTHING = ("source", "notes", "assumed", "unread", "seq_len_why", "seq_len_range")
"""Fields that tell where a model came from; the new file is its own source."""


def _value(value: Any) -> str:
    """Return a value in TOML: an inline table for a part of the model."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return "{ " + ", ".join(f"{key} = {text}" for key, text in _lines(value)) + " }"
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def _lines(item: Any) -> list[tuple[str, str]]:
    """Return the fields of a dataclass that differ from their defaults, as keys and values."""
    return [
        (field.name, _value(getattr(item, field.name)))
        for field in dataclasses.fields(item)
        if getattr(item, field.name) is not None and getattr(item, field.name) != field.default
    ]


def model_toml(spec: ModelSpec) -> str:
    """Return a model as a file to start one's own from.

    Parameters
    ----------
    spec : ModelSpec

    Returns
    -------
    str
        TOML with every field that differs from its default; `load_model` makes the same model of it.
    """
    plain = dataclasses.replace(spec, **{name: type(getattr(spec, name))() for name in SAYS_NOTHING})
    lines = [f"{key} = {text}" for key, text in _lines(plain)]
    return "\n".join((f"# Like {spec.name}. All keys: docs/howto/describe-a-model", *lines)) + "\n"
