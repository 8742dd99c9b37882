"""The best published run of a device and size, intervals of every setting found, quantiles of all that are feasible."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

import carbonscaling as cs
from carbonscaling.cli import main
from carbonscaling.evidence import rows
from carbonscaling.evidence.best_run import BestRun, best_run
from carbonscaling.evidence.covered import covered, read_covered
from carbonscaling.evidence.published import published_speeds, read_speeds
from carbonscaling.perf.numbers import Setting
from carbonscaling.reporting.answer import conventions
from carbonscaling.study.doubts import best_alike, too_good, unmeasured

GPT3 = cs.Scenario(
    model="gpt-3-175b", tokens=300e9, device="a100-80", devices=1024, batch=2048, seq_len=2048, objective="time"
)


@pytest.fixture(scope="module")
def gpt3() -> cs.Estimate:
    found = cs.estimate(GPT3)
    assert isinstance(found, cs.Estimate)
    return found


def test_the_best_run_is_the_fastest_row_of_its_device_and_size() -> None:
    """GPT-3 175B on A100: counted by hand from the row itself, and no other row of that size beats it."""
    best = best_run("a100-80", 175e9)
    assert best is not None
    every = {row["id"]: row for row in rows("runs")}
    row = every[best.id]
    number: Any = {k: float(row[k]) for k in ("tokens_per_s_per_device", "params_b", "n_layers", "d_model", "seq_len")}
    flops = 6e9 * number["params_b"] + 6.0 * number["n_layers"] * number["d_model"] * number["seq_len"]
    assert best.model_flops == pytest.approx(number["tokens_per_s_per_device"] * flops, rel=1e-3)
    assert 87.5e9 <= best.active_params <= 350e9
    assert best.n_alike > 50
    assert 0.4 < best.model_flops / 312e12 < 0.7


def test_the_table_is_what_the_rows_say() -> None:
    """Written anew by `python -m carbonscaling.evidence.published` after rows, devices or names change."""
    said = list(read_speeds())
    kinds = {(run.device, run.low_bits, run.experts) for run in said}
    table = {run.id: run for device, low, kind in kinds for run in published_speeds(device, low_bits=low, experts=kind)}
    assert table == {run.id: run for run in said}
    assert len(rows("published")) == len(table)


def test_what_is_covered_is_what_the_rows_say() -> None:
    """Written anew by `python -m carbonscaling.evidence.covered` after rows change."""
    assert [row for found in covered().values() for row in found] == list(read_covered())
    held = {row["id"]: row for row in rows("runs")}
    for name in ("tp", "pp", "ep", "vpp", "micro_batch", "n_devices"):
        (row,) = covered()[name]
        assert float(held[row.id][name]) == float(row.value)
    for row in covered()["cp"]:
        assert (float(held[row.id]["cp"]), float(held[row.id]["seq_len"])) == (float(row.value), row.seq_len)


PLAIN = Setting(8, 16, 64, 1, 1, 1, 1, 1, 64, 1, 32, 0, 0, 1, 100)


@pytest.mark.parametrize(
    ("changes", "seq_len", "said"),
    [
        ({}, 8192, ()),
        ({"cp": 2, "dp": 32}, 8192, ()),
        ({"cp": 4, "dp": 16}, 8192, ()),
        ({"cp": 8, "dp": 8}, 8192, ("CP 8 at 8,192 tokens",)),
        ({"cp": 4, "dp": 16}, 131072, ()),
        ({"cp": 64, "dp": 1}, 2**20, ("CP 64 at 1,048,576 tokens",)),
        ({"ep": 8}, 4096, ()),
        ({"ep": 128}, 4096, ("experts over 128 devices",)),
        ({"cp": 2, "dp": 32, "ep": 8}, 8192, ()),
        ({"dp": 256, "shard": 256}, 8192, ("32,768 devices",)),
        ({"vpp": 40}, 8192, ("40 chunks a stage",)),
    ],
)
def test_what_no_measured_run_has_is_named(changes: dict[str, int], seq_len: int, said: tuple[str, ...]) -> None:
    assert unmeasured(PLAIN._replace(**changes), seq_len) == said


def test_a_page_stars_what_nobody_ran_and_says_what(capsys: pytest.CaptureFixture[str]) -> None:
    run = "estimate --model llama-3.1-405b --tokens 15.6e12 --devices 16384 --batch 4096 --seq-len 4096"
    assert main(run.split()) == 0
    page = capsys.readouterr().out
    assert "* no measured run: CP 2 at 4,096 tokens" in page
    starred = " ".join(page.partition("Best settings")[2].split()).split("16,384")
    assert ["*" in row.partition("* no measured")[0] for row in starred[1:3]] == [False, True]


@pytest.mark.parametrize("device", ["h100-sxm", "tpu-v7x"])
def test_dense_models_and_experts_are_compared_among_themselves(device: str) -> None:
    held = {row["id"]: row for row in rows("runs")}
    for experts in (False, True):
        found = [best_run(device, size, experts=experts) for size in (3e9, 8e9, 13e9, 37e9)]
        assert any(found)
        assert all(bool(held[best.id]["n_experts"]) is experts for best in found if best)


def test_sizes_devices_and_formats_without_a_run_have_none() -> None:
    assert best_run("a100-80", 1e15) is None
    assert best_run("paper-b100", 175e9) is None
    assert best_run("a100-80", 175e9, low_bits=True) is None


def test_the_optimum_is_not_above_the_best_measured_by_more_than_its_interval(gpt3: cs.Estimate) -> None:
    """The optimiser's curse, held in check with the default features."""
    assert gpt3.best_mfu is not None
    slowest = gpt3.resolved.time().si_range[1]
    assert gpt3.mfu / slowest <= gpt3.best_mfu
    assert gpt3.to_dict()["best_run"]["mfu"] == gpt3.best_mfu


