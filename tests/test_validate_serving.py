"""Measured servings: rows as people write them, what is learnt from them, how right it is on rows that no fit saw."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import carbonscaling as cs
from carbonscaling import evidence
from carbonscaling.calibration.interval import distances
from carbonscaling.cli import main
from carbonscaling.evidence.row import Cells, Unusable
from carbonscaling.model.params import active_params, total_params
from carbonscaling.serving.age import era
from carbonscaling.serving.cycle import TERMS
from carbonscaling.serving.engine import Engine, engine_named
from carbonscaling.serving.factors import shipped_factors, unfitted
from carbonscaling.serving.limits import busiest, longest_wait
from carbonscaling.serving.predict import predict, worked
from carbonscaling.serving.width import half_width, kind_of
from carbonscaling.study.project.work import before_the_cut
from carbonscaling.validate.serving.baselines import constant_efficiency
from carbonscaling.validate.serving.check import FOLDS, check_servings, shipped_check, shipped_servings
from carbonscaling.validate.serving.fit import learn
from carbonscaling.validate.serving.learning import fitted
from carbonscaling.validate.serving.rows import asked
from carbonscaling.validate.serving.table import servings

ROOT = Path(__file__).parents[1]
ROW = {
    "id": "x1", "model": "meta-llama/Llama-3.1-70B-Instruct", "device": "H100", "n_devices": "4", "tp": "4", "weights": "fp8",
    "framework": "vLLM 0.9.1", "input_tokens": "1024", "output_tokens": "512", "concurrency": "64", "out_tok_s_total": "2000",
}  # fmt: skip


def test_a_row_with_names_alone() -> None:
    row, question = asked(Cells(ROW))
    assert row.speed == 500.0
    assert question.spec.n_layers == 80
    assert (question.kv.name, question.mode, question.engine.family) == ("bf16", "continuous", "vllm")
    assert question.layout == (4.0, 1.0, 1.0, 1.0)


def test_a_row_without_degrees_runs_copies_side_by_side() -> None:
    """Of eight devices that could hold a 70B each, the layout of most tokens, by trying each; 405B in 16 bit needs all."""
    bare = {k: v for k, v in ROW.items() if k not in ("tp", "concurrency")} | {"n_devices": "8", "device": "H200"}
    _, small = asked(Cells(bare))
    speeds = {}
    for tp in (1, 2, 4, 8):
        _, other = asked(Cells(bare | {"tp": str(tp)}))
        speeds[other.layout] = float(predict(worked([other]), unfitted()).speed[0])
    assert small.layout == max(speeds, key=lambda layout: speeds[layout])
    assert small.layout.tp < 8.0
    assert small.layout.devices == 8.0
    _, large = asked(Cells(bare | {"model": "meta-llama/Llama-3.1-405B-Instruct", "weights": "bf16"}))
    assert large.layout == (8.0, 1.0, 1.0, 1.0)
    experts = asked(Cells(bare | {"model": "deepseek-ai/DeepSeek-V3", "device": "B200", "weights": "nvfp4"}))[1].layout
    assert experts.devices == 8.0
    assert experts.ep in (1.0, 2.0, 4.0, 8.0)


def test_experts_over_all_ranks_say_who_splits_attention() -> None:
    """vLLM's experts lie over tensor times data ranks: a row that prints experts' and data ranks says the tensor ranks."""
    moe = ROW | {"model": "Qwen/Qwen3-235B-A22B", "n_devices": "8", "tp": "1", "ep": "8"}
    assert asked(Cells(moe | {"dp": "1"}))[1].layout == (8.0, 1.0, 8.0, 1.0)
    assert asked(Cells(moe | {"dp": "8"}))[1].layout == (1.0, 1.0, 8.0, 8.0)
    assert asked(Cells(moe | {"dp": ""}))[1].layout == (1.0, 1.0, 8.0, 8.0)


def test_ranks_of_a_module_are_its_dies() -> None:
    """Software sees an MI250's two dies as two devices, and so does who counts them."""
    q = asked(Cells(ROW | {"device": "MI250", "n_devices": "4", "tp": "4", "weights": "bf16"}))[1]
    assert (q.cluster.device.id, q.layout.tp) == ("mi250x-gcd", 4.0)


MLPERF = {
    "id": "m1", "model": "llama2-70b-99", "device": "H200", "n_devices": "8", "weights": "fp8", "framework": "TensorRT 10.11",
    "input_tokens": "294", "output_tokens": "290", "tokens_basis": "mean output of real prompts", "out_tok_s_total": "30000",
}  # fmt: skip


