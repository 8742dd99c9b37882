"""Size, tokens and serving as one choice: the published case, brute force, break-even points, the doors."""

from __future__ import annotations

import json

import numpy as np
import pytest

import carbonscaling as cs
from carbonscaling.cli import main
from carbonscaling.serving.lifetime import envelope, served_flops, tokens_for, training_flops

PUBLISHED = cs.Decision(law="sardana_2024", params=13e9, tokens=577e9, served_tokens=2e12)
"""Sardana et al. 2024 (arXiv 2401.00448), section 3: the quality of 13B on its compute-optimal tokens, 2e12 served."""


def test_the_published_case() -> None:
    """7B on about 1.25e12 tokens, which saves 1.7e22 FLOP, 17 %."""
    found = cs.decide(PUBLISHED)
    a = found.summary()
    assert a["params"] == pytest.approx(7e9, rel=0.02)
    assert a["tokens"] == pytest.approx(1.25e12, rel=0.02)
    assert a["saved"] == pytest.approx(1.7e22, rel=0.02)
    assert a["saved_share"] == pytest.approx(0.17, abs=0.005)


def test_every_size_reaches_the_loss() -> None:
    found = cs.decide(PUBLISHED, sizes=40)
    loss = 1.69 + 406.4 / found.n_params**0.336 + 410.7 / found.n_tokens**0.283
    assert loss == pytest.approx(np.full(len(loss), found.loss))
    assert float(tokens_for(1.7, 1e9, 1.69, 406.4, 0.336, 410.7, 0.283)) == np.inf


@pytest.mark.parametrize("served", [1e9, 2e12, 5e13])
def test_the_choice_equals_brute_force(served: float) -> None:
    found = cs.decide(PUBLISHED, sizes=60, served_tokens=served)
    every = [
        float(training_flops(n, d) + served_flops(n, served))
        for n, d in zip(found.n_params, found.n_tokens, strict=True)
    ]
    assert found.best == int(np.argmin(every))
    assert found.total(found.best) == pytest.approx(min(every))


def test_break_even_points_equal_brute_force() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        fixed, slope = rng.uniform(0.0, 10.0, 30), rng.uniform(0.0, 1.0, 30)
        points = envelope(fixed, slope)
        for served in rng.uniform(0.0, 100.0, 50):
            place = [p.place for p in points if p.served <= served][-1]
            assert fixed[place] + slope[place] * served == pytest.approx((fixed + slope * served).min())
    assert envelope(np.array([np.inf]), np.array([1.0])) == ()


def test_energy_in_the_place_of_flops() -> None:
    found = cs.decide(PUBLISHED, objective="energy", sizes=30)
    a = found.summary()
    assert a["unit"] == "J"
    assert a["params"] < 7e9  # a served token takes more than its FLOPs' share: it waits for weights
    low, high = a["params_range"]
    assert low <= a["params"] <= high
    carbon = cs.decide(PUBLISHED, objective="carbon", sizes=30).summary()
    assert 0.0 < carbon["saved_share"] < 1.0
    crowded = cs.decide(PUBLISHED, objective="energy", sizes=30, in_flight=512.0)
    assert crowded.per_token[0] < found.per_token[0]


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"law": "kaplan_2020"}, "law"), ({"loss": 1.0}, "loss"), ({"served_tokens": -1.0}, "served_tokens"),
        ({"mfu": 1.5}, "mfu"), ({"sizes": 1}, "sizes"), ({"objective": "time"}, "objective"),
        ({"objective": "energy", "device": "h1000", "sizes": 4}, "device"),
    ],
)  # fmt: skip
def test_refusals_name_the_key(change: dict[str, object], key: str) -> None:
    with pytest.raises(cs.InputError) as refused:
        cs.decide(PUBLISHED, **change)
    assert refused.value.key == key
    assert refused.value.remedy


def test_a_hundred_thousand_sizes_at_once() -> None:
    found = cs.decide(PUBLISHED, sizes=100_000)
    assert found.total(found.best) == pytest.approx(8.01065e22, rel=1e-5)
    assert all(a.served < b.served for a, b in zip(found.break_even, found.break_even[1:], strict=False))


def test_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    args = ["decide", "--law", "sardana_2024", "--params", "13B", "--tokens", "577B", "--served-tokens", "2T"]
    assert main([*args, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answer"]["params"] == pytest.approx(7e9, rel=0.02)
    assert main(args) == 0
    assert "from served tokens" in capsys.readouterr().out
    assert main(["decide", "--law", "tokens_20"]) == 2
