"""The layout of a measured row: degrees, batch and recomputation as given, the rest as its stack would choose it.

What a row leaves open is taken as people tune it: of the layouts that fit, the fastest by the device-level model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from carbonscaling.hardware.device import Device
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.memory import memory
from carbonscaling.perf.numbers import Recompute, Schedule, Setting, Workload
from carbonscaling.perf.step import step_time
from carbonscaling.validate.expert_layout import with_tensors
from carbonscaling.validate.habits import Habits, habits_of, store, stored
from carbonscaling.validate.row import WRAPPED, RunRow, count
from carbonscaling.validate.ways import Way, ways

__all__ = ["lay_out"]

_MEGATRON = ("megatron", "mlperf", "nanotron", "")
"""Stacks that shard the sequence with the tensors."""

_INTERLEAVING = ("megatron", "mlperf", "")
"""Stacks whose recipes interleave pipelines since 2022."""

BATCH_TOKENS = 4 * 2**20
"""Batch of a row that states none: GPT-3 trained with 3.2M tokens, LLaMA and its successors with 4M and more."""

FILL = 4.0
"""Micro-batches a stage that keep the bubble of a pipeline below a quarter; a batch that is not stated is at least that."""

LARGEST_MICRO_BATCH = 64
QUARTERS = (25, 50, 75, 100)
"""Shares of a stage's layers that eager stacks recompute in full where selective recomputation does not do."""

PERCENTS = tuple(range(0, 101, 10))
"""Shares of the layers that a compiler's policy may recompute until a step fits."""

_CODES = {"none": Recompute.NONE, "selective": Recompute.SELECTIVE, "full": Recompute.FULL}


class _Choice(NamedTuple):
    """Recomputation: a code of `Recompute` and the percentage of layers."""

    code: float
    percent: float


def lay_out(
    row: RunRow, work: Workload, machine: Machine, device: Device, precision: str, notes: list[str]
) -> tuple[Setting, float]:
    """Return the setting of a row and its global batch in sequences.

    What was chosen is added to `notes`.

    Raises
    ------
    Unusable
        Degrees that contradict the device count or each other.
    """
    h = habits_of(row, device)
    compiled = device.kind == "tpu"
    sharded = compiled or row.stack in ("fsdp", "xla") or row.zero_stage == 3
    open_ways = ways(row, work, machine, sharded, notes)
    settings = [setting for way in open_ways for setting in _settings(row, work, h, way, sharded, compiled)]
    chosen, fits = _fastest(row, work, machine, h, precision, settings)
    split = with_tensors(
        row, work, machine, settings, fits, lambda few: _fastest(row, work, machine, h, precision, few)[1]
    )
    if split:
        again, fits = _fastest(row, work, machine, h, precision, split)
        chosen = again if fits else chosen
    notes += _told(row, chosen, len(open_ways) > 1)
    return chosen, row.global_batch_seqs or float(chosen.dp * chosen.micro_batch * chosen.n_micro)


def _settings(row: RunRow, work: Workload, h: Habits, way: Way, sharded: bool, compiled: bool) -> list[Setting]:
    """Return the settings of one way to split the devices: all combinations of what is open."""
    seq_len = float(work.seq_len)
    least = way.dp * (row.micro_batch or 1.0) * (FILL * way.pp if way.pp > 1 else 1.0)
    batch = row.global_batch_seqs or np.ceil(max(BATCH_TOKENS / seq_len, least) / way.dp) * way.dp
    per_replica = max(1.0, batch / way.dp)
    zero = row.zero_stage if row.zero_stage is not None else 3.0 if sharded else 1.0
    sequence = compiled or (row.stack in _MEGATRON and not (row.precision == "fp16" and row.recompute == "full"))
    schedule = Schedule.DUALPIPE if row.stack == "hai-llm" and way.pp % 2 == 0 else Schedule.ONE_F_ONE_B
    found = []
    for micro in _micro_batches(row, work, way, per_replica, compiled):
        n_micro = max(1.0, batch / (way.dp * micro))
        vpp = count(row.vpp) or _interleaving(row, work, way.pp, n_micro)
        degrees = (way.tp, way.pp, way.dp, way.cp, way.ep, way.etp, vpp, zero, way.dp * way.cp)
        for choice in _recomputations(row, h):
            rest = (micro, n_micro, choice.code, schedule, sequence and way.tp > 1, choice.percent)
            found.append(Setting(*(float(v) for v in (*degrees, *rest))))
    return found


