"""Whole trainings before the fact: what can be reached, what people needed, with each maker left out."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import carbonscaling as cs
from carbonscaling import evidence
from carbonscaling.catalog import hardware
from carbonscaling.cli import main
from carbonscaling.evidence.training import load_trainings
from carbonscaling.model.huggingface import from_config
from carbonscaling.study.history import Practice, shipped_practice
from carbonscaling.study.scenario import replace
from carbonscaling.validate.carbon.trainings import (
    COLUMNS,
    TrainingCheck,
    check_trainings,
    fit_practice,
    training_scores,
)
from carbonscaling.validate.score import spreads, student

ROOT = Path(__file__).resolve().parent.parent
RATIOS = st.lists(st.floats(0.3, 5.0), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def checks() -> tuple[TrainingCheck, ...]:
    return check_trainings()


def test_makers_left_out_need_what_the_others_say(checks: tuple[TrainingCheck, ...]) -> None:
    merit = training_scores(checks)["all"]
    assert merit.n >= 55
    assert abs(merit.bias) < 0.15
    assert merit.coverage >= 0.85
    assert all(x.high / x.low < 3.4 for x in checks if x.high and x.low)
    assert not any(x.status == "infeasible" for x in checks)


def test_the_shipped_distribution_is_that_of_the_shipped_trainings(checks: tuple[TrainingCheck, ...]) -> None:
    """After a change of the model: carbonscaling validate --trainings shipped prints the rows of factors/time.toml."""
    found, shipped = fit_practice(checks), shipped_practice()
    assert shipped.needed() == pytest.approx(found.needed(), rel=0.05)
    assert shipped.within == pytest.approx(found.within, rel=0.05)


def test_trainings_that_cannot_be_judged_are_said_and_left_out(checks: tuple[TrainingCheck, ...]) -> None:
    by_name = {x.model: x for x in checks}
    assert [by_name[name].status for name in ("AlexaTM 20B", "GLM-130B", "FLM-101B")] == ["left_out"] * 3
    assert by_name["AlexaTM 20B"].device_hours is None
    assert "no device" in by_name["GPT-3 Small"].reason
    assert "the smallest count for" in by_name["Llama-2-70B"].reason
    assert len(checks) == len(evidence.rows("trainings"))


def _span(check: TrainingCheck) -> float:
    assert check.low
    assert check.high
    return check.high / check.low


def test_own_earlier_trainings_narrow_what_a_maker_needs(checks: tuple[TrainingCheck, ...]) -> None:
    own = {x.model: x for x in check_trainings(history=True)}
    alone = {x.model: x for x in checks}
    for model in ("Llama-2-70B", "Llama-3.1-405B", "Nemotron-4-15B"):
        assert own[model].own > 0
        assert _span(own[model]) < _span(alone[model])
    first = own["BLOOM-176B"]
    assert (first.own, first.device_hours) == (0, alone["BLOOM-176B"].device_hours)


@given(RATIOS)
def test_history_draws_the_median_towards_itself_and_narrows(history: list[float]) -> None:
    practice = Practice(0.2, 0.25, 0.2)
    without, found = practice.needed(), practice.needed(history)
    own = float(np.exp(np.mean(np.log(history))))
    assert min(own, without.median) * 0.999 <= found.median <= max(own, without.median) * 1.001
    assert found.high / found.low < without.high / without.low
    again = practice.needed(history * 50)
    assert again.median == pytest.approx(own, rel=0.05)
    assert math.log(again.high / again.low) == pytest.approx(2 * 1.645 * 0.2, rel=0.02)


def test_an_answer_says_what_can_be_reached_and_what_people_needed(capsys: pytest.CaptureFixture[str]) -> None:
    question = cs.Scenario(model="llama-3-8b", tokens=1e12, device="h100-sxm", devices=64)
    answer = cs.estimate(question)
    assert isinstance(answer, cs.Estimate)
    assert answer.needed is not None
    assert answer.needed.median / answer.device_hours == pytest.approx(shipped_practice().needed().median)
    own = cs.estimate(replace(question, history=(2.0, 2.0, 2.0)))
    assert own.needed is not None
    assert own.needed.median > 1.2 * answer.needed.median
    paper = cs.estimate(replace(question, carbon_mode="paper"))
    assert paper.needed is None
    told = ["--model", "llama-3-8b", "--tokens", "1T", "--device", "h100-sxm", "--devices", "64"]
    assert main(["estimate", *told, "--history", "30.8M/20M", "--history", "1.5"]) == 0
    page = capsys.readouterr().out
    assert "can be reached" in page
    assert "with 2 earlier runs of yours" in page
    assert main(["estimate", *told, "--history", "1/0"]) == 2
    assert "history out of range" in capsys.readouterr().err


def test_a_file_of_trainings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "trainings_models").mkdir()
    config = evidence.path("trainings").parent / "trainings_models" / "pythia-410m.json"
    (tmp_path / "trainings_models" / "mine.json").write_bytes(config.read_bytes())
    file = tmp_path / "trainings.csv"
    file.write_text(
        "model,date,maker,tokens_b,n_devices,device,device_hours,precision,note,model_file,seq_len\n"
        "mine,2023-04,EleutherAI,299.893,32,a100-40,2540,fp16,,mine.json,2048\n"
        "lost,2023-04,me,300,32,a100-40,2540,fp16,,lost.json,\n"
        "pythia-1b,2023-04,me,many,32,a100-40,2540,fp16,,,\n"
        "pythia-1b,2023-04,me,300,32,a100-40,2540,fp16,encoder; not scorable: encoder,,\n"
        "pythia-1b,2023-04,me,300,440,a100-40,,bf16,,,\n",
        encoding="utf-8",
    )
    output = tmp_path / "out.csv"
    assert main(["validate", "--trainings", str(file), "-o", str(output), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    with output.open(encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    assert tuple(rows[0]) == COLUMNS
    assert [row["status"] for row in rows] == ["ok", "unusable", "unusable", "left_out", "ok"]
    assert "lost.json" in rows[1]["reason"]
    assert "tokens_b is not a number" in rows[2]["reason"]
    low, hours, high, reachable = (float(rows[0][name]) for name in ("low", "device_hours", "high", "reachable"))
    assert low < hours < high
    shipped = next(x for x in check_trainings() if x.model == "Pythia-410M")
    assert reachable == pytest.approx(shipped.reachable)
    assert hours == pytest.approx(shipped.device_hours)
    assert data["scores"]["all"]["n"] == 1
    file.write_text("model,device\nx,h100\n", encoding="utf-8")
    assert main(["validate", "--trainings", str(file)]) == 2
    assert "tokens_b" in capsys.readouterr().err


def _checks(ratios: Mapping[str, tuple[float, ...]]) -> list[TrainingCheck]:
    return [
        TrainingCheck("", maker, "2025-01", "ok", "", reported=ratio, reachable=1.0)
        for maker, own in ratios.items()
        for ratio in own
    ]


def test_few_makers_say_less() -> None:
    """The same ratios of four times as many makers have the same median, and a narrower interval: Student's, not the normal."""
    few = {str(i): (1.0 + 0.1 * i, 1.2 + 0.1 * i) for i in range(8)}
    many = {f"{name} {k}": own for name, own in few.items() for k in range(4)}
    of_few, of_many = fit_practice(_checks(few)).needed(), fit_practice(_checks(many)).needed()
    assert of_few.median == pytest.approx(of_many.median)
    assert of_few.high / of_few.low > of_many.high / of_many.low
    _, between, within = spreads([[math.log(x) for x in own] for own in few.values()])
    wanted = 2.0 * 1.895 * math.hypot(between * math.sqrt(9.0 / 8.0), within)
    assert math.log(of_few.high / of_few.low) == pytest.approx(wanted, rel=0.005)


