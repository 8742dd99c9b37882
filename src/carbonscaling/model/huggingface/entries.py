"""What a row of the table says of one number of the architecture: a constant, or keys of the file with a default.

An entry in quotes names keys, the first one found counts; after ``=`` stands what holds where none is there: a number, true,
false, null, or a product of other entries (``4 * d_model``, ``d_model / n_heads``). ``?`` lets the file say null, ``not`` turns
a switch round, a dot looks inside a nested object; what begins with ``=`` asks for no key. An entry that a row lacks is None.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from carbonscaling.model.huggingface.reader import Config

__all__ = ["WORDS", "Values"]

WORDS = frozenset("qk_norm gate norm mixer mixers blocks block text text_type like quirk ignored index_kind".split())  # noqa: SIM905
"""Entries that are names, not keys of a file."""
_ENTRY = re.compile(r"(?P<turned>not )?(?P<keys>[\w.|]+)(?P<null>\?)?(?: = (?P<default>.+))?")
_COUNT_0 = frozenset(
    """
    rope_dim first_dense n_shared d_shared mtp n_positions offset n_zero rank mix_state ple_dim laurel altup
    shared_layers moe_first out_rank compress_hc late_from residual_block
    """.split()  # noqa: SIM905
)
"""Counts that may be nought."""


class Values:
    """The numbers of a row, read from a file when they are asked for.

    Parameters
    ----------
    c : Config
        The file.
    row : Mapping
        A row of the table, with what it shares with others.
    kind : str
        Its name.
    """

    def __init__(self, c: Config, row: Mapping[str, Any], kind: str = "") -> None:
        self.c, self.row, self.kind = c, row, kind
        self.defaulted: dict[str, Any] = {}
        self._known: dict[str, Any] = {}
        self._children: dict[str, Config] = {}

    def __contains__(self, name: str) -> bool:
        """Whether the row has an entry of this name."""
        return name in self.row or name in self._known

    def __getitem__(self, name: str) -> Any:
        """Return the value of an entry.

        Raises
        ------
        InputError
            Its key is missing without default, or of the wrong type or range.
        """
        if name not in self._known:
            entry = self.row.get(name)
            self._known[name] = self._read(name, entry) if isinstance(entry, str) and name not in WORDS else entry
        return self._known[name]

    def put(self, name: str, value: Any) -> None:
        """Set a value that follows from others in no simple way."""
        self._known[name] = value

    def count(self, name: str) -> int:
        """Return the value of an entry that is a number.

        Raises
        ------
        InputError
            It is a list or a text.
        """
        value = self[name]
        if not isinstance(value, int):
            raise self.c.fail("not a usable count", self.key(name), value, "a whole number")
        return int(value)

    def key(self, name: str) -> str:
        """Return the key of a file that an entry names first."""
        parts = _ENTRY.fullmatch(str(self.row.get(name)))
        return parts["keys"].split("|")[0] if parts else name

    def know_all(self) -> None:
        """Mark every key that the row names as one that the type has, asked for or not."""
        for name, entry in self.row.items():
            parts = _ENTRY.fullmatch(entry) if isinstance(entry, str) and name not in WORDS else None
            for path in parts["keys"].split("|") if parts else ():
                c, key = self._place(path)
                c.read.add(key)

    def _place(self, path: str) -> tuple[Config, str]:
        *parents, key = path.split(".")
        c = self.c
        for parent in parents:
            if parent not in self._children:
                self._children[parent] = c.child(parent, default={})
            c = self._children[parent]
        return c, key

    def _read(self, name: str, entry: str) -> Any:
        if entry.startswith("= "):
            return self._default(entry[2:])
        parts = _ENTRY.fullmatch(entry)
        if parts is None:
            raise AssertionError(f"{name}: no entry of the table: {entry!r}")
        places = [self._place(path) for path in parts["keys"].split("|")]
        for c, key in places:
            c.read.add(key)
        found = next(((c, key) for c, key in places if c.data.get(key) is not None), None)
        if name in _ONE_NUMBER and found is not None:
            self._agree(places, found)
        nulled = next(((c, key) for c, key in places if key in c.data), None)
        if found is None and nulled is not None and parts["null"]:
            return None
        if found is None:
            if parts["default"] is None:
                c, key = places[0]
                return c.integer(*(key for _, key in places))  # says which key is missing
            value = self._default(parts["default"])
            self.defaulted[parts["keys"]] = value
            return value
        c, key = found
        value = _checked(c, key, name, _PER_LAYER if self.row.get("quirk") == "per_layer_lists" else _MAY_BE_LISTS)
        return not value if parts["turned"] else value

    def _agree(self, places: list[tuple[Config, str]], found: tuple[Config, str]) -> None:
        """Refuse a number that stands under two keys and differs."""
        value = found[0].data[found[1]]
        other = next((key for c, key in places if c.data.get(key) not in (None, value)), None)
        if other is not None:
            raise self.c.fail(
                f"two keys of one number differ: {found[1]} is {value}", other, self.c.data.get(other), "the same"
            )

    def _default(self, text: str) -> Any:
        """Return a default: JSON, or a product of entries and numbers."""
        try:
            return json.loads(text)
        except ValueError:
            pass
        value, sign = 1, "*"
        for token in text.split():
            if token in ("*", "/"):
                sign = token
                continue
            factor = int(token) if token.isdigit() else self[token]
            if factor is None:
                return None
            if sign == "/" and value % factor:
                raise self.c.fail(
                    "the heads do not divide the model width", "num_attention_heads", factor, f"a divisor of {value}"
                )
            value = value * factor if sign == "*" else value // factor
        return value


_ONE_NUMBER = frozenset(("n_layers", "d_model", "n_heads", "n_routed", "top_k", "vocab"))
"""Entries whose keys are names of one number, where those of others are a special case before a general one."""


def _checked(c: Config, key: str, name: str, lists: frozenset[str]) -> Any:
    """Return the value under a key, of the kind that the entry's name asks for."""
    value = c.data[key]
    if name in _FLAGS:
        return c.flag(key, False)
    if name in _LISTS or (name in lists and isinstance(value, list)):
        listed = c.items(key) or []
        if not all(isinstance(item, int | str) for item in listed):
            raise c.fail("not a list of names or numbers", key, value, "names or numbers")
        return listed
    if name in _TEXTS and isinstance(value, str):
        return c.text(key, "")
    return c.integer(key, minimum=-1 if name == "moe_last" else 0 if name in _COUNT_0 else 1)


