"""Which mixer of tokens and which feed-forward block each layer has: the patterns that types write down differently."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.model.huggingface.entries import Values

__all__ = ["block_kinds", "mixer_kinds"]

FULL, WINDOW, MIX, BOTH, NONE, DENSE, MOE = "full", "window", "mix", "both", "none", "dense", "moe"

_SAID = {
    FULL: "full_attention attention global global_attention indexed_attention deepseek_sparse_attention "
    "minimax_m3_sparse sparse_attention heavily_compressed_attention compressed_sparse_attention * a",
    WINDOW: "sliding_attention chunked_attention local sliding local_attention",
    MIX: "linear_attention mamba mamba2 conv recurrent m",
    BOTH: "hybrid",
    NONE: "moe mlp e -",
}
_MIXERS = {word: kind for kind, words in _SAID.items() for word in words.split()}
_BLOCKS = {"dense": DENSE, "sparse": MOE, "moe": MOE, "hash_moe": MOE, "mlp": DENSE}


def _named(v: Values, key: str, words: list[Any], known: dict[str, str], n: int) -> list[str]:
    if len(words) != n:
        raise v.c.fail("one kind a layer is needed", key, f"{len(words)} entries", f"{n} entries")
    unknown = next((word for word in words if str(word).lower() not in known), None)
    if unknown is not None:
        raise v.c.fail("a kind of layer that is not known", key, unknown, ", ".join(known))
    return [known[str(word).lower()] for word in words]


def _every(v: Values, n: int, other: str) -> list[str]:
    """Every so-manieth layer is global."""
    period = v.count("period")
    return [FULL if (i + 1) % period == 0 else other for i in range(n)]


def _groups(v: Values, n: int) -> list[str]:
    """Ling: the last layer of every group has attention, and all behind the last whole group."""
    whole = n - n % v.count("period")
    return _every(v, whole, MIX) + [FULL] * (n - whole)


def _pattern_of_letters(v: Values, n: int) -> list[str]:
    """EXAONE: a string such as LLLG, L for local, which repeats; or the distance of global layers."""
    pattern = v["period"]
    if not isinstance(pattern, str):
        return _every(v, n, WINDOW)
    return [WINDOW if pattern[i % len(pattern)] == "L" and i != n - 1 else FULL for i in range(n)]


def _jamba(v: Values, n: int) -> list[str]:
    period, offset = v.count("attention_period"), v.count("attention_offset")
    return [FULL if i % period == offset else MIX for i in range(n)]


def _indices(v: Values, n: int) -> list[str]:
    """Layers with attention by their places, from nought."""
    places = set(v["attention_at"] or ())
    return [FULL if i in places else MIX for i in range(n)]


def _kimi(v: Values, n: int) -> list[str]:
    """Layers with attention by their places, from one."""
    places = set(v["attention_at"] or ())
    return [FULL if i + 1 in places else MIX for i in range(n)]


def _flags(v: Values, n: int, yes: str, no: str) -> list[str]:
    """One flag a layer."""
    flags = v["layer_flags"]
    if not flags:
        return _every(v, n, yes)
    if len(flags) != n:
        raise v.c.fail("one flag a layer is needed", "layer_types", f"{len(flags)} entries", f"{n} entries")
    return [yes if flag else no for flag in flags]


def _late(v: Values, n: int) -> list[str]:
    """Qwen: layers from `late_from` on are windowed."""
    first = v.count("late_from")
    return [WINDOW if i >= first else FULL for i in range(n)]


_RULES: dict[str, Callable[[Values, int], list[str]]] = {
    "full": lambda v, n: [FULL] * n,
    "window": lambda v, n: [WINDOW] * n,
    "mix": lambda v, n: [MIX] * n,
    "both": lambda v, n: [BOTH] * n,
    "late": _late,
    "every": lambda v, n: _every(v, n, WINDOW),
    "every_first": lambda v, n: [WINDOW if i % v.count("period") else FULL for i in range(n)],
    "every_mix": lambda v, n: _every(v, n, MIX),
    "groups": _groups,
    "letters": _pattern_of_letters,
    "jamba": _jamba,
    "indices": _indices,
    "kimi": _kimi,
    "flags_window": lambda v, n: _flags(v, n, WINDOW, FULL),
    "flags_full": lambda v, n: _flags(v, n, FULL, MIX),
    "alternate": lambda v, n: [WINDOW if i % 2 == 0 else FULL for i in range(n)],
    "odd_window": lambda v, n: [WINDOW if i % 2 else FULL for i in range(n)],
    "even_full_mix": lambda v, n: [FULL if i % 2 == 0 else MIX for i in range(n)],
}


def _letters(v: Values) -> list[Any] | None:
    """Layers of one block each: a string of letters, or a list of names."""
    if "sublayers" not in v:
        return None
    found = v["sublayers"]
    if found is None:
        raise InputError(
            "missing key", where=v.c.where, key="hybrid_override_pattern", allowed="or layers_block_type, layer_types",
            remedy="add it: this model type has no default for it",
        )  # fmt: skip
    return list(found)


def mixer_kinds(v: Values) -> list[str]:
    """Return "full", "window", "mix", "both" or "none" for each layer: as the file lists them, else by the row's rule.

    Raises
    ------
    InputError
        A list of another length than there are layers, or of unknown kinds.
    """
    if "mixer_kinds" in v:
        return list(v["mixer_kinds"])
    letters = _letters(v)
    if letters is not None:
        if v.c.data.get("num_hidden_layers") is None:
            v.put("n_layers", len(letters))
        return _named(v, "layers_block_type", letters, _MIXERS, v.count("n_layers"))
    n, listed = v.count("n_layers"), v["layer_types"]
    if listed is not None:
        return _named(v, "layer_types", listed, _MIXERS, n)
    return _RULES[v["mixers"]](v, n)


def _sparse_from(v: Values, n: int) -> list[str]:
    """Leading dense layers, then experts in every so-manieth."""
    step = v["moe_step"]
    if isinstance(step, list):
        return _named(
            v, "moe_layer_freq", [str(x).lower() for x in step], {"1": MOE, "0": DENSE, "true": MOE, "false": DENSE}, n
        )
    return _within(v, n, [i % step == 0 for i in range(n)])


def _every_from(v: Values, n: int) -> list[str]:
    """ERNIE: the last of every so many layers."""
    step = v.count("moe_step")
    return _within(v, n, [(i + 1) % step == 0 for i in range(n)])


def _within(v: Values, n: int, wanted: list[bool]) -> list[str]:
    """Experts where they are wanted, after the leading dense layers and up to the last that may have them."""
    first, last = v.count("first_dense"), v["moe_last"]
    end = n if last is None or last < 0 else last
    return [MOE if first <= i <= end and wanted[i] else DENSE for i in range(n)]


def _qwen(v: Values, n: int) -> list[str]:
    dense, step = set(v["dense_at"] or ()), v.count("moe_step")
    return [DENSE if i in dense or (i + 1) % step else MOE for i in range(n)]


def _llama4(v: Values, n: int) -> list[str]:
    listed, step = v["moe_at"], v.count("moe_step")
    if listed is not None and (not isinstance(listed, list) or len(listed) > n):
        raise v.c.fail("not the places of layers", "moe_layers", listed, f"at most {n} places")
    n_moe = len(listed) if listed is not None else n // step if step else 0
    return [MOE] * n_moe + [DENSE] * (n - n_moe)


def _period(v: Values, n: int) -> list[str]:
    period, offset = v.count("moe_period"), v.count("moe_first")
    return [MOE if i % period == offset else DENSE for i in range(n)]


def _step(v: Values, n: int) -> list[str]:
    """Step 3: the places of layers with experts in a string, with commas between."""
    listed = v["moe_at"]
    if listed is None:
        return _sparse_from(v, n)
    named = [x.strip() for x in listed.split(",")] if isinstance(listed, str) else [str(x) for x in listed]
    if not all(x.isdigit() for x in named):
        raise v.c.fail("not the places of layers", "moe_layers_enum", listed, "whole numbers with commas between")
    places = {int(x) for x in named}
    return [MOE if i in places else DENSE for i in range(n)]


_BLOCK_RULES: dict[str, Callable[[Values, int], list[str]]] = {
    "all": lambda v, n: [MOE] * n,
    "from": _sparse_from,
    "every_from": _every_from,
    "qwen": _qwen,
    "llama4": _llama4,
    "period": _period,
    "step": _step,
}


def block_kinds(v: Values) -> list[str]:
    """Return "dense", "moe" or "none" for each layer.

    Raises
    ------
    InputError
        A list of another length than there are layers, or of unknown kinds.
    """
    letters, n = _letters(v), v.count("n_layers")
    if letters is not None:
        known = dict.fromkeys(_MIXERS, NONE) | {"moe": MOE, "e": MOE, "mlp": DENSE, "-": DENSE}
        return _named(v, "layers_block_type", letters, known, n)
    listed = v["mlp_layer_types"]
    if v["blocks"] == "dense" or not v["n_routed"] or v["n_routed"] == 1:
        if listed is not None and MOE in _named(v, "mlp_layer_types", listed, _BLOCKS, n):
            raise v.c.fail("layers with experts, of which there are none", "mlp_layer_types", "sparse", "dense")
        return [v["block"]] * n
    if listed is not None:
        return _named(v, "mlp_layer_types", listed, _BLOCKS, n)
    return _BLOCK_RULES[v["blocks"]](v, n)
