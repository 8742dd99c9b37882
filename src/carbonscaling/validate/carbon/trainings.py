"""Whole trainings before the fact, from model, tokens, devices and number format alone: what can be reached and was needed.

What can be reached is `estimate` with the layout searched and the default overhead of a run. What people needed is that times
the distribution of reported over reachable hours, learnt from the shipped trainings of all other makers. A training without a
device count is answered for the smallest count that its dates allow.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from carbonscaling.catalog import hardware, models
from carbonscaling.errors import InputError
from carbonscaling.evidence.carbon_run import CarbonRun
from carbonscaling.evidence.row import Unusable
from carbonscaling.evidence.training import Training, load_trainings, parse_training
from carbonscaling.model.from_law import spec_for_params
from carbonscaling.model.spec import Experts, ModelSpec
from carbonscaling.record import dataclass
from carbonscaling.study.answer import estimate, plan
from carbonscaling.study.asked import PLAN_DAYS
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.history import NINETY, Practice, shipped_practice
from carbonscaling.study.infeasible import Infeasible
from carbonscaling.study.scenario import Scenario
from carbonscaling.validate.named import recipe_named
from carbonscaling.validate.score import Score, by_group, spreads, student

__all__ = [
    "COLUMNS",
    "TrainingCheck",
    "check_hours",
    "check_trainings",
    "fit_practice",
    "scores_by_report",
    "training_scores",
]

COLUMNS = ("model", "status", "reason", "device_hours", "low", "high", "reachable")
"""Columns of the file of answers."""
TOP_K = 8
"""Experts that a token uses in a model whose shape nobody states, as in most published ones since 2024."""


@dataclass(frozen=True)
class TrainingCheck:
    """One training beside what is said of it before the fact.

    Attributes
    ----------
    model, maker, date : str
    status : str
        ``ok``, ``infeasible``, ``unusable``, or ``left_out`` where the row's note says that it is not scorable.
    reason : str
        Why there is no answer; else what was assumed.
    reported, reachable, device_hours, low, high : float, optional
        Device-hours: as published, of the best setting found, and what people needed with its 90 % interval.
    calendar : bool
        Whether what was reported is devices times days.
    own : int
        Earlier trainings of the maker that narrow it.
    """

    model: str
    maker: str
    date: str
    status: str
    reason: str
    reported: float | None = None
    reachable: float | None = None
    device_hours: float | None = None
    low: float | None = None
    high: float | None = None
    calendar: bool = False
    own: int = 0

    @property
    def ratio(self) -> float | None:
        """Reported over reachable; None where one of them is unknown."""
        return self.reported / self.reachable if self.reported and self.reachable else None


def _model(t: Training, notes: list[str]) -> str | ModelSpec:
    """Return the model of a training: its file, the catalogue's by name, or one of its size."""
    if t.config is not None:
        return str(t.config)
    try:
        return models.model("-".join(t.model.partition(" (")[0].lower().split())).name
    except InputError:
        if not t.params_b:
            raise Unusable("no file of the model, no known name, no parameter count") from None
    active = t.active_b if t.experts and t.active_b else t.params_b
    spec = spec_for_params(active * 1e9, seq_len=t.seq_len or 2048)
    notes.append(f"a Llama-like shape of {active:g}B parameters")
    if active == t.params_b:
        return spec
    per_expert = spec.ffn.d_ff // TOP_K
    n_more = (t.params_b - active) * 1e9 / (3.0 * spec.d_model * per_expert * spec.n_layers)
    notes.append(f"experts up to {t.params_b:g}B, of which a token uses {TOP_K}")
    n_routed = TOP_K * max(2, round((n_more + TOP_K) / TOP_K))
    return replace(spec, experts=Experts(n_routed=n_routed, top_k=TOP_K, d_ff=per_expert, gated=True))


def _days(t: Training) -> float:
    """Return the days that a training may have taken: as stated, or from its device's year to its publication."""
    if t.days:
        return t.days
    year, _, month = t.date.partition("-")
    if not year.isdigit():
        return PLAN_DAYS
    since = 365.25 * (int(year) - hardware.device(t.device).year) + 30.4 * (int(month or 1) - 1)
    return min(max(since, 30.4), PLAN_DAYS)


def _divisible(batch: float, n_devices: int) -> int:
    """Return the batch next to `batch` that splits over as many devices: a multiple of the count's odd part."""
    odd = n_devices // (n_devices & -n_devices)
    return odd * max(1, round(batch / odd))


def _reach(t: Training) -> tuple[Estimate | Infeasible, list[str]]:
    """Return what can be reached, and what had to be assumed.

    Raises
    ------
    Unusable, InputError
        The row lacks something, or names something unknown.
    """
    if not t.tokens_b or not t.device:
        raise Unusable("no tokens" if t.device else "no device")
    notes: list[str] = []
    s = Scenario(
        model=_model(t, notes), tokens=t.tokens_b * 1e9, device=t.device, devices=t.n_devices or None,
        seq_len=t.seq_len or None, precision=recipe_named(t.precision, hardware.device(t.device)) if t.precision else None,
    )  # fmt: skip
    if s.devices is None:
        days = _days(t)
        found = plan(replace(s, max_days=days))
        notes.append(
            f"{found.n_devices:,} devices, the smallest count for {days:.0f} days" if found.n_devices else "no count"
        )
        return found, notes
    found = estimate(s)
    if isinstance(found, Estimate):
        return found, notes
    for n in dict.fromkeys(s.devices - s.devices % even for even in (1, 8, 64, 256) if s.devices >= even):
        batch = _divisible(found.resolved.batch, n)
        again = estimate(replace(s, devices=n, batch=batch))
        if isinstance(again, Estimate):
            notes.append(f"a batch of {batch:,} sequences splits over {n:,} devices")
            return again, notes
    return found, notes


