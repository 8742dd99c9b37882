"""The papers' Algorithm 1 on this package's search: one size on one device, and the spread of all feasible settings."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from carbonscaling.catalog import hardware
from carbonscaling.laws.paper import PaperModel
from carbonscaling.perf.goodput import run_time
from carbonscaling.perf.numbers import Number, Recompute, Setting
from carbonscaling.reproduce.member import batch_of, member, with_layers
from carbonscaling.reproduce.remember import remembered
from carbonscaling.reproduce.software import at_ends
from carbonscaling.search.engine import Question, search
from carbonscaling.search.objectives import Outcome
from carbonscaling.search.space import Space
from carbonscaling.study.asked import question_of, space_of
from carbonscaling.study.resolve import Resolved, resolve
from carbonscaling.study.scenario import Scenario
from carbonscaling.units import DAY

__all__ = ["Found", "Task", "batch_of", "find", "median_step", "member", "question", "resolved", "space_for"]

MOST_DEVICES = 2**50
"""End of the loop of algorithm 1."""
GROUPS = (0, 8, 32, 128, 512)
"""Sharding groups of the flexible-sharding study: all ranks, or one to 64 hosts."""
UNLIMITED = 1e30
"""Bytes; a device's memory where only the total has to suffice."""
STATE_BYTES = 16.0
"""Weights 2, gradients 2, Adam's states 12 a parameter."""
SAME_SPEED = {"paper-v100-v2": "paper-v100"}
"""Devices that differ in their die area alone."""


@dataclass(frozen=True)
class Task:
    """Everything a search depends on; what only carbon depends on is not here.

    Attributes
    ----------
    mode, version, device : str
    d_model : int
    years : float
    precision : str, optional
    batch_law : str
    flexible_sharding : bool
    spared_reserve : float
        Share of the memory reserve that dynamic eviction gives back.
    deadline_days, network, widest_tensor : float
    token_batch, recompute : bool
        Whether ranks may share a sequence, and activations be computed again.
    batch_multiple : int
        Divides the batch besides the experts and a power of two.
    total_memory : bool
        Whether only the memory of all devices together has to suffice.
    micro_batch : int
        Sequences of a micro-batch; 0 leaves it to the search.
    highest_zero : int
        Highest ZeRO stage.
    kernels, hiding, imbalance : int
        Ends of the ranges of software constants, see `software.at_ends`.
    layer_multiple : int
        Layers round to the nearest multiple of this.
    """

    mode: str
    version: str
    device: str
    d_model: int
    years: float = 0.0
    precision: str | None = None
    batch_law: str = "chinchilla"
    flexible_sharding: bool = False
    spared_reserve: float = 0.0
    deadline_days: float = 90.0
    network: float = 1.0
    widest_tensor: int = 64
    token_batch: bool = True
    recompute: bool = False
    batch_multiple: int = 1
    total_memory: bool = False
    micro_batch: int = 0
    highest_zero: int = 3
    kernels: int = 0
    hiding: int = 0
    imbalance: int = 0
    layer_multiple: int = 1


@dataclass(frozen=True)
class Found:
    """Answer of algorithm 1: fewest devices, then shortest time."""

    setting: Setting
    n_devices: int
    duration_s: float
    utilisation: float


@lru_cache(maxsize=4096)
def resolved(task: Task, cpa_growth: bool = False) -> Resolved:
    """Look up the model, the training and the machine of a task."""
    paper, first = task.mode == "paper", task.version == "v1"
    host = hardware.cluster(task.device).host
    gbps = host.nic_bandwidth.si * 8e-9 * task.network if task.network != 1.0 else None
    found = resolve(
        Scenario(
            law=f"paper_{task.version}", d_model=task.d_model, device=task.device, space="paper" if paper else "default",
            carbon_mode="paper" if paper else "physical", paper_version="v1" if first else "v2",
            calibration="none" if paper else "shipped", run_overhead=1.0 if paper else None, nic_gbps=gbps,
            carbon_intensity_g_per_kwh=127.0 if paper and first else None, years_ahead=task.years,
            cpa_growth=cpa_growth, precision=task.precision, max_days=task.deadline_days, stack="plain",
            batch=batch_of(task.version, task.d_model, task.batch_law, task.batch_multiple, task.layer_multiple),
        )
    )  # fmt: skip
    if task.layer_multiple > 1:
        found = with_layers(found, _member(task))
    if task.kernels or task.hiding or task.imbalance:
        constants = at_ends(found.efficiency, kernels=task.kernels, hiding=task.hiding, imbalance=task.imbalance)
        setup = replace(found.setup, efficiency=constants, plain=found.setup.plain_with(constants))
        found = replace(found, setup=setup, machine=setup.machine(found.calibration))
    if task.total_memory:
        found = replace(found, machine=found.machine.changed(capacity=UNLIMITED))
    if task.spared_reserve:
        machine = found.machine.changed(reserve=found.machine.software.reserve * (1.0 - task.spared_reserve))
        found = replace(found, machine=machine)
    return found


