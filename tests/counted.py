"""Machines and models so simple that times are counted by hand, for several test modules.

A machine of 1 FLOP/s and nothing else to wait for takes as many seconds as there are FLOPs; one of 1 byte/s of memory or
of one link as many as there are bytes.
"""

from __future__ import annotations

from typing import Any

import pytest

from carbonscaling.model.spec import ModelSpec
from carbonscaling.perf.layer import LayerKey, LayerTimes, layer_times
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Number, Workload
from samples import work_of

FAST = 1e30


def ideal(**changes: Number) -> Machine:
    """A machine that waits for nothing, with some changes."""
    base: dict[str, Any] = dict.fromkeys(Machine.names(), 0.0)
    base |= dict.fromkeys(
        ("peak", "peak_attention", "peak_mfu", "peak_head", "bandwidth", "link", "nic", "capacity"), FAST
    )
    base |= dict.fromkeys(("host_link", "host_bandwidth"), FAST)
    base |= dict.fromkeys(("cores", "host_devices", "domain", "flash", "attention_lanes"), 1.0)
    base |= dict.fromkeys(("gemm_efficiency", "head_efficiency", "grouped_efficiency", "batched_efficiency"), 1.0)
    base |= dict.fromkeys(("memory_efficiency", "exchange"), 1.0)
    base |= dict.fromkeys(
        ("attention_forward", "attention_backward", "elementwise", "scan", "imbalance", "contention"), 1.0
    )
    base |= dict.fromkeys((n for n in Machine.names() if n.endswith("_bytes") and n != "framework_bytes"), 2.0)
    base |= {"tile_m": 0.5, "tile_n": 0.5, "axis_length": 2.0, "relay": 1.0, "redo_last": 1.0, "scatter_beside": 1.0}
    base |= {"gathers": 2.0, "sum_bytes": 0.0, "update_beside": 1.0, "loss_bytes": 14.0}
    base |= {"attention_ring": 1.0, "nic_doubling": 1.0, "axes": 1.0}
    return Machine.of(**(base | changes))


def layer(work: Workload, machine: Machine, **key: float) -> LayerTimes:
    base = dict(tp=1.0, cp=1.0, ep=1.0, etp=1.0, sp=0.0, micro_batch=1.0)
    return layer_times(work, machine, LayerKey(**(base | key)))


def close(value: Any, expected: Any) -> None:
    assert float(value) == pytest.approx(expected, rel=1e-9)


DENSE, MOE, MLA = "llama-3-8b", "mixtral-8x7b", "deepseek-v2-lite"
S = 2048


def layer_weights(model: str) -> tuple[float, float]:
    """Multiplied weights a token meets in the mean layer's attention, and in its feed-forward block (router included)."""
    w = work_of(model)
    mixers = {
        DENSE: (4096 * (4096 + 2 * 1024) + 4096 * 4096, 3 * 4096 * 14336),
        MOE: (4096 * (4096 + 2 * 1024) + 4096 * 4096, 2 * 3 * 4096 * 14336 + 4096 * 8),
        # Multi-head latent attention: 16 heads of 128 + 64, a latent of 512 + 64; one dense layer of 27.
        MLA: (
            2048 * (512 + 64) + 2048 * 16 * 192 + 512 * 16 * (128 + 128) + 16 * 128 * 2048,
            (1 * 3 * 2048 * 10944 + 26 * (3 * 2048 * 1408 * (6 + 2) + 2048 * 64)) / 27,
        ),
    }
    assert w.d_model in (4096, 2048)
    return mixers[model]


def toy(n_layers: float = 8.0, **changes: float) -> Workload:
    """A model of dense blocks alone, of one token and one element, with some changes."""
    base = dict.fromkeys(Workload._fields, 0.0) | {"seq_len": 1.0, "n_dense": n_layers, "d_model": 1.0, "span": 1.0}
    return Workload(**(base | changes))


def kept_by_hand(spec: ModelSpec, s: int, b: int = 1, t: float = 1, sp: bool = False, moe: bool | None = None) -> float:
    """Bytes a layer keeps of a micro-batch with fused attention and 16 bits, tensor by tensor (Korthikanti, section 4)."""
    a, e, h = spec.attention, spec.experts, spec.d_model
    outside = h * (2 if spec.parallel_block or a is None else 4)
    inside: float = 0
    if a is not None:
        inside += a.n_heads * (a.d_query_key + a.d_value) + a.kv_width
        latents = (a.q_lora_rank or 0) + a.kv_lora_rank + a.rope_head_dim if a.kv_lora_rank else 0
        inside += 2 * latents * t  # before and after their norms, on every rank
    if e is not None and moe is not False:
        outside += 2 * e.top_k * h
        inside += e.n_matrices * (e.top_k * e.d_ff + e.d_ff_shared)
    else:
        inside += spec.ffn.n_matrices * spec.ffn.d_ff
    return 2.0 * s * b * (outside / (t if sp else 1) + inside / t)
