"""What more than one target spoils: a scenario's fields, and models as Hugging Face publishes them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from fuzz.damage import spoilt

__all__ = ["ROOT", "SCENARIO", "configs", "scenario"]

ROOT = Path(__file__).resolve().parents[2]


@cache
def configs() -> tuple[dict[str, Any], ...]:
    """Return every ``config.json`` of the tests and examples."""
    files = [*sorted((ROOT / "tests/data/hf").glob("*.json")), *sorted((ROOT / "examples").glob("*.json"))]
    return tuple(json.loads(path.read_text(encoding="utf-8")) for path in files)


SCENARIO: dict[str, Any] = dict(
    model="llama-3-8b", tokens=1e12, device="h100-sxm", devices=64, max_devices=1024, max_days=90.0, objective="carbon",
    batch=1024, seq_len=4096, precision="bf16", layout=dict(tp=2, pp=4, dp=8, zero=1, micro_batch=1, recompute="selective"),
    space="default", region="france", pue=1.1, lifetime_years=5.0, carbon_mode="physical", amortisation="calendar",
    boundary=dict(development=0.5, idle_reservation=0.1), run_overhead=1.1, price_usd_per_device_hour=2.0,
    years_ahead=1.0, nic_gbps=400.0, stack="megatron", calibration="shipped", flash=True, shared_hosts=False,
    carbon_intensity_g_per_kwh=40.0, law=None, target_loss=None, d_model=None, compute=None,
)  # fmt: skip
LAWS = ("besiroglu_2024", "hoffmann_2022", "kaplan_2020", "paper_v1", "paper_v2", "krajewski_2024_moe")


def scenario(rng: Random) -> dict[str, Any]:
    """Some of a scenario's fields, sometimes with a law."""
    data = {k: v for k, v in SCENARIO.items() if v is not None and rng.random() < 0.5}
    if rng.random() < 0.3:
        data.pop("model", None)
        data["law"] = rng.choice(LAWS)
        data[rng.choice(("target_loss", "compute", "d_model"))] = rng.choice((1.9, 2.2, 1e21, 1e24, 4096, 12288, 0.5))
    elif "model" not in data:
        data["model"] = "mixtral-8x7b"
    return spoilt(rng, data, 3)
