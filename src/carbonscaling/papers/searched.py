"""The papers' Algorithm 1 on this package's search: one size on one device, and the spread of all feasible settings."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

from carbonscaling.catalog import hardware
from carbonscaling.laws.paper import PaperModel
from carbonscaling.papers.member import batch_of, member, with_layers
from carbonscaling.papers.realisation import Realisation, realisation
from carbonscaling.papers.remember import remembered
from carbonscaling.perf.efficiency import Efficiency
from carbonscaling.perf.goodput import run_time
from carbonscaling.perf.numbers import Number, Recompute, Setting
from carbonscaling.search.engine import Question, search
from carbonscaling.search.objectives import Outcome
from carbonscaling.search.space import Space
from carbonscaling.sources import Datum
from carbonscaling.study.answer import question_of, space_of
from carbonscaling.study.resolve import Resolved, resolve
from carbonscaling.study.scenario import Scenario
from carbonscaling.units import DAY

__all__ = ["Found", "Task", "find", "median_step", "question", "resolved", "space_for"]

MOST_DEVICES = 2**50
"""End of the loop of algorithm 1."""
GROUPS_OF_HOSTS = (0, 8, 32, 128, 512)
"""Sharding groups of the flexible-sharding study: all ranks, or one to 64 hosts."""
UNLIMITED = 1e30
"""Bytes; a device's memory where only the total has to suffice."""
STATE_BYTES = 16.0
"""Weights 2, gradients 2, Adam's states 12 a parameter."""
SAME_SPEED = {"paper-v100-v2": "paper-v100"}
"""Devices that differ in their die area alone."""
GROUPS = {
    "kernels": ("grouped",),
    "hiding": ("overlap", "tp_overlap", "ep_overlap"),
    "imbalance": ("imbalance",),
}
"""Constants that move together, by the choice of ``papers.toml``; the kernels' include `gemm` in every number format."""


@dataclass(frozen=True)
class Task:
    """Everything a search depends on; what only carbon depends on is not here.

    Attributes
    ----------
    mode, version, device : str
    d_model : int
    years : float
    precision : str, optional
    aggressive, flexible, eviction : bool
        Training algorithms of version 1: critical batch, sharding groups, memory reserve.
    inputs : Realisation
        In physical mode only its deadline and share of evicted memory count. What no search depends on is as in the
        realisation itself, so that equal searches are equal tasks.
    """

    mode: str
    version: str
    device: str
    d_model: int
    years: float = 0.0
    precision: str | None = None
    aggressive: bool = False
    flexible: bool = False
    eviction: bool = False
    inputs: Realisation = field(default_factory=realisation)

    @property
    def model(self) -> PaperModel:
        """The model family's member."""
        return member(self.version, self.d_model, int(self.inputs.layer_multiple))


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
    paper, first, own = task.mode == "paper", task.version == "v1", task.inputs
    multiple, layers = int(own.batch_multiple) if paper else 1, int(own.layer_multiple)
    found = resolve(
        Scenario(
            law=f"paper_{task.version}", d_model=task.d_model, device=task.device, space="paper" if paper else "default",
            carbon_mode="paper" if paper else "physical", paper_version=task.version,  # type: ignore[arg-type]
            calibration="none" if paper else "shipped", run_overhead=1.0 if paper else None,
            nic_gbps=_nic_gbps(task) if paper else None,
            carbon_intensity_g_per_kwh=127.0 if paper and first else None, years_ahead=task.years,
            cpa_growth=cpa_growth, precision=task.precision, max_days=own.deadline, stack="plain",
            batch=batch_of(task.version, task.d_model, task.aggressive, multiple, layers),
        )
    )  # fmt: skip
    if layers > 1:
        found = with_layers(found, task.model)
    if paper and (own.kernels or own.hiding or own.imbalance):
        ends = int(own.kernels), int(own.hiding), int(own.imbalance)
        constants = at_ends(found.efficiency, **dict(zip(GROUPS, ends, strict=True)))
        setup = replace(found.setup, efficiency=constants, plain=found.setup.plain_with(constants))
        found = replace(found, setup=setup, machine=setup.machine(found.calibration))
    machine = found.machine.changed(capacity=UNLIMITED) if paper and own.total_memory else found.machine
    if task.eviction:
        machine = machine.changed(reserve=machine.software.reserve * (1.0 - own.eviction))
    return found if machine is found.machine else replace(found, machine=machine)


