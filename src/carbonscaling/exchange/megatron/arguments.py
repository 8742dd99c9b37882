"""The words of a command line as Megatron-LM's arguments."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from typing import Any

from carbonscaling.exchange.release import known_names
from carbonscaling.exchange.shell import UNKNOWN

__all__ = ["ELSEWHERE", "LATER", "behind_script", "flat", "parsed", "trainer"]

ELSEWHERE = "arguments in variables that only a run sets"
"""Name of those that cannot be told at all."""
LATER = "its value is known only when the script runs"
LEAST = 3
"""Arguments below which a command is not taken for a trainer's."""
FORMER = {
    "model-parallel-size": "1", "checkpoint-activations": "0", "recompute-activations": "0", "fp8-hybrid": "0", "fp8-e4m3": "0",
    "num-layers-per-virtual-pipeline-stage": "1", "use-rotary-position-embeddings": "0", "activations-checkpoint-method": "1",
    "distribute-checkpointed-activations": "0", "accumulate-allreduce-grads-in-fp32": "0", "use-flash-attn-v2": "0",
    "account-for-embedding-in-pipeline-split": "0", "account-for-loss-in-pipeline-split": "0", "fp8-wgrad": "0",
    "moe-enable-deepep": "0", "enable-cuda-graph": "0", "external-cuda-graph": "0", "use-mcore-models": "0",
    "use-legacy-models": "0", "zero-stage": "1", "deepspeed": "0", "deepspeed-config": "1", "ds-sequence-parallel-size": "1",
    "deepspeed-activation-checkpointing": "0", "no-pipeline-parallel": "0", "partition-activations": "0",
    "checkpoint-num-layers": "1",
    "moe-expert-parallel-size": "1", "topk": "1", "expert-interval": "+", "train-tokens": "1", "pad-vocab-size-to": "1",
    "no-async-tensor-model-parallel-allreduce": "0", "embed-layernorm": "0",
    "synchronize-each-layer": "0", "contiguous-checkpointing": "0",
    "no-position-embedding": "0", "DDP-impl": "1", "num-workers": "1",
}  # fmt: skip
"""Arguments of earlier releases, with how many values follow them."""


def flat(words: Iterable[str]) -> list[str]:
    """Return words with those split again that hold a command line of their own, as behind ``bash -c``.

    >>> flat(["bash", "-c", "python train.py --lr 1e-4"])
    ['bash', '-c', 'python', 'train.py', '--lr', '1e-4']
    """
    found: list[str] = []
    for word in words:
        if re.search(r"(^|\s)--?\w", word) and re.search(r"\s", word):
            try:
                found += shlex.split(word, comments=True)
            except ValueError:
                found += word.split()
        else:
            found.append(word)
    return found


def trainer(commands: Sequence[Sequence[str]]) -> list[str]:
    """Return the command with the most arguments that Megatron-LM knows; nothing where none has a few."""
    known = known_names("megatron").keys() | FORMER.keys()

    def count(words: Sequence[str]) -> int:
        return sum(_name(word) in known for word in words if word.startswith("--"))

    best = max(map(flat, commands), key=count, default=[])
    return best if count(best) >= LEAST else []


def behind_script(words: Sequence[str]) -> list[str]:
    """Return what stands behind the Python script of a command; all of it where there is none."""
    at = next((n for n, word in enumerate(words) if word.endswith(".py")), -1)
    return [*words[at + 1 :]]


def _name(word: str) -> str:
    return word.lstrip("-").partition("=")[0].replace("_", "-")


def parsed(words: Sequence[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return arguments by their names with underscores, and those that no release has or that only a run would tell.

    A switch is True, numbers are numbers, several values are a list.
    """
    known, said, strange = known_names("megatron"), dict[str, Any](), dict[str, str]()
    place = 0
    while place < len(words):
        word = words[place]
        place += 1
        if word == UNKNOWN:
            strange[ELSEWHERE] = LATER
        if not _is_flag(word):
            continue
        name, _, inline = word[2:].partition("=")
        plain = name.replace("_", "-")
        expected = known[plain].values if plain in known else FORMER.get(plain)
        values = [inline] if inline else []
        most = int(expected) if expected and expected.isdigit() else len(words)
        while not inline and place < len(words) and len(values) < most and not _is_flag(words[place]):
            values.append(words[place])
            place += 1
        key = plain.replace("-", "_")
        if expected is None:
            strange[key] = f"no argument of Megatron-LM{': ' + ' '.join(values) if values else ''}".replace(
                UNKNOWN, "…"
            )
        elif any(UNKNOWN in value for value in values):
            strange[key] = LATER
        else:
            several = expected == "+" or int(expected) > 1
            said[key] = True if not values else [*map(_value, values)] if several else _value(values[0])
    return said, strange


def _is_flag(word: str) -> bool:
    return word.startswith("--") and len(word) > 2


def _value(text: str) -> Any:
    """Return a number where a word is one."""
    if re.fullmatch(r"[+-]?\d[\d_]{0,18}", text):
        return int(text)
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text):
        return float(text)
    return text
