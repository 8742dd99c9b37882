"""The software that serves, as people name it: family and release."""

from __future__ import annotations

import re

from carbonscaling.errors import InputError, nearest
from carbonscaling.hints import NamedTuple

__all__ = ["Engine", "engine_asked", "engine_named"]


class Engine(NamedTuple):
    """An engine by family and release; `release` is (major, minor), or None where nobody says.

    `ported`: built by the maker of the devices, with kernels that reach the engine's own releases later (vLLM's "+rocm").
    """

    family: str
    release: tuple[int, int] | None
    ported: bool = False

    @property
    def early(self) -> bool | None:
        """Whether its scheduler and launches run before every step on the host: None where the release is not known.

        vLLM before 0.6 (its release notes of September 2024: 2.7 times the throughput from that alone).
        """
        if self.release is None:
            return None
        return self.family == "vllm" and self.release < (0, 6)

    @property
    def spreads_experts(self) -> bool:
        """Whether experts can lie whole on ranks that share out requests: in vLLM since 2025 (its issue 16037, after 0.8)."""
        if self.family == "vllm" and self.release is not None:
            return self.release >= (0, 9)
        return self.family in ("", "vllm", "sglang", "trtllm")


_FAMILIES = {
    "trtllm": "trtllm", "tensorrt": "trtllm", "dynamotrt": "trtllm", "vllm": "vllm", "sglang": "sglang", "sgl": "sglang",
    "mii": "mii", "deepspeed": "mii", "tgi": "tgi", "textgenerationinference": "tgi", "lmdeploy": "lmdeploy",
    "llamacpp": "llamacpp", "ollama": "llamacpp", "transformers": "transformers", "pytorch": "transformers",
    "sambaflow": "sambaflow", "trt": "trtllm",
}  # fmt: skip
"""Words in a name, in small letters alone, and the family that each stands for: the first that is in it."""


def engine_named(text: str) -> Engine:
    """Return the engine that a name stands for; family "" where nobody says, or it is none of those known.

    >>> engine_named("TensorRT-LLM v0.17.0"), engine_named("vllm nightly-5b8c")
    (Engine(family='trtllm', release=(0, 17), ported=False), Engine(family='vllm', release=None, ported=False))
    """
    letters = re.sub(r"[^a-z]", "", text.lower())
    family = next((known for word, known in _FAMILIES.items() if word in letters), "")
    # "TensorRT 10.11" is the compiler's release; what serves (TensorRT-LLM) counts its own and is not told.
    compiler = re.search(r"tensorrt[\s-]*\d", text.lower())
    found = None if compiler else re.search(r"(?<![\d.])(\d+)\.(\d+)", text)
    return Engine(family, (int(found[1]), int(found[2])) if found else None, "+rocm" in text.lower())


def engine_asked(text: str) -> Engine:
    """Return the engine that a person asks for; one that is not known here has family "".

    Raises
    ------
    InputError
        The name misspells that of a known engine: its speed would be that of no engine in particular.
    """
    found, words = engine_named(text), re.findall(r"[a-z]+", text.lower())
    if not found.family and words and (meant := nearest(words[0], _FAMILIES)):
        raise InputError(
            "unknown engine", key="engine", value=text, suggestion=text.lower().replace(words[0], meant, 1),
            allowed=", ".join(dict.fromkeys(_FAMILIES.values())) + ", with a release; or any other name",
            remedy="correct the name",
        )  # fmt: skip
    return found
