"""From names and wishes to objects: the training, the machine, the run and the carbon factors of a scenario."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any

from carbonscaling.calibration.profile import Calibration
from carbonscaling.carbon.assess import CarbonModel
from carbonscaling.carbon.model import HardwareFactors, carbon_model
from carbonscaling.carbon.windows import ALWAYS
from carbonscaling.catalog.place_names import read_as
from carbonscaling.catalog.prices import price
from carbonscaling.catalog.regions import place
from carbonscaling.catalog.user_factors import load_factors
from carbonscaling.errors import InputError
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.model.params import active_params, total_params
from carbonscaling.perf.efficiency import Efficiency
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Number, Setting
from carbonscaling.record import Same, dataclass
from carbonscaling.sources import Datum
from carbonscaling.study.accuracy import step_error
from carbonscaling.study.batches import Batches, batches
from carbonscaling.study.choosing import NOTHING_OPEN, Open
from carbonscaling.study.hours import intensity_met, profile_of
from carbonscaling.study.own_power import own_factors, own_note
from carbonscaling.study.scenario import Scenario, Unstated
from carbonscaling.study.setup import MACHINE_FIELDS, OfSetup, Setup, agree, calibration_of, setup
from carbonscaling.words import count

__all__ = ["HARDWARE_FIELDS", "Resolved", "carbon_of", "resolve", "resolved"]

TOKENS_PER_PARAMETER = 20.0


@dataclass(frozen=True)
class Resolved(OfSetup):
    """Everything a scenario names, looked up.

    Attributes
    ----------
    setup : Setup
        The model and the machine at device level.
    asked_tokens, compute : float
        Training tokens at the batch that they are meant for, and 6·N_active·D FLOPs by which laws are sized.
    loss : float, optional
        By the scenario's law.
    batches : Batches
        Those that may be.
    batch : float
        Sequences of a step; until a search has chosen one, about the batch that the tokens are meant for.
    calibration : Calibration
    carbon : CarbonModel
    machine : Machine
        With the calibration's factors.
    run_overhead : Datum
    price : Datum, optional
    notes : tuple of str
        Choices made where the scenario was silent.
    left : Open
        How far choices that people would make otherwise move the step's time; nothing where a search makes them.
    """

    setup: Setup
    asked_tokens: float
    compute: float
    loss: float | None
    batches: Batches
    batch: float
    calibration: Calibration
    carbon: CarbonModel
    machine: Machine
    run_overhead: Datum
    price: Datum | None
    notes: tuple[str, ...]
    left: Open = NOTHING_OPEN

    @property
    def pace(self) -> float:
        """What the answer's speed counts beside steady steps: run time over theirs, or 1."""
        return self.run_overhead.si if self.scenario.pace == "calendar" else 1.0

    def step_error(self) -> Datum:
        """Return actual over estimated step time with its 90 % interval."""
        return step_error(self.setup, self.calibration, self.left)

    def time(self) -> Datum:
        """Return actual over estimated run time, with its range: the step model's error and the run's overhead together."""
        return self._time

    @cached_property
    def _time(self) -> Datum:
        overhead, step = self.run_overhead, self.step_error()
        if self.scenario.pace == "calendar":  # learnt from whole runs, whatever happened in them
            return step
        clock = self.cluster.device.clock or Datum(1.0, "1", step.source)
        low, high = (
            math.exp(
                side
                * math.hypot(
                    math.log(step.si_range[end]),
                    math.log(overhead.si_range[end] / overhead.si),
                    math.log(clock.si_range[1 - end] / clock.si),
                )
            )
            for end, side in ((0, -1.0), (1, 1.0))
        )
        return Datum(1.0, "1", step.source, low, high, basis=step.basis, remark="step time and run overhead together")

    def machine_with(self, constants: Efficiency) -> Machine:
        """Return the scenario's machine with other device-level constants."""
        return replace(self.setup, plain=self.setup.plain_with(constants)).machine(self.calibration)

    @property
    def tokens(self) -> float:
        """Training tokens at the run's batch."""
        return float(self.tokens_at(self.batch))

    @property
    def n_steps(self) -> float:
        """Optimizer steps of the run."""
        return self.tokens / (self.batch * self.seq_len)

    def stated(self, batch: float) -> Resolved:
        """Return the run with a batch that is given: the tokens asked for are meant for it."""
        return replace(self, batch=batch, batches=Batches.one(batch, self.batches.overhead))

    def tokens_at(self, batch: Number) -> Number:
        """Training tokens that a batch needs for the same loss; those asked for where it is the only one."""
        return self.batches.tokens(self.asked_tokens, batch) if self.batches.is_open else self.asked_tokens

    def batch_of(self, settings: Setting) -> Number:
        """Sequences of a step of settings: their own where the batch is searched, else the run's."""
        return settings.sequences if self.batches.is_open else self.batch

    def steps_of(self, settings: Setting) -> Number:
        """Optimizer steps of a run with these settings."""
        batch = self.batch_of(settings)
        return self.tokens_at(batch) / (batch * self.seq_len)


@lru_cache(maxsize=16, typed=True)
def _kept_model(device: Same, host: Same, *where: Any, **given: Any) -> CarbonModel:
    """Return the shipped factors of a device in a host at a place, with what was drawn of them for answers before."""
    return carbon_model(Cluster(device.it, host.it), *where, **given)


def _user_factors(s: Scenario) -> dict[str, Datum]:
    """Return the factors of a scenario's file, none of which the scenario states as well."""
    assert s.factors
    found = load_factors(s.factors)
    for role, fields in STATED.items():
        told = next((name for name in fields if role in found and getattr(s, name) is not None), None)
        if told:
            raise InputError(
                "told twice", where=s.factors, key=role, value=found[role].value,
                allowed=f"in the file or as {told} ({getattr(s, told)})", remedy="leave one of them out",
            )  # fmt: skip
    return found