def _refused(error: Unusable | InputError) -> str:
    """Return why a row has no answer, with what it said of it."""
    if not isinstance(error, InputError):
        return str(error)
    return error.problem if error.value is None else f"{error.problem}: {error.value}"


def _answered(t: Training) -> TrainingCheck:
    """Return a training with what can be reached."""
    name, maker, date = t.model, t.maker, t.date
    if not t.scorable:
        return TrainingCheck(name, maker, date, "left_out", t.note, t.reported)
    try:
        found, notes = _reach(t)
    except (Unusable, InputError) as error:
        return TrainingCheck(name, maker, date, "unusable", _refused(error), t.reported)
    if isinstance(found, Infeasible):
        return TrainingCheck(name, maker, date, "infeasible", found.reason, t.reported)
    return TrainingCheck(name, maker, date, "ok", "; ".join(notes), t.reported, found.device_hours, calendar=t.calendar)


def _check(row: Mapping[str, str], folder: Path) -> TrainingCheck:
    try:
        return _answered(parse_training(row, folder))
    except Unusable as error:
        name, maker, date = ((row.get(column) or "").strip() for column in ("model", "maker", "date"))
        return TrainingCheck(name, maker, date, "unusable", str(error))


@cache
def _shipped() -> tuple[TrainingCheck, ...]:
    rows, folder = load_trainings()
    return tuple(_check(row, folder) for row in rows)


def fit_practice(checks: Iterable[TrainingCheck]) -> Practice:
    """Return the distribution of reported over reachable hours: over makers, and over the trainings of one.

    It is the predictive one of a further maker: that few makers leave mean and spreads uncertain widens it (Student 1908).
    """
    groups: dict[str, list[float]] = defaultdict(list)
    for check in checks:
        if check.ratio:
            groups[check.maker].append(math.log(check.ratio))
    middle, between, within = spreads(list(groups.values()))
    n = len(groups)
    wider = student(n - 1) / NINETY
    return Practice(middle, wider * between * math.sqrt(1.0 + 1.0 / n), wider * within)


def _needed(check: TrainingCheck, practice: Practice, own: Sequence[float] = ()) -> TrainingCheck:
    """Return a training with what people needed, by a distribution and the ratios of the maker's own earlier ones."""
    if check.reachable is None:
        return check
    hours, low, high = practice.needed(own).times(check.reachable)
    return replace(check, device_hours=hours, low=low, high=high, own=len(own))


def _left_out(check: TrainingCheck, others: Sequence[TrainingCheck], history: bool) -> TrainingCheck:
    """Return the same by the shipped trainings of other makers and, if asked, by the maker's own earlier ones among others."""
    earlier = [x for x in others if history and check.maker and x.maker == check.maker and x.date < check.date]
    own = [x.ratio for x in earlier if x.ratio]
    return _needed(check, fit_practice(x for x in _shipped() if x.maker != check.maker), own)


def check_trainings(path: Path | None = None, *, history: bool = False) -> tuple[TrainingCheck, ...]:
    """Answer every training of a file, or the shipped ones, before the fact.

    Parameters
    ----------
    path : Path, optional
    history : bool
        Whether the maker's own earlier trainings, of the file and of the shipped ones, narrow an answer.

    Raises
    ------
    InputError
        The file cannot be used.
    """
    if path is None:
        return tuple(_left_out(check, _shipped(), history) for check in _shipped())
    rows, folder = load_trainings(path)
    checks = [_check(row, folder) for row in rows]
    known = {(x.maker, x.model) for x in _shipped()}
    others = [*_shipped(), *(x for x in checks if (x.maker, x.model) not in known)]
    return tuple(_left_out(check, others, history) for check in checks)


def check_hours(runs: Sequence[CarbonRun]) -> tuple[TrainingCheck, ...]:
    """Answer the trainings among runs with energy and carbon before the fact: those that state tokens and device-hours."""
    found: dict[tuple[str, float], TrainingCheck] = {}
    for run in runs:
        if run.hours and run.tokens_b:
            own = Training(
                run.name, "", "", run.device, "", "", run.active_params_b not in (None, run.params_b), run.params_b,
                run.active_params_b, run.tokens_b, 0, int(run.n_devices or 0), run.days, run.hours, False, None,
            )  # fmt: skip
            found.setdefault((run.name.partition(" (")[0], run.hours), _needed(_answered(own), shipped_practice()))
    return tuple(found.values())


def _grouped(checks: Sequence[TrainingCheck], group: Callable[[TrainingCheck], str]) -> dict[str, Score]:
    """Score what people needed against what was reported, by group; nothing where nothing was reported."""
    scored = [x for x in checks if x.device_hours and x.reported]
    if not scored:
        return {}
    ours, reported, low, high = np.array([(x.device_hours, x.reported, x.low, x.high) for x in scored], dtype=float).T
    return by_group([group(x) for x in scored], ours, reported, low, high)


def training_scores(checks: Sequence[TrainingCheck]) -> dict[str, Score]:
    """Score what people needed against what was reported, over all and by maker; nothing where nothing was reported."""
    return _grouped(checks, lambda x: "all") | _grouped(checks, lambda x: x.maker)


def scores_by_report(checks: Sequence[TrainingCheck]) -> dict[str, Score]:
    """Return the same by what was reported: device-hours, or devices and days, in which they may have stood idle."""
    return _grouped(checks, lambda x: "devices x days" if x.calendar else "hours printed")
