"""How old the software is that serves."""

from __future__ import annotations

from carbonscaling.serving.question import Question

__all__ = ["HOME", "era", "served"]

HOME = "NVIDIA"
"""Vendor whose generations have effects of their own; others' devices have one of the vendor, and one of its software's age."""
QUANTISED = ("fp8", "int4", "mxfp4", "nvfp4")
VLLM_ONE = (0, 8)
"""Release of vLLM from which its second engine is the usual one: it prepares the next step's inputs by what changed."""
NEW_DEVICES = 2025
"""Software that names no release is of its day: of one that knows Blackwell, or formats below 16 bit; else of 2024."""


def era(q: Question) -> str:
    """Return the age of the engine: early (vLLM before 0.6, TensorRT-LLM before 1), mid (vLLM before 0.8, or 2024), or new.

    vLLM before 0.6 is early behind its server alone, which shared a process with the scheduler (decision 358). AMD's own builds
    bring a schedule of their own, several steps at once (amd_mlperf_2025, decision 515).
    """
    engine, device = q.engine, q.cluster.device
    new = device.year >= NEW_DEVICES or q.weights.name in QUANTISED
    if engine.release is None and engine.family == "trtllm":
        return "new" if new else "early"
    if engine.release is None:
        return "new" if new or engine.family == "sglang" else "mid"
    if engine.family == "trtllm":
        # What serves prompts apart is Dynamo of 2025 and later, which counts its own releases from 0.1.
        later = device.year >= NEW_DEVICES or q.mode == "disaggregated"
        return "early" if engine.release < (1, 0) and not later else "new"
    if engine.family == "vllm" and engine.release < VLLM_ONE and not engine.ported:
        return "early" if engine.early and served(q) else "mid"
    return "new"


def served(q: Question) -> bool:
    """Return whether requests come from outside, one by one, through a server."""
    return q.mode in ("continuous", "disaggregated")
