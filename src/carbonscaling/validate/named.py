"""Kernels, number formats and software stacks by the names that measurements give them."""

from __future__ import annotations

import re
from typing import Literal

from carbonscaling.catalog.stacks import stack_names
from carbonscaling.hardware.device import Device
from carbonscaling.software.options import option_value

__all__ = ["kernels_named", "recipe_named", "software_named", "stack_named", "states_named"]

_NORMS = {"norm", "rms"}
"""Words of a row that names a kernel for its norms."""

Kernel = Literal["explicit", "explicit-separate", "flash1", "flash2", "native"]

_NATIVE = re.compile(
    r"cudnn|transformer.?engine|\bte\b|splash|pallas|aiter|composable|\bck\b|(?:flash[a-z_ -]*|fa)v?[345]"
)
_FIRST = re.compile(r"(?:flash[a-z_ -]*|fa)v?1\b|v1\b|xformers|memory.efficient")
_FUSED = re.compile(r"flash|\bfa2?\b|sdpa")


def kernels_named(text: str) -> tuple[Kernel | None, Literal["separate"] | None]:
    """Return the attention kernel and the norms of a row that names them; none of a row that names nothing.

    Kernels of the generation, by their names and versions; fused where it says "flash", by version; else explicit, of separate
    kernels where it says "torch". A row that names kernels but none for the norms has PyTorch's own.

    >>> kernels_named("flash_attention2 + RMS kernel"), kernels_named("torch")
    (('flash2', None), ('explicit-separate', 'separate'))
    """
    words = text.lower()
    if not words:
        return None, None
    norms: Literal["separate"] | None = None if _NORMS.intersection(words.split()) else "separate"
    if _NATIVE.search(words):
        return "native", None
    if _FIRST.search(words):
        return "flash1", norms
    if _FUSED.search(words):
        return "flash2", norms
    return "explicit-separate" if "torch" in words else "explicit", norms


PRECISION_NAMES = {
    "bfloat16": "bf16", "float16": "fp16", "half": "fp16", "float32": "fp32", "fp8-mx/blockwise": "mxfp8", "fp8-mx": "mxfp8",
    "mxfp4": "nvfp4", "fp4": "nvfp4", "msamp": "fp8", "ms-amp": "fp8", "te": "fp8",
}  # fmt: skip
"""Names in measurements that differ from the recipes' own."""

SIXTEEN_BIT = ("", "amp", "mixed", "16", "16-bit", "16-mixed", "bf16/fp16", "fp16/bf16")
"""Names that leave open which 16-bit format it is: the device's own."""

EIGHT_BIT_SCALINGS = (
    "cs", "blockwise", "block", "tensorwise", "rowwise", "delayed", "current", "te", "msamp", "ms-amp", "hybrid", "e4m3",
    "subchannel", "mixed", "amp", "torchao", "ds", "ptc",
)  # fmt: skip
"""What measurements write behind "fp8": how a tensor is scaled, or whose recipe it is."""

STACK_NAMES = {
    "megatron-lm": "megatron", "megatron-core": "megatron", "mcore": "megatron", "nemo": "megatron", "megatron-llm": "megatron",
    "fsdp1": "fsdp", "pytorch-fsdp": "fsdp", "fms": "fms-fsdp", "composer": "llm-foundry",
    "neox": "gpt-neox", "colossal-ai": "colossalai", "lit-gpt": "litgpt", "olmo": "olmo-core", "deepspeed-zero": "deepspeed",
    "nemo-automodel": "automodel",
    "transformers": "deepspeed", "megatron-deepspeed-bigscience": "megatron-deepspeed", "jax": "xla", "paxml": "pax",
    "praxis": "pax", "t5x": "jax-2023", "levanter": "jax-2023", "axlearn": "jax-2023", "alpa": "jax-2023",
    "easylm": "jax-2023", "mesh-transformer-jax": "jax-2023", "marin": "xla", "torch-xla": "xla",
    "pytorch": "community", "ddp": "community", "lightning": "community",
    "bmtrain": "community", "modded-nanogpt": "community", "nanochat": "community", "nanogpt": "community",
    "picotron": "community", "te": "community", "transformer-engine": "community", "unsloth": "community",
    "flame": "torchtitan", "open-lm": "fsdp", "prime-rl": "fsdp2", "torchtune": "fsdp2", "veomni": "fsdp2",
    "accelerate": "deepspeed", "axolotl": "deepspeed", "huggingface": "deepspeed", "llama-factory": "deepspeed",
    "ms-swift": "deepspeed", "optimum-habana": "deepspeed", "trainer": "deepspeed", "trl": "deepspeed",
    "flagscale": "megatron", "megatron-swift": "megatron", "mindspeed": "megatron", "mindspeed-llm": "megatron",
    "pai-megatron-patch": "megatron",
}  # fmt: skip
"""Names of stacks in measurements that differ from the catalogue's own, and of programs by the engine that they run on."""


