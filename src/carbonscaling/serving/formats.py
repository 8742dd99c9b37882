"""Number formats of weights and of keys and values, as people type them: bytes, and the matrix units that they run on."""

from __future__ import annotations

import re

from carbonscaling.errors import InputError, nearest
from carbonscaling.hardware.device import Device
from carbonscaling.hints import NamedTuple

__all__ = ["FORMATS", "Format", "format_named", "unit_of"]


class Format(NamedTuple):
    """A format: its name, bytes an element with its scales, and the matrix units that could take it, best first."""

    name: str
    bytes: float
    units: tuple[str, ...]


FORMATS: dict[str, Format] = {
    f.name: f
    for f in (
        Format("fp32", 4.0, ("fp32",)),
        Format("bf16", 2.0, ("bf16", "fp16")),
        Format("fp16", 2.0, ("fp16", "bf16")),
        Format("fp8", 1.0, ("fp8", "bf16", "fp16")),
        Format("int8", 1.0, ("int8", "bf16", "fp16")),
        # One 8-bit scale a block of 32 (OCP microscaling) or 16 (NVFP4); a 16-bit scale for each 128 (GPTQ, AWQ).
        Format("mxfp4", 0.5 + 1.0 / 32.0, ("fp4", "bf16", "fp16")),
        Format("nvfp4", 0.5 + 1.0 / 16.0, ("fp4", "bf16", "fp16")),
        Format("int4", 0.5 + 2.0 / 128.0, ("bf16", "fp16")),
    )
}

_NAMES = {
    "bfloat16": "bf16", "16": "bf16", "16bit": "bf16", "float16": "fp16", "half": "fp16", "f16": "fp16", "f32": "fp32",
    "float32": "fp32", "8": "fp8", "8bit": "fp8", "fp8block": "fp8", "fp8blockwise": "fp8", "e4m3": "fp8", "fp8e4m3": "fp8",
    "fp8e5m2": "fp8", "mxfp8": "fp8", "float8": "fp8", "w8a8": "int8", "smoothquant": "int8", "int8wo": "int8", "4": "int4",
    "fp4": "nvfp4", "4bit": "int4", "awq": "int4", "gptq": "int4", "w4a16": "int4", "w4a16awq": "int4", "marlin": "int4",
    "int4awq": "int4", "q4": "int4", "nvfp4fp4": "nvfp4", "mxfp4mxfp8": "mxfp4", "w4a8": "int4", "w4a8awq": "int4",
    "fp4mx": "mxfp4", "modeloptfp4": "nvfp4", "e5m2": "fp8", "nf4": "int4", "auto": "bf16", "mixed": "bf16",
}  # fmt: skip


def format_named(text: str, key: str = "weights") -> Format:
    """Return the format that a name stands for.

    Raises
    ------
    InputError
        No such format.

    >>> format_named("W4A16").name, format_named("FP8-E4M3").name
    ('int4', 'fp8')
    """
    name = re.sub(r"[\s_.\-/]+", "", text.lower())
    name = _NAMES.get(name, "fp8" if name.startswith("fp8") else name)
    if name not in FORMATS:
        raise InputError(
            "unknown number format", key=key, value=text, suggestion=nearest(name, [*FORMATS, *_NAMES]),
            allowed=", ".join(FORMATS), remedy="choose one of these, or leave it out",
        )  # fmt: skip
    return FORMATS[name]


def unit_of(form: Format, device: Device) -> str:
    """Return the matrix format that a device multiplies it in: its own where there is a unit, else 16 bit.

    Raises
    ------
    InputError
        The device has no unit that could take it.
    """
    for unit in form.units:
        if unit in device.peak:
            return unit
    device.peak_flops(form.units[0])
    raise AssertionError
