"""Workloads, machines and settings that several test modules share."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from carbonscaling.catalog import hardware, models
from carbonscaling.catalog.efficiency import efficiency
from carbonscaling.catalog.stacks import stack
from carbonscaling.perf.build import machine, workload
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Recompute, Schedule, Setting, Workload
from carbonscaling.perf.precision import precision
from carbonscaling.reporting.statements.record import Record
from carbonscaling.reporting.statements.saved import load_answer, record_of

MODELS = (
    "llama-3-8b",
    "gpt-3-1.3b",
    "mixtral-8x7b",
    "deepseek-v2-lite",
    "palm-8b",
    "nemotron-3-nano",
    "qwen3-next-80b-a3b",
    "t5-v1.1-xl",
)
DEVICES = (("h100-sxm", "bf16"), ("a100-80", "fp16"), ("tpu-v4", "bf16"), ("v100-sxm2-32", "fp16"), ("h800", "fp8"))


@cache
def work_of(model: str, seq_len: int = 2048) -> Workload:
    return workload(models.model(model), seq_len)


@cache
def machine_of(device: str, recipe: str = "bf16") -> Machine:
    cluster = hardware.cluster(device, None)
    return machine(cluster, precision(recipe), efficiency(cluster.device), stack("plain"))


def load_record(path: Path) -> Record:
    """What ``report`` reads of a saved answer."""
    return record_of(load_answer(path), str(path))


def setting(**changes: float) -> Setting:
    """One device, micro-batch 1, nothing sharded or recomputed, with some changes; ZeRO shards the whole group."""
    base = dict.fromkeys(Setting._fields, 1.0) | {"zero": 0.0, "recompute": 0.0, "schedule": 0.0, "sp": 0.0}
    base |= {"recompute_percent": 100.0} | changes
    base["shard"] = changes.get("shard", base["dp"] * base["cp"])
    return Setting(**base)


@st.composite
def settings(draw: st.DrawFn, work: Workload) -> Setting:
    """A setting that satisfies the rules of its schedule, as floats."""
    tp = draw(st.sampled_from([t for t in (1, 2, 4, 8) if work.n_heads % t == 0]))
    pp = draw(st.sampled_from((1, 2, 4, 8)))
    cp = draw(st.sampled_from((1, 2)))
    dp = draw(st.sampled_from((1, 2, 8, 32)))
    schedule = draw(st.sampled_from((0, 1, 2))) if pp > 1 else Schedule.ONE_F_ONE_B
    vpp = draw(st.sampled_from((1, 2))) if pp > 1 and schedule == Schedule.ONE_F_ONE_B else 1
    n_micro = pp * draw(st.integers(2, 6)) if pp > 1 else draw(st.integers(1, 16))
    experts = [e for e in (1, 2, 4, 8) if work.n_experts and work.n_experts % e == 0 and (tp * cp * dp) % e == 0]
    group = dp * cp
    zero = draw(st.integers(0, 3 if pp == 1 else 1)) if group > 1 else 0
    shard = draw(st.sampled_from([g for g in (2, group) if group % g == 0])) if zero else group
    return setting(
        tp=float(tp),
        pp=float(pp),
        dp=float(dp),
        cp=float(cp),
        ep=float(draw(st.sampled_from(experts or [1]))),
        vpp=float(vpp),
        zero=float(zero),
        shard=float(shard),
        micro_batch=float(draw(st.sampled_from((1, 2, 4)))),
        n_micro=float(n_micro),
        recompute=float(draw(st.sampled_from(range(len(Recompute.NAMES))))),
        schedule=float(schedule),
        sp=float(draw(st.booleans())) if tp > 1 else 0.0,
        recompute_percent=draw(st.sampled_from((100.0, 50.0))),
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Workload, Machine, Setting]:
    """A model, a machine, a setting."""
    work = work_of(draw(st.sampled_from(MODELS)), draw(st.sampled_from((1024, 2048))))
    return work, machine_of(*draw(st.sampled_from(DEVICES))), draw(settings(work))
