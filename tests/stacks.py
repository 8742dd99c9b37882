"""Machines under any software stack, with what a run may change about it and what it keeps in its host."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st

from carbonscaling.calibration.profile import Calibration, calibrated, shipped_calibration
from carbonscaling.catalog import hardware
from carbonscaling.catalog.efficiency import efficiency
from carbonscaling.catalog.stacks import stack, stack_names
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.perf.build import machine
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Setting, Workload
from carbonscaling.perf.precision import precision
from carbonscaling.software.options import OPTIMIZERS, Software
from samples import DEVICES, MODELS, settings, work_of

STACKS = stack_names()
AS_IT_SHIPS = Software()
OFFLOADS: dict[str, dict[str, float]] = {
    "nothing": {},
    "optimizer": dict(offload=1.0, host_link=12e9, host_bandwidth=35e9, host_capacity=2e10),
    "weights": dict(offload=1.0, host_link=12e9, host_bandwidth=35e9, host_capacity=1e12, streamed=2.0),
    "activations": dict(
        moved=1.0, checkpoints=0.0, plain_checkpoints=0.0, host_link=12e9, host_bandwidth=35e9, host_capacity=2e10
    ),
}
"""Fields of `Machine` that what lies in the host decides."""


@cache
def cluster_of(device: str) -> Cluster:
    return hardware.cluster(device, None)


def stacked(
    name: str,
    device: str = "a100-80",
    recipe: str = "bf16",
    options: Software = AS_IT_SHIPS,
    offload: str = "nothing",
) -> Machine:
    """A device's machine under a stack, as a run sets it up; no fitted factor."""
    cluster = cluster_of(device)
    m = machine(cluster, precision(recipe), efficiency(cluster.device), stack(name), options)
    return m.changed(**OFFLOADS[offload])


OPTIONS: dict[str, st.SearchStrategy[Any]] = dict(
    attention_kernel=st.sampled_from(("explicit", "explicit-separate", "flash1", "flash2", "native")),
    norm_kernel=st.sampled_from(("fused", "separate")),
    compile=st.booleans(),
    cuda_graphs=st.sampled_from(("none", "router", "attention", "full")),
    dispatcher=st.sampled_from(("alltoall", "allgather", "deepep", "hybridep")),
    expert_overlap=st.booleans(),
    expert_permutation=st.sampled_from(("fused", "separate")),
    expert_balance=st.sampled_from(("learnt", "forced")),
    expert_capacity=st.floats(0.5, 4.0),
    expert_kernels=st.sampled_from(("separate", "fused", "looped")),
    bf16_share=st.floats(0.0, 1.0),
    row_scales=st.booleans(),
    attention_8bit=st.booleans(),
    head_8bit=st.booleans(),
    dp_overlap=st.booleans(),
    tp_overlap=st.floats(0.0, 1.0),
    tp_beside=st.booleans(),
    weight_bytes=st.sampled_from((1.0, 2.0, 4.0)),
    gradient_bytes=st.sampled_from((0.0, 2.0, 4.0)),
    logit_bytes=st.sampled_from((0.0, 2.0, 14.0)),
    optimizer_bytes=st.sampled_from((0.0, 4.0, 12.0)),
    zero3_gather=st.sampled_from(("layer", "parameter")),
    sequence_parallel=st.booleans(),
    context_exchange=st.sampled_from(("ring", "all-to-all")),
    context_split=st.sampled_from(("balanced", "contiguous")),
    head_placement=st.sampled_from(("balanced", "last")),
)
"""What may be said of a run's software beside its optimizer."""


SOFTWARES = st.builds(
    Software,
    optimizer=st.none() | st.sampled_from(sorted(OPTIMIZERS)),
    **{name: st.just(getattr(AS_IT_SHIPS, name)) | values for name, values in OPTIONS.items()},
)
"""Any options: each unsaid as often as said."""


@st.composite
def stacked_machines(draw: st.DrawFn, name: str) -> Machine:
    """A machine under a stack: any device and options, anything in the host, fitted factors or none."""
    device, recipe = draw(st.sampled_from((*DEVICES, ("b200", "mxfp8"))))
    m = stacked(name, device, recipe, draw(SOFTWARES), draw(st.sampled_from(sorted(OFFLOADS))))
    found = draw(st.sampled_from((Calibration("none"), shipped_calibration())))
    return calibrated(m, cluster_of(device).device, stack(name).family, found)


@st.composite
def stacked_cases(draw: st.DrawFn, name: str) -> tuple[Workload, Machine, Setting]:
    """A model, a machine under a stack, a setting."""
    work = work_of(draw(st.sampled_from((*MODELS, "gpt-3-175b"))), draw(st.sampled_from((1024, 2048))))
    return work, draw(stacked_machines(name)), draw(settings(work))
