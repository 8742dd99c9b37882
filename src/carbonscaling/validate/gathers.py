"""How DeepSpeed's ZeRO-3 collects weights: parameter by parameter, device idle, and again where it let them go."""

from __future__ import annotations

from carbonscaling.hardware.device import Device
from carbonscaling.perf.efficiency import Efficiency
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.memory import rank_params
from carbonscaling.perf.numbers import Recompute, Setting, Workload
from carbonscaling.validate.kernels import EARLY
from carbonscaling.validate.row import RunRow

__all__ = ["by_parameter", "deepspeed", "fetched_again"]

KEPT = 1e9
"""Parameters used meanwhile up to which a fetched one is kept: `stage3_max_reuse_distance`, as it ships."""

MATRICES = 4.0
"""Parameters of a layer worth splitting: into and out of attention, into and out of the feed-forward block."""

COPIES = 3.0
"""Passes over the weights beside the transfer: a new tensor is filled with zeros, and the result copied into it."""


def deepspeed(row: RunRow, device: Device) -> bool:
    """Whether a Megatron run's ZeRO-3 is DeepSpeed's: before Megatron had fully sharded data parallelism of its own."""
    return row.stack == "megatron-deepspeed" or (row.stack == "megatron" and device.architecture in EARLY)


def fetched_again(work: Workload, setting: Setting) -> float:
    """Share of the weights that full recomputation fetches and the backward pass must fetch once more.

    A matrix is kept between the two if the layer's later ones, forward and backward, hold fewer than `KEPT` parameters.
    """
    if setting.recompute != Recompute.FULL:
        return 0.0
    sizes = [
        part / setting.tp for part in (0.75 * work.p_attention, 0.25 * work.p_attention, *[0.5 * work.p_dense] * 2)
    ]
    later = [2.0 * sum(sizes[i + 1 :]) for i in range(len(sizes))]
    again = sum(size for size, distance in zip(sizes, later, strict=True) if distance > KEPT)
    return float(setting.recompute_percent / 100.0 * again / max(sum(sizes), 1.0))


def by_parameter(work: Workload, machine: Machine, setting: Setting, constants: Efficiency) -> Machine:
    """Return the machine of a ZeRO-3 that waits for the device before every collective, so that none hides.

    Each collective of one parameter lists a slice for every rank, copies it, and passes it once around the ring.
    """
    if setting.dp * setting.cp <= 1.0:
        return machine
    listed = MATRICES * float(work.n_layers / setting.pp) * setting.shard * constants.gather_rank.si
    moved = COPIES * machine.weight_bytes * rank_params(work, setting).dense
    return machine._replace(
        overlap=0.0,
        gathers=2.0 + fetched_again(work, setting),
        gather_wait=listed + float(moved / (machine.bandwidth * machine.memory_efficiency)),
    )
