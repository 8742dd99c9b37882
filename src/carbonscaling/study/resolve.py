"""From names and wishes to objects: the model, the training, the machine and the carbon factors of a scenario."""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from carbonscaling.calibration.profile import (
    UNKNOWN,
    Calibration,
    calibrated,
    family,
    load_calibration,
    shipped_calibration,
)
from carbonscaling.carbon.assess import CarbonModel
from carbonscaling.catalog import factors, hardware, laws
from carbonscaling.catalog.efficiency import efficiency
from carbonscaling.catalog.offload import host_side
from carbonscaling.catalog.prices import price
from carbonscaling.catalog.user_factors import load_factors
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.hardware.roadmap import project, project_host
from carbonscaling.laws import round_batch
from carbonscaling.model.params import active_params, total_params
from carbonscaling.model.spec import ModelSpec
from carbonscaling.perf import build
from carbonscaling.perf.efficiency import Efficiency
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Workload
from carbonscaling.perf.precision import Precision, precision
from carbonscaling.sources import Datum
from carbonscaling.study.hours import intensity_met
from carbonscaling.study.own_power import own_factors, own_note
from carbonscaling.study.scenario import Scenario
from carbonscaling.study.subject import Subject, subject

__all__ = ["HARDWARE_FIELDS", "Resolved", "carbon_of", "resolve"]

TOKENS_PER_PARAMETER = 20.0


@dataclass(frozen=True)
class Resolved:
    """Everything a scenario names, looked up.

    Attributes
    ----------
    scenario : Scenario
    spec : ModelSpec
    tokens, compute : float
        Training tokens, and 6·N_active·D FLOPs by which laws and batch are sized.
    loss : float, optional
        By the scenario's law.
    batch, seq_len : int
        Sequences of a step, tokens of a sequence.
    cluster, recipe, efficiency, carbon : objects
        Hardware, number formats, software constants, carbon factors.
    work, machine : plain numbers for the formulas.
    run_overhead : Datum
    price : Datum, optional
    notes : tuple of str
        Choices made where the scenario was silent.
    """

    scenario: Scenario
    spec: ModelSpec
    tokens: float
    compute: float
    loss: float | None
    batch: int
    seq_len: int
    cluster: Cluster
    recipe: Precision
    efficiency: Efficiency
    carbon: CarbonModel
    work: Workload
    machine: Machine
    run_overhead: Datum
    price: Datum | None
    notes: tuple[str, ...]

    @property
    def time(self) -> Datum:
        """Actual over estimated run time, with its range: the step model's error and the run's overhead together."""
        overhead = self.run_overhead
        calibration = _calibration(self.scenario.calibration)
        half = calibration.half_width(
            experts=self.work.n_experts > 0,
            low_precision=self.machine.peak > 1.5 * self.machine.peak_attention,
            kernels_untold=True,
            new_stack=self.scenario.stack is not None and not calibration.seen(self.scenario.stack),
            new_architecture=not calibration.seen(family(self.cluster.device)),
        )
        step = factors.factor("time.step.default")
        if half is not None:
            remark = "90 % interval of rows whose whole source was left out: carbonscaling validate"
            step = Datum(
                1.0, "1", "carbonscaling_validation", math.exp(-half), math.exp(half), basis="validation", remark=remark
            )
        low, high = (
            math.exp(side * math.hypot(math.log(step.si_range[end]), math.log(overhead.si_range[end] / overhead.si)))
            for end, side in ((0, -1.0), (1, 1.0))
        )
        return Datum(1.0, "1", step.source, low, high, basis=step.basis, remark="step time and run overhead together")

    def machine_with(self, constants: Efficiency) -> Machine:
        """Return the scenario's machine with other device-level constants."""
        return _machine(self.scenario, self.cluster, self.recipe, constants)

    @property
    def n_steps(self) -> float:
        """Optimizer steps of the run."""
        return self.tokens / (self.batch * self.seq_len)


def _named_or_file(name: str) -> str:
    return str(Path(name)) if name.endswith(".toml") else name


def _cluster(s: Scenario) -> Cluster:
    found = hardware.cluster(_named_or_file(s.device), s.host, nic_gbps=s.nic_gbps)
    if s.years_ahead:
        rates = hardware.roadmap()
        return Cluster(
            project(found.device, s.years_ahead, rates, cpa_growth=s.cpa_growth),
            project_host(found.host, s.years_ahead, rates),
            found.max_devices,
        )
    return found


def _calibration(name: str) -> Calibration:
    if name == "none":
        return Calibration("no calibration")
    return shipped_calibration() if name == "shipped" else load_calibration(Path(name))


def _machine(s: Scenario, cluster: Cluster, recipe: Precision, constants: Efficiency) -> Machine:
    """Return the cluster as numbers, with the scenario's calibration applied."""
    plain = build.machine(cluster, recipe, constants)
    machine = calibrated(plain, cluster.device, s.stack or UNKNOWN, _calibration(s.calibration))
    if s.offload == "optimizer":
        host = host_side(cluster)
        machine = machine._replace(
            offload=1.0, host_link=host.to_host, host_bandwidth=host.bandwidth, host_capacity=host.capacity
        )
    return machine if s.flash is None else machine._replace(flash=1.0 if s.flash else 0.0)


