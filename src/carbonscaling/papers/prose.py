"""What the reproduction page says in words: what agrees, what differs, where the papers contradict themselves."""

from __future__ import annotations

__all__ = ["CONTRADICTIONS", "ENGINES", "SUMMARY"]

CONTRADICTIONS = (
    "**Layers.** Version 1 prints L = 0.402 d^0.75; every size that either version prints needs 0.1618 (ruling R1). The "
    "printed constant gives 2.5 times each of them.",
    "**1e16 parameters.** Version 1 calls d = 1,572,864 a model of 1e16 parameters; its own formula gives 1.5e20.",
    "**V100 area.** The die is 815 mm2 in version 1 and 680 mm2 in version 2; each version is reproduced with its own.",
    "**19 % embodied.** Version 2's 80 % and 97 % (figure 7) need 19 % embodied carbon at 323 g/kWh. Its tables give a "
    "tenth of that, with the hosts' memory and storage counted or not.",
    "**Loss.** Version 1 prints its normalisation as 1e10^13 and 1e10^12; read as 1e13 and 1e12 (ruling R4).",
    "**Batch.** Algorithm 1 divides the tokens of a batch over N_DP, the text around it speaks of a critical batch in "
    "sequences.",
    "**Micro-batch.** Algorithm 1 arranges micro-batch and interleaving as if for the shortest time; the text around it "
    "selects the micro-batch to enable interleaving.",
    "**Memory.** Algorithm 1 asks whether the total memory of the devices suffices; the text lets a device support a "
    "larger part of the model, and version 2 shards states to save memory, which only a limit per device gives a sense.",
    "**TDP.** H100 and B100 have the same printed TDP, yet version 1 explains figure 7a with a growing power draw.",
    "**Embodied hosts.** Version 1 counts DRAMs and SSDs with GPUs and CPUs, version 2's same sentence GPUs and CPUs "
    "only.",
)
"""Where a paper's text contradicts itself, or one version the other."""

SUMMARY = (
    "**What agrees.** Version 1, at all five sizes: B100 takes two to five times the ideal carbon; loss follows a power "
    "law of nearly the ideal exponent; ideal, low-static, no-embodied and B100 lie in the printed order; utilisation at "
    "the optimum falls as models grow; each GPU generation takes less carbon, in shrinking steps; what future hardware "
    "saves shrinks beyond 1e14 parameters; training algorithms matter above 1e7 tonnes only, and there the aggressive "
    "batch alone. Version 2: its sizes, the order and the law on B100, carbon per device and embodied share over the "
    "GPU generations, what 5 and 10 years of hardware save, what growing carbon per area takes back, and the dirtiest "
    "region above the middle one.",
    "**What differs.** The median setting is no worse than the optimum on small models, where few layouts exist. Carbon "
    "per device does not rise from the H100 to the B100 in version 1, since both have one printed TDP; the embodied "
    "share does not rise from the V100 to the A100, since 32 TB of storage weigh most on the smallest GPU. Some TPUs "
    "take more carbon than an A100, or less than an H100. 8-bit training saves more than printed. The embodied share at "
    "323 g/kWh is a tenth of the 19 % that version 2's regions need. The printed coefficients of determination do not "
    "repeat on public measurements. For each of these there is a computed explanation below.",
    "**What to take from it.** Compare generations, regions and settings with it, by order and not by percentage. A "
    "verdict on one model size (figures 7a and 5a) rests on which device counts the divisibility rules allow, and "
    "changes with the width. Beyond 1e28 FLOP every figure rests on the engine: with published latencies nothing trains "
    "much beyond 2e31 FLOP in three months (`v1-limits-E`), without any the papers' sizes do. More devices shorten a "
    "step only down to the time that one micro-batch takes through all layers; a larger batch does not shorten that, "
    "but needs fewer steps.",
)
"""One paragraph each."""

ENGINES = (
    "**F**, version 1's by default. Its laws, its limits of 1e28 and 1e31 FLOP, its hardware figures (3352, 1555 and "
    "900 GB/s) and the constraints of algorithm 1 are those of Erdil and Schneider-Joseph's data-movement model and of "
    "the second author's public code before it: products and messages of a layer side by side, one layer a chunk of the "
    "pipeline, two-dimensional tensor parallelism, as many expert ranks as experts, memory counted in total, "
    "all-reduces done by the fabric. No latencies: with the published ones version 1's d = 98,304 (3.7e31 FLOP) would "
    "not train.",
    "**E** is F with what that paper adds: rings, gradients hidden behind compute, 4.5 us as the least time of a "
    "product and 5 us a message and level.",
    "**S**, version 2's by default. Version 2 names SimAI and SCALE-Sim; the analytical mode of the first lays tensor, "
    "expert and stage traffic on the critical path. S does that, with all-reduces in rings and no latencies.",
    "**This project's kernels** in the papers' strict space: what calibrated physics make of it. Launches of eager "
    "software, auxiliary kernels and unhidden all-to-alls cost most there, and L = 189 or 318 layers have few divisors, "
    "so that batches of E 2^k sequences allow no interleaving.",
    "**Not proven.** Neither the authors' code nor that paper beyond its abstract could be read; its equations and "
    "constants follow the second author's public code and version 1's own tables as far as these go, and are a reading "
    "beyond. It is one reading for all claims of a version. About 120 combinations of equations and constants were tried "
    "when it was looked for, and F was taken for its sources, not for its count. The static share, 0.842, is how the "
    "quotation on power reads at full load; with 0.681 v1-fig4-order falls.",
)
"""One paragraph each."""
