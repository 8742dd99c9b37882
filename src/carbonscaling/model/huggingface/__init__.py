"""Read a Hugging Face ``config.json`` into a `ModelSpec`, by a row of ``types.toml`` for each ``model_type``.

No code from a model repository is ever run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.model.check import located
from carbonscaling.model.huggingface.assemble import assemble
from carbonscaling.model.huggingface.entries import Values, stated
from carbonscaling.model.huggingface.quirks import QUIRKS
from carbonscaling.model.huggingface.reader import Config, load_json
from carbonscaling.model.huggingface.table import alike, family, model_types, not_counted, row
from carbonscaling.model.huggingface.towers import read_towers, towers_said
from carbonscaling.model.huggingface.unread import check_unread
from carbonscaling.model.spec import ModelSpec

__all__ = ["from_config", "model_types"]

_REMEDY = "describe the model in a TOML file: carbonscaling model new --like NAME writes one to start from"


def _kind(data: Mapping[str, Any], where: str) -> str:
    """Return the model's type, if the table knows it."""
    kind = data.get("model_type")
    if isinstance(kind, str) and kind in model_types():
        return kind
    if isinstance(kind, str) and (what := not_counted(kind)):
        raise InputError(
            f"{what}, which is not counted", where=where, key="model_type", value=kind, allowed=f"{len(model_types())} types",
            remedy="plan a decoder of as many parameters: carbonscaling model new --like NAME writes one to start from",
        )  # fmt: skip
    raise InputError(
        "no model_type: is this a model's config.json?" if kind is None else "unsupported model_type",
        where=where,
        key="model_type",
        value=kind,
        suggestion=alike(kind) if isinstance(kind, str) else None,
        allowed=family(kind) if isinstance(kind, str) else "a text",
        remedy=_REMEDY,
    )


def _language_model(reader: Config, kind: str) -> tuple[Config, str]:
    """Return the configuration of the language model: the file, or what it nests."""
    own = row(kind)
    nested = own.get("text")
    if nested is None:
        return reader, kind
    if nested not in reader.data and "hidden_size" in reader.data:  # older files do not nest it
        return reader, own["text_type"]
    text = reader.child(nested)
    _tie(reader, text, own.get("tied_by", "outer"))
    inner = text.data.get("model_type")
    kind = inner if isinstance(inner, str) else own["text_type"]
    if kind not in model_types():
        raise InputError(
            "unsupported model_type of the language model", where=text.where, key="model_type", value=kind,
            suggestion=alike(kind), allowed=family(kind), remedy=_REMEDY,
        )  # fmt: skip
    if row(kind).get("text") is not None:
        kind = row(kind)["text_type"]
    text.assume(**row(kind).get("class", {}))
    return text, kind


def _tie(reader: Config, text: Config, by: str) -> None:
    """Say whether embeddings are tied by the outer configuration, as most types do, the inner one, or either."""
    key = "tie_word_embeddings"
    if key in reader.data:
        reader.read.add(key)
        outer, inner = reader.data[key], text.data.get(key)
        tied = {"outer": outer, "inner": outer if inner is None else inner, "either": outer or inner}[by]
        text.data = {**text.data, key: tied}


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
        `assumed` says what the file did not, `unread` names the keys that no count depends on as far as this package knows
        the type.

    Raises
    ------
    InputError
        The file cannot be read or is not JSON; its ``model_type`` is missing or not supported; a required key is
        missing, or a value is of the wrong type or range; or a key that speaks of the architecture is one that this type
        does not have.
    """
    if isinstance(config, Mapping):
        data, where, label = config, "config", str(config.get("_name_or_path") or config.get("model_type") or "model")
    else:
        path = Path(config)
        data, where = load_json(path), str(path)
        folder = path if os.path.isdir(path) else path.parent
        label = folder.resolve().name if os.path.isdir(path) or path.name == "config.json" else path.stem
    reader = Config(data, where)
    text, kind = _language_model(reader, _kind(data, where))
    values = Values(text, row(kind), kind)
    try:
        if "quirk" in values:
            QUIRKS[values.row["quirk"]](values)
        spec = assemble(values, name or label)
    except InputError as error:
        raise located(error, where) from error
    unread = check_unread(reader, text, values)
    needless = {"layer_types": ("full", "both", "mix"), "mlp_layer_types": ("dense",)}
    windowed = values["window_if"] and values["window"] is not None  # which layers then have it is no small thing
    rules = {"layer_types": "windowed" if windowed else values["mixers"], "mlp_layer_types": values["blocks"]}
    used = {key: value for key, value in values.defaulted.items() if rules.get(key) not in needless.get(key, ())}
    defaults = stated(used | text.assumed)
    assumed = (f"{kind}'s defaults where the file is silent: {defaults}",) if defaults else ()
    beside = read_towers(data, where, spec.d_model)
    notes = towers_said(data, beside) if text is not reader or "vision_config" in data else ""
    spec = replace(spec, vision=beside.get("vision"), audio=beside.get("audio"))
    return replace(spec, source=where, assumed=assumed, unread=unread, notes=notes)
