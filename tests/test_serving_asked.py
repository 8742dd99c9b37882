"""A serving's answer is of what was asked: its place beside a given intensity, requests that memory does not hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import carbonscaling as cs
from carbonscaling.cli import main
from carbonscaling.errors import ExitCode
from carbonscaling.reporting.decided import decided_words
from carbonscaling.reporting.document.answers import answer_document
from carbonscaling.reporting.jsonable import jsonable
from carbonscaling.serving.scenario import Objective
from carbonscaling.words import plain

Q: dict[str, Any] = dict(model="llama-3-70b", weights="fp8", requests_per_day=2e6)


@pytest.mark.parametrize("region", ["france", "us-east5", "singapore"])
def test_a_given_intensity_leaves_the_place_its_pue_and_water(region: str) -> None:
    there = cs.inference(model="llama-3-8b", region=region)
    given = there.footprint.carbon_intensity_g_per_kwh
    told = cs.inference(model="llama-3-8b", region=region, carbon_intensity_g_per_kwh=given)
    for name in ("pue", "energy_kwh", "operational_tco2e", "embodied_tco2e", "water_litres"):
        assert getattr(told.footprint, name) == pytest.approx(getattr(there.footprint, name), rel=1e-12), name
    trained = cs.estimate(
        cs.Scenario(model="llama-3-8b", devices=8, tokens=1e9, region=region, carbon_intensity_g_per_kwh=given)
    )
    assert isinstance(trained, cs.Estimate)
    assert told.footprint.pue == trained.footprint.pue


def test_an_intensity_for_all_of_a_project_moves_no_energy() -> None:
    data = {
        "common": {"model": "llama-3-8b", "region": "france", "devices": 8},
        "stage": [
            {"name": "train", "kind": "pretraining", "tokens": 1e9},
            {"name": "data", "kind": "synthetic-data", "tokens": 1e8},
            {"name": "kept", "kind": "storage", "terabytes": 10.0, "years": 1.0},
        ],
    }
    plain, without = cs.project(data), cs.project(data, carbon_intensity_g_per_kwh=0.0)
    for name, stage in plain.stages.items():
        assert without.stages[name].energy_kwh == pytest.approx(stage.energy_kwh, rel=1e-12)
        assert without.stages[name].operational_tco2e == 0.0


@pytest.mark.parametrize("engine", ["vllm 0.11", "trtllm 1.1"])
def test_more_in_flight_than_memory_holds_is_what_it_holds(engine: str) -> None:
    """Requests that wait are not in flight: asking for more of them changes neither the peak nor the mean load."""
    question = dict(Q, engine=engine, tp=2, output_spread=1.0)
    fits = cs.inference(**question, in_flight=1e9)
    held = fits.question.in_flight
    assert held is not None
    assert 100.0 < held < 1000.0
    for asked in (held, 3072.0, 1e5):
        found = cs.inference(**question, in_flight=asked)
        assert found.summary() == fits.summary()
    fewer = cs.inference(**question, in_flight=held / 2.0)
    assert fewer.question.in_flight == held / 2.0
    assert max(n for n, *_ in cs.inference(**question).by_in_flight) <= held


def test_a_decision_serves_what_memory_holds() -> None:
    found = cs.decide(
        objective="energy", law="sardana_2024", candidates=(7e9,), params=7e9, served_tokens=1e12, tokens=1e11,
        in_flight=(1e6,), counts=(64,), devices=("h100-sxm",), regions=("france",),
    )  # fmt: skip
    told = found.summary()["serve"]
    assert told["in_flight"] < 1e5
    assert "memory holds" in told["notes"][0]
    assert any("a copy's memory holds" in line for line in decided_words(found.to_dict()))
    few = cs.decide(
        objective="energy", law="sardana_2024", candidates=(7e9,), params=7e9, served_tokens=1e12, tokens=1e11,
        in_flight=(64.0,), counts=(64,), devices=("h100-sxm",), regions=("france",),
    )  # fmt: skip
    assert few.summary()["serve"]["notes"] == []


def test_a_measured_run_keeps_its_plans_pue_beside_a_given_intensity(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "answer.json"
    asked = ["estimate", "--model", "llama-3-8b", "--devices", "8", "--tokens", "1B", "--region", "france"]
    assert main([*asked, "--json", "-o", str(plan)]) == 0
    capsys.readouterr()
    told = ["report", str(plan), "--device-hours", "100", "--format", "json"]
    pues = []
    for more in ([], ["--carbon-intensity-g-per-kwh", "50"]):
        assert main([*told, *more]) == 0
        pues.append(json.loads(capsys.readouterr().out)["pue"])
    assert pues[0] == pues[1] == json.loads(plan.read_text())["carbon"]["pue"]


@pytest.mark.parametrize("n", [1, 2, 8])
def test_too_few_devices_are_told_how_many_would_do(n: int) -> None:
    least = cs.inference(**Q).n_devices
    with pytest.raises(cs.InputError, match=f"allowed: {least} or more"):
        cs.inference(**Q, devices=n)
    with pytest.raises(cs.InputError, match="allowed: 2 or more"):
        cs.inference(model="llama-3-70b", weights="bf16", device="h200", devices=1, output=8000.0, prompt=90000.0)


def test_nothing_that_serves_is_an_answer_to_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["inference", "--model", "llama-3-70b"]
    for more, said in (
        (["--tpot-s", "0.001"], "no layout keeps these latencies"),
        (["--device", "l4", "--tp", "1", "--pp", "1"], "no layout holds the model"),
        (["--requests-per-day", "10M", "--devices", "8"], "the devices do not serve this demand"),
    ):
        assert main([*asked, *more]) == ExitCode.INFEASIBLE
        assert said in capsys.readouterr().err
    assert main([*asked, "--tpot-s", "-1"]) == ExitCode.USAGE


@pytest.mark.parametrize("objective", ["devices", "cost", "energy", "carbon"])
def test_what_pipelines_would_save_is_said_and_is_the_answer_with_them(objective: Objective) -> None:
    found = cs.inference(**Q, objective=objective)
    best = found.with_pipelines
    assert best is not None
    assert f"--pp {best.layout.pp:g} " in found.notes[-1]
    every = [cs.inference(**Q, objective=objective, pp=pp) for pp in (2, 4, 8)]
    least = min(one.of_a_token(objective) for one in every)
    assert best.of_a_token(objective) == least < found.of_a_token(objective)
    assert best.with_pipelines is None
    assert cs.inference(**Q, objective=objective, pp=1).with_pipelines is None


def test_more_stages_than_memory_needs_are_named_as_such() -> None:
    found = cs.inference(model="llama-3.1-405b", device="l40s")
    assert found.layout.pp == 4
    assert found.notes[-1].startswith("more than 4 pipeline stages are not searched")


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        ({"tp": 3}, "divide 32 attention heads"),
        ({"pp": 33}, "up to 32 layers"),
        ({"ep": 7}, "it has no experts"),
        ({"model": "mixtral-8x7b", "ep": 9}, "up to 8 experts"),
    ],
)
def test_degrees_that_no_software_starts_are_refused(asked: dict[str, Any], allowed: str) -> None:
    with pytest.raises(cs.InputError, match=allowed):
        cs.inference(**{"model": "llama-3-8b"} | asked)


def test_degrees_without_attention_or_with_uneven_layers_are_answered() -> None:
    assert cs.inference(model="mamba2-2.7b", tp=2).layout.tp == 2.0
    assert cs.inference(model="llama-3-8b", pp=3).layout.pp == 3.0


def test_requests_longer_than_a_model_is_known_to_go_are_said_or_refused() -> None:
    short = cs.inference(model="llama-3-8b", prompt=7000.0, output=1000.0)
    assert not any("go further" in note for note in short.notes)
    for asked in ({"prompt": 1e6, "output": 300.0}, {"output": 2e5}):
        (said,) = (note for note in cs.inference(model="llama-3-8b", **asked).notes if "go further" in note)
        assert "8,192" in said
    with pytest.raises(cs.InputError, match="up to 2,048 tokens together"):
        cs.inference(model="gpt-3-6.7b", prompt=2000.0, output=100.0)
    assert cs.inference(model="gpt-3-6.7b", prompt=1900.0, output=100.0).n_devices >= 1


def test_a_host_that_is_shared_is_said() -> None:
    part = cs.inference(**Q)
    assert part.n_devices == 10
    assert any("2 of a host's 8 devices" in note for note in part.notes)
    whole = cs.inference(model="llama-3-70b", tp=8)
    assert whole.n_devices == 8
    assert not any("host" in note for note in whole.notes)


def test_an_answer_prints_short_and_its_page_and_json_say_what_was_assumed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = cs.inference(**Q, in_flight=1e5)
    assert len(repr(found)) < 400
    assert "384" in repr(found) or "385" in repr(found)
    asked = [
        "inference",
        "--model",
        "llama-3-70b",
        "--weights",
        "fp8",
        "--requests-per-day",
        "2M",
        "--in-flight",
        "100k",
    ]
    assert main([*asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == list(found.notes)
    assert main(asked) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert "Assumed" in page
    assert "of 100,000 requests in flight" in page


def test_the_report_of_a_serving_says_in_words_what_its_page_says() -> None:
    found = cs.inference(**Q, in_flight=1e5)
    page = answer_document(json.loads(json.dumps(jsonable(found.to_dict()))))
    for words in ("USD a million output tokens", "requests in flight on a copy", "Assumed", "of 100,000 requests"):
        assert words in page
    for raw in ("g co2e per request", "n devices", "kwh per million"):
        assert raw not in page
    assert plain(found.summary()["wh_per_request"]) in page