def test_an_answer_above_every_run_says_so(gpt3: cs.Estimate) -> None:
    best = gpt3.best_run
    assert best is not None
    low = replace(best, model_flops=0.9 * gpt3.model_flops_per_device)
    far = replace(best, model_flops=0.1 * gpt3.model_flops_per_device)
    for run, words in ((low, "within its interval"), (far, "by more than its interval")):
        (said,) = too_good(gpt3.resolved, gpt3.mfu, run)
        assert words in said
    assert too_good(gpt3.resolved, gpt3.mfu, replace(best, model_flops=1.1 * gpt3.model_flops_per_device)) == []
    near = replace(best, model_flops=gpt3.model_flops_per_device / 1.002)
    (said,) = too_good(gpt3.resolved, gpt3.mfu, near)
    own, highest = (float(number) for number in re.findall(r"([\d.]+)%", said)[:2])
    assert own > highest  # as printed
    assert too_good(gpt3.resolved, gpt3.mfu, replace(best, model_flops=gpt3.model_flops_per_device / (1 + 1e-9))) == []
    assert isinstance(best, BestRun)


@pytest.mark.parametrize(
    ("device", "model", "said", "left_out"),
    [
        (
            "trainium2",
            "llama-3-8b",
            "no run of this device, kind of model and number format is published",
            "on this device",
        ),
        (
            "b200",
            "llama-3-70b",
            "no run of this size is published on this device; its best MFU of any size is",
            "like it",
        ),
        ("h100-sxm", "llama-3-8b", "the best MFU published for this device and size is", "no run of"),
    ],
)
def test_what_is_published_of_a_device_is_not_said_of_its_like(
    device: str, model: str, said: str, left_out: str
) -> None:
    """A device without a run has no best one, and one with runs of other sizes names its own."""
    answer = cs.estimate(cs.Scenario(model=model, tokens=1e12, device=device, devices=64, batch=128))
    assert isinstance(answer, cs.Estimate)
    (line,) = (line for line in conventions(answer) if "this setting has" in line)
    assert line.startswith(said)
    assert left_out not in line
    best = best_alike(answer.resolved)
    assert (best is None) is (device == "trainium2")
    for mfu in (1.0, 1e-6):
        warned = too_good(answer.resolved, mfu, None)
        beside = f"{best.named}, {best.source}; no run of this size is" if best else "none is of this device"
        assert [beside in words for words in warned] == [True] * (mfu == 1.0)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({"region": "texas"}, "1.54 (survey average)"),
        ({"region": "us-east5"}, "1.09 (measured fleet value)"),
        ({"pue": 1.3}, "1.3 (given by the user)"),
    ],
)
def test_a_pue_says_whose_it_is(place: dict[str, Any], said: str) -> None:
    """A country's is the mean of a survey, 40 % above a provider's fleet: two places are not compared unawares."""
    answer = cs.estimate(cs.Scenario(model="llama-3-8b", tokens=1e11, devices=8, batch=128, **place))
    assert isinstance(answer, cs.Estimate)
    assert f"PUE {said}" in conventions(answer)


