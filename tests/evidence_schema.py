"""What the columns of the shipped files are, and a check that the files keep to it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

__all__ = ["NUMBERS", "TEXTS", "UNIQUE", "problems"]

NUMBERS: Mapping[str, tuple[str, ...]] = {
    "runs": (
        "params_b", "active_params_b", "n_layers", "d_model", "d_ff", "n_heads", "n_kv_heads", "vocab", "n_experts",
        "top_k", "d_ff_expert", "n_shared_experts", "seq_len", "device_memory_gb", "n_devices", "tp", "pp", "dp", "cp",
        "ep", "vpp", "zero_stage", "micro_batch", "global_batch_seqs", "recompute_percent", "tflops_per_device", "mfu",
        "tokens_per_s_per_device", "step_time_s", "device_hours", "tokens_b", "days", "head_dim", "n_dense_layers",
        "tied_embeddings", "aux_recalled", "implied_tflops_full_attn", "check_ratio_fixed", "check_ratio_declared",
        "check_ratio", "shard",
    ),
    "gemm": ("m", "n", "k", "tflops", "batch"),
    "collectives": ("n_devices", "bytes", "busbw_gbs", "time_us"),
    "power": ("watts", "utilisation", "tflops_per_device", "n_devices", "energy_kwh", "power_limit_w"),
    "power_limits": ("power_limit_w", "epoch_s", "watts"),
    "power_work": (
        "n_devices", "batch", "in_flight", "tokens_per_s", "mean_output_tokens", "items_per_s", "steps", "watts",
    ),
    "memory": (
        "n_devices", "tp", "pp", "dp", "cp", "zero_stage", "micro_batch", "global_batch_seqs", "seq_len", "memory_gib",
    ),
    "published": ("low_bits", "experts", "n_devices", "active_params", "model_flops"),
    "covered": ("seq_len",),
    "choices": ("rows", "sources", "of_rows", "of_sources", "share"),
    "choosing": ("rows", "sources"),
    "first_look": ("n", "n_skipped", "median", "p90", "inside", "constant_mfu", "regression", "llmcarbon"),
    "first_look_servings": ("n", "n_skipped", "median", "p90", "inside"),
    "first_look_trainings": ("n", "n_skipped", "median", "p90", "inside", "span"),
    "oom": ("n_devices", "tp", "pp", "cp", "ep", "zero_stage", "micro_batch", "seq_len", "global_batch_seqs"),
    "inference": (
        "params_b", "active_params_b", "n_layers", "d_model", "d_ff", "n_heads", "n_kv_heads", "head_dim", "vocab_size",
        "n_experts", "top_k", "d_ff_expert", "n_shared_experts", "n_dense_layers", "n_full_attn_layers", "window", "n_devices",
        "tp", "pp", "ep", "dp", "input_tokens", "output_tokens", "concurrency", "out_tok_s_total", "out_tok_s_per_device",
        "ttft_ms", "tpot_ms", "latency_s", "watts_per_device", "j_per_out_token",
    ),
    "inference_left_out": ("speed", "watts", "joules"),
    "trainings": (
        "moe", "params_b", "active_b", "tokens_b", "seq_len", "batch_start_tok", "batch_end_tok", "batch_main_tok",
        "n_devices", "device_hours", "days", "mfu", "seen", "batch_known",
    ),
    "carbon_runs": (
        "params_b", "active_params_b", "tokens_b", "n_devices", "device_hours", "days", "energy_kwh",
        "avg_device_power_w", "pue", "ci_g_per_kwh", "tco2e_operational", "tco2e_embodied",
    ),
}  # fmt: skip
"""Columns that hold a number that is zero or more, or nothing."""

TEXTS: Mapping[str, tuple[str, ...]] = {
    "runs": (
        "id", "source", "source_path_or_section", "model", "ffn_type", "device", "interconnect", "precision",
        "recompute", "flops_convention", "confidence", "notes", "kind", "mode", "attn_flops", "derived", "quality",
        "config_key", "provenance", "unseen_fields", "check_flags", "stack", "attention_kernel", "pace", "cuda_graphs",
        "dispatcher", "expert_overlap", "software", "offload", "first_read",
    ),
    "gemm": ("device", "dtype", "source", "op", "confidence", "notes"),
    "collectives": ("device", "collective", "source", "confidence", "notes"),
    "power": ("device", "utilisation_or_workload", "source", "scope", "confidence", "notes"),
    "power_limits": ("device", "workload", "batch", "source"),
    "power_work": ("device", "model", "task", "weights", "source", "notes"),
    "memory": ("run_id", "source", "model", "device", "precision", "recompute", "notes"),
    "oom": (
        "source", "source_path", "model", "device", "recompute", "attention_kernel", "sequence_parallel", "status",
    ),
    "inference": (
        "id", "source", "source_path", "model", "arch", "kind", "kv_type", "device", "weights", "kv_cache", "framework", "mode",
        "concurrency_basis", "tokens_basis", "watts_scope", "quality", "licence",
    ),
    "inference_left_out": ("id", "source", "fold", "known"),
    "trainings": ("model", "date", "maker", "maker_type", "device", "precision", "source", "note", "model_file"),
    "carbon_runs": ("name", "device", "energy_basis", "source", "notes"),
    "published": ("id", "source", "model", "device"),
    "covered": ("feature", "value", "id", "source"),
    "choices": ("choice", "group", "value", "source"),
    "choosing": ("name", "value", "low", "high", "unit", "source"),
    "first_look": ("version", "date", "batch", "source", "bias"),
    "first_look_servings": ("version", "date", "batch", "source", "quantity", "bias"),
    "first_look_trainings": ("version", "date", "batch", "source", "bias"),
}  # fmt: skip
"""Columns that hold words."""

UNIQUE: Mapping[str, str] = {"runs": "id", "inference": "id", "published": "id"}
"""Columns whose values never repeat."""


def _number_problem(text: str) -> str:
    try:
        value = float(text)
    except ValueError:
        return "is not a number"
    return "" if math.isfinite(value) and value >= 0 else "is out of range"


def problems(name: str, rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Return what is wrong with the rows of a file, one sentence each; nothing for a file that keeps to its schema.

    >>> problems("memory", [])
    ['memory: no rows']
    """
    if not rows:
        return [f"{name}: no rows"]
    found = []
    wanted, have = {*NUMBERS[name], *TEXTS[name]}, set(rows[0])
    found += [f"{name}: column {column} is missing" for column in sorted(wanted - have)]
    found += [f"{name}: column {column} is not in the schema" for column in sorted(have - wanted)]
    for i, row in enumerate(rows, start=2):
        if not row.get("source"):
            found.append(f"{name}, line {i}: no source")
        for column in NUMBERS[name]:
            text = row.get(column) or ""
            verdict = _number_problem(text) if text else ""
            if verdict:
                found.append(f"{name}, line {i}: {column} {verdict}: {text[:40]!r}")
    key = UNIQUE.get(name)
    if key:
        seen = [row.get(key, "") for row in rows]
        found += [f"{name}: {key} {value!r} repeats" for value, n in Counter(seen).items() if n > 1]
    return found