def test_a_scenario_of_mlperf_keeps_its_latencies() -> None:
    """As many are in flight as 99 of 100 requests allow: none more in the scenario that asks for less, all that fit offline."""
    q = {
        name: asked(Cells(MLPERF | {"concurrency_basis": f"unknown ({name})"}))[1]
        for name in ("Offline", "Server", "Interactive")
    }
    assert q["Offline"].in_flight is None
    room = predict(worked([q["Offline"]]), unfitted()).batch[0] * q["Offline"].layout.replicas
    fewer, more = q["Interactive"].in_flight, q["Server"].in_flight or room
    assert fewer is not None
    assert fewer < more / 2.0
    # The time between tokens at the load of the busiest hundredth is what was promised; the mean is below it.
    copies = q["Interactive"].layout.replicas
    busy = replace(q["Interactive"], in_flight=float(busiest(fewer / copies) * copies))
    mean, worst = predict(worked([q["Interactive"], busy]), unfitted()).tpot_s
    assert mean < worst == pytest.approx(0.04, rel=0.02)
    assert not any(one.drawn for one in q.values())
    assert {one.mode for one in q.values()} == {"saturated"}


def test_a_load_that_was_worked_out_is_untold_and_teaches_nothing() -> None:
    s = servings([Cells(MLPERF | {"concurrency_basis": f"unknown ({name})"}) for name in ("Offline", "Interactive")])
    assert s.teaching.tolist() == [True, False]
    assert kind_of(s.work.questions[1], shipped_factors()) == "in flight untold"
    told = asked(Cells(MLPERF | {"concurrency_basis": "unknown (Interactive)", "concurrency": "64"}))[1]
    assert (told.in_flight, told.worked_out) == (64.0, False)


def test_long_prompts_wait_for_each_other() -> None:
    """405B with prompts of 9,400 tokens: their queue takes the first token's promise before any token's."""
    long = MLPERF | {"model": "llama3.1-405b", "input_tokens": "9428", "output_tokens": "684"}
    q = asked(Cells(long | {"concurrency_basis": "unknown (Interactive)"}))[1]
    p = predict(worked([q]), unfitted())
    share = p.seconds[TERMS.index("prefill")] / p.seconds.sum(0)
    waited = float((p.ttft_s + longest_wait(p.ttft_s - p.tpot_s, share))[0])
    assert waited == pytest.approx(4.5, rel=0.05)
    assert float(p.tpot_s[0]) < 0.08


def test_requests_that_come_at_once_are_a_wave() -> None:
    """Answers that differ end one by one, so that fewer are in flight than came; answers of one length end together."""
    once = ROW | {"concurrency": "1000", "concurrency_basis": "1000 requests at once", "output_tokens": "200"}
    alike, mixed = (asked(Cells(once | {"tokens_basis": basis}))[1] for basis in ("exact", "ShareGPT, mean"))
    assert (alike.in_flight, alike.worked_out) == (1000.0, False)
    assert mixed.worked_out
    assert mixed.in_flight is not None
    assert mixed.in_flight < 400.0
    # By hand: as many in flight as the wave still has, a step at a time, until the longest has ended.
    rng = np.random.default_rng(3)
    scale, limit = before_the_cut(200.0, 1024.0), 1024.0
    lengths = np.minimum(rng.exponential(scale, size=(40, 1000)), limit)
    steps = [replace(alike, in_flight=n) for n in (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1000.0)]
    p = predict(worked(steps), unfitted())
    n = np.array([q.in_flight for q in steps], dtype=float)
    left = (lengths[:, :, None] > np.arange(0.0, limit, 8.0)).sum(1)
    time = 8.0 * np.where(left > 0, np.interp(left, n, n / p.speed), 0.0).sum(1)
    assert float(np.mean(lengths.sum(1) / time)) == pytest.approx(
        float(predict(worked([mixed]), unfitted()).speed[0]),
        rel=0.08,  # tiles of 16 rows make speeds a stair
    )


def test_amds_own_builds_schedule_as_later_releases() -> None:
    rows = [ROW | {"device": "MI300X", "framework": f"vLLM 0.6.5{end}"} for end in ("", "+rocm")]
    assert [era(asked(Cells(row))[1]) for row in rows] == ["mid", "new"]