def _micro_batches(row: RunRow, work: Workload, way: Way, per_replica: float, compiled: bool) -> Sequence[float]:
    """Return the whole share of a replica in a compiled step; else what is given, or powers of two that divide the share.

    Experts beside split tensors: single sequences, as in every measured layout of that kind that states its micro-batch.
    Tensors are split where memory is short, and routed copies of the tokens take `top_k` times what a dense layer's do.
    """
    if compiled:
        return (per_replica,)
    if row.micro_batch:
        return (row.micro_batch,)
    if work.n_experts > 0 and way.tp > 1:
        return (1.0,)
    sizes = [2.0**k for k in range(int(np.log2(LARGEST_MICRO_BATCH)) + 1)]
    return [size for size in sizes if per_replica % size == 0] or (1.0,)


def _recomputations(row: RunRow, h: Habits) -> Sequence[_Choice]:
    """Return what a row states; else none, selective, and full for more and more layers; a compiler's policies mix freely."""
    if h.offload.value > 0 and row.recompute not in ("none", "full"):
        return [_Choice(Recompute.FULL if p else Recompute.NONE, p or 100) for p in PERCENTS]
    if row.recompute in _CODES:
        return (_Choice(_CODES[row.recompute], 100),)
    if row.stack in WRAPPED:
        return (_Choice(Recompute.NONE, 100), _Choice(Recompute.FULL, 100))
    usual = [_Choice(Recompute.NONE, 100), _Choice(Recompute.SELECTIVE, 100)]
    return usual + [_Choice(Recompute.FULL, percent) for percent in QUARTERS]


def _interleaving(row: RunRow, work: Workload, pp: int, n_micro: float) -> int:
    """Chunks a stage: Megatron's recipes since 2022 interleave down to two layers a chunk, or one, where that divides.

    The embedding and the head may count as a layer each. Stages with an odd number of expert layers are left whole.
    """
    if row.stack not in _INTERLEAVING or row.precision == "fp16" or pp == 1 or n_micro % pp:
        return 1
    for layers in (int(work.n_layers), int(work.n_layers) + 2):
        if layers % pp == 0:
            per_stage = layers // pp
            odd = 1 if work.n_experts > 0 else per_stage
            return per_stage // 2 if per_stage % 2 == 0 else odd
    return 1


def _fastest(
    row: RunRow, work: Workload, machine: Machine, h: Habits, precision: str, settings: Sequence[Setting]
) -> tuple[Setting, bool]:
    """Return the fastest setting that fits, or the smallest where none does; and whether it fits."""
    many = Setting(*(np.array(column) for column in zip(*settings, strict=True)))
    need = memory(work, store(h, machine, precision, row, many), stored(h, many))
    total = np.broadcast_to(need.total, len(settings))
    fits = total <= need.limit
    if not fits.any():
        return settings[int(np.argmin(total))], False
    if fits.sum() == 1 or len({(*s[:9], s.micro_batch) for s in settings}) == 1:
        return settings[int(np.argmax(fits))], True  # only recomputation is open: the least comes first
    time = step_time(work, machine, many).total / (many.dp * many.micro_batch * many.n_micro)
    return settings[int(np.argmin(np.where(fits, time * many.n_devices, np.inf)))], True


def _told(row: RunRow, s: Setting, searched: bool) -> list[str]:
    """Say what was chosen."""
    said = [f"TP{s.tp:.0f} PP{s.pp:.0f} EP{s.ep:.0f}: fastest that fits"] if searched else []
    if row.zero_stage is None:
        said.append(f"ZeRO-{s.zero:.0f}")
    if row.cp is None and s.cp > 1:
        said.append(f"sequences split {s.cp:.0f} ways")
    if row.global_batch_seqs is None:
        said.append(f"batch of {s.dp * s.micro_batch * s.n_micro:g} sequences")
    if row.micro_batch is None:
        said.append(f"micro-batch {s.micro_batch:g}")
    if not row.vpp and s.vpp > 1:
        said.append(f"{s.vpp:.0f} chunks a stage")
    if s.recompute_percent < 100:
        said.append(f"{s.recompute_percent:.0f} % of the layers recomputed")
    elif row.recompute not in _CODES:
        said.append(f"{Recompute.NAMES[int(s.recompute)]} recomputation")
    if s.etp > 1:
        said.append(f"experts split {s.etp:.0f} ways")
    return said
