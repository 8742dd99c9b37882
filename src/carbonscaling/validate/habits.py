"""What a software stack keeps in memory beyond the common count, and how it lays out what a row does not say."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources

from carbonscaling.catalog.read import build
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.memory import memory
from carbonscaling.perf.numbers import Recompute, Setting
from carbonscaling.sources import Datum
from carbonscaling.validate.infer import Replay

__all__ = ["Habits", "habits", "kernel_machine", "memory_machine", "memory_setting", "stacks"]


@dataclass(frozen=True)
class Habits:
    """Memory constants of one software stack.

    Attributes
    ----------
    gradients : Mapping[str, Datum]
        Bytes of gradients per parameter by number format; what is missing stays as the precision recipe has it.
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
    text = resources.files("carbonscaling.validate").joinpath("habits.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
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


def _of(replay: Replay) -> Habits:
    return habits("xla" if replay.cluster.device.kind == "tpu" else replay.row.stack)


def memory_machine(replay: Replay) -> Machine:
    """Return a row's machine with the memory constants of its stack; frozen weights have no gradients or states."""
    h, m = _of(replay), replay.machine
    grad = h.gradients[replay.precision].value if replay.precision in h.gradients else m.grad_bytes
    frozen = replay.row.mode.startswith("lora")
    optimizer = m.optimizer_bytes - (1.0 - h.master_apart.value) * m.weight_bytes
    return m._replace(
        grad_bytes=0.0 if frozen else grad,
        optimizer_bytes=0.0 if frozen else optimizer,
        kept=h.kept.value,
        logit_bytes=h.logit.value,
        logit_split=h.logit_split.value,
        framework_bytes=h.framework.si,
        reserve=h.reserve.value,
        checkpoints=_checkpoints(h, replay.setting),
        gathered=h.gathered.value,
    )


def kernel_machine(replay: Replay, kernel: str) -> Machine:
    """Return `memory_machine` where a row names its attention and norm kernels, as the Hagemann grid does."""
    machine = memory_machine(replay)
    if not kernel:
        return machine
    return machine._replace(
        flash=float("flash" in kernel),
        unfused_bytes=0.0 if "RMS" in kernel else _of(replay).unfused.value,
    )


def _checkpoints(h: Habits, s: Setting) -> float:
    if s.zero < 3:
        return 1.0
    return 0.0 if h.offload.value > 0 and s.recompute == Recompute.SELECTIVE else h.zero3_checkpoints.value


def memory_setting(replay: Replay) -> Setting:
    """Return a row's setting as its stack lays it out in memory.

    Recomputation that the row does not state grows until the step fits; experts that still do not fit are split over the
    tensor-parallel ranks, Megatron's default.
    """
    h, s = _of(replay), replay.setting
    s = s._replace(sp=max(float(s.sp), h.sequence_parallel.value * float(s.tp > 1)))
    if h.offload.value > 0 and s.recompute == Recompute.SELECTIVE:
        return s._replace(recompute=float(Recompute.FULL))
    if not replay.row.recompute:
        machine = memory_machine(replay)
        while s.recompute < Recompute.FULL and not _fits(replay, machine, s):
            s = s._replace(recompute=s.recompute + 1.0)
    group = s.tp * s.cp * s.dp
    splits = replay.work.n_experts > 0 and s.etp == 1 and s.tp > 1 and group % (s.ep * s.tp) == 0
    return s._replace(etp=s.tp) if splits and not _fits(replay, memory_machine(replay), s) else s


def _fits(replay: Replay, machine: Machine, setting: Setting) -> bool:
    need = memory(replay.work, machine, setting)
    return bool(need.total <= need.limit)
