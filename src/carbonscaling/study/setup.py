"""The training and the machine that a scenario names: model, cluster, number formats, software stack, as numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

from carbonscaling.arrays import stacked
from carbonscaling.calibration.profile import Calibration, calibrated, factored, load_calibration, shipped_calibration
from carbonscaling.catalog import hardware
from carbonscaling.catalog.efficiency import efficiency
from carbonscaling.catalog.offload import host_side
from carbonscaling.catalog.stacks import generic, stack
from carbonscaling.errors import InputError
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.hardware.roadmap import project, project_host
from carbonscaling.model.mixer import vector_flops
from carbonscaling.model.spec import ModelSpec
from carbonscaling.perf import build
from carbonscaling.perf.efficiency import Efficiency
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Workload
from carbonscaling.perf.precision import Recipe, precision
from carbonscaling.perf.stacked import wide_share
from carbonscaling.record import dataclass
from carbonscaling.software.stack import Stack
from carbonscaling.study.limited import limit_note, limited
from carbonscaling.study.scenario import Scenario
from carbonscaling.study.subject import Subject, subject
from carbonscaling.study.trained import TRAINED_FIELDS, holds_8_bit, scores_biased, training_notes, training_work

__all__ = ["MACHINE_FIELDS", "OfSetup", "Setup", "agree", "calibration_of", "cluster_of", "plain_machine", "setup"]
__all__ += ["with_kernels"]

CAST = 4.0
"""Bytes that a gather fetches from the host where float32 shards are the only copy: FairScale casts on the device."""

MACHINE_FIELDS = (
    "device", "host", "nic_gbps", "fabric", "power_limit", "years_ahead", "cpa_growth", "precision", "flash", "offload",
    "stack", "software", "practice", "carbon_mode", "profile",
)  # fmt: skip
"""Fields that the cluster, its number formats and its software follow from; with states in the host the device count too."""
PAPERS = "plain"
"""Stack of the papers' simulator, of whose software neither says more."""
MODEL_FIELDS = ("model", "law", "d_model", "target_loss", "compute")
"""Fields that the model follows from, where no law has a say."""


@dataclass(frozen=True)
class Setup:
    """What a scenario trains, and on what.

    Attributes
    ----------
    scenario : Scenario
    subject : Subject
        The model, with what its law says.
    seq_len : int
    cluster, recipe, efficiency, stack : objects
        Hardware, number formats, what kernels and links reach, software.
    work : Workload
    plain : Machine
        At device level: no fitted factor applied.
    notes : tuple of str
        What was taken where the scenario was silent.
    """

    scenario: Scenario
    subject: Subject
    seq_len: int
    cluster: Cluster
    recipe: Recipe
    efficiency: Efficiency
    stack: Stack
    work: Workload
    plain: Machine
    notes: tuple[str, ...]

    @property
    def untold(self) -> bool:
        """Whether nobody stated how the model is split; stacks that wrap whole blocks split nothing but the states."""
        s = self.scenario
        split = s.layout.tp is not None or s.layout.pp is not None or self.stack.whole_blocks.value > 0
        return s.practice == "typical" and not split

    def machine(self, calibration: Calibration) -> Machine:
        """Return the machine with the factors of a calibration."""
        return calibrated(self.plain, self.cluster.device, self.stack.lineage, calibration)

    def machines(self, constants: Iterable[Efficiency], calibration: Calibration) -> Machine:
        """Return the same, then that with each of other efficiencies, as one machine of arrays."""
        plain: Machine = stacked([self.plain, *map(self.plain_with, constants)])
        return factored(plain, self.cluster.device, self.stack.lineage, calibration)

    def plain_with(self, constants: Efficiency) -> Machine:
        """Return the device-level machine with other efficiencies."""
        asked = with_kernels(self.scenario, self.subject.spec)
        return plain_machine(asked, self.cluster, self.recipe, constants, self.stack)


class OfSetup:
    """What has a setup, and so all that follows from one."""

    setup: Setup

    @property
    def scenario(self) -> Scenario:
        """The question."""
        return self.setup.scenario

    @property
    def spec(self) -> ModelSpec:
        """What is trained."""
        return self.setup.subject.spec

    @property
    def seq_len(self) -> int:
        """Tokens of a sequence."""
        return self.setup.seq_len

    @property
    def cluster(self) -> Cluster:
        """Device and host."""
        return self.setup.cluster

    @property
    def recipe(self) -> Recipe:
        """Number formats."""
        return self.setup.recipe

    @property
    def efficiency(self) -> Efficiency:
        """What kernels and links reach."""
        return self.setup.efficiency

    @property
    def stack(self) -> Stack:
        """Software."""
        return self.setup.stack

    @property
    def work(self) -> Workload:
        """The model as numbers."""
        return self.setup.work


def calibration_of(name: str) -> Calibration:
    """Return a calibration by what a scenario calls it: "shipped", "none", or a file."""
    if name == "none":
        return Calibration("no calibration")
    return shipped_calibration() if name == "shipped" else load_calibration(Path(name))


def cluster_of(s: Scenario) -> Cluster:
    """Return a scenario's devices in their hosts, as they are years ahead and under its power limit."""
    name = str(Path(s.device)) if s.device.endswith(".toml") else s.device
    found = hardware.cluster(name, s.host, nic_gbps=s.nic_gbps, fabric_name=s.fabric)
    if s.years_ahead:
        rates = hardware.roadmap()
        found = Cluster(
            project(found.device, s.years_ahead, rates, cpa_growth=s.cpa_growth),
            project_host(found.host, s.years_ahead, rates),
            found.max_devices,
        )
    return replace(found, device=limited(found.device, s.power_limit))


