"""The API: its answers are the command line's, its refusals say what to do, nothing names a file."""

from __future__ import annotations

import dataclasses
import json
import typing
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from other_questions import QUESTIONS
from starlette.testclient import TestClient

from carbonscaling.cli.run import run
from carbonscaling.errors import InputError
from carbonscaling.reporting.beside import curve
from carbonscaling.reporting.schema import answer_schema
from carbonscaling.serve.app import create_app
from carbonscaling.serve.guard import HEADERS
from carbonscaling.serve.limits import Limits
from carbonscaling.serve.question import FILES_ONLY, asked
from carbonscaling.study.answer import estimate
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.scenario import Scenario, scenario_from
from schemas import validate

LLAMA: dict[str, Any] = {"model": "llama-3-8b", "tokens": 1e12, "device": "h100-sxm"}
CONFIG = {
    "_name_or_path": "some-lab/tiny-llama",
    "model_type": "llama",
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "num_hidden_layers": 16,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 8192,
}


def options(scenario: dict[str, Any]) -> list[str]:
    return [word for key, value in scenario.items() for word in (f"--{key.replace('_', '-')}", str(value))]


@pytest.mark.parametrize(
    ("kind", "scenario"),
    [
        ("plan", {**LLAMA, "max_days": 30}),
        ("plan", {"law": "besiroglu_2024", "target_loss": 2.2, "device": "h200", "region": "europe-north1"}),
        ("plan", {**LLAMA, "max_days": 0.01}),
        ("plan", {**LLAMA, "max_days": 20, "precision": "bf16,fp8", "objective": "carbon"}),
        ("estimate", {**LLAMA, "devices": 64, "years_ahead": 2.0, "pue": 1.3, "lifetime_years": 4.0}),
    ],
)
def test_answers_are_those_of_the_command_line(
    client: TestClient, capsys: pytest.CaptureFixture[str], kind: str, scenario: dict[str, Any]
) -> None:
    reply = client.post(f"/api/v1/{kind}", json=scenario)
    assert reply.status_code == 200
    run([kind, *options(scenario), "--json"])
    assert reply.text == capsys.readouterr().out
    validate(reply.json(), answer_schema())


