"""Factors of stacks and of whole runs: what they lengthen, and what a stack or a device without a word gets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import carbonscaling as cs
from carbonscaling.calibration.profile import Calibration, Constant, apply, shipped_calibration
from carbonscaling.catalog.hardware import device
from carbonscaling.catalog.stacks import generic
from carbonscaling.evidence.row import parse_row
from carbonscaling.perf.numbers import Recompute
from carbonscaling.perf.step import step_time
from carbonscaling.validate.replay import complete_row
from carbonscaling.validate.speed.blanked import as_first_read
from carbonscaling.validate.speed.fit import predicted_speed, sample
from carbonscaling.validate.speed.runs import scored_sample

ROW = {
    "id": "r1", "source": "a", "model": "7B", "device": "A100-80", "stack": "megatron", "n_layers": "32", "d_model": "4096",
    "d_ff": "11008", "n_heads": "32", "n_kv_heads": "32", "vocab": "32000", "ffn_type": "swiglu", "seq_len": "4096",
    "n_devices": "16", "tp": "2", "pp": "1", "dp": "8", "micro_batch": "1", "global_batch_seqs": "128",
    "precision": "bf16", "recompute": "none", "kind": "benchmark",
}  # fmt: skip


TPU = {**ROW, "device": "TPUv5p", "tp": "1", "dp": "16"}


def _slower(value: float) -> Calibration:
    return Calibration("test", (Constant("software", "megatron", value, value, value, 0.08, 1, 1),))


@pytest.fixture
def nobodys(tmp_path: Path) -> str:
    """A user's stack that no measured run ran."""
    file = tmp_path / "nobodys.toml"
    file.write_text('based_on = "megatron"\nfamily = "nobodys"\n', encoding="utf-8")
    return str(file)


def test_a_plan_says_that_its_stack_was_never_measured(nobodys: str) -> None:
    question = cs.Scenario(model="llama-3-8b", tokens=1e12, device="h100-sxm", devices=64)
    said = cs.estimate(replace(question, stack=nobodys)).to_dict()["notes"]
    assert any("never measured" in note for note in said)
    assert not any(
        "never measured" in note for note in cs.estimate(replace(question, stack="megatron")).to_dict()["notes"]
    )


def test_a_stacks_factor_lengthens_its_whole_step_and_nobody_elses() -> None:
    rows = sample([complete_row(parse_row(ROW))], [1.0])
    plain = step_time(rows.work, rows.machine, rows.setting).total
    for name, factor in (("megatron", 1.25), ("other", 1.0), ("", 1.0)):
        factors = _slower(1.25).factors(["Ampere"], ["a100-80"], [name])
        slowed = step_time(rows.work, apply(rows.machine, factors), rows.setting).total
        assert slowed == pytest.approx(factor * plain, rel=1e-9)


def test_a_stack_that_was_never_measured_has_no_narrower_interval(nobodys: str) -> None:
    question = cs.Scenario(model="llama-3-8b", tokens=1e12, device="h100-sxm", devices=64)
    widths = []
    for name in (None, "megatron", nobodys):
        found = cs.estimate(replace(question, stack=name))
        assert isinstance(found, cs.Estimate)
        low, high = found.resolved.time().si_range
        widths.append(high / low)
    assert widths[1] <= widths[2]
    assert widths[0] == pytest.approx(widths[2]), "a plan whose stack nobody named is as uncertain"


def test_every_tpu_runs_xla() -> None:
    """Who names no stack, and of those who name one their measured families: benchmark submissions have their own."""
    assert [generic(device(d), practice) for d in ("tpu-v5p", "h100-sxm") for practice in ("best", "typical")] == [
        "xla", "xla", "tuned", "community",
    ]  # fmt: skip
    named = {stack: complete_row(parse_row({**TPU, "stack": stack})).setup.stack for stack in ("", "xla", "mlperf")}
    assert {stack: (found.name, found.family) for stack, found in named.items()} == {
        "": ("xla", "xla"), "xla": ("xla", "xla"), "mlperf": ("mlperf-tpu", "mlperf"),
    }  # fmt: skip
    assert complete_row(parse_row({**ROW, "stack": ""})).setup.stack.family == "community"


def test_a_whole_run_without_a_layout_takes_its_own_factor_in_place_of_the_overhead() -> None:
    told = {**ROW, "kind": "full_run"}
    untold = {**told, "tp": "", "pp": ""}
    s = sample([complete_row(parse_row(told)), complete_row(parse_row(untold))], np.ones(2))
    assert s.untold.tolist() == [False, True]
    assert s.noise[0] == s.noise[1] == pytest.approx(0.60)


def test_a_whole_run_known_by_its_steady_speed_has_no_overhead() -> None:
    whole = {**ROW, "kind": "full_run"}
    s = sample([complete_row(parse_row(row)) for row in (ROW, whole, {**whole, "pace": "steady"})], np.ones(3))
    assert s.whole_run.tolist() == [False, True, False]
    steady = predicted_speed(s, shipped_calibration())
    assert steady[2] == steady[0]
    assert steady[1] < steady[0]


def test_nothing_is_untold_where_a_stack_wraps_blocks() -> None:
    """It splits nothing but the states, and checkpoints every block or none."""
    bare = {**ROW, "kind": "full_run", "tp": "", "pp": "", "recompute": "", "device": "A100-40"}
    wrapped = complete_row(parse_row({**bare, "stack": "fsdp"}))
    assert sample([complete_row(parse_row(bare)), wrapped], np.ones(2)).untold.tolist() == [True, False]
    assert (wrapped.setting.tp, wrapped.setting.pp) == (1, 1)
    assert (wrapped.setting.recompute, wrapped.setting.recompute_percent) in {
        (Recompute.NONE, 100),
        (Recompute.FULL, 100),
    }


def test_an_interval_is_learnt_from_a_row_as_it_was_first_read() -> None:
    """The row itself keeps what a second reading of its source found; only its copy goes back."""
    read_again = {
        **ROW, "zero_stage": "1", "stack": "automodel", "software": "dp_overlap=no", "step_time_s": "5",
        "first_read": "stack=fsdp; zero_stage=3; software=",
    }  # fmt: skip
    rows = [{**ROW, "id": "r0", "step_time_s": "5"}, read_again]
    s, where = scored_sample(rows)
    assert s is not None
    first, places = as_first_read(rows, s, where)
    assert first is not None
    assert list(places) == [1]
    assert (s.stacks[1], first.stacks) == ("automodel/automodel", ("fsdp/fsdp-llama",))
    assert (np.ravel(s.setting.zero)[1], np.ravel(first.setting.zero)[0]) == (1.0, 3.0)
    assert first.measured[0] == s.measured[1]
    assert as_first_read(rows[:1], s.subset(np.array([True, False])), where[:1])[0] is None
