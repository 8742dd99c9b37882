"""Launch files and workloads, spoilt, read and laid over a scenario."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml  # type: ignore[import-untyped]

from carbonscaling.exchange.read import read_launch
from fuzz.damage import spoilt, spoilt_text, toml_text
from fuzz.material import ROOT

__all__ = ["launch"]

WORKLOAD = (
    "HYBRID_TRANSFORMER_FWD_IN_BCKWD model_parallel_NPU_group: 8 ep: 1 pp: 2 vpp: 96 ga: 4 all_gpus: 64 pp_comm: 0\n2\n"
    "attention_layer\t-1\t2571000\tALLREDUCE\t50331648\t2454000\tNONE\t0\t2454000\tNONE\t0\t100\n"
    "mlp_layer\t-1\t1584000\tALLREDUCE\t50331648\t2081000\tNONE\t0\t2081000\tNONE\t0\t100\n"
)


@cache
def _samples() -> dict[str, str]:
    files = sorted((ROOT / "tests/data/launch").iterdir())
    return {path.name: path.read_text(encoding="utf-8") for path in files} | {"workload.txt": WORKLOAD}


def _damaged(rng: Random, name: str, text: str) -> str:
    """Spoil what a file says where it is data."""
    data: dict[str, Any]
    if name.endswith(".json"):
        return json.dumps(spoilt(rng, json.loads(text)))
    if name.endswith(".toml"):
        return toml_text(spoilt(rng, tomllib.loads(text)))
    if name.endswith(".yml"):
        data = spoilt(rng, yaml.safe_load(text))
        return str(yaml.safe_dump(data, allow_unicode=True)) if rng.random() < 0.8 else text
    return text


def launch(rng: Random, folder: Path) -> object:
    """A launch file, three in four with its data or its text spoilt."""
    name = rng.choice(sorted(_samples()))
    text = _damaged(rng, name, _samples()[name])
    spoil = name.endswith((".sh", ".txt")) or rng.random() < 0.3
    path = folder / name
    path.write_bytes(spoilt_text(rng, text) if spoil else text.encode("utf-8", "surrogatepass"))
    return read_launch(path, rng.choice((None, 64, 7))).scenario()
