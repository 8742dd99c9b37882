"""Adapters beside frozen weights: what is saved, counted by hand, and the speeds of published fine-tuning runs."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest

import carbonscaling as cs
from carbonscaling import evidence
from carbonscaling.calibration.profile import shipped_calibration
from carbonscaling.cli import main
from carbonscaling.errors import InputError
from carbonscaling.evidence.row import Cells, parse_row
from carbonscaling.perf.activations import kept_widths
from carbonscaling.perf.memory import memory, state_bytes
from carbonscaling.perf.numbers import Workload
from carbonscaling.perf.training import adapted
from carbonscaling.validate.parts.memory import memory_outcomes
from carbonscaling.validate.replay import complete_row
from carbonscaling.validate.speed.beside import beside
from carbonscaling.validate.speed.runs import replay_file
from counted import ideal, layer
from samples import machine_of, setting, work_of

ROOT = Path(__file__).parents[1]


def test_adapters_by_hand() -> None:
    """Rank 16 on Llama-3-8B: (4096 + 6144) and (4096 + 4096) of attention, three times 4096 + 14336 of the blocks."""
    work = work_of("llama-3-8b")
    lora = adapted(work, 16)
    weights = 16 * 32 * ((4096 + 6144) + (4096 + 4096) + 3 * (4096 + 14336))
    layers = 32 * (work.p_attention + work.p_dense)
    assert 1 - lora.frozen == pytest.approx(weights / layers)
    assert (lora.frozen_embedding, lora.frozen_head) == (1.0, 1.0)
    matrices = layers - 64 * 4096 + work.p_head
    scores = 32 * 4 * 4096 * 1024  # a causal half of 2048, whose two gradients are of no weights
    assert lora.model_flops == pytest.approx(4 * matrices + 3 * scores + 2 * weights, rel=1e-3)


def test_frozen_weights_have_no_gradients() -> None:
    """The backward pass makes input gradients alone: as much matrix work as the forward pass."""
    frozen = work_of("llama-3-8b")._replace(frozen=1.0, frozen_embedding=1.0, frozen_head=1.0)
    times = layer(frozen, ideal(peak=1.0, tile_m=1e-9, tile_n=1e-9))
    assert float(times.weight) == 0.0
    assert float(times.backward.matmul) == pytest.approx(float(times.forward.matmul), rel=1e-9)


def test_frozen_weights_have_no_states() -> None:
    s, machine = setting(dp=8.0, zero=1.0), machine_of("h100-sxm")

    def held(work: Workload) -> tuple[float, ...]:
        found = state_bytes(work, machine, s)
        return float(found.weights), float(found.gradients), float(found.optimizer)

    work = work_of("llama-3-8b")
    full, none = held(work), held(work._replace(frozen=1.0, frozen_embedding=1.0, frozen_head=1.0))
    assert none == (full[0], 0.0, 0.0)


def test_a_plan_says_that_weights_are_frozen() -> None:
    scenario = cs.Scenario(model="llama-3-8b", tokens=1e9, device="h100-sxm", devices=8, batch=64)
    full, lora = cs.estimate(scenario), cs.estimate(replace(scenario, train="lora"))
    assert full.tokens_per_s_per_device is not None
    assert lora.tokens_per_s_per_device is not None
    assert 1.2 < lora.tokens_per_s_per_device / full.tokens_per_s_per_device < 1.8
    assert any("rank 16" in note for note in lora.resolved.notes)
    with pytest.raises(InputError, match="lora_rank"):
        cs.Scenario(model="llama-3-8b", lora_rank=0)


@pytest.mark.parametrize("mode", ["sft", "lora"])
def test_speeds_of_published_fine_tuning(mode: str) -> None:
    """NeMo's fine-tuning of Llama 2 and 3 on H100, GB200 and GB300, to which no constant was fitted."""
    rows = [r for r in evidence.rows("runs") if r["mode"] == mode and r["tp"] and r["tokens_per_s_per_device"]]
    found = replay_file(rows, shipped_calibration()).predictions
    errors = [
        abs(p.tokens_per_s_per_device / float(r["tokens_per_s_per_device"]) - 1)
        for p, r in zip(found, rows, strict=True)
        if p.tokens_per_s_per_device is not None
    ]
    assert len(errors) >= 20
    assert median(errors) < 0.2