@pytest.mark.parametrize(("degrees", "factor"), [(7, 1.895), (12, 1.782), (22, 1.717), (60, 1.671)])
def test_students_factor(degrees: int, factor: float) -> None:
    """The 95th percentiles of tables of Student's distribution."""
    assert student(degrees) == pytest.approx(factor, rel=2e-3)


def test_a_training_is_answered_whatever_stands_beside_it(tmp_path: Path) -> None:
    """With makers' own earlier ones or without, what other makers of a file report teaches nothing of a training."""
    row = "pythia-1b,2023-04,me,300,32,a100-40,2540,fp16\n"
    file = tmp_path / "trainings.csv"
    answers = []
    for beside in (
        "",
        "pythia-1b,2022-04,other,300,32,a100-40,99000,fp16\npythia-1b,2022-05,third,300,32,a100-40,99,fp16\n",
    ):
        file.write_text(
            "model,date,maker,tokens_b,n_devices,device,device_hours,precision\n" + row + beside, encoding="utf-8"
        )
        answers += [check_trainings(file, history=history)[0] for history in (False, True)]
    assert len({(x.device_hours, x.low, x.high) for x in answers}) == 1


def test_trainings_that_no_version_had_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every model's file is read; what is refused is refused for its device, its architecture or its blanks, and says so."""
    given_rows, folder = load_trainings(ROOT / "examples" / "unseen-trainings.csv")
    configs = {row["model_file"] for row in given_rows} - {""}
    assert configs == {path.name for path in (folder / "trainings_models").iterdir()}
    assert all(from_config(folder / "trainings_models" / name).n_layers for name in configs)
    few = ("Refact-1.6B", "Jais-30B", "Falcon-Mamba-7B", "gpt-oss-120b", "Beam-501B", "Phi-4", "StarCoder2-7B")
    file = tmp_path / "few.csv"
    columns = list(given_rows[0])
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, columns)
        writer.writeheader()
        for row in given_rows:
            if row["model"] in few:
                path = folder / "trainings_models" / row["model_file"] if row["model_file"] else ""
                writer.writerow(row | {"model_file": str(path)})
    assert main(["validate", "--trainings", str(file)]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert "unknown device: RTX A5000" in page
    assert "unknown device: CS-2" in page
    assert "no tokens" in page
    assert "not scorable: upper bound" in page
    assert "devices x days: 2, bias" in page
    assert "hours printed: 1, bias" in page


@pytest.mark.parametrize(
    ("column", "spellings"),
    [
        ("precision", ("bf16", "BF16", "bfloat16", "bf16-mixed", "BF16 mixed precision", "amp")),
        ("precision", ("fp8", "FP8", "fp8 (e4m3)", "fp8-blockwise", "bf16+fp8", "bf16 + fp8")),
        ("device", ("h800", "H800-80G", "NVIDIA H800 SXM5", "H800 SXM 80 GB", "h800-80GiB")),
        ("device", ("a100-40", "A100-40G", "NVIDIA A100 SXM4 40 GB", "A100 40GB")),
    ],
)
def test_cards_and_reports_spell_formats_and_devices_each_in_their_way(
    column: str, spellings: tuple[str, ...], tmp_path: Path
) -> None:
    """A number format was refused in any spelling but its recipe's own, and a device by the space before its unit."""
    file = tmp_path / "trainings.csv"
    rows = [{"device": "h100", "precision": "bf16"} | {column: name} for name in spellings]
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, ("model", "tokens_b", "n_devices", "device_hours", "device", "precision"))
        writer.writeheader()
        writer.writerows(
            {"model": "llama-3-8b", "tokens_b": 100, "n_devices": 64, "device_hours": 4000, **row} for row in rows
        )
    found = check_trainings(file)
    assert {x.status for x in found} == {"ok"}
    assert len({x.reachable for x in found}) == 1


@pytest.mark.parametrize("name", ["H100 40GB", "A100-120G", "H800 SXM 141 GB"])
def test_a_size_that_a_part_has_not_names_no_part(name: str) -> None:
    assert not hardware.is_device(name)