def test_a_compilers_release_is_not_the_engines() -> None:
    assert engine_named("TensorRT 10.11, CUDA 12.9") == Engine("trtllm", None)
    assert engine_named("TensorRT-LLM 1.1") == Engine("trtllm", (1, 1))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"device": "Abacus-1"}, "unknown device: Abacus-1"), ({"output_tokens": ""}, "no output_tokens"),
        ({"mode": "prefill"}, "prompts alone"), ({"model": "Nobody/Thing"}, "no model shape"),
        ({"tp": "two"}, "tp is not a number"), ({"weights": "ternary"}, "unknown number format: ternary"),
        ({"concurrency": "-3"}, "out of range"), ({"device": "TPU v4", "weights": "fp32"}, "no fp32 matrix units"),
        ({"n_layers": "32", "d_model": "4096", "n_heads": "32", "n_kv_heads": "5"}, "query heads do not divide"),
    ],
)  # fmt: skip
def test_rows_without_an_answer_say_why(change: dict[str, str], why: str) -> None:
    with pytest.raises(Unusable, match=why):
        asked(Cells(ROW | change))


def test_a_node_s_watts_hold_its_share_of_the_host() -> None:
    alone, node = (
        ROW | {"watts_per_device": "600"},
        ROW | {"id": "x2", "watts_per_device": "900", "watts_scope": "node"},
    )
    s = servings([Cells(alone), Cells(node)])
    host = s.work.questions[0].cluster.host
    assert s.beside.tolist() == [0.0, host.host_power.si / host.devices_per_host]
    told = s.told(predict(s.work, shipped_factors()))
    assert told["watts"][1] - told["watts"][0] == pytest.approx(s.beside[1])
    assert told["joules"] == pytest.approx(told["watts"] / told["speed"])


def test_shapes_meet_the_stated_parameters() -> None:
    s = shipped_servings()
    off = [
        total_params(q.spec) / (row.params_b * 1e9) - 1.0
        for row, q in zip(s.rows, s.work.questions, strict=True)
        if row.params_b
    ]
    assert float(np.quantile(np.abs(off), 0.95)) < 0.05
    active = [
        active_params(q.spec) / (row.active_params_b * 1e9) - 1.0
        for row, q in zip(s.rows, s.work.questions, strict=True)
        if row.active_params_b
    ]
    assert float(np.quantile(np.abs(active), 0.9)) < 0.12


@pytest.mark.parametrize(
    ("model", "stated"),
    [
        # As many layers and heads as Llama-3-8B, and near its size: all 32 heads have keys of their own.
        ("Qwen/Qwen1.5-7B", {"params_b": "7.72", "n_heads": "32", "n_kv_heads": "32", "d_ff": "11008", "vocab_size": "151936"}),
        # As wide and deep as OLMo 2, with a quarter of its key heads.
        ("Phi-3-small-8k", {"params_b": "7.39", "n_heads": "32", "n_kv_heads": "8", "d_ff": "14336", "vocab_size": "100352"}),
    ],
)  # fmt: skip
def test_a_model_of_the_catalogue_has_the_row_s_key_heads_and_width(model: str, stated: dict[str, str]) -> None:
    shape = {"n_layers": "32", "d_model": "4096", "head_dim": "128", "kv_type": "gqa"} | stated
    _, question = asked(Cells(ROW | shape | {"model": model, "tp": "1"}))
    attention, ffn = question.spec.attention, question.spec.ffn
    assert attention is not None
    assert ffn is not None
    assert (attention.n_kv_heads, ffn.d_ff) == (int(stated["n_kv_heads"]), int(stated["d_ff"]))


def test_embeddings_are_shared_where_that_meets_the_stated_parameters() -> None:
    """StarCoder2-3B: 3.03e9 parameters with one table for input and output, 3.18e9 with two."""
    shape = {
        "model": "bigcode/starcoder2-3b", "params_b": "3.03", "n_layers": "30", "d_model": "3072", "n_heads": "24",
        "n_kv_heads": "2", "head_dim": "128", "d_ff": "12288", "vocab_size": "49152", "kv_type": "gqa", "tp": "1",
    }  # fmt: skip
    spec = asked(Cells(ROW | shape))[1].spec
    assert spec.tied_embeddings
    assert total_params(spec) == pytest.approx(3.03e9, rel=0.01)


def test_learning_finds_the_factors_that_made_the_sums() -> None:
    rng = np.random.default_rng(1)
    values = rng.lognormal(size=(2, 400))
    rows = [("all", "stack a") if i % 2 else ("all", "stack b") for i in range(400)]
    truth = {"stack a": np.array([1.0, 3.0]), "stack b": np.array([2.0, 1.0])}
    measured = np.array([values[:, i] @ truth[row[1]] for i, row in enumerate(rows)])
    wide = {"matmul": 5.0, "routed": 5.0}
    priors = {"matmul": (1.0, 1.0), "routed": (1.0, 1.0)}
    learnt = learn(("matmul", "routed"), values, measured, rows, ["s"] * 400, priors, {"other": wide})
    assert np.allclose(learnt.factors(rows[:2]).T, [truth["stack b"], truth["stack a"]], rtol=0.02)
    assert learnt.rows == {"all": 400, "stack a": 200, "stack b": 200}


