"""The kernels of a measured row: what it names is taken at its word."""

from __future__ import annotations

import pytest

from carbonscaling.perf.step import step_time
from carbonscaling.validate.infer import infer
from carbonscaling.validate.record import Replay
from carbonscaling.validate.row import parse_row

ROW = {
    "id": "r1", "source": "a", "model": "13B", "device": "A100-80", "stack": "aleph-alpha", "n_layers": "40",
    "d_model": "5120", "d_ff": "13824", "n_heads": "40", "n_kv_heads": "40", "vocab": "128000", "ffn_type": "swiglu",
    "seq_len": "2048", "n_devices": "64", "tp": "2", "pp": "2", "dp": "16", "micro_batch": "2",
    "global_batch_seqs": "2048", "precision": "bf16", "recompute": "none", "kind": "benchmark",
}  # fmt: skip


def named(kernel: str = "") -> Replay:
    return infer(parse_row({**ROW, "attention_kernel": kernel}))


def seconds(r: Replay) -> float:
    return float(step_time(r.work, r.machine, r.setting).total)


def test_what_was_taken_is_said() -> None:
    assert "attention by flash_attention2 + RMS kernel" in named("flash_attention2 + RMS kernel").inferred
    assert "attention" not in "; ".join(named().inferred)


def test_the_best_kernels_are_those_of_a_row_that_names_none() -> None:
    assert seconds(named("flash_attention2 + RMS kernel")) == seconds(named())


def test_older_kernels_take_longer() -> None:
    best, norms, first, fused = (
        seconds(named(k))
        for k in ("flash_attention2 + RMS kernel", "flash_attention2", "flash_attentionv1.0.8", "fused")
    )
    assert best < norms < first
    assert norms < fused


def test_norms_of_their_own_stream_by_hand() -> None:
    """32 more passes of 16 bit forward and 64 backward over tokens x width, on every tensor rank alike."""
    plain, norms = named("flash_attention2 + RMS kernel"), named("flash_attention2")
    m = norms.machine
    assert m.norm_passes == 32
    tokens = 2 * 2048
    layer = 3 * 32 * 5120 * tokens * 2 * m.elementwise / (m.bandwidth * m.memory_efficiency)
    per_step = layer * 40 / 2 * 2048 / (16 * 2)
    assert seconds(norms) - seconds(plain) == pytest.approx(per_step, rel=0.12)


def test_a_named_kernel_outranks_the_habits_of_a_stack() -> None:
    stack = {**ROW, "stack": "megatron-deepspeed"}
    assert infer(parse_row(stack)).machine.flash == 0
    assert infer(parse_row({**stack, "attention_kernel": "flash_attention2"})).machine.flash == 1


def test_graphs_spare_the_host() -> None:
    """A whole step in one graph costs the host nothing; experts without graphs wait for their token counts."""
    none, full, some, unsaid = (
        infer(parse_row({**ROW, "stack": "megatron", "cuda_graphs": said})).machine
        for said in ("none", "full", "attention, router", "")
    )
    assert (full.layer_launch, full.moe_launch) == (0, 0)
    assert none.layer_launch == some.layer_launch == unsaid.layer_launch > 0
    assert none.moe_launch == 3 * some.moe_launch == 3 * unsaid.moe_launch
