"""What cases are asked of the search, and the rows kept of its answers, each search made once.

The settings and the time of a run do not depend on place fields (region, PUE, price, …) where the objective is time or the
fewest devices; the best setting of an estimate without a deadline does not depend on the tokens either.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any, TypeVar

from carbonscaling.errors import InputError
from carbonscaling.perf.numbers import Number, Setting
from carbonscaling.record import altered, dataclass
from carbonscaling.search.objectives import Outcome
from carbonscaling.search.result import Question, SearchResult
from carbonscaling.search.space import Space
from carbonscaling.study.asked import asked, counts_of, question_of, space_of
from carbonscaling.study.decide import Known, searched
from carbonscaling.study.foreseen import foresee
from carbonscaling.study.resolve import HARDWARE_FIELDS, Resolved
from carbonscaling.study.scenario import Scenario
from carbonscaling.study.several import several
from carbonscaling.study.sweep.case import scenario_of
from carbonscaling.study.sweep.kinds import Training
from carbonscaling.study.sweep.rows import Kept, Row, failed, kept_of, of_length, of_run, why_none
from carbonscaling.study.sweep.studyfile import Keep
from carbonscaling.units import TONNE

__all__ = ["Run", "Runs"]

T = TypeVar("T")
REMEMBERED = 1024
"""Searches, and lookups of hardware, that are remembered."""
ALIKE = attrgetter(*HARDWARE_FIELDS, "model", "law", "d_model", "seq_len")


@dataclass(frozen=True)
class Run:
    """What is kept of a case before its place counts.

    Attributes
    ----------
    rows : list of dict
        Rows by column: settings, or why there is none.
    resolved : Resolved, optional
        None where the values contradict each other.
    """

    rows: list[Row]
    resolved: Resolved | None = None


@dataclass(frozen=True)
class _Asked:
    """What a case asks of the search; `key` is the same for cases that differ in device counts and tokens alone."""

    scenario: Scenario
    resolved: Resolved
    question: Question
    space: Space
    key: Any = None


class Runs:
    """Answers scenarios, remembering the searches made.

    Parameters
    ----------
    answer : {"plan", "estimate"}
    keep : Keep
    many : bool
        Whether so many searches are to come that machine code is worth loading for small ones too.
    """

    def __init__(self, answer: Training, keep: Keep, *, many: bool) -> None:
        self._answer, self._keep, self._few = answer, keep, 0 if many else None
        self._alike: dict[Any, _Alike] = {}
        self._like: dict[Any, _Asked] = {}
        self._last: tuple[Any, _Asked] | None = None

    def every(self, base: Mapping[str, Any], each: Iterable[Mapping[str, Any]]) -> list[Run]:
        """Return the rows of the scenarios with these values, in turn; a contradiction or an error is one of them."""
        asked = [_guarded(self._asked, base, values) for values in each]
        together: dict[Any, list[_Asked]] = {}
        for a in asked:
            if isinstance(a, _Asked) and a.key is not None and self._keep.top == 1 and len(a.question.batches) == 1:
                together.setdefault(a.key, []).append(a)
        for key, alike in together.items():
            with suppress(Exception):  # each case says what is wrong with it
                self._foresee(key, alike)
        return [a if isinstance(a, Run) else _guarded(self._run, a) for a in asked]

    def _foresee(self, key: Any, asked: Sequence[_Asked]) -> None:
        """Search at once what cases ask that differ in device counts and tokens alone."""
        alike, q = self._alike.get(key) or _Alike(), asked[0].question
        counts = {a.question.counts[0] for a in asked if not a.question.stated} - alike.found.keys() - {1}
        if not counts or not foresee(q, asked[0].space, self._few, alike.known, counts):
            return
        best = {n: one.n_devices for n in counts if (one := alike.known.best[n])}
        results = {n: alike.known.own[n] for n in best.values() if n not in alike.found}
        rows = kept_of(q, list(results.values()), self._keep)
        found = alike.found | dict(zip(results, zip(results.values(), rows, strict=True), strict=True))
        for n, own in best.items():
            _remember(alike.found, own, found[own])
            _remember(alike.found, n, found[own])
        _remember(self._alike, key, alike)

    def _asked(self, base: Mapping[str, Any], values: Mapping[str, Any]) -> _Asked:
        n, own = values.get("devices"), [base, *((k, type(v), v) for k, v in values.items() if k != "devices")]
        if self._last and self._last[0] == own and type(n) is int and n > 0:  # as the last case, on so many devices
            last = self._last[1]
            if last.key is not None and last.scenario.offload in (None, "none"):
                return _recounted(last, n)
        scenario = scenario_of(base, values)
        if key := several(scenario):
            raise InputError(f"several {key}s in one case", key=key, remedy=f"make {key} an axis")
        alike = ALIKE(scenario)
        like = self._like.get(alike)
        if like and scenario.devices and _counts_alone(scenario, like):
            found = _recounted(like, scenario.devices)
        else:
            found = self._looked_up(scenario, like.resolved if like else None)
        _remember(self._like, alike, found)
        self._last = own, found
        return found

    def _looked_up(self, scenario: Scenario, like: Resolved | None) -> _Asked:
        s, r, counts, deadline = asked(scenario, self._answer, like)
        if s.objective == "cost" and r.price is None:
            raise InputError("no price is known", key="price_usd_per_device_hour", remedy="give one")
        question, space = question_of(s, r, counts, deadline), space_of(s, r)
        free = deadline == math.inf and not question.limits
        by_step = s.objective == "time" and free and not (self._keep.front or self._keep.quantiles)
        if not by_step:
            return _Asked(scenario, r, question, space)
        batches = r.batches if r.batches.is_open else r.batches.every  # more tokens may take another batch
        key = (r.work, r.machine, question.margin, batches, space) if counts[0] == counts[1] else None
        # of what candidates take, nothing but the time is kept
        question = replace(question, outcome=partial(_run_time_alone, question), least=None)
        return _Asked(scenario, r, question, space, key)

    def _run(self, a: _Asked) -> Run:
        r, keep = a.resolved, self._keep
        result, kept = self._searched(a.key, a.question, a.space)
        counted: Row = {"n_candidates": result.n_candidates, "n_fit": result.n_fit}
        if keep.rejected:
            counted["rejected"] = json.dumps(dict(sorted(result.rejected.items())))
        if keep.quantiles:
            counted["quantiles"] = json.dumps({str(k): v[0] / TONNE for k, v in result.quantiles.items()})
        if not kept:
            overspent = self._overspent(a.question, a.space)
            why = "budget" if overspent else why_none(result, a.question.deadline_s)
            return Run([failed("infeasible", why) | counted], r)
        r = altered(r, batch=float(r.batch_of(kept[0].candidate.setting)))
        shared = counted | of_run(r)
        return Run([shared | k.columns | of_length(r, k) for k in kept], r)

    def _overspent(self, q: Question, space: Space) -> bool:
        """Whether a question without an answer has one where nothing but its budgets is left out."""
        if not q.limits:
            return False
        loose = replace(q, limits=())
        return searched(loose, space, self._few, top=1, prune=True, explain=False, threads=1)[1].best is not None

    def _searched(self, key: Any, q: Question, space: Space) -> tuple[SearchResult, list[Kept]]:
        alike = _Alike() if key is None else self._alike.get(key) or _Alike()
        asked = q.counts[0]
        if key is not None and asked in alike.found:
            return alike.found[asked]
        keep = self._keep
        q, result = searched(
            q, space, self._few, alike.known, top=keep.top, prune=not keep.quantiles, front=keep.front,
            quantiles=keep.quantiles, explain=False, threads=1,
        )  # fmt: skip
        if key is None:
            return result, kept_of(q, [result], keep)[0]
        own = q.counts[0]
        found = alike.found[own] if own in alike.found else (result, kept_of(q, [result], keep)[0])
        for count in (own, asked):
            _remember(alike.found, count, found)
        _remember(self._alike, key, alike)
        return found


def _counts_alone(scenario: Scenario, like: _Asked) -> bool:
    """Whether a case differs from another in a device count alone of which nothing looked up depends."""
    own = like.key is not None and scenario.offload in (None, "none")
    return own and scenario.__dict__ == like.scenario.__dict__ | {"devices": scenario.devices}


def _recounted(like: _Asked, n: int) -> _Asked:
    """Return what a case asks that differs from another in its device count alone."""
    scenario = altered(like.scenario, devices=n)
    s = scenario if like.resolved.scenario is like.scenario else altered(like.resolved.scenario, devices=n)
    r = altered(like.resolved, setup=altered(like.resolved.setup, scenario=s))
    question = altered(like.question, counts=counts_of(scenario.layout, n))
    return altered(like, scenario=scenario, resolved=r, question=question)


def _guarded(work: Callable[..., T], *args: Any) -> T | Run:
    """Return what some work returns, or the row that says what is wrong."""
    try:
        return work(*args)
    except InputError as error:
        return Run([failed("refused", str(error))])
    except Exception as error:
        return Run([failed("error", f"{type(error).__name__}: {error}")])


class _Alike:
    """What is kept of runs that differ in device counts and tokens alone, by device count."""

    def __init__(self) -> None:
        self.known = Known()
        self.found: dict[int, tuple[SearchResult, list[Kept]]] = {}


def _run_time_alone(q: Question, settings: Setting, step_s: Number) -> Outcome:
    return Outcome(q.run_time(settings, step_s), math.nan, math.nan, math.nan)


def _remember(memory: dict[Any, Any], key: Any, value: Any) -> None:
    if key not in memory and len(memory) >= REMEMBERED:
        del memory[next(iter(memory))]
    memory[key] = value
