"""Run the quick tests against each mutant, in a child process each, until one fails.

A pytest plugin: tests are collected once; a first pass finds out which functions each test reaches and how long it
takes; then every mutant meets the tests that reach its function, those first that have caught the function's other
mutants, then the quickest.
"""

from __future__ import annotations

import itertools
import os
import selectors
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from mutation.operators import Mutant
from mutation.targets import all_mutants, forget, function_of, put

__all__ = ["Mutation", "Verdict"]

LONGEST_TEST_S = 2.0
"""Slower tests take no part."""
EXAMPLES = 12
"""Of each property."""
LIMIT_S = 120
"""A child that computes for longer has met an endless loop; its mutant counts as caught."""
TRIED_S = 20.0
"""What the tests that meet one mutant may take together, those left out that take most."""
SURVIVED, NO_TEST = "survived", "no test reaches it"


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: the test that caught it, or why none did."""

    mutant: Mutant
    caught_by: str | None
    note: str = ""


@dataclass
class Mutation:
    """The plugin.

    Attributes
    ----------
    only : tuple of str
        Parts of the names of the mutants to try.
    workers : int
    verdicts : list of Verdict
    """

    only: tuple[str, ...] = ("",)
    workers: int = 2
    verdicts: list[Verdict] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def pytest_configure(self) -> None:
        """Let a failing property fail at once: nobody reads the smallest example."""
        from hypothesis import Phase, settings  # not before pytest, which rewrites what it loads

        quick = settings(deadline=None, derandomize=True, database=None, phases=(Phase.explicit, Phase.generate))
        settings.register_profile("mutation", quick)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Take the place of the suite's profile, before any test is imported."""
        from hypothesis import settings

        settings.load_profile("mutation")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Measure, then mutate."""
        mutants = [m for m in all_mutants() if any(part in m.name for part in self.only)]
        functions = {function_of(m.module, m.function).__code__: (m.module, m.function) for m in mutants}
        tests = [item for item in session.items if item.get_closest_marker("slow") is None]
        reached: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
        for place, item in enumerate(tests):
            self._few_examples(item)
            names, seconds = self._measure(item, functions)
            for name in names if seconds < LONGEST_TEST_S else ():
                reached[name][place] = seconds
        print(f"{len(tests)} tests, {len(mutants)} mutants", file=sys.stderr, flush=True)
        self._try_all(mutants, tests, reached)
        return True

    @staticmethod
    def _few_examples(item: pytest.Item) -> None:
        """Let a property try a few examples: an example or none shows a wrong formula, and the first is what counts."""
        from hypothesis import settings

        test = getattr(item, "obj", None)
        if test is not None and hasattr(test, "hypothesis"):
            tried = settings(settings.default, max_examples=EXAMPLES)
            test._hypothesis_internal_use_settings = tried

    def _measure(self, item: pytest.Item, functions: dict[CodeType, Any]) -> tuple[set[Any], float]:
        seen: set[CodeType] = set()

        def note(frame: FrameType, event: str, _arg: object) -> None:
            if event == "call" and frame.f_code in functions:
                seen.add(frame.f_code)

        forget()
        start = time.process_time()
        sys.setprofile(note)
        try:
            failed = _fails(item)
        finally:
            sys.setprofile(None)
        if failed:
            self.broken.append(item.nodeid)
            return set(), 0.0
        return {functions[code] for code in seen}, time.process_time() - start

    def _try_all(
        self, mutants: list[Mutant], tests: list[pytest.Item], reached: dict[tuple[str, str], dict[int, float]]
    ) -> None:
        forget()
        catches: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
        waiting = iter(mutants)
        with selectors.DefaultSelector() as selector:
            for mutant in self._first(waiting):
                self._start(selector, mutant, tests, reached, catches)
            while selector.get_map():
                for key, _ in selector.select():
                    self._finish(selector, key, tests, catches)
                    following = next(waiting, None)
                    if following is not None:
                        self._start(selector, following, tests, reached, catches)

    def _first(self, waiting: Iterator[Mutant]) -> Iterator[Mutant]:
        for _, mutant in zip(range(self.workers), waiting, strict=False):
            yield mutant

    def _start(self, selector: Any, mutant: Mutant, tests: Any, reached: Any, catches: Any) -> None:
        name = (mutant.module, mutant.function)
        quickest = sorted(reached[name], key=reached[name].__getitem__)
        spent = itertools.accumulate(reached[name][place] for place in quickest)
        within = [place for place, seconds in zip(quickest, spent, strict=True) if seconds < TRIED_S]
        order = sorted(within, key=lambda place: -catches[name][place])
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            _child(write, mutant, [(place, tests[place]) for place in order])
        os.close(write)
        selector.register(read, selectors.EVENT_READ, (mutant, child, bool(order)))

    def _finish(self, selector: Any, key: Any, tests: list[pytest.Item], catches: Any) -> None:
        mutant, child, has_tests = key.data
        answer = os.read(key.fd, 64).decode()
        selector.unregister(key.fd)
        os.close(key.fd)
        os.waitpid(child, 0)
        if answer == SURVIVED:
            self.verdicts.append(Verdict(mutant, None, SURVIVED if has_tests else NO_TEST))
        elif answer:
            catches[mutant.module, mutant.function][int(answer)] += 1
            self.verdicts.append(Verdict(mutant, tests[int(answer)].nodeid))
        else:
            self.verdicts.append(Verdict(mutant, "the process", "it ended or never came back"))
        if len(self.verdicts) % 100 == 0 or self.verdicts[-1].caught_by is None:
            left = sum(v.caught_by is None for v in self.verdicts)
            print(f"{len(self.verdicts)} tried, {left} survive", file=sys.stderr, flush=True)


def _fails(item: pytest.Item) -> bool:
    return any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


def _child(write: int, mutant: Mutant, tests: list[tuple[int, pytest.Item]]) -> None:
    """Meet the tests and say which fails first; never returns."""
    signal.setitimer(signal.ITIMER_PROF, LIMIT_S)
    put(mutant)
    for place, item in tests:
        if _fails(item):
            os.write(write, str(place).encode())
            os._exit(0)
    os.write(write, SURVIVED.encode())
    os._exit(0)
