"""Which learnt effects a serving has: of its engine, its devices, its number format, and of how requests come."""

from __future__ import annotations

import math

from carbonscaling.serving.age import HOME, era, served
from carbonscaling.serving.grouping import shared_slowly
from carbonscaling.serving.port import port
from carbonscaling.serving.question import Question

__all__ = [
    "BELIEVED", "HEAT", "POWER", "POWER_PRIORS", "POWER_SPREAD", "PRIORS", "SPREAD", "Effects", "effects", "heat_effects",
    "taken",
]  # fmt: skip

Effects = tuple[str, ...]

SILICON = ("matmul", "routed", "attention", "prefill")
WAITING = ("layer", "step", "sequence")
TOGETHER = ("sum", "exchange")
APART = ("routed", "prefill", *WAITING, "exchange")

PRIORS = {
    **dict.fromkeys(SILICON, (1.0, 0.04)), "comm": (1.0, 0.05), "drawing": (1.0, 0.12), "layer": (4.2e-5, 0.08),
    "step": (3e-4, 0.08), "sequence": (3e-5, 0.08), "expert_layer": (2e-5, 0.08), "sum": (2.9e-5, 0.08),
    "exchange": (5e-5, 0.08),
}  # fmt: skip
"""What a term's factor is taken to be before any row is seen, and the spread of its logarithm: the silicon's own formulas hold.
A layer's kernels in a graph take 42 us beyond them (gpt_fast_readme_2024: seven figures of Llama 2 7B and 70B in 16 bit on 1
to 8 A100 give 37 to 47), a large sum over tensor ranks 29 (`step.small_sum`); others take tens of microseconds."""


def _spread(silicon: float, waiting: float, together: float = 0.1, comm: float = 0.04) -> dict[str, float]:
    own = {"comm": comm} | dict.fromkeys((*SILICON, "drawing"), silicon) | dict.fromkeys(TOGETHER, together)
    return {term: own.get(term, waiting) for term in PRIORS}


SPREAD = {
    "other": _spread(0.05, 0.1), "engine": _spread(0.04, 0.08, 0.08), "stack": _spread(0.1, 0.6, 0.2, 0.08),
    "untold": _spread(0.5, 0.5), "shared": _spread(0.15, 0.1), "vendor": _spread(0.4, 0.5, 0.5, 0.15),
    "kernels": _spread(0.4, 0.5), "AMD": _spread(0.8, 1.0, 1.0, 0.5),
    "Intel": _spread(0.8, 1.0, 1.0, 0.5), "source": _spread(0.3, 1.0, 1.0, 0.3), "machine": _spread(0.3, 1.0, 1.0, 0.3),
}  # fmt: skip
"""Spread of an effect's logarithm by its kind. Widest is what a source's rows, or those of one machine of it, have in common
(clients, hosts and settings that nobody states), and another vendor's port; then an engine's experts on a generation, and a
release, in what its host takes. What all
rows, an engine, a generation or a format share stays near the physics: few sources cannot tell it from what is theirs."""

