"""How often a step reads the keys and values that query heads share: once, or once for each of them."""

from __future__ import annotations

from carbonscaling.serving.effects import HOME, era
from carbonscaling.serving.formats import FORMATS
from carbonscaling.serving.question import Question

__all__ = ["grouped", "readings"]


BEFORE = ("Volta", "Turing")
"""Generations that FlashAttention-2 does not run on."""


def grouped(q: Question) -> bool:
    """Whether the kernel of a step reads keys and values once for all query heads that share them.

    vLLM's own kernel works a query head at a time (vllm_gqa_2023, vllm_gqa_2025). Its first engine, before 0.8, takes it where
    FlashAttention-2 cannot stand in (vllm_selector_2024): keys and values in 8 bit, devices before Ampere, and on AMD until the
    port's own kernel of September 2024 (vllm_rocm_2024).
    """
    if q.engine.family != "vllm" or era(q) == "new":
        return True
    device = q.cluster.device
    foreign = device.vendor != HOME and (q.engine.release is None or q.engine.release < (0, 6))
    return not (foreign or device.architecture in BEFORE or q.kv.bytes < FORMATS["bf16"].bytes)


def readings(q: Question) -> float:
    """Return the times that a step reads a layer's keys and values; a latent is one head to all, and read once."""
    if grouped(q):
        return 1.0
    shared = [(a.n_heads / a.n_kv_heads, n) for a, n in q.spec.attentions if a.kv_lora_rank is None]
    return sum(group * n for group, n in shared) / sum(n for _, n in shared) if shared else 1.0
