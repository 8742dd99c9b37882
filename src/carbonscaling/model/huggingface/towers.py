"""Towers that a ``config.json`` nests beside its language model, by a row of ``towers.toml`` for each type."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.model.huggingface.reader import Config
from carbonscaling.model.tower import NORM_VECTORS, Tower, tower_params
from carbonscaling.words import count

__all__ = ["PARTS", "read_towers", "towers_said"]

PARTS = {"vision": "vision_config", "audio": "audio_config"}
"""Towers by what they see or hear, and where a file nests them."""
Row = Mapping[str, Any]
Outer = Mapping[str, Any]


@lru_cache(maxsize=1)
def _rows() -> dict[str, dict[str, Any]]:
    table = tomllib.loads(resources.files(__package__).joinpath("towers.toml").read_text(encoding="utf-8"))
    return {name: {**table.get(str(own.get("like")), {}), **own} for name, own in table.items()}


def _get(row: Row, c: Config, name: str, default: int = 0) -> int:
    """Return a number of the row: the class's own, or that under a key of the file, which must be there."""
    entry = row.get(name, default)
    return c.integer(*entry.split("|")) if isinstance(entry, str) else int(entry)


def _merger(t: Tower, c: Config, _outer: Outer, d_text: int) -> tuple[int, int]:
    """Patches side by side become one token, through two matrices; Qwen3-VL has such a projector for some layers too."""
    wide = t.merge * t.d_model
    stacked = len(c.items("deepstack_visual_indexes") or ())
    matrices, vectors = wide * wide + wide * d_text, wide + d_text
    norm = NORM_VECTORS[t.norm]
    return (1 + stacked) * matrices, (1 + stacked) * vectors + norm * t.d_model + stacked * norm * wide


def _two_layers(t: Tower, _c: Config, outer: Outer, d_text: int) -> tuple[int, int]:
    """LLaVA: two matrices."""
    bias = outer.get("multimodal_projector_bias", True) is not False
    return t.d_model * d_text + d_text * d_text, 2 * bias * d_text


def _soft_tokens(t: Tower, _c: Config, _outer: Outer, d_text: int) -> tuple[int, int]:
    """Gemma 3: pooled patches through a norm and one matrix."""
    return t.d_model * d_text, t.d_model


def _patch_merger(t: Tower, _c: Config, outer: Outer, d_text: int) -> tuple[int, int]:
    """Mistral 3: a norm, patches merged to one of the same width, two matrices."""
    bias = outer.get("multimodal_projector_bias", False) is True
    return t.merge * t.d_model**2 + t.d_model * d_text + d_text * d_text, t.d_model + 2 * bias * d_text


def _one_layer(t: Tower, _c: Config, _outer: Outer, d_text: int) -> tuple[int, int]:
    """Qwen2-Audio: one matrix."""
    return t.d_model * d_text, d_text


def _stacked(t: Tower, _c: Config, _outer: Outer, d_text: int) -> tuple[int, int]:
    """Voxtral: frames side by side through two matrices."""
    return t.merge * t.d_model * d_text + d_text * d_text, 0


PROJECTORS: dict[str, Callable[[Tower, Config, Outer, int], tuple[int, int]]] = {
    "merger": _merger, "two_layers": _two_layers, "soft_tokens": _soft_tokens, "patch_merger": _patch_merger,
    "one_layer": _one_layer, "stacked": _stacked,
}  # fmt: skip
"""Weights that a token of the language model is multiplied with, and other parameters, of the projector."""


def _tower(row: Row, c: Config, outer: Outer, d_text: int) -> Tower:
    """Return a tower without its projector first, then with it."""
    d, norm = _get(row, c, "d_model"), row.get("norm", "layernorm")
    d_ff = _get(row, c, "d_ff") * (d if row["d_ff"] == "mlp_ratio" else 1)
    common: dict[str, Any] = {
        "n_layers": _get(row, c, "n_layers"), "d_model": d, "d_ff": d_ff, "gated": row.get("gated", False), "norm": norm,
        "attention_biases": row.get("attention_biases", 4), "ffn_bias": row.get("ffn_bias", True),
    }  # fmt: skip
    extra = d * (row.get("stem_biases", 0) + NORM_VECTORS[norm] * row.get("end_norms", 0))
    if "mels" in row:  # two convolutions of three taps
        frames = _get(row, c, "clip")
        common |= {"stem": 3 * d * (_get(row, c, "mels") + d), "n_positions": frames, "n_patches": frames}
        common["merge"], extra = row["pool"], extra + 2 * d
    else:
        common |= _patches(row, c, outer, d)
        extra += d * row.get("class_token", False)
    plain = Tower(**common, projector=0, extra_params=extra)
    matrices, vectors = PROJECTORS[row["projector"]](plain, c, outer, d_text)
    return Tower(**common, projector=matrices, extra_params=extra + vectors)


def _patches(row: Row, c: Config, outer: Outer, d: int) -> dict[str, int]:
    """Return what a tower of images makes of them."""
    patch = _get(row, c, "patch")
    found = {"stem": _get(row, c, "channels") * _get(row, c, "frames", 1) * patch**2 * d}
    positions, grid = _get(row, c, "positions"), 0
    if row.get("positions") == "init_pos_emb_height":
        positions *= c.integer("init_pos_emb_width")
    if "image" in row:
        grid = (_get(row, c, "image") // patch) ** 2
        positions = grid + row.get("class_token", False)
    found |= {"n_positions": positions, "n_patches": grid or positions or 1024}
    pooled = outer.get("mm_tokens_per_image")
    side = outer.get("spatial_merge_size", 1) if row["projector"] == "patch_merger" else _get(row, c, "merge_side", 1)
    found["merge"] = int(side) ** 2 if not isinstance(pooled, int) or not grid else max(1, grid // pooled)
    if "fullatt_block_indexes" in c.data:
        n_full = len(c.items("fullatt_block_indexes") or ())
        found |= {"window": (c.integer("window_size") // patch) ** 2, "n_window_layers": c.integer("depth") - n_full}
    return found


def read_towers(outer: Outer, where: str, d_text: int) -> dict[str, Tower]:
    """Return the towers of a file that can be counted, by what they see or hear; a size that is not there is not guessed."""
    found: dict[str, Tower] = {}
    for name, key in PARTS.items():
        nested = outer.get(key)
        if not isinstance(nested, Mapping):
            continue
        kinds = (str(nested.get("model_type")), str(outer.get("model_type")))
        row = next((_rows()[kind] for kind in kinds if kind in _rows()), None)
        if row is None or (name == "audio") != ("mels" in row) or nested.get("vision_use_head") is True:
            continue
        try:
            found[name] = _tower(row, Config(nested, f"{where}: {key}"), outer, d_text)
        except (InputError, TypeError, ValueError, OverflowError):
            continue
    return found


def towers_said(outer: Outer, found: Mapping[str, Tower]) -> str:
    """Say what of the file stands beside the language model, and what is not counted."""
    names = [key.removesuffix("_config") for key in outer if key.endswith("_config") and outer[key]]
    named = [n for n in names if n not in ("text", "llm", "language", "quantization", "compression")]
    counted = [
        f"the {n} tower ({count(tower_params(found[n]))} parameters) is not part of what is trained" for n in found
    ]
    left = [n for n in named if n not in found]
    lost = [f"the {' and '.join(left)} tower is not counted"] if left else []
    said = " and ".join((*counted, *lost))
    return "language model only" + (f": {said}" if said else "")
