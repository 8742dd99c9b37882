"""What a user waits for: a command, an estimate, the page, a great plan, a case of a study; each beside what is wanted."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator

from carbonscaling.bench.questions import QUESTIONS
from carbonscaling.bench.server import Served, served
from carbonscaling.bench.stopwatch import timed
from carbonscaling.bench.sweep import own_searches
from carbonscaling.hints import NamedTuple
from carbonscaling.platform import children_processor_s
from carbonscaling.record import dataclass
from carbonscaling.search import compiled
from carbonscaling.search.engine import search
from carbonscaling.search.evaluate import prepare
from carbonscaling.study.answer import estimate
from carbonscaling.study.scenario import Layout, Scenario

__all__ = ["SHORT", "Effort", "FeltRow", "evaluations", "felt"]

LAYOUT = Layout(tp=8, pp=4, dp=8, cp=1, zero=1, micro_batch=1, recompute="selective", vpp=1)
STATED = Scenario(
    model="llama-3.1-70b", tokens=1e12, device="h100-sxm", devices=256, batch=512, layout=LAYOUT
)  # fmt: skip
"""The layout that is stated whole: `carbonscaling estimate` with these options."""
GREAT = {
    "DeepSeek-V3, full space, to 1e9 devices": ("deepseek-v3", 10**9, 15360, "1", 0.5, 300.0),
    "Llama-3 8B, full space, without a compiler": ("llama-3-8b", 65536, 1024, "0", 2.0, 200.0),
}
"""Plans with model, most devices, batch, whether to compile, and the seconds and megabytes wanted."""


class Effort(NamedTuple):
    """Runs of a command; seconds of a measurement in this process; device counts of the studies; estimates of a client."""

    runs: int = 5
    least_s: float = 1.0
    counts: tuple[int, ...] = (16, 64)
    estimates: int = 25


SHORT = Effort(2, 0.3, (4,), 6)
"""What takes half a minute; processor times are a little less sure."""


@dataclass(frozen=True)
class FeltRow:
    """One measurement.

    Attributes
    ----------
    what, unit : str
    value, wanted : float
        In that unit.
    most : bool
        Whether less is better.
    """

    what: str
    value: float
    unit: str
    wanted: float
    most: bool = True

    @property
    def ratio(self) -> float:
        """How many times as good as wanted; below 1 where it is not."""
        return self.wanted / self.value if self.most else self.value / self.wanted


def felt(effort: Effort | None = None) -> Iterator[FeltRow]:
    """Measure, one row at a time; all of it unless told otherwise (`SHORT`)."""
    effort = effort or Effort()
    yield from _command(effort.runs)
    yield from _in_process(effort.least_s)
    yield from evaluations(effort.least_s)
    for n_counts in effort.counts:
        row = own_searches(n_counts)
        what = f"study of {row.n_cases:,} cases, each with a search of its own: a case"
        yield FeltRow(what, 1e3 * row.case_s, "ms of processor time", 0.3)
    for name, (model, most, batch, compiler, seconds, megabytes) in GREAT.items():
        taken, peak = _plan(model, most, batch, compiler)
        yield FeltRow(f"plan {name}", taken, "s", seconds)
        yield FeltRow(f"plan {name}", peak, "MB", megabytes)
    with served() as ask:
        yield from _page(ask, effort.estimates)


def _processor_s(command: list[str], runs: int) -> float:
    """Processor seconds of a command: the median of a few runs, after one that leaves byte code as an installation has it."""
    found = []
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(runs + 1):
        before = children_processor_s()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
        found.append(children_processor_s() - before)
    return statistics.median(found[1:])


def _options() -> list[str]:
    own = {k: v for k, v in (vars(STATED) | vars(LAYOUT)).items() if isinstance(v, str | int | float)}
    plain = {k: v for k, v in own.items() if v != getattr(Scenario, k, None)}
    return [word for name, value in plain.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def _command(runs: int) -> Iterator[FeltRow]:
    numpy = _processor_s([sys.executable, "-c", "import numpy"], runs)
    command = [sys.executable, "-m", "carbonscaling", "estimate", *_options()]
    for kind, more in (("", []), (", as JSON", ["--json"])):
        ratio = _processor_s([*command, *more], runs) / numpy
        yield FeltRow(f"estimate on the command line, one layout{kind}", ratio, "times import numpy", 2.2)


def _in_process(least_s: float) -> Iterator[FeltRow]:
    for kind, work in (
        ("estimate", lambda: estimate(STATED)),
        ("with all of its JSON", lambda: estimate(STATED).to_dict()),
    ):
        work()
        taken, _ = timed(work, least_s)
        yield FeltRow(f"in Python, one layout: {kind}", 1e3 * taken.processor, "ms of processor time", 2.0)


def evaluations(least_s: float = 1.0) -> Iterator[FeltRow]:
    """Count settings of a real question that are worked out one by one, in a search that leaves nothing out.

    Rules reject the rest in bulk: they count in the time and not in the number. A full evaluation is memory and step time, of
    a setting that fits; of one that does not the memory alone is worked out.
    """
    if compiled.available():
        prepare()
    case = QUESTIONS[0]
    question = case.question()
    taken, found = timed(lambda: search(question, case.space, threads=1, few=0), least_s)
    unit, passed = "M a second and core", found.n_fit + found.rejected["memory"]
    yield FeltRow(f"{case.name}: memory and step time", found.n_fit / taken.processor / 1e6, unit, 4.0, most=False)
    yield FeltRow(f"{case.name}: memory, or both", passed / taken.processor / 1e6, unit, 4.0, most=False)
    rate = found.n_candidates / taken.processor / 1e6
    yield FeltRow(f"{case.name}: with what rules reject", rate, unit, 4.0, most=False)


def _plan(model: str, most: int, batch: int, compiler: str) -> tuple[float, float]:
    """Return seconds of processor time and MB of a plan in a process of its own, once everything is loaded."""
    program = (
        "import sys, time, carbonscaling as cs; from carbonscaling.platform import peak_memory_bytes; "
        "q = cs.Scenario(model=sys.argv[1], tokens=1e12, max_devices=int(sys.argv[2]), batch=int(sys.argv[3]), space='full'); "
        "cs.estimate(cs.Scenario(model='llama-3-8b', tokens=1e12, devices=64)); "
        "from carbonscaling.search import compiled, evaluate; compiled.available() and evaluate.prepare(); "
        "t = time.process_time(); cs.plan(q); print(time.process_time() - t, peak_memory_bytes() / 1e6)"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, model, str(most), str(batch)],
        check=True, capture_output=True, text=True, env={**os.environ, "CARBONSCALING_COMPILE": compiler},
    ).stdout  # fmt: skip
    seconds, megabytes = map(float, said.split())
    return seconds, megabytes


def _page(ask: Callable[[str, list[list[bytes]]], Served], estimates: int) -> Iterator[FeltRow]:
    """Ask as eight clients at once, no question twice."""
    base = {"device": "h100-sxm", "tokens": 1e12, "batch": 1024}
    small = [
        [
            json.dumps({**base, "model": "llama-3-8b", "devices": 64, "tokens": 1e12 + 1e9 * (8 * i + k)}).encode()
            for i in range(estimates)
        ]
        for k in range(8)
    ]
    found = ask("estimate", small)
    yield FeltRow("page, 8 clients: estimate, median", 1e3 * found.median_s, "ms", 50.0)
    yield FeltRow("page, 8 clients: estimates", found.per_second, "a second", 200.0, most=False)
    large = [
        [json.dumps({**base, "model": "mixtral-8x7b", "space": "full", "max_days": 60 + k}).encode()] for k in range(8)
    ]
    found = ask("plan", large)
    yield FeltRow("page, 8 clients: plan of experts, full space, median", found.median_s, "s", 2.0)
    yield FeltRow("page, 8 clients: plan of experts, full space, slowest", found.slowest_s, "s", 3.0)