def _member(task: Task) -> PaperModel:
    return member(task.version, task.d_model, task.layer_multiple)


def space_for(task: Task, r: Resolved) -> Space:
    """Return the settings that algorithm 1 walks through; physical mode also lets experts be sharded, as the papers do."""
    space, paper = space_of(r.scenario), task.mode == "paper"
    widest = task.widest_tensor if paper else min(task.widest_tensor, int(r.machine.silicon.domain))
    tensor = tuple(2**k for k in range(widest.bit_length()) if 2**k <= widest)
    space = replace(space, tp=tensor)
    if not paper:
        space = replace(space, etp=tensor)
    elif not task.token_batch:
        space = replace(space, cp=(1,))
    if task.micro_batch:
        space = replace(space, micro_batch=(task.micro_batch,))
    space = replace(space, zero=tuple(stage for stage in space.zero if stage <= task.highest_zero))
    if paper and task.recompute:
        space = replace(space, recompute=(Recompute.SELECTIVE, Recompute.FULL))
    return replace(space, shard=GROUPS) if task.flexible_sharding else space


def question(r: Resolved, counts: tuple[int, int], deadline_s: float) -> Question:
    """Return the question without carbon: algorithm 1 ranks by devices and time alone, and that is quicker to search."""

    def time_alone(_settings: Setting, step_s: Number) -> Outcome:
        duration = run_time(r.n_steps, step_s, r.run_overhead.si)
        return Outcome(duration, duration, duration, duration)

    return replace(question_of(r.scenario, r, counts, deadline_s), outcome=time_alone, duration=None)


def _least_in_memory(task: Task, r: Resolved) -> int:
    """Return the fewest devices whose memory together holds weights, gradients and optimizer states."""
    if not task.total_memory:
        return 1
    state = STATE_BYTES * float(_member(task).n_params)
    return math.ceil(state / r.cluster.device.memory_capacity.si)


def find(task: Task) -> Found | None:
    """Return the fewest devices that finish in time, at their shortest time; None where no count does."""
    return _find(_searched_as(task))


@lru_cache(maxsize=4096)
def _searched_as(task: Task) -> Task:
    """Return the task whose search serves both versions: where their models agree, only loss and carbon differ."""
    ours, first = (replace(member(v, task.d_model, task.layer_multiple), loss=0.0) for v in (task.version, "v1"))
    if ours != first:
        return task
    return replace(task, version="v1", device=SAME_SPEED.get(task.device, task.device))


def _packed(found: Found | None) -> list[Any] | None:
    return None if found is None else [list(found.setting), found.n_devices, found.duration_s, found.utilisation]


def _unpacked(kept: list[Any] | None) -> Found | None:
    return None if kept is None else Found(Setting(*kept[0]), *kept[1:])


@remembered(_packed, _unpacked)
def _find(task: Task) -> Found | None:
    r = resolved(task)
    deadline_s = task.deadline_days * DAY
    ideal = r.compute / (deadline_s * r.machine.formats.peak_mfu)
    counts = (max(1, int(ideal), _least_in_memory(task, r)), MOST_DEVICES)
    asked, space = question(r, counts, deadline_s), space_for(task, r)
    best = search(asked, space, top=1, near=0.0, prune=True, explain=False, threads=1).best
    if best is None:
        return None
    flops = r.batch * r.seq_len * r.work.model_flops
    utilisation = float(flops / (best.step_s * best.n_devices * r.machine.formats.peak_mfu))
    return Found(best.setting, best.n_devices, best.duration_s, utilisation)


@remembered(float, float)
def median_step(task: Task, n_devices: int) -> float:
    """Return the median step time of all settings of `n_devices` that fit, whether or not in time; to half a percent."""
    r = resolved(task)
    asked = question(r, (n_devices, n_devices), np.inf)
    found = search(asked, space_for(task, r), top=1, quantiles=(0.5,), explain=False, threads=1)
    return found.quantiles[0.5][1].step_s
