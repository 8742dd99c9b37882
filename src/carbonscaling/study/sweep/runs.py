"""What cases are asked of the search, and the rows kept of its answers, each search made once.

The settings and the time of a run do not depend on place fields (region, PUE, price, …) where the objective is time or the
fewest devices; the best setting of an estimate without a deadline does not depend on the tokens either.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.model.params import total_params
from carbonscaling.perf.goodput import run_time
from carbonscaling.perf.memory import memory
from carbonscaling.perf.numbers import Number, Recompute, Schedule, Setting
from carbonscaling.record import dataclass
from carbonscaling.scalar import at
from carbonscaling.search.objectives import Outcome
from carbonscaling.search.result import Candidate, Question, SearchResult
from carbonscaling.search.space import Space
from carbonscaling.study.asked import asked, question_of, space_of
from carbonscaling.study.decide import Known, searched
from carbonscaling.study.outcome import held_devices, speed, utilisation
from carbonscaling.study.resolve import HARDWARE_FIELDS, Resolved
from carbonscaling.study.scenario import Scenario
from carbonscaling.study.several import several
from carbonscaling.study.sweep.case import scenario_of
from carbonscaling.study.sweep.kinds import Training
from carbonscaling.study.sweep.studyfile import Keep
from carbonscaling.units import DAY, GB, HOUR, TONNE

__all__ = ["Row", "Run", "Runs", "failed"]

Row = dict[str, Any]
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
class _Kept:
    kind: str
    rank: int
    candidate: Candidate
    columns: Row


def failed(status: str, reason: str) -> Row:
    """Return the row of a case without an answer."""
    return {"status": status, "kind": "best", "rank": 0, "reason": reason.replace("\n", ";")}


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
        self._like: dict[Any, Resolved] = {}

    def run(self, base: Mapping[str, Any], values: Mapping[str, Any]) -> Run:
        """Return the rows of the scenario with these values; a contradiction or an error is one of them."""
        try:
            scenario = scenario_of(base, values)
            if key := several(scenario):
                raise InputError(f"several {key}s in one case", key=key, remedy=f"make {key} an axis")
            return self._run(scenario)
        except InputError as error:
            return Run([failed("refused", str(error))])
        except Exception as error:
            return Run([failed("error", f"{type(error).__name__}: {error}")])

    def _run(self, scenario: Scenario) -> Run:
        alike = ALIKE(scenario)
        s, r, counts, deadline = asked(scenario, self._answer, self._like.get(alike))
        _remember(self._like, alike, r)
        if s.objective == "cost" and r.price is None:
            raise InputError("no price is known", key="price_usd_per_device_hour", remedy="give one")
        keep, question, space = self._keep, question_of(s, r, counts, deadline), space_of(s, r)
        free = deadline == math.inf and not question.limits
        by_step = s.objective == "time" and free and not (keep.front or keep.quantiles)
        batches = r.batches if r.batches.is_open else r.batches.every  # more tokens may take another batch
        key = (r.work, r.machine, question.margin, batches, space)
        if by_step:  # of what candidates take, nothing else is kept
            question = replace(question, outcome=partial(_run_time_alone, question), least=None)
        result, kept = self._searched(key if by_step and counts[0] == counts[1] else None, question, space)
        counted: Row = {"n_candidates": result.n_candidates, "n_fit": result.n_fit}
        if keep.rejected:
            counted["rejected"] = json.dumps(dict(sorted(result.rejected.items())))
        if keep.quantiles:
            counted["quantiles"] = json.dumps({str(k): v[0] / TONNE for k, v in result.quantiles.items()})
        if not kept:
            why = "budget" if self._overspent(question, space) else _why_none(result, deadline)
            return Run([failed("infeasible", why) | counted], r)
        r = replace(r, batch=float(r.batch_of(kept[0].candidate.setting)))
        shared = counted | _of_run(r)
        return Run([shared | k.columns | _of_length(r, k) for k in kept], r)

    def _overspent(self, q: Question, space: Space) -> bool:
        """Whether a question without an answer has one where nothing but its budgets is left out."""
        if not q.limits:
            return False
        loose = replace(q, limits=())
        return searched(loose, space, self._few, top=1, prune=True, explain=False, threads=1)[1].best is not None

    def _searched(self, key: Any, q: Question, space: Space) -> tuple[SearchResult, list[_Kept]]:
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
            return result, list(_kept(q, result, keep))
        own = q.counts[0]
        found = alike.found[own] if own in alike.found else (result, list(_kept(q, result, keep)))
        for count in (own, asked):
            _remember(alike.found, count, found)
        _remember(self._alike, key, alike)
        return found


class _Alike:
    """What is kept of runs that differ in device counts and tokens alone, by device count."""

    def __init__(self) -> None:
        self.known = Known()
        self.found: dict[int, tuple[SearchResult, list[_Kept]]] = {}


def _run_time_alone(q: Question, settings: Setting, step_s: Number) -> Outcome:
    return Outcome(q.run_time(settings, step_s), math.nan, math.nan, math.nan)


def _remember(memory: dict[Any, Any], key: Any, value: Any) -> None:
    if key not in memory and len(memory) >= REMEMBERED:
        del memory[next(iter(memory))]
    memory[key] = value


def _kept(q: Question, result: SearchResult, keep: Keep) -> Iterator[_Kept]:
    candidates = [("best", rank, c) for rank, c in enumerate(result.top[: keep.top])]
    candidates += [("front", rank, c) for rank, c in enumerate(result.front)] if keep.front else []
    for kind, rank, c in candidates:
        s = c.setting
        floats = Setting(*(float(v) for v in s))
        columns = {
            "step_time_s": c.step_s,
            "memory_per_device_gb": float(at(memory, q.work, q.machine, floats).total) / GB,
            **{name: int(getattr(s, name)) for name in DEGREES},
            "zero_stage": int(s.zero),
            "recompute": Recompute.said(s),
            "schedule": Schedule.NAMES[int(s.schedule)],
        }
        yield _Kept(kind, rank, c, columns)


DEGREES = ("tp", "pp", "dp", "ep", "etp", "cp", "vpp", "shard", "micro_batch", "n_micro", "recompute_percent")


def _of_run(r: Resolved) -> Row:
    return {
        "status": "ok",
        "n_params": float(total_params(r.spec)),
        "tokens_trained": r.tokens,
        "training_flops": r.tokens * float(r.work.model_flops),
        "global_batch_seqs": r.batch,
        "precision": r.recipe.name,
        "loss": r.loss,
    }


def _of_length(r: Resolved, kept: _Kept) -> Row:
    n, step = int(held_devices(r.scenario, kept.candidate.setting)), kept.candidate.step_s
    duration = float(run_time(r.n_steps, step, r.run_overhead.si))
    return {
        "kind": kept.kind,
        "rank": kept.rank,
        "n_devices": n,
        "duration_days": duration / DAY,
        "device_hours": n * duration / HOUR,
        "mfu": float(utilisation(r, step, n)),
        "tokens_per_s_per_device": speed(r.batch * r.seq_len, step, r.pace, n),
    }


def _why_none(result: SearchResult, deadline_s: float) -> str:
    """Return the rule that the settings which came furthest fail."""
    if result.fastest is not None or result.n_fit:
        return "deadline"
    if result.nearest_memory is not None or ("bound" in result.rejected and deadline_s == math.inf):
        return "memory"  # without a deadline nothing but memory leaves out by a bound what could be best
    return max(result.rejected.items(), key=lambda item: item[1], default=("no layout", 0))[0]