BELIEVED = {
    "stack vllm early": {"layer": math.log(2.4e-4 / 4.2e-5), "step": math.log(8.0), "sequence": math.log(8.0)},
    "stack vllm early experts": {"sequence": math.log(2.3)},
    "stack vllm mid": {term: math.log(2.4) for term in ("step", "sequence")},
    "engine transformers": {"layer": math.log(9.3e-4 / 4.2e-5)},
    "shared heads": {"attention": math.log(1.5)},
    "AMD mid": {"layer": math.log(7.4e-5 / 4.2e-5)},
    "AMD new experts": {"routed": math.log(1.9)},
    "format int8": dict.fromkeys(("matmul", "routed"), math.log(1.18)),
    "format int4": dict.fromkeys(("matmul", "routed"), math.log(1.37)),
}
"""What is believed beforehand. vLLM 0.5.3 spent 38 % of its time on the device, 29 % on scheduling and 33 % on its server
(vllm_profile_2024): 1.6 s on the host for each on the device, where later releases take about a fifth. Scheduling alone is
42 us a sequence of the 256 that it had in flight, beside the 30 of the prior, which is all that later releases before 0.8
add; a caller in the engine's own process has that alone. Without a graph a layer of PyTorch's own kernels takes 0.93 ms of
the host (gpt_fast_2023: 25.5 and 107 tokens/s). Weights that kernels unpack to 16 bit come more slowly than their bytes say
(gpt_fast_readme_2024, Llama 2 7B and 70B on one A100: 1.21 and 1.15 times with 8 bit, 1.38 and 1.35 with 4). Keys and values
that query heads share came half as slowly again by kernels of 2024 as those of heads on their own (decision 405). A layer's
kernels took 74 us in AMD's graphs of 2024 (one request on eight MI300X, beside weights and sums: 83 of Llama 3.1 405B in
oracle_mi300x_2024; AMD's own builds of 70B and 405B took 66 in January 2025, and 45 to 61 from March on: rocm_vllm_2025).
Routed experts took at least 1.9 times on MI300X in software of 2026 (decision 446: vLLM 0.17, SGLang 0.5.13)."""

POWER = ("weights", "attention", "prefill", "comm", "gaps", "host", "flops", "bytes", "filled")
"""What draws power above idle: shares of the time by cause, shares of peak FLOP/s and of bandwidth, and the share
of the time of multiplications by full tiles. Rows of a tile without a token are zeros, and a multiplication that switches no
bit draws up to 40 % less (gregersen_2024)."""
HEAT = dict(zip(POWER, (0.3, 0.6, 0.8, 0.4, 0.4, 0.05, 0.5, 0.3, 0.2), strict=True))
POWER_PRIORS = {name: (value, 0.12) for name, value in HEAT.items()}
POWER_SPREAD = {
    kind: dict.fromkeys(POWER, spread) for kind, spread in (("other", 0.05), ("source", 0.5), ("machine", 0.5))
}


def effects(q: Question) -> Effects:
    """Return the names of what a serving's time may depend on, widest first; one that no row had counts for nothing."""
    age, device = era(q), q.cluster.device
    family = q.engine.family or "unknown"
    vendor = device.vendor
    ported = f"{vendor} {port(q)}"
    stack, experts = f"stack {family} {age}", q.spec.experts is not None
    named: Effects
    if vendor == HOME:
        generation = device.architecture.split()[0]
        named, kernels = (f"arch {generation}",), f"kernels {family} {age} {generation}"
    else:
        named, kernels = (f"vendor {vendor}", ported, f"arch {device.architecture}"), ported
    made = (*named, *((f"{kernels} experts",) if experts else ()))
    early = (f"{stack} experts",) if experts and stack == "stack vllm early" else ()
    online = ("online",) if served(q) else ()
    apart = ("disaggregated",) if q.mode == "disaggregated" else ()
    measured = (f"source {q.like}", f"machine {q.like} {device.id}") if q.like else ()
    return (
        "all",
        f"engine {family}",
        stack,
        *early,
        *made,
        f"format {q.weights.name}",
        *(("shared heads",) if shared_slowly(q) else ()),
        *online,
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
    """Whether an effect may move a term: formats and generations move the silicon's, how requests come moves waiting.

    Experts are multiplied by kernels of their own, which each port, and each engine for a generation, has to bring: they move
    them apart.
    """
    if name.startswith("arch "):
        return term in SILICON
    if name.startswith("format "):
        return term in ("matmul", "routed", "prefill")
    if name == "online":
        return term in WAITING
    if name == "untold prompt":
        return term == "prefill"
    if name == "shared heads":
        return term == "attention"
    if name.endswith(" experts"):
        more = {"stack": "sequence", "kernels": "prefill"}.get(name.split(maxsplit=1)[0])
        return term in ("routed", "expert_layer", more)
    return name != "disaggregated" or term in APART
