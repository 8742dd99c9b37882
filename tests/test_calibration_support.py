"""Stacks by who tunes them: what is shared, and what a stack or a device without a word gets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import carbonscaling as cs
from carbonscaling.calibration.profile import Calibration, Constant, apply, shipped_calibration, stack_on
from carbonscaling.catalog.hardware import device
from carbonscaling.catalog.references import reference
from carbonscaling.catalog.stacks import COMMUNITY, MAKERS, shipped_stacks, support
from carbonscaling.perf.numbers import Recompute
from carbonscaling.validate.fit import fit, predicted_speed, sample
from carbonscaling.validate.infer import infer
from carbonscaling.validate.replay import predict_step, stack
from carbonscaling.validate.row import parse_row

ROW = {
    "id": "r1", "source": "a", "model": "7B", "device": "A100-80", "stack": "megatron", "n_layers": "32", "d_model": "4096",
    "d_ff": "11008", "n_heads": "32", "n_kv_heads": "32", "vocab": "32000", "ffn_type": "swiglu", "seq_len": "4096",
    "n_devices": "16", "tp": "2", "pp": "1", "dp": "8", "micro_batch": "1", "global_batch_seqs": "128",
    "precision": "bf16", "recompute": "none", "kind": "benchmark",
}  # fmt: skip


def _tuned(value: float, scope: str = MAKERS) -> Calibration:
    return Calibration("test", (Constant("tuning", scope, value, value, value, 0.2, 1, 1),))


def test_every_stack_of_the_catalogue_has_a_reference() -> None:
    for name, found in shipped_stacks().items():
        assert found.support in (MAKERS, COMMUNITY), name
        assert reference(found.source).title


def test_a_stack_nobody_listed_is_a_communitys_and_no_stack_is_nobodys() -> None:
    assert support("somebodys-trainer") == COMMUNITY
    assert support("") == ""
    assert _tuned(1.2).factors(["Ampere"] * 3, ["a100-80"] * 3, ["megatron", "other", ""])["tuning"].tolist() == [
        1.2,
        1,
        1,
    ]


def test_a_plan_says_that_its_stack_was_never_measured() -> None:
    question = cs.Scenario(model="llama-3-8b", tokens=1e12, device="h100-sxm", devices=64)
    said = cs.estimate(replace(question, stack="nobodys-stack")).to_dict()["notes"]
    assert any("never measured" in note for note in said)
    assert not any(
        "never measured" in note for note in cs.estimate(replace(question, stack="megatron")).to_dict()["notes"]
    )


def test_tuning_lengthens_the_whole_step_and_nothing_else_does() -> None:
    rows = stack([infer(parse_row(ROW))])
    factors = _tuned(1.25).factors(["Ampere"], ["a100-80"], ["megatron"])
    slow, plain = predict_step(rows, apply(rows.machine, factors)), predict_step(rows)
    assert slow.total == pytest.approx(1.25 * plain.total, rel=1e-9)


def test_every_tpu_runs_xla() -> None:
    assert stack_on(device("tpu-v5p"), "") == "xla"
    assert stack_on(device("tpu-v5p"), "mlperf") == "mlperf"
    assert stack_on(device("h100-sxm"), "") == ""


def test_stacks_tuned_alike_share_what_one_of_them_taught() -> None:
    """Two makers' stacks 20 % off: a third that was never measured is expected off as well, a community's is not."""
    rows = [
        {
            **ROW,
            "id": f"{name}{n}",
            "source": name + str(n % 3),
            "stack": name,
            "global_batch_seqs": str(128 * (1 + n % 2)),
        }
        for name in ("megatron", "mlperf", "fsdp", "nanotron")
        for n in range(6)
    ]
    replays = [infer(parse_row(row)) for row in rows]
    s = sample(replays, np.ones(len(rows)))
    plain = s.stacked.tokens_per_step / predict_step(s.stacked).total / s.stacked.n_devices
    slow = np.array([0.8 if row["stack"] in ("megatron", "mlperf") else 1.0 for row in rows])
    found = fit(replace(s, measured=plain * slow), "two groups")
    assert found.factor("tuning", MAKERS) > 1.08
    assert found.factor("tuning", MAKERS) > 1.1 * found.factor("tuning", COMMUNITY)
    assert found.factor("software", "hai-llm") == 1.0


def test_a_whole_run_without_a_layout_takes_its_own_factor_in_place_of_the_overhead() -> None:
    told = {**ROW, "kind": "full_run"}
    untold = {**told, "tp": "", "pp": ""}
    s = sample([infer(parse_row(told)), infer(parse_row(untold))], np.ones(2))
    assert s.untold.tolist() == [False, True]
    assert s.noise[0] == s.noise[1] == pytest.approx(0.60)


def test_a_whole_run_known_by_its_steady_speed_has_no_overhead() -> None:
    whole = {**ROW, "kind": "full_run"}
    s = sample([infer(parse_row(row)) for row in (ROW, whole, {**whole, "pace": "steady"})], np.ones(3))
    assert s.whole_run.tolist() == [False, True, False]
    steady = predicted_speed(s, shipped_calibration())
    assert steady[2] == steady[0]
    assert steady[1] < steady[0]


def test_nothing_is_untold_where_a_stack_wraps_blocks() -> None:
    """It splits nothing but the states, and checkpoints every block or none."""
    bare = {**ROW, "kind": "full_run", "tp": "", "pp": "", "recompute": "", "device": "A100-40"}
    wrapped = infer(parse_row({**bare, "stack": "fsdp"}))
    assert sample([infer(parse_row(bare)), wrapped], np.ones(2)).untold.tolist() == [True, False]
    assert (wrapped.setting.tp, wrapped.setting.pp) == (1, 1)
    assert (wrapped.setting.recompute, wrapped.setting.recompute_percent) in {
        (Recompute.NONE, 100),
        (Recompute.FULL, 100),
    }