def test_an_uploaded_config_is_answered_as_the_file_is(
    client: TestClient, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    home = tmp_path / "tiny-llama"
    home.mkdir()
    (home / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    reply = client.post("/api/v1/plan", json={"model": CONFIG, "tokens": 1e11, "max_days": 10})
    run(["plan", "--model", str(home / "config.json"), "--tokens", "1e11", "--max-days", "10", "--json"])
    assert reply.text == capsys.readouterr().out
    assert reply.json()["summary"]["model"] == "tiny-llama"
    odd = client.post("/api/v1/plan", json={"model": {**CONFIG, "of_no_use": 1}, "tokens": 1e11, "max_days": 10})
    assert "keys of config.json that no count uses: of_no_use" in odd.text
    assert "carbonscaling-" not in odd.text


def test_a_bad_upload_names_its_key_and_no_path_of_ours(client: TestClient) -> None:
    for config, key in (
        ({"model_type": "rwkv6qwen2"}, "model_type"),
        ({**CONFIG, "hidden_size": -1}, "hidden_size"),
        ({}, "model_type"),
    ):
        reply = client.post("/api/v1/plan", json={"model": config, "tokens": 1e11})
        assert reply.status_code == 422
        assert reply.json()["error"]["key"] == key
        assert "/tmp" not in reply.text
        assert "carbonscaling-" not in reply.text


def test_every_text_field_of_a_scenario_refuses_a_file(tmp_path: Path) -> None:
    """No field, present or future, may lead to a file: each either refuses a path or is known to hold no name at all."""
    file = tmp_path / "own.toml"
    file.write_text("x = 1\n", encoding="utf-8")
    hints = typing.get_type_hints(Scenario)
    texts = [f.name for f in dataclasses.fields(Scenario) if str in (hints[f.name], *typing.get_args(hints[f.name]))]
    assert {"model", "device", "host", "calibration", "stack", *FILES_ONLY} <= set(texts)
    for name in texts:
        if name == "region":  # looked up in a table that holds no paths
            continue
        for value in (str(file), f"file://{file}", "../../etc/passwd", "own.toml", "config.json", "."):
            with pytest.raises(InputError) as caught:
                asked({**LLAMA, name: value}, Limits())
            assert caught.value.key == name


def test_region_and_stack_never_open_a_file(client: TestClient, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text("x = 1\n", encoding="utf-8")
    assert client.post("/api/v1/plan", json={**LLAMA, "region": str(file)}).status_code == 422
    for name in (str(file), "nobodys-stack"):
        refused = client.post("/api/v1/plan", json={**LLAMA, "stack": name})
        assert refused.status_code == 422
        assert refused.json()["error"]["problem"] == "unknown stack"


@pytest.mark.parametrize(
    ("body", "status", "key"),
    [
        ({"modle": "x"}, 422, "modle"),
        ({**LLAMA, "layout": {"tq": 1}}, 422, "layout.tq"),
        ({**LLAMA, "tokens": "many"}, 422, "tokens"),
        ({**LLAMA, "tokens": -1}, 422, "tokens"),
        ({**LLAMA, "max_devices": 10**9}, 422, "max_devices"),
        ({**LLAMA, "devices": 10**7}, 422, "devices"),
        ({**LLAMA, "precision": "bf16,bf16,bf16,bf16,bf16"}, 422, "precision"),
        ({**LLAMA, "precision": "fp99"}, 422, "precision"),
        ({**LLAMA, "model": "lama-3-8b"}, 422, "model"),
        ({**LLAMA, "model": ["llama"]}, 422, "model"),
    ],
)
def test_bad_scenarios_are_refused_by_name(client: TestClient, body: dict[str, Any], status: int, key: str) -> None:
    reply = client.post("/api/v1/plan", json=body)
    assert reply.status_code == status
    assert reply.json()["error"]["key"].startswith(key)


def test_a_refusal_suggests_the_nearest_name(client: TestClient) -> None:
    error = client.post("/api/v1/plan", json={**LLAMA, "device": "h100_sx"}).json()["error"]
    assert error["suggestion"] == "h100-sxm"
    assert error["remedy"]


@pytest.mark.parametrize("form", ["model-card", "annex-xi", "sci", "esrs", "boamps", "csv", "json"])
def test_reports_are_those_of_the_command_line(
    client: TestClient, capsys: pytest.CaptureFixture[str], tmp_path: Path, form: str
) -> None:
    scenario = {**LLAMA, "devices": 64}
    reply = client.post(f"/api/v1/report/{form}", json=scenario)
    assert reply.headers["content-disposition"] == "attachment"
    answer = str(tmp_path / "answer.json")
    run(["estimate", *options(scenario), "-o", answer])
    capsys.readouterr()
    run(["report", answer, "--format", form])
    assert reply.text == capsys.readouterr().out


def test_the_printed_report_comes_as_a_file(client: TestClient) -> None:
    reply = client.post("/api/v1/report/html", json={**LLAMA, "devices": 64})
    assert reply.status_code == 200
    assert reply.headers["content-disposition"] == "attachment"
    assert "What it takes to train llama-3-8b" in reply.text
    assert client.post("/api/v1/report/pdf", json=LLAMA).status_code == 404


def test_an_infeasible_answer_has_no_report(client: TestClient) -> None:
    reply = client.post("/api/v1/report/html", json={**LLAMA, "max_days": 0.01})
    assert reply.status_code == 422
    assert "nothing is feasible" in reply.json()["error"]["problem"]


def test_regions_are_ranked_and_agree_with_the_plan(client: TestClient) -> None:
    scenario = {**LLAMA, "devices": 64, "boundary": {"development": 0.5}}
    data = client.post("/api/v1/regions", json=scenario).json()
    totals = [row["total_tco2e"] for row in data["rows"]]
    assert totals == sorted(totals)
    by_name = {row["region"]: row for row in data["rows"]}
    for name in ("us-east5", "europe-north1", "eastus"):
        own = client.post("/api/v1/estimate", json={**scenario, "region": name}).json()["summary"]
        row = by_name[name]
        assert row["total_tco2e"] == pytest.approx(own["carbon_total_tco2e"], rel=1e-12)
        assert row["market_tco2e"] == pytest.approx(own["carbon_operational_market_tco2e"], rel=1e-12)
        assert row["embodied_tco2e"] == pytest.approx(own["carbon_embodied_tco2e"], rel=1e-12)


def test_evidence_is_of_this_device_and_size(client: TestClient) -> None:
    data = client.post("/api/v1/evidence", json={**LLAMA, "devices": 64}).json()
    assert data["n_rows"] >= len(data["rows"]) > 0
    for row in data["rows"]:
        assert row["device"] == "h100-sxm"
        assert row["experts"] == "dense"
        assert 1 / data["within_factor"] <= row["params_b"] / data["params_b"] <= data["within_factor"]
    assert 0 < data["median_error"] < 1
    assert 0 <= data["covered"] <= 1


def test_sources_name_every_number(client: TestClient) -> None:
    data = client.post("/api/v1/sources", json={**LLAMA, "devices": 64}).json()
    assert {row["group"] for row in data["numbers"]} == {"device", "host", "efficiency", "carbon", "price"}
    assert all(row["source"] and row["unit"] for row in data["numbers"])
    known = {row["key"] for row in data["references"]}
    assert {row["source"] for row in data["numbers"]} - {"user"} <= known
    assert all(f"{{{key}," in data["bibtex"] for key in known)


def test_the_curve_is_the_law_s_planned_on_the_same_machine(client: TestClient) -> None:
    scenario = {"model": "llama-3-8b", "tokens": 1e12, "device": "h200", "region": "europe-north1", "devices": 64}
    data = client.post("/api/v1/curve", json=scenario).json()
    assert not data["asked"]
    losses = [row["loss"] for row in data["rows"]]
    assert [row["compute"] for row in data["rows"]] == pytest.approx([10 ** (20 + n / 2) for n in range(13)])
    assert losses == sorted(losses, reverse=True)
    row = data["rows"][4]
    own = {k: v for k, v in scenario.items() if k not in ("model", "tokens", "devices")}
    said = client.post("/api/v1/plan", json={**own, "law": data["law"], "compute": row["compute"]}).json()["summary"]
    for name in ("n_devices", "carbon_total_tco2e", "energy_kwh", "loss"):
        assert row[name] == said[name], name
    assert data["here"]["compute"] == pytest.approx(6 * 8.03e9 * 1e12, rel=0.01)
    on_it = min(data["rows"], key=lambda row: abs(row["compute"] - data["here"]["compute"]))
    assert on_it["loss"] - 0.05 < data["here"]["loss"]  # at its compute no model is better than the law's own
    none = client.post("/api/v1/curve", json={**scenario, "train": "lora", "seq_len": 4096}).json()
    assert none == {"law": None, "rows": []}


def test_a_curve_that_was_planned_for_another_model_is_the_one_planned_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("carbonscaling.study.scale.HALF_DECADES", (1e20, 1e21))
    own: dict[str, Any] = {"device": "h100-sxm", "devices": 8, "tokens": 1e9}
    small, large = (estimate(Scenario(model=name, **own)) for name in ("gpt-3-1.3b", "llama-3-8b"))
    known: dict[str, Any] = {}
    assert isinstance(small, Estimate)
    assert isinstance(large, Estimate)
    first = curve(small, None, known)
    assert curve(large, None, known) == curve(large)
    assert first["rows"] == curve(large)["rows"]
    assert len(known) == 1
    other: tuple[dict[str, Any], ...] = (
        {"region": "france"}, {"device": "a100-80"}, {"law": "sardana_2024"}, {"max_days": 30.0},
    )  # fmt: skip
    for changed in other:
        there = estimate(Scenario(**{"model": "llama-3-8b", **own, **changed}))
        assert isinstance(there, Estimate)
        assert curve(there, None, known)["rows"] != first["rows"]
    assert len(known) == 5


def test_launch_files_are_those_of_the_command_line(client: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = {**LLAMA, "devices": 64}
    written = 0
    for form in client.get("/api/v1/catalog").json()["launch_formats"]:
        reply = client.post(f"/api/v1/launch/{form}", json=scenario)
        if run(
            ["estimate", *options(scenario), "--emit", form]
        ):  # what a program has no setting for is refused by both
            assert reply.json()["error"]["remedy"], form
            continue
        assert reply.text == capsys.readouterr().out, form
        assert reply.headers["content-disposition"] == "attachment"
        written += 1
    assert written >= 5
    assert client.post("/api/v1/launch/chakra", json=scenario).status_code == 404
    refused = client.post("/api/v1/launch/megatron", json={**scenario, "train": "lora", "seq_len": 4096})
    assert refused.status_code == 422
    assert refused.json()["error"]["key"] == "train"


def test_every_simple_field_of_a_scenario_can_be_asked_for_in_a_form(client: TestClient) -> None:
    fields = client.get("/api/v1/catalog").json()["fields"]
    simple = {f.name for f in dataclasses.fields(Scenario)} - {*FILES_ONLY}
    tables = {"layout", "software", "boundary", "contracts"}
    assert {name for name in fields if "." not in name} == simple - tables
    for name, field in fields.items():
        assert field["meaning"], name
        for choice in field.get("choices", ()) if name not in ("train", "towers") else ():
            table, _, inner = name.rpartition(".")
            beside = {"train": "lora"} if name == "lora_on" else {}
            asked({**LLAMA, **beside, **({table: {inner: choice}} if table else {inner: choice})}, Limits())


def test_the_catalogue_lists_what_a_scenario_may_name(client: TestClient) -> None:
    data = client.get("/api/v1/catalog").json()
    for device in data["devices"][:3]:
        asked({**LLAMA, "device": device["id"]}, Limits())
    for model in data["models"]:
        asked({**LLAMA, "model": model["id"]}, Limits())
    assert {"devices", "models", "regions", "laws"} <= set(data)


def test_the_description_describes_what_there_is(client: TestClient) -> None:
    data = client.get("/openapi.json").json()
    assert data["openapi"].startswith("3.1")
    text = json.dumps(data)
    references = {word.split('"')[0] for word in text.split('"$ref": "')[1:]}
    for reference in references:
        found: Any = data
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
    for path, methods in data["paths"].items():
        name = path.removeprefix("/api/v1/").partition("/")[0]
        url = path.replace("{format}", {"report": "csv", "launch": "megatron"}.get(name, "html"))
        body = QUESTIONS.get(name, {**LLAMA, "devices": 64})
        reply = client.get(url) if "get" in methods else client.post(url, json=body)
        assert reply.status_code == 200, path
        if name in QUESTIONS:
            named = methods["post"]["requestBody"]["content"]["application/json"]["schema"]
            validate(body, {**named, "components": data["components"]})
    schema = {"$ref": "#/components/schemas/Scenario", "components": data["components"]}
    validate({**LLAMA, "model": CONFIG, "layout": {"tp": 8}}, schema)
    with pytest.raises(jsonschema.ValidationError):
        validate({**LLAMA, "profile": "x.toml"}, schema)


def test_every_response_carries_the_headers(client: TestClient) -> None:
    replies = [
        client.get("/"), client.get("/health"), client.get("/nowhere"), client.get("/api/v1/plan"),
        client.post("/api/v1/plan", content=b"{"), client.get("/health", headers={"host": "evil.example"}),
    ]  # fmt: skip
    for reply in replies:
        for name, value in HEADERS.items():
            assert reply.headers[name] == value
    policy = HEADERS["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_foreign_names_and_foreign_pages_are_refused(client: TestClient) -> None:
    assert client.get("/health", headers={"host": "evil.example"}).status_code == 403
    assert client.get("/health", headers={"origin": "http://evil.example"}).status_code == 403
    assert client.get("/health", headers={"origin": "http://localhost"}).status_code == 200
    assert client.get("/health").status_code == 200


def test_the_page_is_whole_and_calls_nobody(client: TestClient) -> None:
    page = client.get("/").text
    paths = [part.split('"')[0] for part in page.split('"/static/')[1:]]
    assert len(paths) >= 10
    for path in paths:
        text = client.get(f"/static/{path}").text
        assert "http://" not in text.replace("http://www.w3.org/", "")
        assert "https://" not in text
    assert "<script>" not in page
    assert "style=" not in page
    tag = client.get("/").headers["etag"]
    assert client.get("/", headers={"if-none-match": tag}).status_code == 304


def test_an_answer_that_takes_too_long_is_ended_and_the_service_goes_on() -> None:
    with TestClient(create_app(1, Limits(job_s=0.002)), base_url="http://localhost") as short:
        for tokens in (1e12, 2e12):
            reply = short.post("/api/v1/plan", json={**LLAMA, "tokens": tokens, "space": "full"})
            assert reply.status_code == 503
            assert reply.json()["error"]["problem"] == "no answer within 0.002 s"
        assert short.get("/health").status_code == 200


def test_a_full_queue_sends_away_at_once() -> None:
    with TestClient(create_app(1, Limits(queue=0)), base_url="http://localhost") as full:
        reply = full.post("/api/v1/plan", json=LLAMA)
        assert reply.status_code == 503
        assert "too many" in reply.json()["error"]["problem"]


@pytest.mark.parametrize("batch", [2**24 + 1, 10**18, 1e18, 1.5])
def test_a_batch_that_nobody_trains_with_is_refused_before_it_is_searched(client: TestClient, batch: float) -> None:
    reply = client.post("/api/v1/plan", json={**LLAMA, "batch": batch})
    assert reply.status_code == 422
    error = reply.json()["error"]
    assert error["key"] == "batch"
    assert error["remedy"]


def test_the_largest_batch_is_searched(client: TestClient) -> None:
    assert client.post("/api/v1/plan", json={**LLAMA, "batch": Limits().batch}).status_code == 200


@pytest.mark.parametrize("tokens", ["1e12", "2T", "1000000000000"])
def test_a_number_in_quotes_is_refused_whatever_it_looks_like(client: Any, tokens: str) -> None:
    """As a file and Python refuse it."""
    told = client.post("/api/v1/estimate", json={"model": "llama-3-8b", "tokens": tokens, "devices": 64})
    assert told.status_code == 422
    assert "a number cannot be text" in told.text
    with pytest.raises(InputError, match="a number cannot be text"):
        scenario_from({"model": "llama-3-8b", "tokens": tokens, "devices": 64}, "request")


def test_a_count_in_quotes_is_no_name_of_a_device(client: Any) -> None:
    told = client.post("/api/v1/estimate", json={"model": "llama-3-8b", "tokens": 1e12, "devices": "64,128"})
    assert told.status_code == 422
    assert "a number cannot be text" in told.text
