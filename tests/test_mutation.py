"""The check of the checks: mutants are what they say, and every excused survivor exists."""

from __future__ import annotations

import pytest

from carbonscaling.perf import goodput
from mutation.operators import mutants
from mutation.page import page, reasons
from mutation.runner import SURVIVED, Verdict
from mutation.targets import all_mutants, function_of, put

SOURCE = '''
def area(a: float, b: float) -> float:
    """Not a number to change: 3."""
    return min(a, 2.0) * b
'''


def test_the_mutants_of_a_small_function() -> None:
    found = {m.change: m.code for m in mutants("m", SOURCE, {})}
    assert set(found) == {
        "10 % more: the result",
        "min(a, 2.0) * b → min(a, 2.0) / b",
        "min(a, 2.0) → max(a, 2.0)",
        "2.0 → 2.2",
    }
    results = {}
    for change, code in found.items():
        scope: dict[str, object] = {}
        exec(SOURCE, scope)
        scope["area"].__code__ = code  # type: ignore[attr-defined]
        results[change] = scope["area"](3.0, 4.0)  # type: ignore[operator]
    assert sorted(results.values()) == pytest.approx([0.5, 8.8, 8.8, 12.0])


def test_a_mutant_takes_the_place_of_a_formula_for_everyone() -> None:
    from carbonscaling.perf.goodput import run_time as imported_before

    mutant = next(m for m in all_mutants() if m.name == "perf.goodput.run_time: 10 % more: the result")
    before = put(mutant)
    try:
        assert imported_before(10.0, 2.0, 1.0) == pytest.approx(22.0)
    finally:
        goodput.run_time.__wrapped__.__code__ = before  # type: ignore[attr-defined]
    assert imported_before(10.0, 2.0, 1.0) == 20.0


def test_names_are_unique_and_excuses_name_mutants() -> None:
    found = list(all_mutants())
    names = [m.name for m in found]
    assert len(names) == len(set(names)) > 1000
    assert all(m.code.co_name == function_of(m.module, m.function).__name__ for m in found)
    assert set(reasons()) <= set(names)


def test_the_page_lists_survivors_with_their_reasons() -> None:
    first, second = list(mutants("m", SOURCE, {}))[:2]
    text = page([Verdict(first, "tests/x.py::test"), Verdict(second, None, SURVIVED)])
    assert "2 changes, 1 noticed, 1 not" in text
    assert second.name in text
    assert first.name not in text
