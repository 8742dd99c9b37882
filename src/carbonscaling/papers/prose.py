"""What the reproduction page says in words: what agrees, what differs, where the papers contradict themselves."""

from __future__ import annotations

__all__ = ["CONTRADICTIONS", "SUMMARY"]

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
    "**What agrees.** The ordinal picture: newer GPUs train the same model with less carbon, in shrinking steps; "
    "utilisation at the optimum falls as models grow; ideal, low-static and no-embodied carbon lie in the printed order; "
    "carbon per device rises with the generation at the width taken for 1000B parameters, and in version 2 the embodied "
    "share with it; growing carbon per area takes part of a projection's saving back; version 2's sizes follow from its "
    "formulas with the corrected layer constant.",
    "**What differs.** Magnitudes, and version 1 beyond its smallest sizes. With a critical batch that grows as C^1/6 "
    "nothing beyond d = 24,576 trains within three months on any device of the papers: a step has to pass through the "
    "whole depth of the network, and more devices do not shorten that. The practical carbon leaves the printed 2 to 5 "
    "times the ideal from the second size on, and the exponent flattens. The embodied share at 323 g/kWh is a tenth of "
    "the 19 % that version 2's regions need. Version 1's embodied share does not rise from the V100 to the A100, because "
    "32 TB of storage weigh most on the smallest GPU; with "
    "the A100's measured power and hosts that draw as much as eight B100 it does. "
    "The median setting of the smallest model is hardly worse than the "
    "best: its device count leaves algorithm 1 a handful of layouts, each fast at its best micro-batch. No one or two "
    "supported inputs turn that, three at once do: micro-batches of one sequence or a slower network, with layers of more "
    "divisors or faster kernels. The "
    "printed coefficients of determination do not repeat on public measurements.",
    "**What to take from it.** Compare generations, regions and settings with it, by order and not by percentage. A "
    "verdict on one model size (figures 7a and 5a) rests on which device counts the divisibility rules allow, and changes "
    "with the width. How much worse a median setting is (figure 5a) says more about what else a search arranges than about "
    "layouts: compare your own settings by `estimate` instead of applying a factor. Read every "
    "absolute figure beyond 1e13 parameters as an extrapolation that the three-month deadline "
    "decides. The tables at the end say which verdict rests on which unprinted input.",
)
"""One paragraph each."""