def at_ends(constants: Efficiency, *, kernels: int, hiding: int, imbalance: int) -> Efficiency:
    """Return a device's software constants with some groups at an end of their ranges.

    Parameters
    ----------
    constants : Efficiency
        As the catalogue has them.
    kernels, hiding, imbalance : int
        Of each of `GROUPS` -1, 0 or 1: low end, central value, high end.
    """
    ends = {"kernels": kernels, "hiding": hiding, "imbalance": imbalance}
    moved = {field: _at(getattr(constants, field), end) for name, end in ends.items() for field in GROUPS[name]}
    return replace(constants, **moved, gemm={kind: _at(datum, kernels) for kind, datum in constants.gemm.items()})


def _at(datum: Datum, end: int) -> Datum:
    value = (datum.value, datum.high, datum.low)[end]
    return datum if value is None else replace(datum, value=value)


def _nic_gbps(task: Task) -> float | None:
    """Return the network between hosts where it is not that of the real part of the same name."""
    machine, times = hardware.cluster(task.device), task.inputs.network
    nic = machine.host.nic_bandwidth.si
    if task.inputs.network_follows_link and machine.device.kind == "gpu":
        validated = hardware.cluster("paper-a100")
        share = validated.host.nic_bandwidth.si / validated.device.link_bandwidth.si
        times *= share * machine.device.link_bandwidth.si / nic
    return nic * 8e-9 * times if times != 1.0 else None


def space_for(task: Task, r: Resolved) -> Space:
    """Return the settings that algorithm 1 walks through; physical mode also lets experts be sharded, as the papers do."""
    space, own = space_of(r.scenario), task.inputs
    shard = GROUPS_OF_HOSTS if task.flexible else space.shard
    if task.mode != "paper":
        tensor = _powers_of_two(min(64.0, float(r.machine.silicon.domain)))
        return replace(space, tp=tensor, etp=tensor, shard=shard)
    return replace(
        space, tp=_powers_of_two(own.widest_tensor), zero=tuple(stage for stage in space.zero if stage <= own.zero_v1),
        cp=space.cp if own.token_batch else (1,), shard=shard,
        micro_batch=(int(own.micro_batch),) if own.micro_batch else space.micro_batch,
        recompute=(Recompute.SELECTIVE, Recompute.FULL) if own.recompute else space.recompute,
    )  # fmt: skip


def _powers_of_two(most: float) -> tuple[int, ...]:
    return tuple(2**k for k in range(int(most).bit_length()))


def question(r: Resolved, counts: tuple[int, int], deadline_s: float) -> Question:
    """Return the question without carbon: algorithm 1 ranks by devices and time alone, and that is quicker to search."""

    def time_alone(_settings: Setting, step_s: Number) -> Outcome:
        duration = run_time(r.n_steps, step_s, r.run_overhead.si)
        return Outcome(duration, duration, duration, duration)

    return replace(question_of(r.scenario, r, counts, deadline_s), outcome=time_alone, duration=None)


def find(task: Task) -> Found | None:
    """Return the fewest devices that finish in time, at their shortest time; None where no count does."""
    return _find(_searched_as(task))


@lru_cache(maxsize=4096)
def _searched_as(task: Task) -> Task:
    """Return the task whose search serves both versions: where their models agree, only loss and carbon differ."""
    first = replace(task, version="v1", device=SAME_SPEED.get(task.device, task.device))
    return first if replace(task.model, loss=0.0) == replace(first.model, loss=0.0) else task


def _packed(found: Found | None) -> list[Any] | None:
    return None if found is None else [list(found.setting), found.n_devices, found.duration_s, found.utilisation]


def _unpacked(kept: list[Any] | None) -> Found | None:
    return None if kept is None else Found(Setting(*kept[0]), *kept[1:])


@remembered(_packed, _unpacked)
def _find(task: Task) -> Found | None:
    r = resolved(task)
    deadline_s = task.inputs.deadline * DAY
    ideal = r.compute / (deadline_s * r.machine.formats.peak_mfu)
    counted = task.mode == "paper" and task.inputs.total_memory
    whole = STATE_BYTES * float(task.model.n_params) / r.cluster.device.memory_capacity.si if counted else 1.0
    asked = question(r, (max(1, int(ideal), math.ceil(whole)), MOST_DEVICES), deadline_s)
    best = search(asked, space_for(task, r), top=1, near=0.0, prune=True, explain=False, threads=1).best
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
