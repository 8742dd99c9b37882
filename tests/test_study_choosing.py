"""Open choices are distributions: odds by hand, the median is taken, what lies beside it widens the interval."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import carbonscaling as cs
from carbonscaling import evidence
from carbonscaling.calibration.profile import shipped_calibration
from carbonscaling.perf.numbers import Recompute, Setting
from carbonscaling.study.accuracy import NOTHING_ELSE, features
from carbonscaling.study.choosing import NAMES, NOTHING_OPEN, Open, middle, odds, separates
from carbonscaling.study.practice import choice_of, open_settings, settle
from carbonscaling.study.setup import setup
from carbonscaling.validate.speed.choosing import PULL, Choice, choices_of, fit_weights

WEIGHT = {row["name"]: float(row["value"]) for row in evidence.rows("choosing")}
ONE = Setting(*(np.array([1.0]) for _ in Setting._fields))
ASKED = cs.Scenario(
    model="llama-3-8b", tokens=1e11, device="a100-80", devices=16, batch=512, seq_len=4096, stack="megatron",
    practice="typical", layout=cs.Layout(tp=2, pp=1, dp=8, cp=1, zero=1),
)  # fmt: skip


def test_odds_of_two_settings_by_hand() -> None:
    """Full recomputation a third slower than none; beside a written score people choose it all the same."""
    both = ONE._replace(recompute=np.array([Recompute.NONE, Recompute.FULL], dtype=float))
    for written in (False, True):
        apart = separates(np.array([3.0, 4.0]), both, written)
        found = odds(apart)
        expected = WEIGHT["time"] * math.log(4 / 3) + WEIGHT["full"] + written * WEIGHT["full_beside_written_scores"]
        assert found[1] / found[0] == pytest.approx(math.exp(expected))
        assert found.sum() == pytest.approx(1.0)
    assert found[1] > 0.4
    assert odds(apart[:, :] * 0.0).tolist() == [0.5, 0.5]


def test_doublings_count_again_in_a_pipeline() -> None:
    apart = separates(np.ones(3), ONE._replace(micro_batch=np.array([1.0, 2.0, 8.0]), pp=np.array([4.0])), False)
    table = dict(zip(NAMES, apart.T.tolist(), strict=True))
    assert table["doublings"] == table["doublings_in_a_pipeline"] == [0.0, 1.0, 3.0]
    assert table["one_sequence"] == [1.0, 0.0, 0.0]


def test_the_middle_one_and_what_lies_beside_it_by_hand() -> None:
    """Of 1, 2 and 1.5 s chosen by 25, 35 and 40 % half are done within 1.5 s."""
    place, left = middle(np.array([1.0, 2.0, 1.5]), np.array([0.25, 0.35, 0.40]))
    assert place == 2
    assert left.slower == pytest.approx(math.sqrt(0.35) * math.log(2.0 / 1.5))
    assert left.faster == pytest.approx(math.sqrt(0.25) * math.log(1.5))


def test_a_run_takes_the_median_of_what_fits() -> None:
    """Brute force: sort the settings that fit by their time, and count shares to a half."""
    u = setup(ASKED)
    settings = open_settings(u)
    _, apart, fits = choice_of(u, settings)
    share = odds(apart[fits])
    seconds, ours = np.exp(apart[fits][:, 0]), [s for s, fit in zip(settings, fits, strict=True) if fit]
    settled = settle(u)
    below = sum(p for p, t in zip(share, seconds, strict=True) if t < seconds[ours.index(settled.setting)])
    assert below < 0.5 <= below + share[ours.index(settled.setting)]
    assert settled.open.slower > 0
    assert settled.open.faster > 0


def test_what_is_stated_or_compiled_is_a_point() -> None:
    stated = replace(ASKED, layout=replace(ASKED.layout, micro_batch=1, recompute="none"))
    compiled = replace(ASKED, device="tpu-v5p", stack=None, layout=cs.Layout())
    assert settle(setup(stated)).open == settle(setup(compiled)).open == NOTHING_OPEN


def test_open_choices_widen_an_interval_as_errors_of_their_own() -> None:
    seen = shipped_calibration()
    point, spread = (features(setup(ASKED), seen, left) for left in (NOTHING_OPEN, Open(NOTHING_ELSE, 0.0)))
    assert point["slower_choices"] == 0.0
    assert spread["slower_choices"] == pytest.approx(math.log(math.sqrt(2.0)))
    (low, high), (least, most) = (seen.ends(x) or (0.0, 0.0) for x in (point, spread))
    assert least >= low
    assert most > high
    answers = [cs.estimate(s) for s in (ASKED, replace(ASKED, practice="best"))]
    assert [a.resolved.left != NOTHING_OPEN for a in answers] == [True, False]


def test_weights_balance_what_was_chosen_by_hand() -> None:
    """One weight, one source that chooses 3 of 4 times: 3/4 - p = pull x weight, where p is the logistic of the weight."""
    apart = np.zeros((2, len(NAMES)))
    apart[1, 0] = 1.0
    weights, _ = fit_weights([Choice("a", apart, taken) for taken in (1, 1, 1, 0)])
    assert weights[1:].tolist() == [0.0] * (len(NAMES) - 1)
    assert 0.75 - 1.0 / (1.0 + math.exp(-weights[0])) == pytest.approx(PULL * weights[0], abs=1e-9)


@pytest.mark.slow
def test_the_shipped_weights_are_those_of_the_rows() -> None:
    found, _ = fit_weights(choices_of(evidence.rows("runs")))
    assert found == pytest.approx([WEIGHT[name] for name in NAMES], abs=1e-4)
