"""Utilisation of Megatron's training runs, each predicted by a fit that never saw its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from carbonscaling import evidence
from carbonscaling.evidence.row import parse_row
from carbonscaling.model.flops import training_flops_per_token
from carbonscaling.validate.calibrate import LeftOut, shipped_left_out
from carbonscaling.validate.components.record import Component
from carbonscaling.validate.place import place
from carbonscaling.validate.score import score
from carbonscaling.validate.shape import shape

__all__ = ["STACKS", "USE_R2", "check_megatron", "utilisation_per_speed"]

STACKS = ("megatron", "megatron-deepspeed")
"""Megatron-LM with NVIDIA's own packages on it, and its DeepSpeed branch."""
USE_R2 = 0.797
"""What the papers claim of the utilisation of Megatron's runs, as R²."""
_PAPERS = ("Narayanan et al. 2021", "Korthikanti et al. 2022")
"""Megatron-LM's two papers of measured utilisation: A100, 16 bit, dense."""


def utilisation_per_speed(row: Mapping[str, str]) -> float:
    """Return model FLOPs utilisation per token/s/device of a row, from its model and its device alone.

    Causal attention counts half; the peak is that of 16-bit numbers, whatever format ran, so that utilisation stands for
    speed across formats.
    """
    parsed, notes = parse_row(row), list[str]()
    spec, device = shape(parsed, notes), place(parsed, notes).device
    half = "bf16" if "bf16" in device.peak else "fp16"
    return float(training_flops_per_token(spec, spec.seq_len) / device.peak_flops(half))


def _line(group: str, rows: Sequence[LeftOut], scale: Mapping[str, float], asked: bool = False) -> Component:
    factor = np.array([scale[r.id] for r in rows])
    result = score(
        factor * np.array([r.predicted for r in rows]),
        factor * np.array([r.measured for r in rows]),
        factor * np.array([r.low for r in rows]),
        factor * np.array([r.high for r in rows]),
    )
    target = f"R² of utilisation at least {USE_R2:g}" if asked else ""
    met = result.r2 >= USE_R2 if asked else None
    return Component("megatron", group, len(rows), result, target=target, met=met)


def check_megatron() -> tuple[Component, ...]:
    """Score the utilisation of Megatron's shipped rows from their left-out predictions.

    The first line is what the papers claim a figure for; the others say where its error sits.
    """
    held = [r for r in shipped_left_out() if r.fold == "source" and r.stack in STACKS]
    wanted = {r.id for r in held}
    scale = {row["id"]: utilisation_per_speed(row) for row in evidence.rows("runs") if row["id"] in wanted}
    own = [r for r in held if r.stack == "megatron"]
    half = [r for r in own if r.precision in ("bf16", "fp16")]
    groups = {
        "Megatron": own,
        "Megatron, 16 bit": half,
        "Megatron, 16 bit, dense": [r for r in half if r.experts == "dense"],
        "Megatron, 16 bit, experts": [r for r in half if r.experts != "dense"],
        "Megatron, 8 bit and less": [r for r in own if r not in half],
        "Megatron-LM's papers": [r for r in own if r.source.startswith(_PAPERS)],
        "Megatron-DeepSpeed": [r for r in held if r.stack != "megatron"],
    }
    return tuple(_line(name, rows, scale, asked=name == "Megatron") for name, rows in groups.items() if rows)