def test_what_blocks_without_adapters_keep_by_hand() -> None:
    """Of Llama 2 70B: neither the feed-forward block's input nor that of its last product; experts have no adapters."""
    work = work_of("llama-2-70b")
    h, d_ff, heads = 8192, 28672, (64 + 2 * 8) * 128 + 64 * 128
    full, lora, bare = kept_widths(work), kept_widths(adapted(work, 16)), kept_widths(adapted(work, 16, True))
    assert full == lora
    assert (float(full.outer), float(full.inner)) == (4 * h, heads + 3 * d_ff)
    assert (float(bare.outer), float(bare.inner)) == (3 * h, heads + 2 * d_ff)
    assert (bare.outer_least, bare.inner_least) == (full.outer_least, full.inner_least)
    moe = work_of("mixtral-8x7b")  # two experts of 14336 a token at a width of 4096
    full, lora, bare = kept_widths(moe), kept_widths(adapted(moe, 16)), kept_widths(adapted(moe, 16, True))
    assert lora == bare
    assert float(full.outer - lora.outer) == 4096 + 2 * 4096
    assert float(full.inner - lora.inner) == 2 * 14336
    falcon = work_of("falcon-40b")  # attention and feed-forward share one norm, whose output adapters of attention need
    assert kept_widths(adapted(falcon, 16, True)).outer == kept_widths(falcon).outer
    for name in ("nemotron-3-nano", "deepseek-v3", "qwen3-next-80b-a3b", "llama-4-maverick"):
        kept = kept_widths(adapted(work_of(name), 16, True))
        assert kept.outer >= kept.outer_least > 0
        assert kept.inner >= kept.inner_least > 0
    assert adapted(work, 16, True).frozen > adapted(work, 16).frozen
    assert adapted(work, 16, True).model_flops > 0.9 * adapted(work, 16).model_flops


def test_adapters_on_attention_alone_leave_memory() -> None:
    """As AMD's submission to MLPerf on eight MI355X, which recomputes nothing: 100,352 elements a token for 137,216."""
    asked = cs.Scenario(
        model="llama-2-70b", tokens=1e9, train="lora", lora_on="all", seq_len=8192, device="mi355x", devices=8, batch=8,
        precision="fp8", layout=cs.Layout(tp=1, pp=1, dp=8, micro_batch=1, recompute="none"),
    )  # fmt: skip
    answers = [cs.estimate(asked), cs.estimate(replace(asked, lora_on="attention"))]
    everywhere, alone = (answer.to_dict()["memory_bytes"]["activations"] for answer in answers)
    assert alone / everywhere == pytest.approx(100_352 / 137_216, rel=0.02)
    assert any("on attention alone" in note for note in answers[1].resolved.notes)
    with pytest.raises(InputError, match="lora_on"):
        cs.Scenario(model="llama-3-8b", lora_on="attention")


def test_a_row_says_where_its_adapters_are() -> None:
    """Eight H200 hold 70B in 8 bit with adapters on attention (MLPerf 5.1, target_modules), and would not with them on all."""
    with (ROOT / "examples" / "fine-tuning-runs.csv").open(encoding="utf-8", newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["id"] == "f32")
    needs = []
    for said in ({}, {"lora_on": ""}):
        r = complete_row(parse_row(row | said))
        needs.append(memory(r.work, r.setup.plain, r.setting))
    assert needs[0].total < needs[0].limit < needs[1].total