_LISTS = frozenset(
    "layer_types mlp_layer_types layer_flags attention_at dense_at ratios index_kinds compressed heads_at".split()  # noqa: SIM905
)
"""Entries that are lists, one item a layer or the places of layers."""
_MAY_BE_LISTS = frozenset(("d_ff", "moe_step", "sublayers", "moe_at"))
_PER_LAYER = _MAY_BE_LISTS | {"n_routed", "top_k", "d_expert", "n_shared"}
_TEXTS = frozenset(("period", "rank", "sublayers", "moe_at", "mix_dim"))
_FLAGS = frozenset(
    """
    tied qkv_bias out_bias mlp_bias sinks one_kv causal window_if qk_norm_if gate_if gated expert_bias router_bias shared_gate
    final_norm embedding_norm parallel head_bias mix_bias conv_bias inner_norm learned norm_affine norm_bias expert_gated
    full_gate latent_norm parallel_new multi_query double_wide local_sinks local_one_kv adjusted
    final_removed alibi qk_norm_phi moe_if crossed shared score_bias
    """.split()  # noqa: SIM905
)
"""Entries that are switches."""


def stated(defaulted: Mapping[str, Any]) -> str:
    """Name the defaults that were used.

    >>> stated({"head_dim": 128, "tie_word_embeddings": False})
    'head_dim 128, tie_word_embeddings false'
    """
    return ", ".join(f"{key.split('|')[0]} {json.dumps(value)}" for key, value in sorted(defaulted.items()))
