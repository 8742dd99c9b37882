"""Read a Hugging Face ``config.json`` into a `ModelSpec`, by an explicit mapper for each ``model_type``.

No code from a model repository is ever run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from carbonscaling.errors import InputError, nearest
from carbonscaling.model.check import located
from carbonscaling.model.huggingface import deepseek, falcon, gemma, gpt, llama, moe
from carbonscaling.model.huggingface.reader import Config, load_json
from carbonscaling.model.huggingface.shared import Mapper, unused
from carbonscaling.model.spec import ModelSpec

__all__ = ["from_config", "model_types"]

_FAMILIES = (llama, gemma, moe, deepseek, gpt, falcon)
_MAPPERS: dict[str, Mapper] = {name: getattr(family, name) for family in _FAMILIES for name in family.__all__}


def model_types() -> list[str]:
    """Return the supported values of ``model_type``, sorted."""
    return sorted(_MAPPERS)


def from_config(config: str | Path | Mapping[str, Any], name: str | None = None) -> ModelSpec:
    """Return the architecture a ``config.json`` describes.

    Parameters
    ----------
    config : str, Path or Mapping
        The file, a directory that holds a ``config.json``, or its parsed contents.
    name : str, optional
        Name of the model; by default the file's (its folder's, for a ``config.json``).

    Returns
    -------
    ModelSpec
        `notes` names any key of the file that no count depends on as far as this package knows the type.

    Raises
    ------
    InputError
        The file cannot be read or is not JSON; its ``model_type`` is missing or not supported; a required key is
        missing, or a value is of the wrong type or range.
    """
    if isinstance(config, Mapping):
        data, where, label = config, "config", str(config.get("_name_or_path") or config.get("model_type") or "model")
    else:
        path = Path(config)
        data, where = load_json(path), str(path)
        folder = path if os.path.isdir(path) else path.parent
        label = folder.resolve().name if os.path.isdir(path) or path.name == "config.json" else path.stem
    reader = Config(data, where)
    kind = data.get("model_type")
    if not isinstance(kind, str) or kind not in _MAPPERS:
        raise InputError(
            "no model_type: is this a model's config.json?" if kind is None else "unsupported model_type",
            where=where,
            key="model_type",
            value=kind,
            suggestion=nearest(kind, _MAPPERS) if isinstance(kind, str) else None,
            allowed=", ".join(model_types()),
            remedy="describe the model in a TOML file, or use the nearest supported type if its shape is the same",
        )
    try:
        spec = _MAPPERS[kind](reader)
    except InputError as error:
        raise located(error, where) from error
    remarks = ("language model only" if "text_config" in data else "", unused(reader))
    return replace(spec, name=name or label, source=where, notes="; ".join(filter(None, remarks)))
