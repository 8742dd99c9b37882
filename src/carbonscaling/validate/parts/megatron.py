"""Utilisation of Megatron's training runs, each predicted by a fit that never saw its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from carbonscaling import evidence
from carbonscaling.evidence.left_out import LeftOut, shipped_left_out
from carbonscaling.evidence.row import parse_row
from carbonscaling.model.flops import training_flops_per_token
from carbonscaling.validate.parts.part import Asked, Component, Outcome, lines
from carbonscaling.validate.place import place
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


def _groups(r: LeftOut) -> Iterator[str]:
    """Yield the lines that a row counts in: the papers claim a figure for the first, the others say where its error sits."""
    if r.stack != "megatron":
        yield "Megatron-DeepSpeed"
        return
    yield "Megatron"
    if r.precision in ("bf16", "fp16"):
        yield "Megatron, 16 bit"
        yield f"Megatron, 16 bit, {'dense' if r.experts == 'dense' else 'experts'}"
    else:
        yield "Megatron, 8 bit and less"
    if r.source.startswith(_PAPERS):
        yield "Megatron-LM's papers"


def check_megatron() -> tuple[Component, ...]:
    """Score the utilisation of Megatron's shipped rows from their left-out predictions."""
    held = {r.id: r for r in shipped_left_out() if r.fold == "source" and r.stack in STACKS}
    found = []
    for row in evidence.rows("runs"):
        if row["id"] in held:
            r, scale = held[row["id"]], utilisation_per_speed(row)
            predicted, measured, low, high = (scale * v for v in (r.predicted, r.measured, r.low, r.high))
            found.append(Outcome(tuple(_groups(r)), predicted, measured, low, high))
    claim = Asked(f"R² of utilisation at least {USE_R2:g}", lambda line: bool(line.score and line.score.r2 >= USE_R2))
    return lines("megatron", found, {"Megatron": claim})
