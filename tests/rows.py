"""Measured rows that several test modules complete."""

from __future__ import annotations

from carbonscaling.evidence.row import parse_row
from carbonscaling.perf.memory import memory
from carbonscaling.validate.replay import Replay, complete_row

LLAMA_70B = {
    "id": "a", "model": "some 70B", "device": "H100-80", "n_layers": "80", "d_model": "8192", "d_ff": "28672", "n_heads": "64",
    "n_kv_heads": "8", "vocab": "128256", "ffn_type": "swiglu", "seq_len": "8192", "n_devices": "256", "precision": "bf16",
    "stack": "megatron", "global_batch_seqs": "256", "source": "NVIDIA/NeMo",
}  # fmt: skip
MIXTRAL = {
    "n_layers": "56", "d_model": "6144", "d_ff": "16384", "n_heads": "48", "n_kv_heads": "8", "vocab": "32000",
    "seq_len": "4096", "n_experts": "64", "top_k": "8", "d_ff_expert": "2048", "n_devices": "256", "kind": "benchmark",
    "zero_stage": "1",
}  # fmt: skip


def row(**changes: str) -> Replay:
    """Complete the row of a dense model, with some changes."""
    return complete_row(parse_row({**LLAMA_70B, **changes}))


def fits(r: Replay) -> bool:
    """Whether a device can hold it."""
    need = memory(r.work, r.setup.plain, r.setting)
    return bool(need.total <= need.limit)
