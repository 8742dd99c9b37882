"""How a step reads the keys and values that query heads share: once or once for each of them, and by which age of kernel."""

from __future__ import annotations

from carbonscaling.serving.age import HOME, era
from carbonscaling.serving.formats import FORMATS
from carbonscaling.serving.port import port
from carbonscaling.serving.question import Question

__all__ = ["grouped", "readings", "shared_slowly"]


BEFORE = ("Volta", "Turing")
"""Generations that FlashAttention-2 does not run on."""
XQA = (0, 8)
"""Release of TensorRT-LLM from which shared heads have a kernel of their own (trtllm_xqa_2024)."""


def grouped(q: Question) -> bool:
    """Whether the kernel of a step reads keys and values once for all query heads that share them.

    vLLM's own kernel works a query head at a time (vllm_gqa_2023, vllm_gqa_2025). Its first engine, before 0.8, takes it where
    FlashAttention-2 cannot stand in (vllm_selector_2024): keys and values in 8 bit, devices before Ampere, and on AMD until the
    port's own kernel of September 2024 (vllm_rocm_2024), which took those in 8 bit within a week (its pull request 8577).
    """
    if q.engine.family != "vllm" or era(q) == "new":
        return True
    if q.cluster.device.vendor != HOME:
        return port(q) == "new"
    return not (q.cluster.device.architecture in BEFORE or q.kv.bytes < FORMATS["bf16"].bytes)


def _shared(q: Question) -> list[tuple[float, int]]:
    """Query heads a key head, and layers; a latent is one head to all, and read once."""
    return [(a.n_heads / a.n_kv_heads, n) for a, n in q.spec.attentions if a.kv_lora_rank is None]


def readings(q: Question) -> float:
    """Return the times that a step reads a layer's keys and values."""
    shared = [] if grouped(q) else _shared(q)
    return sum(group * n for group, n in shared) / sum(n for _, n in shared) if shared else 1.0


def shared_slowly(q: Question) -> bool:
    """Whether heads are shared, and read once, by a kernel from before those that were made for it.

    FlashAttention got its own in September 2024 (flash_gqa_2024), TensorRT-LLM in 0.8.
    """
    old = era(q) != "new" and (q.engine.family != "trtllm" or (q.engine.release or (0, 0)) < XQA)
    shares = any(group > 1.0 for group, _ in _shared(q))
    return old and shares and q.cluster.device.vendor == HOME and grouped(q)