def test_shipped_factors_and_left_out_predictions_are_what_learning_gives() -> None:
    s = shipped_servings()
    out = s.sources == "trtllm-v0.6"
    which = np.flatnonzero(out)
    told = predict(s.work.some(which), fitted(s, ~out))
    shipped = {r["id"]: float(r["speed"]) for r in evidence.rows("inference_left_out") if r["fold"] == "source"}
    assert told.speed == pytest.approx([shipped[s.rows[i].id] for i in which], rel=1e-3)
    assert set(shipped_factors().intervals) == {"speed", "watts", "joules"}


def left_out_of_a_source(kind: str) -> dict[str, list[bool]]:
    """Return whether speeds of a kind lie within their width without their source, by source."""
    inside: dict[str, list[bool]] = {}
    s, factors = shipped_servings(), shipped_factors()
    place = {row.id: i for i, row in enumerate(s.rows)}
    for row in evidence.rows("inference_left_out"):
        if row["fold"] == "source" and row["known"].startswith(kind):
            i = place[row["id"]]
            width = half_width("speed", row["known"], s.work.questions[i].output, factors)
            inside.setdefault(row["source"], []).append(abs(math.log(float(row["speed"]) / s.speed[i])) <= width + 1e-4)
    return inside


@pytest.mark.parametrize("kind", ["new devices", "new software"])
def test_widths_hold_what_they_say_of_what_is_new(kind: str) -> None:
    """Speeds of new devices, then of new software: nine of ten rows within, and of sources that count once each."""
    inside = left_out_of_a_source(kind)
    assert sum(map(sum, inside.values())) >= 0.9 * sum(map(len, inside.values()))
    assert np.mean([np.mean(rows) for rows in inside.values()]) >= 0.9 - 1e-9


def test_widths_hold_every_source_whose_software_others_have() -> None:
    for kind in ("measured", "prompts untold", "in flight untold"):
        inside = left_out_of_a_source(kind)
        assert all(np.mean(rows) >= 0.85 for rows in inside.values())
        assert np.mean([np.mean(rows) for rows in inside.values()]) == pytest.approx(0.9, abs=0.05)
    found = [x for x in shipped_check().lines if (x.left_out, x.quantity) == ("source", "speed")]
    assert all(x.factor <= 1.5 for x in found if x.group.startswith("measured"))  # issue 22 asks for it


def test_a_distance_by_what_is_new_is_the_one_that_made_the_rows() -> None:
    """Ten sources alike, errors even up to 1, and three times as far where something is new."""
    off = np.tile(np.linspace(-1.0, 1.0, 201), 10)
    new = np.repeat(np.arange(10) % 2, 201).astype(float)
    sources = [str(i) for i in np.repeat(np.arange(10), 201)]
    base, more = np.exp(distances(np.column_stack([np.ones(2010), new]), off * 3.0**new, sources))
    assert (base, more) == (pytest.approx(0.9, rel=0.03), pytest.approx(3.0, rel=0.03))


def test_how_right_it_is() -> None:
    lines = {(x.left_out, x.quantity): x for x in shipped_check().lines if x.group == "all"}
    speed, watts, joules = (lines["model", q] for q in ("speed", "watts", "joules"))
    assert (speed.score.median < 0.15, speed.score.p90 < 0.50) == (True, True)
    assert (watts.score.median < 0.12, watts.score.p90 < 0.35) == (True, True)
    assert (joules.score.median < 0.25, joules.score.p90 < 0.75) == (True, True)
    for fold in FOLDS:
        for quantity in ("speed", "watts", "joules"):
            assert 0.85 < lines[fold, quantity].score.coverage < 0.96, (fold, quantity)
            assert lines[fold, quantity].others["constant"] > lines[fold, quantity].score.median
        assert lines[fold, "joules"].others["ecologits"] > lines[fold, "joules"].score.median
    assert lines["everything", "speed"].score.median > speed.score.median
    known = {(x.left_out, x.quantity, x.group): x for x in shipped_check().lines}
    for kind in ("measured", "measured experts"):
        line = known["source", "speed", kind]
        assert (line.score.median < 0.18, line.score.p90 < 0.50) == (True, True), kind
    assert known["source", "watts", "all"].score.p90 < 0.35
    assert known["source", "joules", "all"].score.p90 < 0.75


