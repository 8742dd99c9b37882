"""A search of the papers' Algorithm 1: one size on one device, what it is asked of, what it finds."""

from __future__ import annotations

from dataclasses import field, replace
from functools import lru_cache

from carbonscaling.catalog import hardware
from carbonscaling.laws.paper import PaperModel
from carbonscaling.papers.engine import Chip, Layout, Training
from carbonscaling.papers.member import batch_of, member
from carbonscaling.papers.realisation import Realisation, realisation
from carbonscaling.papers.variants import Engine, chip, training
from carbonscaling.perf.numbers import Setting
from carbonscaling.record import dataclass
from carbonscaling.study.resolve import Resolved, resolve
from carbonscaling.study.scenario import Scenario

__all__ = ["Found", "Task", "chip_of", "resolved", "training_of"]


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
        Training algorithms of version 1: critical batch, sharding groups, memory reserve. The last two have nothing to act
        on but in this project's kernels, since the others shard no states and count memory in total.
    inputs : Realisation
        What no search depends on is as in the realisation itself, so that equal searches are equal tasks.
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
    def engine(self) -> Engine:
        """What times a step; physical mode has this project's kernels."""
        own = self.inputs.engine_v1 if self.version == "v1" else self.inputs.engine_v2
        return own if self.mode == "paper" else "physical"

    @property
    def model(self) -> PaperModel:
        """The model family's member; this project's kernels know no other count of layers than its own."""
        return member(self.version, self.d_model, 1 if self.engine == "physical" else int(self.inputs.layer_multiple))


@dataclass(frozen=True)
class Found:
    """Answer of algorithm 1: fewest devices, then shortest time."""

    layout: Setting | Layout
    n_devices: int
    duration_s: float
    utilisation: float


def resolved(task: Task, cpa_growth: bool = False) -> Resolved:
    """Look up the model, the training, the machine and the carbon model of a task."""
    inputs = replace(realisation(), deadline=task.inputs.deadline, eviction=task.inputs.eviction)
    return _resolved(replace(task, flexible=False, inputs=inputs), cpa_growth)


@lru_cache(maxsize=4096)
def _resolved(task: Task, cpa_growth: bool) -> Resolved:
    paper, first = task.mode == "paper", task.version == "v1"
    found = resolve(
        Scenario(
            law=f"paper_{task.version}", d_model=task.d_model, device=task.device, space="paper" if paper else "default",
            carbon_mode="paper" if paper else "physical", paper_version=task.version,  # type: ignore[arg-type]
            calibration="none" if paper else "shipped", run_overhead=1.0 if paper else None,
            carbon_intensity_g_per_kwh=127.0 if paper and first else None, years_ahead=task.years,
            cpa_growth=cpa_growth, precision=task.precision, max_days=task.inputs.deadline, stack="plain",
            batch=batch_of(task.version, task.d_model, task.aggressive),
        )
    )  # fmt: skip
    if not task.eviction:
        return found
    reserve = found.machine.software.reserve * (1.0 - task.inputs.eviction)
    return replace(found, machine=found.machine.changed(reserve=reserve))


def chip_of(task: Task) -> Chip:
    """Return the task's device as the engine sees it."""
    r, own = resolved(task), task.inputs
    present = r.cluster if own.network_grows else hardware.cluster(task.device)
    return chip(present, r.cluster, r.recipe.format, efficiency=own.efficiency, network=own.network, cache=own.cache)


def training_of(task: Task) -> Training:
    """Return the task's model and batch as the engine sees them."""
    batch = None if task.inputs.exact_batch else float(batch_of(task.version, task.d_model, task.aggressive))
    return training(task.model, resolved(task).recipe.name, aggressive=task.aggressive, batch=batch)
