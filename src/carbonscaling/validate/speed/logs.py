"""A user's own training log as a measured row: step time from the log, everything else from the scenario beside it."""

from __future__ import annotations

import math
import re
import statistics
from pathlib import Path

from carbonscaling.calibration.emissions import is_emissions, read_emissions
from carbonscaling.errors import InputError
from carbonscaling.files import LOG, read_text
from carbonscaling.study.resolve import resolve
from carbonscaling.study.scenario import Scenario

__all__ = ["log_row", "step_seconds"]

_MEGATRON = re.compile(r"elapsed time per iteration \(ms\):\s*([0-9]+(?:\.[0-9]+)?)")
_TORCHTITAN = re.compile(r"\btps:\s*([0-9][0-9,]*)")
WARM_UP = 5
"""Steps at the beginning that are not counted: compilation, caches, first allocations."""


def _steady(values: list[float]) -> float:
    return statistics.median(values[WARM_UP:] if len(values) > 2 * WARM_UP else values)


def _numbers(line: re.Pattern[str], text: str) -> list[float]:
    """Return what the log says on such lines, where it is more than nought."""
    found = (float(number.replace(",", "")) for number in line.findall(text))
    return [number for number in found if 0.0 < number < math.inf]


def step_seconds(text: str, tokens_per_step: float, n_devices: int) -> float | None:
    """Return the median steady step time in a log, or None where no known line is found.

    Megatron-LM prints milliseconds per iteration; torchtitan tokens per second and device (``tps``).
    """
    times = [ms / 1000.0 for ms in _numbers(_MEGATRON, text)]
    if times:
        return _steady(times)
    speeds = _numbers(_TORCHTITAN, text)
    return tokens_per_step / (_steady(speeds) * n_devices) if speeds else None


def _tracked(file: Path, scenario: Scenario) -> float:
    """Return the seconds of the one run that a tracker saw from beginning to end."""
    runs = read_emissions(file)
    if scenario.tokens is None:
        raise InputError(
            "a tracker's file knows no tokens, so that no speed follows from it", where=str(file), key="tokens",
            remedy="give tokens in the scenario: those that this run trained on",
        )  # fmt: skip
    if len(runs) > 1:
        raise InputError(
            "several runs in one file: which one the scenario describes is not known", where=str(file),
            value=f"{len(runs)} runs", remedy="keep the row of one run, the slowest where several processes wrote one",
        )  # fmt: skip
    return runs[0].seconds


def log_row(log: Path, scenario: Scenario) -> dict[str, str]:
    """Return one row with the schema of ``runs.csv`` from a log and the scenario that produced it.

    Parameters
    ----------
    log : Path
        Output of Megatron-LM or torchtitan; or codecarbon's ``emissions.csv`` of one run whose tokens the scenario states.
    scenario : Scenario
        Its model, device, device count, batch and layout.

    Raises
    ------
    InputError
        The log has no known line, or the scenario names no device count.
    """
    r, layout = resolve(scenario), scenario.layout
    if scenario.devices is None:
        raise InputError("a log needs the number of devices", key="devices", remedy="give devices in the scenario file")
    if r.spec.attention is None:
        raise InputError("a model without attention cannot have been trained", key="model", value=r.spec.name)
    if is_emissions(log):
        seconds: float | None = _tracked(log, scenario) * r.batch * r.seq_len / r.tokens
    else:
        seconds = step_seconds(read_text(log, LOG), r.batch * r.seq_len, scenario.devices)
    if seconds is None:
        raise InputError(
            "no step times found in the log",
            where=str(log),
            allowed="'elapsed time per iteration (ms): …' (Megatron-LM) or 'tps: …' (torchtitan)",
            remedy="give the log of such a run, or write a CSV with the columns of runs.csv",
        )
    spec, a, x = r.spec, r.spec.attention, r.spec.experts
    values: dict[str, object] = {
        "id": log.stem, "source": log.name, "model": spec.name, "device": r.cluster.device.id,
        "stack": scenario.stack or "", "kind": "benchmark", "mode": "pretrain", "precision": r.recipe.name,
        "n_layers": spec.n_layers, "d_model": spec.d_model, "d_ff": spec.ffn.d_ff, "n_heads": a.n_heads,
        "n_kv_heads": a.n_kv_heads, "head_dim": a.head_dim, "vocab": spec.vocab_size, "seq_len": r.seq_len,
        "ffn_type": "swiglu" if spec.ffn.gated else "gelu", "tied_embeddings": float(spec.tied_embeddings),
        "n_devices": scenario.devices, "tp": layout.tp, "pp": layout.pp, "dp": layout.dp, "cp": layout.cp, "ep": layout.ep,
        "vpp": layout.vpp, "zero_stage": layout.zero, "micro_batch": layout.micro_batch, "recompute": layout.recompute,
        "global_batch_seqs": r.batch, "step_time_s": seconds,
    }  # fmt: skip
    if x is not None:
        values |= {
            "n_experts": x.n_routed,
            "top_k": x.top_k,
            "d_ff_expert": x.d_ff,
            "n_shared_experts": x.d_ff_shared / x.d_ff,
            "n_dense_layers": x.n_dense_layers,
        }
    return {key: str(value) for key, value in values.items() if value is not None}