def _recipe(s: Scenario, cluster: Cluster, own: Stack) -> Recipe:
    name = s.precision or ("bf16" if "bf16" in cluster.device.peak else "fp16")
    choice = own.recipes.get(name)
    return precision(name if choice is None else choice.value)


def with_kernels(s: Scenario, spec: ModelSpec) -> Scenario:
    """Return a scenario with explicit attention where a bias on the scores asks for it and nobody names a kernel."""
    untold = s.flash is None and s.software.attention_kernel is None
    return replace(s, flash=False) if untold and scores_biased(spec) else s


def plain_machine(s: Scenario, cluster: Cluster, recipe: Recipe, constants: Efficiency, own: Stack) -> Machine:
    """Return a cluster under a stack as numbers, with what a scenario asks of its software, layout and host."""
    machine = build.machine(cluster, recipe, constants, own, s.software)
    if s.flash is not None and s.software.attention_kernel is None and bool(machine.software.flash) != s.flash:
        machine = machine.changed(flash=float(s.flash))
    # Policies of a compiled program move to the host what does not fit.
    policies = s.offload is None and own.compiled.value > 0
    if s.offload == "activations" or policies:
        machine = machine.changed(checkpoints=0.0, plain_checkpoints=0.0)
    if s.offload in (None, "none"):
        return machine
    side = host_side(
        cluster, s.devices if s.practice == "typical" else None
    )  # a search may take any count: hosts are full
    fetched = machine.software.weight_bytes if own.master_apart.value else CAST
    return machine.changed(
        offload=float(s.offload in ("optimizer", "weights")),
        moved=s.software.moved_activations if s.offload == "activations" else 0.0,
        streamed=fetched if s.offload == "weights" else 0.0,
        host_link=side.to_host,
        host_bandwidth=side.bandwidth,
        host_capacity=side.capacity,
    )


def check_vector(spec: ModelSpec, cluster: Cluster, plain: Machine) -> None:
    """Refuse a scan that goes token by token on a device whose rate outside its matrix units no sheet states."""
    if spec.mixer is not None and vector_flops(spec.mixer) and not plain.formats.vector_time:
        raise InputError(
            f"the scan of {spec.mixer.kind} runs outside matrix units, and no rate of those of {cluster.device.name} is known",
            key="device", value=cluster.device.id, allowed="devices with a peak in fp32",
            remedy="choose another device, or give peak.fp32 in a device file of your own",
        )  # fmt: skip


def agree(s: Scenario, other: Scenario, names: tuple[str, ...]) -> bool:
    """Whether two scenarios say the same in some fields."""
    values = attrgetter(*names)
    return bool(values(s) == values(other))


def setup(s: Scenario, like: Setup | None = None) -> Setup:
    """Look up the model and the machine that a scenario names.

    Parameters
    ----------
    like : Setup, optional
        Another scenario's: what the two have in common is taken from there, which is quicker and the same.

    Raises
    ------
    InputError
        A name is unknown, a file unusable, or values contradict each other.
    """
    same_model = like is not None and s.model is not None and s.law is None and agree(s, like.scenario, MODEL_FIELDS)
    what = Subject(like.subject.spec) if like is not None and same_model else subject(s)
    seq_len = s.seq_len or what.spec.seq_len
    notes: list[str] = []
    in_host = s.offload not in (None, "none")
    shared = (
        like is not None
        and agree(s, like.scenario, MACHINE_FIELDS)
        and scores_biased(like.subject.spec) == scores_biased(what.spec)
    )
    if like is not None and shared and (not in_host or s.devices == like.scenario.devices):
        cluster, recipe, constants, own, plain = like.cluster, like.recipe, like.efficiency, like.stack, like.plain
    else:
        cluster = cluster_of(s)
        usual = PAPERS if s.carbon_mode == "paper" else generic(cluster.device, s.practice)
        own = stack(usual if s.stack is None else s.stack).settled(s.practice)
        recipe = _recipe(s, cluster, own)
        constants = efficiency(cluster.device, Path(s.profile) if s.profile else None)
        plain = plain_machine(with_kernels(s, what.spec), cluster, recipe, constants, own)
    check_vector(what.spec, cluster, plain)
    notes += what.spec.said if s.towers == "none" else what.spec.said_alone
    if s.seq_len is None and what.spec.seq_len_why:
        notes.append(f"sequences of {seq_len:,} tokens: {what.spec.seq_len_why}")
    if s.stack is None:
        notes.append(f"software as stack {own.name}: {own.title}")
    captured = s.stack and s.practice == "best" and own.graphs.value == "attention" and not s.software.cuda_graphs
    if captured and what.spec.experts:
        notes.append(
            "graphs hold attention and router where no layer is recomputed whole, unless --software cuda_graphs=none"
        )
    if (wide := wide_share(own, s.software, recipe)) and s.software.bf16_share is None:
        notes.append(
            f"{100 * wide:g} % of the products stay in 16 bit, as in published recipes of {recipe.name}; "
            "--software bf16_share=0 leaves none"
        )
    if cluster.device.clock is not None:
        notes.append(limit_note(cluster.device))
    notes += training_notes(s, what.spec)
    known = like is not None and like.subject.spec is what.spec and like.seq_len == seq_len
    low = holds_8_bit(s, recipe, own)
    if low:
        notes.append("frozen weights are held in 8 bit alone, 1 byte each")
    if like is not None and known and agree(s, like.scenario, TRAINED_FIELDS) and low == (like.work.unpacks == 0.0):
        work = like.work
    else:
        work = training_work(s, what.spec, seq_len, low)
    return Setup(s, what, seq_len, cluster, recipe, constants, own, work, plain, (*what.notes, *notes))
