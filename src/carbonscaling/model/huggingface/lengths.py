"""Tokens of a training sequence: stated, or assumed from the longest position and the year, with the reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from carbonscaling.hints import NamedTuple
from carbonscaling.model.huggingface.entries import Values

__all__ = ["Length", "train_length"]

USUAL = {2023: 4096, 2024: 8192}
"""Usual length of pre-training up to 2023 (Llama 2, arXiv 2307.09288), and since (Llama 3, arXiv 2407.21783)."""
CERTAIN = 8192
"""A longest position up to this is taken for the training length: longer ones are mostly reached by later stages."""
_RELEASES = ((4, 37, 2023), (4, 48, 2024))
"""Releases of transformers (major, minor) before which a file is at most of that year."""


class Length(NamedTuple):
    """A training length: how it came about, and its plausible range where it is assumed."""

    seq_len: int
    why: str
    range: tuple[int, ...]


def _before_scaling(data: Mapping[str, Any]) -> int | None:
    """Length before rotary scaling; transformers 5 writes `rope_parameters`, one table, or one for each kind of layer."""
    tables = [data.get("rope_scaling"), data.get("rope_parameters")]
    tables += [inner for table in tables if isinstance(table, Mapping) for inner in table.values()]
    stated = [table.get("original_max_position_embeddings") for table in tables if isinstance(table, Mapping)]
    stated.append(data.get("original_max_position_embeddings"))
    known = [x for x in stated if isinstance(x, int) and not isinstance(x, bool) and x > 0]
    return known[0] if known else None


def _year(data: Mapping[str, Any], year: int) -> int:
    """Year of the type, or of the file's transformers release if that is later."""
    version = re.match(r"(\d+)\.(\d+)", str(data.get("transformers_version", "")))
    if version is None:
        return year
    release = (int(version[1]), int(version[2]))
    return max(year, next((y for major, minor, y in _RELEASES if release < (major, minor)), 2025))


def train_length(v: Values) -> Length:
    """Return the sequence length of pre-training that a file states or suggests."""
    data = v.c.data
    v.c.read.update(("rope_scaling", "rope_parameters", "original_max_position_embeddings"))
    if "inputs" in v:  # of an encoder-decoder
        n, targets = v.count("inputs"), v.count("targets")
        told = f"in the encoder, and {targets:,} in the decoder, as models of type {v.kind} are trained first"
        return Length(n, "the longest position, in both stacks" if targets == n else told, ())
    stated, longest = _before_scaling(data), v["longest"]
    if stated is not None:
        return Length(stated, "", ())
    year = _year(data, v.count("year"))
    usual = USUAL[2023] if year <= 2023 else USUAL[2024]
    if longest is None:
        return Length(usual, f"usual for a model of {year}: the file says nothing of it", (usual // 2, 4 * usual))
    if v["learned"] or longest <= CERTAIN:
        return Length(longest, "" if v["learned"] else "the longest position in the file", ())
    why = f"usual for a model of {year}: the file states only the longest position it serves, {longest:,}"
    return Length(usual, why, (min(USUAL[2023], usual), longest))
