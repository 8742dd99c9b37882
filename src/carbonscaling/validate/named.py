"""Kernels by the names that measurements give them."""

from __future__ import annotations

from typing import Literal

__all__ = ["kernels_named"]

_NORMS = {"norm", "rms"}
"""Words of a row that names a kernel for its norms."""

Kernel = Literal["explicit", "explicit-separate", "flash1", "flash2"]


def kernels_named(text: str) -> tuple[Kernel | None, Literal["separate"] | None]:
    """Return the attention kernel and the norms of a row that names them; none of a row that names nothing.

    Fused where it says "flash", by version; else explicit, of separate kernels where it says "torch". A row that names kernels
    but none for the norms has PyTorch's own.

    >>> kernels_named("flash_attention2 + RMS kernel"), kernels_named("torch")
    (('flash2', None), ('explicit-separate', 'separate'))
    """
    words = text.lower()
    if not words:
        return None, None
    norms: Literal["separate"] | None = None if _NORMS.intersection(words.split()) else "separate"
    if "flash" in words:
        return "flash1" if "v1" in words else "flash2", norms
    return "explicit-separate" if "torch" in words else "explicit", norms
