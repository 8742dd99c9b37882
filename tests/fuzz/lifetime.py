"""Files of whole projects, of servings and of cluster meters, spoilt and used."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import carbonscaling as cs
from carbonscaling.serving.scenario import load_serving
from carbonscaling.study.project.file import load_project
from fuzz.damage import HOSTILE, spoilt, spoilt_text, toml_text

__all__ = ["meter", "project", "serving"]

PROJECT: dict[str, Any] = dict(
    title="x",
    common=dict(model="llama-3.2-1b", device="h100-sxm", region="france", devices=8),
    stage=[
        dict(name="a", kind="ablation", tokens=1e9, count=4, batch=64),
        dict(name="b", kind="sft", examples=1e5, length=800, epochs=2, seq_len=4096, batch=64),
        dict(name="c", kind="dpo", pairs=1e4, length=800, seq_len=4096, batch=64),
        dict(name="d", kind="rl", steps=10, prompts=64, samples=8, prompt=300, output=4000, seq_len=8192, batch=512,
             rollout_devices=4),
        dict(name="e", kind="evaluation", prompts=1e5, prompt=500, output=1000, amount_range=[0.5, 2.0]),
        dict(name="f", kind="hours", device_hours=1e3),
        dict(name="g", kind="share", of="a", share=0.1),
        dict(name="h", kind="storage", terabytes=5, copies=3, years=3),
        dict(name="i", kind="serving", requests_per_day=1e4, prompt=500, output=300, years=1),
    ],
)  # fmt: skip
QUICK = ("hours", "share", "storage")
SERVING: dict[str, Any] = dict(
    model="llama-3.2-1b", device="h100-sxm", tp=1, requests_per_day=1e5, prompt=500, output=300, in_flight=32,
    region="france", weights="fp8",
)  # fmt: skip
METERS = (
    "month,kwh,storage_kwh\n2026-01,90000,800\n2026-02,80000,790\n",
    "begin,end,kwh\n2026-01-01,2026-01-15,40000\n2026-01-15,2026-02-01,50000\n",
    "time,register_kwh\n2026-01-01T00:00,100\n2026-01-10T00:00,30100\n2026-02-01T00:00,90100\n",
)
JOBS = (
    "JobID|Start|End|Elapsed|AllocTRES|ConsumedEnergyRaw\n"
    "1|2026-01-02T00:00:00|2026-01-12T00:00:00|10-00:00:00|gres/gpu=64|0\n"
    "2|2026-01-05T00:00:00|2026-01-06T00:00:00|1-00:00:00|gres/gpu:h100=8|691200000\n",
    "job,devices,begin,end,kwh,scope\na,64,2026-01-02,2026-01-12,,\nb,8,2026-01-05,2026-01-06,190,it\n",
    "job,device_hours\na,15000\nb,200\n",
)


def _text(rng: Random, path: Path, text: str) -> Path:
    path.write_bytes(spoilt_text(rng, text) if rng.random() < 0.15 else text.encode("utf-8", "surrogatepass"))
    return path


def _cells(rng: Random, text: str, separator: str) -> str:
    """Return a table with a cell or two exchanged."""
    rows = [line.split(separator) for line in text.splitlines()]
    for _ in range(rng.choice((0, 0, 1, 2))):
        row = rng.choice(rows)
        row[rng.randrange(len(row))] = str(rng.choice(HOSTILE))
    return "\n".join(separator.join(row) for row in rows) + "\n"


def project(rng: Random, folder: Path) -> object:
    """A project's file; answered where no stage asks for a search."""
    stages = rng.sample(PROJECT["stage"], rng.randrange(1, 4))
    if rng.random() < 0.5:
        stages = [stage for stage in PROJECT["stage"] if stage["kind"] in QUICK and stage["name"] != "g"]
    path = folder / "project.toml"
    path.write_bytes(toml_text(spoilt(rng, PROJECT | {"stage": stages})).encode("utf-8", "surrogatepass"))
    found = load_project(path)
    return cs.project(path) if all(entry.stage.kind in QUICK for entry in found.entries) else found


def serving(rng: Random, folder: Path) -> object:
    """A serving's file, read; one in eight answered."""
    found = load_serving(_text(rng, folder / "serving.toml", toml_text(spoilt(rng, SERVING))))
    return cs.inference(found) if rng.random() < 0.125 else found


def meter(rng: Random, folder: Path) -> object:
    """A cluster's readings shared among jobs."""
    jobs = rng.choice(JOBS)
    return cs.attribute(
        _text(rng, folder / "kwh.csv", _cells(rng, rng.choice(METERS), ",")),
        _text(rng, folder / "jobs.txt", _cells(rng, jobs, "|" if "|" in jobs else ",")),
        device="h100-sxm", devices=rng.choice((64, 128, 128)),
        scope=rng.choice(("it", "it", "facility", "building", "devices")),
        region="france", loads_kw=rng.choice((None, None, None, {"storage": 1.0})),
    )  # fmt: skip
