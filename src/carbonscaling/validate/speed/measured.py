"""What was measured, as one quantity: tokens per second and device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from carbonscaling.evidence.row import measured
from carbonscaling.model.flops import hardware_flops_per_token, training_flops_per_token
from carbonscaling.model.spec import ModelSpec
from carbonscaling.study.check import ADAPTERS
from carbonscaling.validate.replay import Replay

__all__ = ["FASTEST", "measured_speed"]

ADAPTED = 2.0 / 3.0
"""FLOPs counted of adapters beside frozen weights, of those of full training: 4 of 6 a parameter, without the gradients of
weights. NeMo, its launcher and Megatron-Bridge count so in all 21 rows that print FLOPs and tokens (decision 0333)."""

FASTEST = 1e12
"""tokens/s that no device trains on, nor the inverse: a slip of the pen, and no measurement."""


def _flops_per_token(row: Mapping[str, str], spec: ModelSpec) -> float:
    """FLOPs a source counts per token, by the convention it declares (full attention where it declares none)."""
    return _full_training(row, spec) * (ADAPTED if (row.get("mode") or "").startswith(ADAPTERS) else 1.0)


def _full_training(row: Mapping[str, str], spec: ModelSpec) -> float:
    attention = row.get("attn_flops") or "full"
    if attention == "none":
        model = training_flops_per_token(spec, spec.seq_len, "6N")
        return model * 4 / 3 if row.get("flops_convention") == "hardware" else model
    convention: Literal["causal", "full"] = "causal" if attention == "causal_half" else "full"
    if row.get("flops_convention") == "hardware":
        return hardware_flops_per_token(spec, spec.seq_len, convention, recomputed=1.0)
    return training_flops_per_token(spec, spec.seq_len, convention)


def measured_speed(row: Mapping[str, str], replay: Replay) -> float | None:
    """Return the measured tokens/s/device of a row, or None where it has none that a device could reach.

    From the step time where there is one, else the stated speed, else the stated FLOP rate or utilisation through the
    source's own counting convention; for a whole run from its device-hours.

    Parameters
    ----------
    row : Mapping
        The row as text, measured columns included.
    replay : Replay
        Its inputs, completed.
    """
    speed = _stated(row, replay)
    return speed if speed is not None and 1.0 / FASTEST < speed < FASTEST else None


def _stated(row: Mapping[str, str], replay: Replay) -> float | None:
    n = replay.row.n_devices or float(replay.n_devices)
    step = measured(row, "step_time_s")
    batch = measured(row, "global_batch_seqs")
    if step and batch:
        return batch * replay.spec.seq_len / step / n
    speed = measured(row, "tokens_per_s_per_device")
    if speed:
        return speed
    tflops = measured(row, "tflops_per_device")
    utilisation = measured(row, "mfu")
    if tflops is None and utilisation is not None:
        half = "bf16" if "bf16" in replay.cluster.device.peak else "fp16"
        tflops = utilisation * replay.cluster.device.peak_flops(half) / 1e12
    if tflops is not None:
        return tflops * 1e12 / _flops_per_token(row, replay.spec)
    hours, tokens = measured(row, "device_hours"), measured(row, "tokens_b")
    return tokens * 1e9 / (hours * 3600.0) if hours and tokens else None