def test_servings_that_no_fit_has_seen() -> None:
    """Of vLLM without a server and SGLang, 2024 and 2025 (decision 0358): by release, and what a server adds before 0.6."""
    with (ROOT / "examples" / "serving-runs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row["source"] and row["source_path"] for row in rows)
    found = check_servings([Cells(row) for row in rows])
    assert found.refused() == {}
    off = {str(x["id"]): float(x["speed_predicted"]) / float(x["speed_measured"]) - 1.0 for x in found.rows}
    assert np.median(np.abs(list(off.values()))) < 0.15
    merged = [off[row["id"]] for row in rows if row["framework"] in ("vllm 0.3.3", "vllm 0.4.0", "vllm 0.5.4")]
    assert len(merged) == 22
    assert np.max(np.abs(merged)) < 0.26
    served = check_servings([Cells({**row, "mode": "continuous", "concurrency_basis": ""}) for row in rows])
    for row, one, other in zip(rows, found.rows, served.rows, strict=True):
        if row["framework"] in ("vllm 0.4.0", "vllm 0.5.4"):
            assert float(other["speed_predicted"]) < 0.85 * float(one["speed_predicted"]), row["id"]


def test_a_constant_efficiency_never_sees_the_group_it_tells() -> None:
    s = shipped_servings()
    told = constant_efficiency(s, s, s.sources)["speed"]
    again = constant_efficiency(s, s)["speed"]
    assert np.isfinite(told).all()
    assert len(np.unique(np.round(told / again, 6))) == len(np.unique(s.sources))


def test_the_terminal_answers_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = tmp_path / "own.csv", tmp_path / "out.csv"
    with file.open("w", newline="") as f:
        table = csv.DictWriter(f, ROW)
        table.writeheader()
        table.writerows([ROW, ROW | {"id": "x2", "device": "Abacus-1"}])
    assert main(["validate", "--inference", str(file), "-o", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["unusable"] == {"unknown device: Abacus-1": 1}
    assert found["lines"][0]["score"]["n"] == 1
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [row["status"] for row in rows] == ["ok", "unusable"]
    assert float(rows[0]["speed_low"]) < float(rows[0]["speed_predicted"]) < float(rows[0]["speed_high"])
    assert float(rows[0]["speed_measured"]) == 500.0


def test_a_file_without_a_usable_row_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "own.csv"
    file.write_text("id,model,device\n1,llama-3-8b,h100\n")
    assert main(["validate", "--inference", str(file)]) == 2
    assert "no row can be answered" in capsys.readouterr().err
    file.write_text("id,model\n1,llama-3-8b\n")
    assert main(["validate", "--inference", str(file)]) == 2


def test_rows_already_seen_are_counted() -> None:
    rows = [Cells(row) for row in evidence.rows("inference")[:40]]
    checked = check_servings(rows)
    assert checked.n_known == len([row for row in checked.rows if row["status"] == "ok"]) == 40


@pytest.mark.parametrize("change", [{}, {"kv_cache": "fp8"}])
def test_a_row_and_a_question_are_answered_alike(change: dict[str, str], tmp_path: Path) -> None:
    """One door: what is scored is what `inference` says of the same setting, to the last digit."""
    row, file, out = ROW | change, tmp_path / "own.csv", tmp_path / "out.csv"
    with file.open("w", newline="") as f:
        table = csv.DictWriter(f, row)
        table.writeheader()
        table.writerow(row)
    assert main(["validate", "--inference", str(file), "-o", str(out)]) == 0
    (scored,) = csv.DictReader(out.read_text().splitlines())
    said = cs.inference(
        model="llama-3.1-70b", device="h100-sxm", engine="vllm 0.9.1", weights="fp8", kv_cache=change.get("kv_cache"),
        prompt=1024.0, output=512.0, in_flight=64.0, tp=4, pp=1, ep=1,
    ).summary()  # fmt: skip
    names = {"speed": "tokens_per_s_per_device", "watts": "watts_per_device", "joules": "joules_per_token"}
    for ours, theirs in names.items():
        assert float(scored[f"{ours}_predicted"]) == said[theirs], ours
    ends = {"speed": "tokens_per_s_interval", "watts": "watts_interval", "joules": "joules_interval"}
    for ours, theirs in ends.items():
        assert (float(scored[f"{ours}_low"]), float(scored[f"{ours}_high"])) == said[theirs], ours