def recipe_named(text: str, device: Device) -> str:
    """Return the recipe that a name stands for: 16 bit where it leaves the format open, the low format of several.

    Mixed precision is what all recipes are, so that "mixed", "amp" and "true" say nothing more. A device without units for
    bfloat16 (NVIDIA's before Ampere) multiplies it in float32.

    >>> from carbonscaling.catalog.hardware import device
    >>> [recipe_named(name, device("h100")) for name in ("fp8-tensorwise", "amp", "bf16+fp8", "tf32", "BF16 mixed precision")]
    ['fp8', 'bf16', 'fp8', 'tf32', 'bf16']
    >>> recipe_named("bfloat16", device("v100"))
    'fp32'
    """
    name = "-".join(re.findall(r"[^\s_()-]+", text.lower().replace("precision", "")))
    if "+" in name:
        name = min(name.split("+"), key=lambda part: int("".join(c for c in part if c.isdigit()) or 99)).strip("-")
    for word in ("-mixed", "-true", "-amp", "amp-", "mixed-"):
        name = name.removesuffix(word) if word.startswith("-") else name.removeprefix(word)
    base, _, scaling = name.partition("-")
    if base == "fp8" and scaling in EIGHT_BIT_SCALINGS:
        return "fp8"
    if name in SIXTEEN_BIT:
        return "bf16" if "bf16" in device.peak else "fp16"
    found = PRECISION_NAMES.get(name, name)
    return "fp32" if found == "bf16" and "bf16" not in device.peak else found


def states_named(text: str) -> str:
    """Return what a number format's name says of its states and of their scales, as options; "" where it says none.

    MS-AMP (arXiv 2310.18313, section 2.1) keeps weights in 8 bit, by rows and by columns as Hopper's products take them,
    gradients in 8 bit, master weights in 16 and moments in 8 and 16.

    >>> states_named("fp8-msamp"), states_named("FP8 rowwise"), states_named("fp8-te")
    ('weight_bytes=2; gradient_bytes=1; optimizer_bytes=5; ', 'row_scales=yes; ', '')
    """
    name = text.lower().replace("-", "")
    msamp = "weight_bytes=2; gradient_bytes=1; optimizer_bytes=5; " if "msamp" in name else ""
    return msamp + ("row_scales=yes; " if "rowwise" in name else "")


def stack_named(text: str) -> str:
    """Return the stack of the catalogue that a name stands for, or the name as it would be written there.

    Of several words the first that names an engine: PyTorch beneath it, or a program that nobody knows, says less.

    >>> stack_named("NeMo"), stack_named("llm.c"), stack_named("MyTrainer (PyTorch FSDP2)")
    ('megatron', 'llm.c', 'fsdp2')
    """
    if text.endswith(".toml"):
        return text
    name = text.lower().replace("_", "-").replace(" ", "-")
    if name in STACK_NAMES or name in stack_names():
        return STACK_NAMES.get(name, name)
    words = re.findall(r"[\w.-]+", text.lower().replace("_", "-"))
    known = [found for word in words if (found := STACK_NAMES.get(word, word)) in stack_names()]
    return next((found for found in known if found != "community"), known[0] if known else name)


def software_named(text: str) -> dict[str, bool | float | str]:
    """Return the options of its software that a row states: KEY=VALUE, semicolons between.

    >>> software_named("compile=no; head_placement=balanced")
    {'compile': False, 'head_placement': 'balanced'}

    Raises
    ------
    InputError
        As `option_value`.
    """
    return dict(option_value(part) for part in text.lower().split(";") if part.strip())
