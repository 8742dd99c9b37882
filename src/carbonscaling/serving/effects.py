"""Which learnt effects a serving has: of its engine, its devices, its number format, and of how requests come."""

from __future__ import annotations

import math

from carbonscaling.serving.question import Question

__all__ = [
    "HEAT", "HOST_BOUND", "POWER", "POWER_PRIORS", "POWER_SPREAD", "PRIORS", "SPREAD", "Effects", "effects", "heat_effects",
    "taken",
]  # fmt: skip

Effects = tuple[str, ...]

SILICON = ("matmul", "routed", "attention", "prefill")
WAITING = ("layer", "step", "sequence")
TOGETHER = ("sum", "exchange")
APART = ("routed", "prefill", *WAITING, "exchange")
HOME = "NVIDIA"
"""Vendor whose generations have effects of their own; others' devices have one of the vendor, and one of its software's age."""
QUANTISED = ("fp8", "int4", "mxfp4", "nvfp4")
NEW_DEVICES = 2025
"""Software that names no release is of its day: of one that knows Blackwell, or formats below 16 bit; else of 2024."""

PRIORS = {
    **dict.fromkeys(SILICON, (1.0, 0.15)), "comm": (1.0, 0.2), "drawing": (1.0, 0.5), "layer": (3e-5, 0.3), "step": (3e-4, 0.3),
    "sequence": (3e-5, 0.3), "expert_layer": (2e-5, 0.3), "sum": (2e-5, 0.3), "exchange": (5e-5, 0.3),
}  # fmt: skip
"""What a term's factor is taken to be before any row is seen, and the spread of its logarithm: the silicon's own formulas hold;
launching a layer's kernels, or a small collective, takes tens of microseconds."""


def _spread(silicon: float, waiting: float, together: float = 0.4, comm: float = 0.15) -> dict[str, float]:
    own = {"comm": comm} | dict.fromkeys((*SILICON, "drawing"), silicon) | dict.fromkeys(TOGETHER, together)
    return {term: own.get(term, waiting) for term in PRIORS}


SPREAD = {
    "other": _spread(0.2, 0.4), "stack": _spread(0.2, 1.2), "engine": _spread(0.15, 0.3, 0.3), "untold": _spread(1.0, 1.0),
    "vendor": _spread(0.4, 0.5, 0.5), "AMD": _spread(0.8, 1.0, 1.0, 0.5), "Intel": _spread(0.8, 1.0, 1.0, 0.5),
    "source": _spread(0.3, 1.0, 1.0, 0.3), "machine": _spread(0.3, 1.0, 1.0, 0.3),
}  # fmt: skip
"""Spread of an effect's logarithm by its kind: releases differ most, in what the host takes; other vendors' kernels vary. What
a source's rows, or those of one machine of it, have in common is as wide: clients, hosts and settings that nobody states."""

HOST_BOUND = {
    "stack vllm early": {term: math.log(8.0) for term in WAITING},
    "AMD mid": {"attention": math.log(9.0)}, "AMD early": {"attention": math.log(9.0)},
}  # fmt: skip
"""What is believed beforehand: vLLM 0.5.3 spent 38 % of its time on the device (vllm_profile_2024): 1.6 s on the
host for each on the device, where later releases take about a fifth. On AMD, vLLM before 0.6.2 read keys and values 7 to 12
times as slowly as memory gives them, by throughput with and without the kernel that came then (vllm_rocm_2024)."""

POWER = ("weights", "attention", "prefill", "comm", "gaps", "host", "flops", "bytes")
"""What draws power above idle: shares of the time by cause, and shares of peak FLOP/s and of bandwidth."""
HEAT = dict(zip(POWER, (0.5, 0.6, 0.8, 0.4, 0.4, 0.05, 0.5, 0.3), strict=True))
POWER_PRIORS = {name: (value, 0.25) for name, value in HEAT.items()}
POWER_SPREAD = {
    kind: dict.fromkeys(POWER, spread) for kind, spread in (("other", 0.1), ("source", 0.5), ("machine", 0.5))
}


def _era(q: Question) -> str:
    """Return the age of the engine: early (vLLM before 0.6, TensorRT-LLM before 1.0), mid (no release, 2024), or new."""
    engine, device = q.engine, q.cluster.device
    new = device.year >= NEW_DEVICES or q.weights.name in QUANTISED
    if engine.release is None and engine.family == "trtllm":
        return "new" if new else "early"
    if engine.release is None:
        return "new" if new or engine.family == "sglang" else "mid"
    if engine.family == "trtllm" and engine.release is not None:
        return "early" if engine.release < (1, 0) and device.year < NEW_DEVICES else "new"
    return "early" if engine.early else "new"


def effects(q: Question) -> Effects:
    """Return the names of what a serving's time may depend on, widest first; one that no row had counts for nothing."""
    era, device = _era(q), q.cluster.device
    family = q.engine.family or "unknown"
    vendor = device.vendor
    made = (f"arch {device.architecture.split()[0]}",) if vendor == HOME else (f"vendor {vendor}", f"{vendor} {era}")
    served = ("online",) if q.mode in ("continuous", "disaggregated") else ()
    apart = ("disaggregated",) if q.mode == "disaggregated" else ()
    measured = (f"source {q.like}", f"machine {q.like} {device.id}") if q.like else ()
    return (
        "all",
        f"engine {family}",
        f"stack {family} {era}",
        *made,
        f"format {q.weights.name}",
        *served,
        *(("untold prompt",) if q.prompt is None else ()),
        *apart,
        *measured,
    )


def heat_effects(q: Question) -> Effects:
    """Return the names of what a serving's watts may depend on beside its shares of time."""
    return tuple(
        name
        for name in effects(q)
        if name == "all" or name.startswith(("arch ", "source ", "machine ", q.cluster.device.vendor))
    )


def taken(name: str, term: str) -> bool:
    """Whether an effect may move a term: formats and generations move the silicon's, how requests come moves waiting."""
    if name.startswith("arch "):
        return term in SILICON
    if name.startswith("format "):
        return term in ("matmul", "routed", "prefill")
    if name == "online":
        return term in WAITING
    if name == "untold prompt":
        return term == "prefill"
    return name != "disaggregated" or term in APART
