"""The few physical constants that measurements may move, each a factor on a device-level value with a prior of 1."""

from __future__ import annotations

from typing import Literal

from carbonscaling.record import dataclass

__all__ = ["KNOBS", "Knob", "Scope"]

Scope = Literal["architecture", "device", "stack", "member", "all"]


@dataclass(frozen=True)
class Knob:
    """A constant open to calibration.

    Attributes
    ----------
    name : str
    scope : {"architecture", "device", "stack", "member", "all"}
        One factor per architecture, per device, per family of software stacks, per member of one over its family's, or one
        for all.
    spread : float
        Standard deviation of the prior on the factor's logarithm: how far the device-level value is believed to be off.
    meaning : str
    """

    name: str
    scope: Scope
    spread: float
    meaning: str


KNOBS: tuple[Knob, ...] = (
    Knob("training_gemm", "all", 0.40, "matrix-multiplication efficiency inside training, over that of timings alone"),
    Knob("training_attention", "all", 0.20, "attention efficiency inside training, over that of timings alone"),
    Knob("gemm", "architecture", 0.10, "matrix-multiplication efficiency of an architecture"),
    Knob("gemm_low", "architecture", 0.20, "the same in 8 and 4 bit, over its 16-bit factor"),
    Knob("attention", "architecture", 0.20, "fused-attention efficiency"),
    Knob("device", "device", 0.07, "matrix-multiplication efficiency of a part within its architecture"),
    Knob("software", "stack", 0.08, "step time over what the kernels and messages account for"),
    Knob("software_member", "member", 0.10, "the same of a stack over its family's"),
    Knob("stack_elementwise", "stack", 0.30, "element-wise traffic of the stack"),
    Knob("stack_attention", "stack", 0.30, "attention kernels of the stack"),
    Knob("overlap", "stack", 0.30, "overlap of communication and compute"),
    Knob("elementwise", "all", 0.40, "element-wise traffic"),
    Knob("kernel_latency", "all", 0.70, "latency of a kernel"),
    Knob("link_latency", "all", 0.70, "latency of the scale-up link"),
    Knob("nic_latency", "all", 0.70, "latency of the network"),
    Knob("link", "all", 0.10, "scale-up bandwidth reached"),
    Knob("nic", "all", 0.10, "network bandwidth reached"),
    Knob("grouped", "all", 0.20, "efficiency of expert multiplications"),
    Knob("imbalance", "all", 0.10, "expert load imbalance"),
    Knob("exchange", "all", 0.40, "bandwidth that expert all-to-alls reach"),
    Knob("straggler", "all", 1.00, "stragglers"),
    Knob("step_overhead", "all", 0.70, "host work per step"),
    Knob("layer_launch", "all", 0.40, "host time to launch a layer"),
    Knob("moe_launch", "all", 0.50, "host time to launch a layer with experts, over a dense one"),
    Knob("untold", "all", 0.60, "whole runs whose layout nobody stated, over the fastest that fits"),
    Knob("run_overhead", "all", 0.15, "whole-run time over steady state, where the layout is known"),
)
"""All knobs; a factor never seen in a fit stays at its prior."""