def test_speeds_of_fine_tuning_that_no_fit_has_seen() -> None:
    """MLPerf 5.1, NeMo and AutoModel as their recipes say (decision 0333); those whose context ranks deal out heads apart."""
    with (ROOT / "examples" / "fine-tuning-runs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 74
    assert all(row["source"] and row["source_path_or_section"] for row in rows)
    dealt = {row["id"] for row in rows if "context_exchange=all-to-all" in row["software"]}
    modes = {row["id"]: row["mode"] for row in rows}
    found = beside(rows, shipped_calibration())
    errors = {run.id: abs(run.predicted / run.measured - 1) for run in found}
    assert errors.keys() == modes.keys()
    for mode in ("lora", "sft"):
        assert median(error for name, error in errors.items() if modes[name] == mode) < 0.2
    assert len(dealt) == 18
    assert max(errors[name] for name in dealt) < 0.25
    held = [run.low <= run.measured <= run.high for run in found if modes[run.id] == "lora"]
    assert sum(held) >= 0.85 * len(held)


def test_speeds_from_tflops_of_adapters_agree_with_the_minutes_that_the_makers_print() -> None:
    """NeMo-Framework-Launcher, examples/README.md of 2024-02-22: minutes for 40M tokens (decision 0333)."""
    printed = {"r00678": 8, "r00680": 14, "r00681": 11, "r00682": 5, "r00683": 5, "r00684": 9, "r00685": 7}
    rows = {row["id"]: row for row in evidence.rows("runs")}
    for name, minutes in printed.items():
        speed = float(rows[name]["tokens_per_s_per_device"]) * float(rows[name]["n_devices"])
        assert round(40e6 / speed / 60.0) == minutes, name


def test_a_flop_rate_of_adapters_means_more_tokens() -> None:
    """Every shipped row that prints both, beside full fine-tuning of the same model in the same table: 4 FLOPs for 6."""
    shipped = [r for r in evidence.rows("runs") if r["mode"] in ("sft", "lora") and r["tflops_per_device"] and r["tp"]]
    told, counted = ({r.id: r for r in beside(rows, shipped_calibration())} for rows in (
        shipped, [{**r, "tokens_per_s_per_device": "", "step_time_s": ""} for r in shipped],
    ))  # fmt: skip
    ratio = {name: told[name].measured / counted[name].measured for name in told}
    of = {
        (r["source_path_or_section"].split(" / LoRA")[0].split(" / SFT")[0], r["model"], r["mode"]): r["id"]
        for r in shipped
    }
    pairs = [(ratio[name], ratio[of[where, model, "sft"]]) for (where, model, mode), name in of.items()
             if mode == "lora" and (where, model, "sft") in of]  # fmt: skip
    assert len(pairs) >= 15
    for lora, sft in pairs:
        assert lora == pytest.approx(sft, rel=0.05)


def test_a_row_of_adapters_beside_packed_weights_is_read_so() -> None:
    """`qlora` was read as full training: 16 bytes a weight where a half is held."""
    row = {
        "id": "x",
        "model": "llama-3-8b",
        "device": "A100-80",
        "n_devices": "1",
        "micro_batch": "1",
        "seq_len": "512",
    }
    held = {
        mode: next(
            iter(memory_outcomes([Cells({**row, "run_id": "x", "mode": mode, "lora_on": "attention"})]))
        ).predicted
        for mode in ("lora", "qlora")
    }
    assert held["lora"] - held["qlora"] > 8.0


def test_what_tuning_held_at_most_without_its_context() -> None:
    """`examples/unseen-memory-tuned.csv`: peaks that PyTorch allocated, which a monitor's reading exceeds by the context."""
    with (ROOT / "examples" / "unseen-memory-tuned.csv").open(encoding="utf-8", newline="") as file:
        rows = [Cells(row) for row in csv.DictReader(file)]
    allocated = memory_outcomes(rows)
    shown = memory_outcomes([Cells(row | {"scope": ""}) for row in rows])
    assert all(1.5 < b.predicted - a.predicted < 4.0 for a, b in zip(allocated, shown, strict=True))
    errors = [
        abs(x.predicted / x.measured - 1.0)
        for row, x in zip(rows, allocated, strict=True)
        if row["source"] == "Lightning-AI/litgpt" and row["mode"] == "lora"
    ]
    assert median(errors) < 0.05


def test_rows_that_no_score_counts_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--runs", str(ROOT / "examples" / "fine-tuning-runs.csv")]) == 0
    said = capsys.readouterr().out
    assert "in no score: 8 x sft, 66 x lora (--where mode=sft scores such rows)" in said
