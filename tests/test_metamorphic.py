"""Random scenarios with every option on: a fixed sample here, thousands under `slow`; any number: ``python -m metamorphic``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest

import carbonscaling as cs
from metamorphic.drive import ended, run_block
from metamorphic.scenarios import case

SAMPLE = 5
THOUSANDS = 2_000
BLOCK = 100


@pytest.mark.parametrize("seed", range(SAMPLE))
def test_answers_agree(seed: int) -> None:
    assert ended(seed)[1] == ""


@pytest.mark.slow
@pytest.mark.parametrize("first", range(10_000, 10_000 + THOUSANDS, BLOCK))
def test_thousands_of_answers_agree(first: int) -> None:
    counts, violations = run_block(first, BLOCK)
    assert violations == []
    assert counts["answered"] > BLOCK // 2


def test_the_scenarios_are_varied(tmp_path: Path) -> None:
    """Every option occurs, with models and devices of every kind; no model of the catalogue has a tower."""
    drawn = [case(Random(f"metamorphic-{seed}"), tmp_path).scenario for seed in range(1000)]
    plain = cs.Scenario()
    usual = Counter(name for s in drawn for name in vars(plain) if getattr(s, name) == getattr(plain, name))
    assert {name for name in vars(plain) if usual[name] == len(drawn)} <= {
        "target_loss", "profile", "practice", "towers", "tower_tokens", "tower_patches", "sample_len",
    }  # fmt: skip
    degrees = Counter(name for s in drawn for name, value in vars(s.layout).items() if value is not None)
    assert set(degrees) == set(vars(cs.Layout()))
    assert len({s.device for s in drawn}) > 30
    assert len({s.region for s in drawn}) > 100


def test_the_same_seed_draws_the_same_scenario(tmp_path: Path) -> None:
    assert case(Random("x"), tmp_path) == case(Random("x"), tmp_path)