def test_every_setting_has_its_own_interval(gpt3: cs.Estimate) -> None:
    """Not the best one's, scaled: what is amortised and what is burnt weigh differently."""
    top = gpt3.to_dict()["search"]["top"]
    for row in top:
        low, high = row["carbon_interval_tco2e"]
        assert low < row["carbon_tco2e"] < high
        assert row["duration_interval_days"][0] < row["duration_days"] < row["duration_interval_days"][1]
    assert top[0]["carbon_interval_tco2e"] == pytest.approx((gpt3.footprint.low_tco2e, gpt3.footprint.high_tco2e))
    assert len({row["carbon_interval_tco2e"][1] / row["carbon_tco2e"] for row in top}) > 1


def test_quantiles_of_all_feasible_settings(capsys: pytest.CaptureFixture[str]) -> None:
    small = replace(GPT3, model="gpt-3-1.3b", devices=64, quantiles=(0.0, 0.5, 1.0), layout=cs.Layout(tp=2, vpp=1))
    found = cs.estimate(small)
    assert isinstance(found, cs.Estimate)
    low, middle, high = found.to_dict()["search"]["quantiles"]
    assert low["carbon_tco2e"] < middle["carbon_tco2e"] < high["carbon_tco2e"]
    assert (middle["share"], middle["tp"]) == (0.5, 2)
    with pytest.raises(cs.InputError, match="quantiles"):
        cs.Scenario(quantiles=(1.5,))
    arguments = ["--model", "gpt-3-1.3b", "--tokens", "1e9", "--devices", "8", "--tp", "2", "--quantiles", "0.25,0.5"]
    assert main(["estimate", *arguments]) == 0
    assert "50% of the feasible settings" in " ".join(capsys.readouterr().out.split())


def test_a_run_of_unknown_size_is_named_without_a_count() -> None:
    unknown = best_run("h800", 37e9, experts=True)
    assert unknown is not None
    assert unknown.n_devices == 0
    assert "devices" not in unknown.named
    known = best_run("a100-80", 175e9)
    assert known is not None
    assert known.named == f"{known.model} on {known.n_devices:,} devices"


IDLE = "software option {} changes nothing: {}"


@pytest.mark.parametrize(
    ("model", "software", "precision", "why"),
    [
        ("llama-3-8b", {"attention_8bit": True}, "bf16", "bf16 multiplies nothing in 8 or 4 bit"),
        ("llama-3-8b", {"head_8bit": True}, "bf16", "bf16 multiplies nothing in 8 or 4 bit"),
        ("llama-3-8b", {"bf16_share": 0.5}, "bf16", "bf16 multiplies nothing in 8 or 4 bit"),
        ("llama-3-8b", {"attention_8bit": True, "attention_kernel": "explicit"}, "fp8", "attention is not fused"),
        ("llama-3-8b", {"dispatcher": "deepep"}, "bf16", "the model has no experts"),
        ("llama-3-8b", {"expert_overlap": True}, "bf16", "the model has no experts"),
        ("llama-3-8b", {"attention_8bit": True, "head_8bit": True, "bf16_share": 0.5}, "fp8", None),
        ("llama-3-8b", {"row_scales": True}, "mxfp8", "mxfp8 has no scale for a row to choose"),
        ("llama-3-8b", {"row_scales": True}, "fp8", None),
        ("mixtral-8x7b", {"dispatcher": "deepep", "expert_capacity": 1.25}, "bf16", None),
    ],
)
def test_an_option_that_changes_nothing_is_named(model: str, software: Any, precision: str, why: str | None) -> None:
    layout = cs.Layout(tp=4, pp=2, dp=8, cp=1, micro_batch=1, zero=1, vpp=1, recompute="full")
    s = cs.Scenario(
        model=model, tokens=1e12, device="b200", devices=64, batch=512, precision=precision, stack="megatron", layout=layout,
    )  # fmt: skip
    own, plain = cs.estimate(s, software=cs.Software(**software)), cs.estimate(s)
    assert own.feasible
    assert plain.feasible
    told = [warning for warning in own.warnings if "changes nothing" in warning]
    assert told == ([IDLE.format(next(iter(software)), why)] if why else [])
    if "attention_kernel" not in software:
        assert (own.duration_s == plain.duration_s) == (why is not None)