def carbon_of(
    s: Scenario,
    cluster: Cluster,
    *,
    duration_s: float | None = None,
    pause_above: float = math.inf,
    ranges: bool = True,
    hardware: factors.HardwareFactors | None = None,
) -> CarbonModel:
    """Return the carbon factors of a scenario on a cluster; without `ranges`, central values alone, quicker.

    With intensity by the hour, `duration_s` says which hours count; until it is known, all of them. Those above
    `pause_above` (g/kWh) are waited out.
    """
    by_hour = intensity_met(s, duration_s, pause_above)
    own = own_factors(_calibration(s.calibration).power, s, cluster)
    return factors.carbon_model(
        cluster,
        s.region,
        s.carbon_mode,
        s.paper_version,
        pue=s.pue,
        lifetime_years=s.lifetime_years,
        carbon_intensity_g_per_kwh=s.carbon_intensity_g_per_kwh if by_hour is None else by_hour,
        amortisation=s.amortisation,
        shared_hosts=s.shared_hosts,
        overrides=own | load_factors(s.factors) if s.factors else own,
        ranges=ranges,
        hardware=hardware,
    )


HARDWARE_FIELDS = (
    "device", "host", "nic_gbps", "years_ahead", "cpa_growth", "precision", "flash", "offload", "stack", "calibration",
    "profile",
)  # fmt: skip
"""Fields that the cluster, its number formats and its software constants follow from."""
CARBON_FIELDS = (
    "region", "carbon_mode", "paper_version", "carbon_intensity_g_per_kwh", "hourly", "start_hour", "pue", "lifetime_years",
    "amortisation", "shared_hosts", "factors", "calibration",
)  # fmt: skip
"""Fields that the carbon factors follow from, beside the hardware's."""
MODEL_FIELDS = ("model", "law", "d_model", "target_loss", "compute")
"""Fields that the model follows from, where no law has a say."""


def _agree(s: Scenario, other: Scenario, names: tuple[str, ...]) -> bool:
    values = attrgetter(*names)
    return bool(values(s) == values(other))


def resolve(s: Scenario, like: Resolved | None = None) -> Resolved:
    """Look up everything a scenario names, and settle what it leaves open.

    Parameters
    ----------
    like : Resolved, optional
        Another scenario's: what the two have in common is taken from there, which is quicker and the same.

    Raises
    ------
    InputError
        A name is unknown, a file unusable, or values contradict each other.
    """
    same_model = like is not None and s.model is not None and _agree(s, like.scenario, MODEL_FIELDS) and s.law is None
    what = Subject(like.spec) if like is not None and same_model else subject(s)
    spec, loss, notes = what.spec, what.loss, list(what.notes)
    seq_len = s.seq_len or spec.seq_len
    n_active = float(active_params(spec))
    tokens = s.tokens or what.tokens
    if tokens is None:
        tokens = TOKENS_PER_PARAMETER * float(total_params(spec))
        notes.append(f"{tokens:.3g} tokens: 20 per parameter")
    compute = 6.0 * n_active * tokens
    batch = s.batch
    if batch is None:
        n_experts = spec.experts.n_routed / spec.experts.top_k if spec.experts else 1.0
        batch = round_batch(float(laws.critical_batch_law().sequences(compute, n_experts, seq_len)))
        notes.append(f"batch of {batch} sequences: critical batch of {compute:.3g} FLOPs")
    if like is not None and _agree(s, like.scenario, HARDWARE_FIELDS):
        cluster, recipe, constants, machine = like.cluster, like.recipe, like.efficiency, like.machine
        carbon = like.carbon if _agree(s, like.scenario, CARBON_FIELDS) else carbon_of(s, cluster)
    else:
        cluster = _cluster(s)
        recipe = precision(s.precision or ("bf16" if "bf16" in cluster.device.peak else "fp16"))
        constants = efficiency(cluster.device, Path(s.profile) if s.profile else None)
        machine = _machine(s, cluster, recipe, constants)
        carbon = carbon_of(s, cluster)
    if s.stack and not _calibration(s.calibration).seen(s.stack):
        notes.append(f"stack {s.stack!r} was never measured: no factor of its own holds")
    notes += own_note(_calibration(s.calibration).power, s, cluster)
    known = like is not None and like.spec is spec and like.seq_len == seq_len
    overhead = constants.run_overhead if s.run_overhead is None else Datum(s.run_overhead, "1", "user")
    money = price(cluster.device.id)
    if s.price_usd_per_device_hour is not None:
        money = Datum(s.price_usd_per_device_hour, "USD/h", "user")
    return Resolved(
        scenario=s,
        spec=spec,
        tokens=tokens,
        compute=compute,
        loss=loss,
        batch=batch,
        seq_len=seq_len,
        cluster=cluster,
        recipe=recipe,
        efficiency=constants,
        carbon=carbon,
        work=like.work if like is not None and known else build.workload(spec, seq_len),
        machine=machine,
        run_overhead=overhead,
        price=money,
        notes=tuple(notes),
    )
