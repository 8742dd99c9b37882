"""Schemas name their version, answers name their schema, and answers saved before are read or refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from carbonscaling.cli import main
from carbonscaling.errors import InputError
from carbonscaling.reporting.schema import answer_schema
from carbonscaling.study.project.schema import project_schema
from carbonscaling.study.scenario import scenario_schema
from carbonscaling.study.sweep.studyfile import study_schema
from carbonscaling.study.versions import SCHEMA_VERSIONS, schema_id
from samples import load_record
from schemas import validate

SCHEMAS = {"scenario": scenario_schema, "study": study_schema, "answer": answer_schema, "project": project_schema}
UNVERSIONED = Path(__file__).parent / "data" / "statements" / "unversioned.json"
"""Saved before answers named their schema."""

ASK = ["--model", "llama-3-8b", "--tokens", "1e12", "--devices", "64", "--dp", "64", "--json"]


@pytest.mark.parametrize("kind", sorted(SCHEMAS))
def test_schemas_name_their_version(kind: str) -> None:
    schema = SCHEMAS[kind]()
    assert set(SCHEMAS) == set(SCHEMA_VERSIONS)
    assert schema["$id"] == f"urn:carbonscaling:schema:{kind}:{SCHEMA_VERSIONS[kind]}"
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("command", ["estimate", "explain"])
def test_answers_name_the_schema_they_obey(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, *ASK]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["schema"] == schema_id("answer")
    validate(answer, answer_schema())


def test_an_infeasible_answer_names_it_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "--model", "llama-3.1-405b", "--tokens", "1e12", "--devices", "8", "--json"]) == 3
    answer = json.loads(capsys.readouterr().out)
    assert answer["schema"] == schema_id("answer")
    validate(answer, answer_schema())


def _saved(tmp_path: Path, **changes: Any) -> Path:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps({**json.loads(UNVERSIONED.read_text(encoding="utf-8")), **changes}), encoding="utf-8")
    return path


def test_an_answer_saved_before_is_read(tmp_path: Path) -> None:
    assert "schema" not in json.loads(UNVERSIONED.read_text(encoding="utf-8"))
    old = load_record(UNVERSIONED)
    assert old == load_record(_saved(tmp_path, schema=schema_id("answer", 1)))
    assert old.device_hours > 0


@pytest.mark.parametrize("schema", [schema_id("answer", 99), schema_id("scenario"), 7, None])
def test_an_answer_of_a_later_version_is_refused(tmp_path: Path, schema: object) -> None:
    path = _saved(tmp_path, schema=schema)
    with pytest.raises(InputError) as caught:
        load_record(path)
    assert caught.value.key == "schema"
    assert caught.value.allowed == schema_id("answer", 1)
    assert "update carbonscaling" in str(caught.value)


def test_an_answer_that_lacks_a_key_is_refused(tmp_path: Path) -> None:
    data = json.loads(UNVERSIONED.read_text(encoding="utf-8"))
    del data["summary"]["energy_kwh"]
    with pytest.raises(InputError, match="saved by another version"):
        load_record(_saved(tmp_path, summary=data["summary"]))