def carbon_of(
    s: Scenario,
    cluster: Cluster,
    *,
    duration_s: float | None = None,
    pause_above: float = math.inf,
    window: str = ALWAYS,
    hardware: HardwareFactors | None = None,
) -> CarbonModel:
    """Return the carbon factors of a scenario on a cluster.

    With intensity by the hour, `duration_s` says which hours count; until it is known, all of them. Those above
    `pause_above` (g/kWh), or outside `window`, are waited out.
    """
    by_hour = intensity_met(s, duration_s, pause_above, window)
    own = own_factors(calibration_of(s.calibration).power, s, cluster)
    own = own | _user_factors(s) if s.factors else own
    where = s.region, s.carbon_mode, s.paper_version
    given: dict[str, Any] = dict(
        pue=s.pue,
        lifetime_years=s.lifetime_years,
        carbon_intensity_g_per_kwh=s.carbon_intensity_g_per_kwh if by_hour is None else by_hour,
        amortisation=s.amortisation,
        shared_hosts=s.shared_hosts,
        basis=s.basis,
        scope2=s.scope2,
    )
    if own or hardware is not None or by_hour is not None:
        model = carbon_model(cluster, *where, **given, overrides=own, hardware=hardware)
    else:
        model = _kept_model(Same(cluster.device), Same(cluster.host), *where, **given)
    profile = profile_of(s)
    if by_hour is None or profile is None or s.scope2 == "market":
        return model
    counted = replace(model.location, basis=profile.basis or "by the hour, as the profile counts")
    return replace(model, location=counted, factors={**model.factors, "carbon_intensity": counted})


STATED = {
    "carbon_intensity": ("carbon_intensity_g_per_kwh", "hourly"), "pue": ("pue",), "lifetime": ("lifetime_years",),
}  # fmt: skip
"""Factors that a scenario may state itself, by role."""
HARDWARE_FIELDS = (*MACHINE_FIELDS, "calibration")
"""Fields that the cluster, its number formats and its software constants follow from, fitted factors included."""
CARBON_FIELDS = (
    "region", "basis", "scope2",
    "carbon_mode", "paper_version", "carbon_intensity_g_per_kwh", "hourly", "start_hour", "pue", "lifetime_years",
    "amortisation", "shared_hosts", "factors", "calibration",
)  # fmt: skip
"""Fields that the carbon factors follow from, beside the hardware's."""


def _overhead(found: Setup, calibration: Calibration) -> Datum:
    """Return run time over steady state, with the calibration's factor for runs of this kind."""
    untold = found.untold and found.scenario.pace == "calendar"
    usual, factor = found.efficiency.run_overhead, calibration.factor("untold" if untold else "run_overhead")
    low, high = usual.si_range
    value, low, high = (
        max(1.0, end * factor) for end in (usual.si, low, high)
    )  # no run is faster than its steady state
    return replace(usual, value=value, unit="1", low=low, high=high)


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
    return resolved(setup(s, None if like is None else like.setup), like)


def resolved(found: Setup, like: Resolved | None = None) -> Resolved:
    """Settle what a scenario leaves open beside its layout: tokens, batch, calibration, carbon, overhead, price.

    Parameters
    ----------
    found : Setup
    like : Resolved, optional
        As in `resolve`.

    Raises
    ------
    InputError
        A name is unknown, or a file unusable.
    """
    s = found.scenario
    spec, notes = found.subject.spec, list(found.notes)
    n_active = float(active_params(spec))
    tokens = s.tokens or found.subject.tokens
    if tokens is None:
        tokens = TOKENS_PER_PARAMETER * float(total_params(spec))
        ruled = "" if spec.encoder is None else ", a rule of decoders"
        notes.append(f"{count(tokens)} tokens: 20 per parameter{ruled}")
    may_be = batches(s, spec, tokens, found.seq_len)
    notes += [may_be.note] if may_be.note else []
    calibration = calibration_of(s.calibration)
    if like is not None and found.plain is like.setup.plain and s.calibration == like.scenario.calibration:
        machine = like.machine
        carbon = like.carbon if agree(s, like.scenario, CARBON_FIELDS) else carbon_of(s, found.cluster)
    else:
        machine, carbon = found.machine(calibration), carbon_of(s, found.cluster)
    if s.stack and not calibration.seen(found.stack.family):
        notes.append(f"stack {s.stack!r} was never measured: no factor of its own holds")
    if isinstance(s.region, Unstated):
        notes.append(f"region {s.region}, {place(s.region).title}: nobody named a place; --region says another")
    if place_read := read_as(s.region):
        notes.append(f"region {s.region}: {place_read}")
    notes += own_note(calibration.power, s, found.cluster)
    overhead = _overhead(found, calibration) if s.run_overhead is None else Datum(s.run_overhead, "1", "user")
    money = price(found.cluster.device.id, s.price_basis)
    if s.price_usd_per_device_hour is not None:
        money = Datum(s.price_usd_per_device_hour, "USD/h", "user")
    elif money is None:
        notes.append(
            f"no cost: no {s.price_basis} price of {found.cluster.device.name} is known; give --price-usd-per-device-hour"
        )
    return Resolved(
        setup=found,
        asked_tokens=tokens,
        compute=6.0 * n_active * tokens,
        loss=found.subject.loss,
        batches=may_be,
        batch=min(may_be.every, key=lambda b: abs(b - may_be.reference)),
        calibration=calibration,
        carbon=carbon,
        machine=machine,
        run_overhead=overhead,
        price=money,
        notes=tuple(notes),
    )
