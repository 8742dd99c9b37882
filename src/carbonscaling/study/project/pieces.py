"""What a stage consists of: runs and servings, each as its own door answered it, with how often it counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from carbonscaling.carbon.assess import idling
from carbonscaling.carbon.assessment import Assessment
from carbonscaling.carbon.storage import storage_model
from carbonscaling.catalog.prices import price
from carbonscaling.errors import InputError, NothingFitsError
from carbonscaling.record import dataclass
from carbonscaling.serving.answer import YEAR, Served, drawing, inference
from carbonscaling.serving.load import Mean
from carbonscaling.serving.scenario import Serving
from carbonscaling.sources import Datum
from carbonscaling.study.answer import answered
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.hours import intensity_met
from carbonscaling.study.outcome import contracted
from carbonscaling.study.project.drain import drained
from carbonscaling.study.project.file import Entry
from carbonscaling.study.project.known import check_conventions
from carbonscaling.study.project.stages import (
    Deployment,
    Generation,
    Hours,
    Preference,
    Reinforcement,
    Share,
    Storage,
    Training,
)
from carbonscaling.study.project.work import answers, learnt_tokens, longest, pair_tokens, rollouts
from carbonscaling.study.resolve import carbon_of
from carbonscaling.study.scenario import Scenario
from carbonscaling.study.setup import cluster_of
from carbonscaling.units import DAY, HOUR

__all__ = ["Piece", "pieces"]

Reach = Literal["reachable", "needed"]


@dataclass(frozen=True)
class Piece:
    """One part of a stage.

    Attributes
    ----------
    what : str
        Training, rollouts, reward, waiting, and so on.
    assessment : Assessment
        Of one run, or of one day of a serving.
    times : float
        How many of these.
    clock : str
        Pieces of one clock share the error of their time.
    usd : float, optional
        Money for all of them; None where no price is known.
    device_hours : float
        Of all of them.
    pace : Datum, optional
        Actual over stated device-hours and money, where they are not known.
    answer : Estimate or Served, optional
        What the door said.
    """

    what: str
    assessment: Assessment
    times: float
    clock: str
    usd: float | None
    device_hours: float
    pace: Datum | None = None
    answer: Estimate | Served | None = None


def pieces(entry: Entry, hours: Reach) -> tuple[Piece, ...]:
    """Return what a stage consists of; a share of other stages consists of nothing of its own.

    Raises
    ------
    InputError
        An amount is missing, a name unknown, or nothing is feasible: with the stage's name.
    """
    stage = entry.stage
    try:
        if isinstance(stage, Training):
            alone = None if stage.packed else stage.given("length")
            return (_trained("training", replace(entry.training, tokens=learnt_tokens(stage)), hours, alone),)
        if isinstance(stage, Preference):
            return _preferred(stage, entry, hours)
        if isinstance(stage, Reinforcement):
            return _reinforced(stage, entry, hours)
        if isinstance(stage, Generation):
            return (_served("answers", entry.serving, answers(stage, entry.serving.output)),)
        if isinstance(stage, Deployment):
            return (_deployed(stage, entry.serving),)
        if isinstance(stage, Hours):
            return (_held("work", entry.training, stage.given("device_hours"), stage.utilisation),)
        if isinstance(stage, Storage):
            return (_stored(stage, entry.training),)
    except InputError as error:
        error.where = error.where or f"stage {stage.name!r}"
        error.args = (str(error),)
        raise
    assert isinstance(stage, Share)
    return ()


def _fitting(s: Scenario) -> Estimate:
    found = answered(s)
    if not isinstance(found, Estimate):
        raise NothingFitsError(f"no setting does: {found.reason}", key="devices", value=s.devices,
                         remedy="; ".join(found.remedies) or "more devices, another device, or a shorter sequence")  # fmt: skip
    return found


def _alone(s: Scenario, length: float) -> tuple[Scenario, float]:
    """Return a training whose sequences are examples of a mean length, and the share of its tokens that are theirs.

    The layout is the one that holds the longest. Replicas that share the weights go on together, micro-batch by micro-batch;
    others wait for each other at the end of a step.
    """
    found = _fitting(s)
    x, limit = found.setting, float(found.resolved.seq_len)
    turns = 1 if x.zero >= 3 else int(x.n_micro)
    whole = 2.0 * float(x.tp) * float(x.cp)  # ranks share a sequence evenly, from both its ends
    taken = int(min(limit, whole * np.ceil(longest(length, limit, int(x.micro_batch), int(x.dp), turns) / whole)))
    layout = replace(
        s.layout,
        tp=int(x.tp),
        pp=int(x.pp),
        cp=int(x.cp),
        ep=int(x.ep),
        zero=int(x.zero),
        micro_batch=int(x.micro_batch),
    )
    return replace(s, seq_len=taken, tokens=found.resolved.tokens * taken / length, layout=layout), min(
        1.0, length / taken
    )


def _trained(what: str, s: Scenario, hours: Reach, length: float | None = None) -> Piece:
    """Return a training, as `estimate` (or, without a count of devices, `plan`) answers it.

    Parameters
    ----------
    length : float, optional
        Mean tokens of examples that stand alone; they are packed if not given.
    """
    s, filled = (s, 1.0) if length is None else _alone(s, length)
    found = _fitting(s)
    a, ratio = replace(found.assessment, utilisation=filled * found.assessment.utilisation), 1.0
    if hours == "needed" and (people := found.needed) is not None:
        ratio = people.median / found.device_hours
        ends = people.low / people.median, people.high / people.median
        needed = Datum(1.0, "1", "carbonscaling_validation", *ends, basis="published trainings")
        a = replace(a, duration_s=ratio * a.duration_s, utilisation=min(a.utilisation / ratio, 1.0), time=needed)
    clock = f"training on {found.resolved.cluster.device.id}" + (", as people needed" if hours == "needed" else "")
    usd = None if found.cost_usd is None else ratio * found.cost_usd
    return Piece(what, a, 1.0, clock, usd, ratio * found.device_hours, a.time, found)


def _served(what: str, s: Serving, requests: float) -> Piece:
    """Return a number of requests, as one copy at full load answers them."""
    found = inference(replace(s, requests_per_day=None))
    days = requests / found.requests_per_day
    slow, fast = (found.speed / end for end in found.intervals["speed"][::-1])
    pace = Datum(1.0, "1", "ml_energy", slow, fast, basis="left-out servings")
    usd = None if found.cost_usd_per_day is None else days * found.cost_usd_per_day
    return Piece(what, found.assessment, days, _clock(found), usd, 24.0 * found.n_devices * days, pace, found)


def _waves(made: Piece, s: Serving, limit: float) -> Piece:
    """Return rollouts that start together, as many as are in flight, and wait for the last of them."""
    found = made.answer
    assert isinstance(found, Served)
    layout, together = found.layout, float(found.question.in_flight or 1.0)
    fewer = [float(n) for n in 2.0 ** np.arange(np.log2(together))]
    alike = replace(s, requests_per_day=None, tp=int(layout.tp), pp=int(layout.pp), ep=int(layout.ep))
    every = [inference(replace(alike, in_flight=n)) for n in fewer] + [found]
    wave = drained(s.output, limit, together, [*fewer, together], [x.tpot_s for x in every], [x.watts for x in every])
    drawn = drawing(found.assessment.model, Mean(wave.watts * found.watts))
    return replace(
        made, assessment=replace(found.assessment, model=drawn), times=wave.time * made.times,
        usd=None if made.usd is None else wave.time * made.usd, device_hours=wave.time * made.device_hours,
    )  # fmt: skip


def _clock(found: Served) -> str:
    return f"serving on {found.question.cluster.device.id}"


def _deployed(stage: Deployment, s: Serving) -> Piece:
    days = stage.days if stage.years is None else stage.years * YEAR / DAY
    if days is None or (stage.days is not None and stage.years is not None):
        raise InputError("how long is it served?", key="years", allowed="one of days and years", remedy="add years")
    if s.requests_per_day is None:
        raise InputError("a serving over time needs its demand", key="requests_per_day", remedy="add requests_per_day")
    found = inference(s)
    usd = None if found.cost_usd_per_day is None else days * found.cost_usd_per_day
    return Piece("answers", found.assessment, days, _clock(found), usd, 24.0 * found.n_devices * days, None, found)


def _held(what: str, s: Scenario, device_hours: float, utilisation: float, n: int | None = None) -> Piece:
    """Return devices held for known hours, at work at a utilisation or, at 0, waiting."""
    cluster = cluster_of(s)
    n = n or s.devices or cluster.host.devices_per_host
    carbon = carbon_of(s, cluster, duration_s=device_hours * HOUR / n)
    carbon = carbon if utilisation else idling(carbon, 1.0)
    carbon = contracted(s, carbon, n, device_hours * HOUR / n, utilisation)
    hourly = s.price_usd_per_device_hour
    known = price(cluster.device.id, s.price_basis) if hourly is None else None
    hourly = known.si * HOUR if known is not None else hourly
    a = Assessment(carbon, n, device_hours * HOUR / n, utilisation)
    return Piece(what, a, 1.0, "", None if hourly is None else hourly * device_hours, device_hours)


def _preferred(stage: Preference, entry: Entry, hours: Reach) -> tuple[Piece, ...]:
    s, reference = entry.training, stage.reference or entry.training.model
    tokens, alone = pair_tokens(stage), None if stage.packed else stage.given("length")
    if not stage.cached:
        beside = replace(s, tokens=tokens, teacher=str(reference))
        return (_trained("training beside its reference", beside, hours, alone),)
    sequences = tokens / stage.given("length") / stage.epochs
    read = replace(entry.serving, model=str(reference), prompt=stage.given("length"), output=1.0)
    return (
        _trained("training", replace(s, tokens=tokens), hours, alone),
        _served("reference", read, sequences),
    )


def _reinforced(stage: Reinforcement, entry: Entry, hours: Reach) -> tuple[Piece, ...]:
    s, n = entry.training, rollouts(stage)
    tokens = n * (stage.given("prompt") + stage.given("output")) * stage.epochs
    beside = stage.reference or None
    made, learnt = _served("rollouts", entry.serving, n), replace(s, tokens=tokens)
    if stage.together:
        made = _waves(made, entry.serving, float(s.seq_len or np.inf) - stage.given("prompt"))
    found = [made, _trained("updates", replace(learnt, teacher=beside), hours)]
    if stage.critic:
        found.append(_trained("critic", replace(learnt, model=stage.critic, teacher=None), hours))
    if stage.reward:
        plain = replace(entry.serving, tp=None, pp=None, ep=None, in_flight=None, ttft_s=None, tpot_s=None)
        read = replace(plain, model=stage.reward, prompt=tokens / n / stage.epochs, output=stage.reward_output)
        found.append(_served("reward", read, n))
    if stage.rollout_devices is not None:
        found += _waiting(stage.rollout_devices, s, made, [p for p in found if isinstance(p.answer, Estimate)])
    return tuple(found)


def _waiting(rollout_devices: float, s: Scenario, made: Piece, learnt: list[Piece]) -> list[Piece]:
    """Return the time for which the devices of rollouts or of updates wait for the other."""
    making, learning = made.device_hours / rollout_devices, sum(p.assessment.duration_s for p in learnt) / HOUR
    n = int(np.ceil(rollout_devices)) if making < learning else max(p.assessment.n_devices for p in learnt)
    if making == learning:
        return []
    return [_held("waiting", s, abs(making - learning) * n, 0.0, n)]


def _stored(stage: Storage, s: Scenario) -> Piece:
    check_conventions(s)
    kept, years = stage.given("terabytes") * stage.copies, stage.given("years")
    by_hour = intensity_met(s, years * YEAR)
    model = storage_model(
        stage.medium, s.region, pue=s.pue, lifetime_years=s.lifetime_years, basis=s.basis, scope2=s.scope2,
        amortisation=s.amortisation,
        carbon_intensity_g_per_kwh=s.carbon_intensity_g_per_kwh if by_hour is None else by_hour,
    )  # fmt: skip
    model = contracted(s, model, kept, years * YEAR, 1.0)
    monthly = stage.price_usd_per_terabyte_month
    usd = None if monthly is None else 12.0 * monthly * kept * years
    return Piece("data", Assessment(model, 1, years * YEAR, 1.0), kept, "", usd, 0.0)
