"""What a software stack keeps in memory and moves beyond the common count, and how it lays out what a row does not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from carbonscaling.catalog.read import build, packaged
from carbonscaling.hardware.device import Device
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Setting
from carbonscaling.sources import Datum
from carbonscaling.validate.record import Replay
from carbonscaling.validate.row import RunRow

__all__ = ["Habits", "habits", "habits_of", "kernel_machine", "memory_machine", "memory_setting", "stacks", "store"]
__all__ += ["stored"]


@dataclass(frozen=True)
class Habits:
    """Constants of one software stack.

    Attributes
    ----------
    gradients : Mapping[str, Datum]
        Bytes of gradients per parameter by number format; what is missing stays as the precision recipe has it.
    weights : Mapping[str, Datum]
        The same of weights.
    gradient_sum : Mapping[str, Datum]
        Bytes moved per parameter to add a micro-batch's gradient to the sum, by number format; none where the stack fuses
        that into the multiplication, or reduces and shards gradients first.
    gradient_traffic : Mapping[str, Datum]
        Bytes per reduced gradient by number format; what is missing stays as the precision recipe has it.
    update_beside : Datum
        Share of gradients before and weights after the update that travel beside the passes.
    head_passes : Datum
        Passes over queries and keys beyond one read and write: rotary embeddings operation by operation, copies.
    gate_passes : Datum
        Passes over gated activations beyond one kernel's.
    master_apart : Datum
        1 where 16-bit weights live beside the float32 ones, 0 where the sharded float32 weights are the only copy.
    kept : Datum
        Activations kept over those that fused kernels need.
    logit : Datum
        Bytes per logit at the end of the forward pass.
    logit_split : Datum
        1 where tensor-parallel ranks split the vocabulary, 0 where each holds all logits.
    unfused : Datum
        Bytes per token and width that norms without a kernel of their own keep beside their inputs.
    framework : Datum
        Context, communicators, workspaces.
    reserve : Datum
        Share of memory lost to fragmentation.
    sequence_parallel : Datum
        1 where everything outside tensor-parallel blocks is sharded as well.
    zero3_checkpoints : Datum
        Share of the recomputed layers' inputs that stay on the device under ZeRO-3.
    gathered : Datum
        Layers whose weights ZeRO-3 holds whole at a time.
    offload : Datum
        1 where "selective" is a policy that recomputes or offloads what does not fit.
    """

    gradients: Mapping[str, Datum] = field(hash=False)
    gradient_sum: Mapping[str, Datum] = field(hash=False)
    gradient_traffic: Mapping[str, Datum] = field(hash=False)
    update_beside: Datum
    head_passes: Datum
    gate_passes: Datum
    weights: Mapping[str, Datum] = field(hash=False)
    master_apart: Datum
    kept: Datum
    logit: Datum
    logit_split: Datum
    unfused: Datum
    framework: Datum
    reserve: Datum
    sequence_parallel: Datum
    zero3_checkpoints: Datum
    gathered: Datum
    offload: Datum


@lru_cache(maxsize=1)
def _tables() -> dict[str, Habits]:
    data = packaged("carbonscaling.validate", "habits.toml")
    default = data["default"]
    tables = {
        name: build(Habits, {**default, **table}, f"habits.toml: {name}") for name, table in data["stack"].items()
    }
    return {"": build(Habits, default, "habits.toml: default"), **tables}


def stacks() -> tuple[str, ...]:
    """Software stacks with habits of their own; every other one gets the default."""
    return tuple(name for name in _tables() if name)


def habits(stack: str) -> Habits:
    """Return the habits of a software stack, or the default ones of a stack never seen."""
    tables = _tables()
    return tables.get(stack, tables[""])


def habits_of(row: RunRow, device: Device) -> Habits:
    """Return the habits of a row's stack; every TPU runs XLA."""
    return habits("xla" if device.kind == "tpu" else row.stack)


def store(h: Habits, machine: Machine, precision: str, row: RunRow, setting: Setting) -> Machine:
    """Return the machine with the memory constants of a stack; frozen weights have no gradients or states.

    Parameters
    ----------
    precision : str
        Recipe, which some stacks keep other gradients for.
    row : RunRow
        For what is trained and whether a policy may move tensors off the device.
    setting : Setting
        One or many: under ZeRO-3 some stacks partition or move the inputs of recomputed layers.
    """
    grad = h.gradients[precision].value if precision in h.gradients else machine.grad_bytes
    weight = h.weights[precision].value if precision in h.weights else machine.weight_bytes
    frozen = row.mode.startswith("lora")
    optimizer = machine.optimizer_bytes - (1.0 - h.master_apart.value) * machine.weight_bytes
    moved = h.offload.value > 0 and row.recompute != "full"
    return machine._replace(
        weight_bytes=weight,
        grad_bytes=0.0 if frozen else grad,
        optimizer_bytes=0.0 if frozen else optimizer,
        kept=h.kept.value,
        logit_bytes=h.logit.value,
        logit_split=h.logit_split.value,
        framework_bytes=h.framework.si,
        reserve=h.reserve.value,
        checkpoints=np.where(setting.zero < 3, 1.0, 0.0 if moved else h.zero3_checkpoints.value),
        gathered=h.gathered.value,
    )


def memory_machine(replay: Replay) -> Machine:
    """Return a row's machine with the memory constants of its stack."""
    h = habits_of(replay.row, replay.cluster.device)
    return store(h, replay.machine, replay.precision, replay.row, replay.setting)


def kernel_machine(replay: Replay, kernel: str) -> Machine:
    """Return `memory_machine` where a row names its attention and norm kernels, as the Hagemann grid does."""
    machine = memory_machine(replay)
    if not kernel:
        return machine
    return machine._replace(
        flash=float("flash" in kernel),
        unfused_bytes=0.0 if "RMS" in kernel else habits_of(replay.row, replay.cluster.device).unfused.value,
    )


def stored(h: Habits, s: Setting) -> Setting:
    """Return a setting as its stack lays it out in memory: some shard the sequence with every tensor-parallel degree."""
    return s._replace(sp=np.maximum(s.sp, h.sequence_parallel.value * (s.tp > 1)))


def memory_setting(replay: Replay) -> Setting:
    """Return a row's setting as its stack lays it out in memory."""
    return stored(habits_of(replay.row, replay.cluster.device), replay.setting)
