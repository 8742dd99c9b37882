"""The questions that the search was made for, each with the time that it may take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace

from carbonscaling.bench.stopwatch import BenchRow, row_of, timed
from carbonscaling.record import dataclass
from carbonscaling.search.engine import Question, n_threads, search
from carbonscaling.search.objectives import OBJECTIVES
from carbonscaling.search.space import FULL_SPACE, Space
from carbonscaling.study.answer import asked_again, plan
from carbonscaling.study.asked import question_of
from carbonscaling.study.infeasible import Infeasible
from carbonscaling.study.resolve import resolve
from carbonscaling.study.robust import robustness
from carbonscaling.study.scenario import Scenario
from carbonscaling.units import DAY

__all__ = ["PRUNING", "QUESTIONS", "Case", "ask", "firmness", "pruning"]

SAMPLES, SEARCHES = 1000, 200


@dataclass(frozen=True)
class Case:
    """A question with its device counts, its space, and the seconds that it may take."""

    name: str
    scenario: Scenario
    counts: tuple[int, int]
    space: Space = field(default=FULL_SPACE)
    limit_s: float | None = None

    def question(self, objective: str | None = None) -> Question:
        """Return it as the search takes it, with another objective if given."""
        s = self.scenario if objective is None else replace(self.scenario, objective=objective)
        return question_of(s, resolve(s), self.counts, s.max_days * DAY if s.max_days else float("inf"))


_GPT3 = Scenario(model="gpt-3-175b", tokens=300e9, device="a100-80", batch=2048, seq_len=2048, objective="time")
_LLAMA = Scenario(model="llama-3.1-405b", tokens=15.6e12, device="h100-sxm", batch=2048, max_days=90)
_MIXTRAL = Scenario(model="mixtral-8x7b", tokens=2e12, device="a100-80", batch=2048, seq_len=4096, max_days=90)
_WIDE = Scenario(law="paper_v1", d_model=98304, device="b200", objective="time")

QUESTIONS: tuple[Case, ...] = (
    Case("GPT-3 175B on 1,024 A100, whole space", _GPT3, (1024, 1024), limit_s=0.5),
    Case("Llama-3.1-405B, every count to 65,536 H100", _LLAMA, (1, 65536), limit_s=2.0),
    Case("v1's width 98,304, every count to 1e9 B200", _WIDE, (1, 10**9), limit_s=10.0),
    Case(
        "v1's width 1,572,864, every count to 1e9 B200",
        replace(_WIDE, d_model=1572864), (1, 10**9), limit_s=10.0,
    ),
)  # fmt: skip
"""Questions of the papers' and of practice."""

PRUNING: tuple[Case, ...] = (
    Case("Llama-3.1-405B (dense), to 65,536 H100", _LLAMA, (1, 65536)),
    Case("Mixtral 8x7B (experts), to 16,384 A100", _MIXTRAL, (1, 16384)),
)
"""Large spaces, dense and with experts, in which pruned and exhaustive searches are compared."""


def ask() -> Iterator[BenchRow]:
    """Ask every question with all threads."""
    for case in QUESTIONS:
        q = case.question()
        taken, found = timed(lambda: search(q, case.space, prune=True, explain=False))  # noqa: B023
        best = f"best on {found.best.n_devices:,} devices" if found.best else "nothing fits, on no count"
        yield row_of(case.name, taken, found, n_threads(), best, case.limit_s)


def firmness() -> Iterator[BenchRow]:
    """Draw uncertain constants, and estimate and search again on each draw."""
    answer = plan(_LLAMA)
    if isinstance(answer, Infeasible):
        return
    taken, found = timed(
        lambda: robustness(
            answer.resolved, *asked_again(answer), answer.setting, n_samples=SAMPLES, n_searches=SEARCHES
        )
    )
    yield BenchRow(f"Llama-3.1-405B estimated on {SAMPLES:,} draws", found.sample_s, limit_s=2.0)
    yield BenchRow(
        f"Llama-3.1-405B searched on {SEARCHES} draws", found.search_s, threads=n_threads(), limit_s=60.0,
        note=f"another setting wins in {found.changed:.0%} of them", processor_s=taken.processor,
    )  # fmt: skip


def pruning() -> Iterator[BenchRow]:
    """Search in full and pruned, one thread each, for every objective, and compare time and answer."""
    for case in PRUNING:
        for name in OBJECTIVES:
            q = case.question(name)
            whole, every = timed(lambda: search(q, case.space, threads=1))  # noqa: B023
            yield row_of(f"exhaustive: {case.name}, {name}", whole, every, 1)
            taken, some = timed(lambda: search(q, case.space, threads=1, prune=True))  # noqa: B023
            same = "identical answer" if (some.top, some.n_near) == (every.top, every.n_near) else "ANOTHER ANSWER"
            note = f"{whole.processor / taken.processor:.0f} times as fast; {same}"
            yield row_of(f"pruned: {case.name}, {name}", taken, some, 1, note)
