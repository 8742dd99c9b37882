"""Questions beside plan and estimate by HTTP: the commands' answers, their reports, and no file but the request's own."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from other_questions import FILES, QUESTIONS
from starlette.testclient import TestClient

from carbonscaling.cli.run import run
from carbonscaling.errors import InputError
from carbonscaling.serve.app import create_app
from carbonscaling.serve.limits import Limits
from carbonscaling.serve.others import Metered, other
from carbonscaling.serving.scenario import Serving
from carbonscaling.study.together.decision import Decision

COMMANDS = {
    "inference": ["inference", "--model", "llama-3-8b", "--requests-per-day", "1e6"],
    "schedule": ["schedule", "--model", "llama-3-8b", "--tokens", "1e11", "--device", "h100-sxm", "--devices", "64",
                 "--hourly", "hours.csv:A", "--within-days", "6", "--released"],
    "chances": ["chances", "--model", "llama-3-8b", "--tokens", "1e11", "--device", "h100-sxm", "--devices", "64",
                "--write-s", "30", "--restart-s", "300", "--within-days", "2"],
    "decide": ["decide", "--law", "sardana_2024", "--served-tokens", "2e12", "--candidates", "7e9,13e9"],
    "project": ["project", "tulu-3", "--region", "France"],
    "attribute": ["attribute", "meter.csv", "--jobs", "jobs.csv", "--energy-scope", "it", "--device", "h100-sxm",
                  "--devices", "64", "--region", "France", "--load", "storage=2"],
}  # fmt: skip


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app(hosts=("testserver",))) as opened:
        yield opened


@pytest.mark.parametrize("name", QUESTIONS)
def test_answers_and_reports_are_those_of_the_command_line(
    client: TestClient, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for file, text in FILES.items():
        Path(file).write_text(text)
    assert run([*COMMANDS[name], "--json", "-o", "answer.json"]) == 0
    said = json.loads(capsys.readouterr().out)
    said.pop("saved", None)
    reply = client.post(f"/api/v1/{name}", json=QUESTIONS[name])
    assert reply.status_code == 200
    assert _plain(reply.json()) == _plain(said)
    page = client.post(f"/api/v1/{name}/html", json=QUESTIONS[name])
    assert page.headers["content-disposition"] == "attachment"
    assert run(["report", "answer.json", "-o", "report.html"]) == 0
    assert page.text == Path("report.html").read_text()
    assert run([*COMMANDS[name], "-o", "own.html"]) == 0
    assert page.text == Path("own.html").read_text()
    assert page.text.count("<table>") >= 1


def _plain(data: Any) -> Any:
    """Without the place of a file, and floats as one spelling has them."""
    return json.loads(json.dumps(data).replace("2000000000000.0", "2e12"))


def test_nothing_feasible_is_said(client: TestClient) -> None:
    body = {**QUESTIONS["chances"], "model": "llama-3.1-405b", "devices": 1}
    assert client.post("/api/v1/chances", json=body).json()["feasible"] is False
    assert "Nothing is feasible" in client.post("/api/v1/chances/html", json=body).text


@pytest.mark.parametrize(
    ("name", "change", "key"),
    [
        ("schedule", {"hourly": "/etc/passwd"}, "hourly"),
        ("schedule", {"hourly": "../hours.csv"}, "hourly"),
        ("schedule", {"files": {"../hours.csv": "x"}}, "files"),
        ("schedule", {"files": {"hours.toml": "x"}}, "files"),
        ("schedule", {"files": ["hours.csv"]}, "files"),
        ("schedule", {"timetable": {"within_days": 6, "prices": "/etc/passwd"}}, "prices"),
        ("schedule", {"timetable": 5}, "timetable"),
        ("schedule", {"timetable": {}}, "within_days"),
        ("schedule", {"factors": "own.toml"}, "factors"),
        ("chances", {"chances": {"write_s": 30, "restart": 300}}, "restart"),
        ("chances", {"devices": 10**7}, "devices"),
        ("inference", {"hourly": "hours.csv"}, "hourly"),
        ("decide", {"devices": ["h100-sxm", "/etc/passwd"]}, "devices"),
        ("decide", {"counts": "abc"}, "counts"),
        ("decide", {"counts": [[64]]}, "counts"),
        ("decide", {"candidates": "7e9,inf,x"}, "candidates"),
        ("project", {"project": "../olmo-3"}, "project"),
        ("project", {"project": {"stage": [{"name": "a", "kind": "dpo", "reference": "/etc/passwd"}]}}, "reference"),
        ("project", {"project": {"common": {"factors": "x.toml"}, "stage": [{}]}}, "factors"),
        ("attribute", {"jobs": ["other.csv"]}, "jobs"),
        ("attribute", {"device": "/etc/passwd"}, "device"),
    ],
)
def test_what_cannot_be_is_refused_by_name(client: TestClient, name: str, change: dict[str, Any], key: str) -> None:
    reply = client.post(f"/api/v1/{name}", json={**QUESTIONS[name], **change})
    assert (reply.status_code, reply.json()["error"]["key"]) == (422, key)


def test_a_bad_file_is_named_and_no_folder_of_ours(client: TestClient) -> None:
    reply = client.post("/api/v1/schedule", json={**QUESTIONS["schedule"], "hourly": "hours.csv:C"})
    assert reply.status_code == 422
    assert reply.json()["error"]["where"] == "files/hours.csv"


@pytest.mark.parametrize(("name", "cls"), [("inference", Serving), ("decide", Decision), ("attribute", Metered)])
def test_no_text_field_opens_a_file(name: str, cls: type, tmp_path: Path, client: TestClient) -> None:
    """A file that would be a device or a model is refused, or not looked at, in every field that takes a text."""
    hints, path = typing.get_type_hints(cls), tmp_path / "mine.toml"
    path.write_text("[device]\nname = 'marker-of-a-file'\n")
    for field in dataclasses.fields(cls):
        if (
            "str" not in str(hints[field.name])
            or "Literal" in str(hints[field.name])
            or field.name in ("load", "outside")
        ):
            continue
        several = str(hints[field.name]).startswith("tuple")
        body = {**QUESTIONS[name], field.name: [str(path)] if several else str(path)}
        try:
            other(name, body, Limits())  # type: ignore[arg-type]
        except InputError:
            continue
        assert "marker-of-a-file" not in client.post(f"/api/v1/{name}", json=body).text
