"""Shipped measurements: every file keeps to its schema, names its sources, and holds nothing private."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from carbonscaling import evidence
from carbonscaling.cli import main
from carbonscaling.errors import InputError
from carbonscaling.evidence.chosen import chosen
from evidence_schema import problems

SIZES = {
    "runs": 3797, "gemm": 5820, "collectives": 1042, "power": 1789, "power_work": 913, "power_limits": 453, "memory": 142,
    "oom": 623, "carbon_runs": 47, "trainings": 106, "first_look": 140, "published": 3161, "covered": 10, "choices": 55,
    "choosing": 7, "inference": 5892, "inference_left_out": 16968, "first_look_servings": 24, "first_look_trainings": 2,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(evidence.FILES))
def test_files_keep_to_their_schema(name: str) -> None:
    rows = evidence.rows(name)
    assert problems(name, rows) == []
    assert len(rows) == SIZES[name]
    assert all(evidence.sources(name))


@pytest.mark.parametrize("name", sorted(evidence.FILES))
def test_nothing_private(name: str) -> None:
    text = evidence.path(name).read_text(encoding="utf-8")
    assert not re.search(r"(/(home|root|work|tmp)/|[A-Z]:\\Users|[\w.]+@[\w]+\.(com|org))", text)


def test_schema_faults_are_named() -> None:
    good = evidence.rows("memory")[0]
    assert problems("memory", [good | {"tp": "two"}]) == ["memory, line 2: tp is not a number: 'two'"]
    assert problems("memory", [good | {"tp": "-1"}]) == ["memory, line 2: tp is out of range: '-1'"]
    assert problems("memory", [good | {"source": ""}]) == ["memory, line 2: no source"]
    assert problems("memory", [{k: v for k, v in good.items() if k != "pp"}]) == ["memory: column pp is missing"]
    assert problems("memory", [good | {"x": ""}]) == ["memory: column x is not in the schema"]
    run = evidence.rows("runs")[0]
    assert problems("runs", [run, run]) == [f"runs: id {run['id']!r} repeats"]


def test_memory_rows_belong_to_runs() -> None:
    ids = {row["id"] for row in evidence.rows("runs")}
    assert {row["run_id"] for row in evidence.rows("memory")} <= ids


def test_rows_are_copies() -> None:
    evidence.rows("memory")[0]["tp"] = "broken"
    assert evidence.rows("memory")[0]["tp"] != "broken"


def test_unknown_data_set() -> None:
    with pytest.raises(InputError, match="did you mean: runs"):
        evidence.rows("run")


def test_sources_are_repositories_and_papers() -> None:
    found = set(evidence.sources("gemm"))
    assert {"microsoft/vidur", "EleutherAI/cookbook", "baidu-research/DeepBench"} <= found
    assert len(found) < 15


def test_data_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {name: entry["rows"] for name, entry in listed.items()} == SIZES
    assert main(["data", "list"]) == 0
    assert "3,797" in capsys.readouterr().out


def test_data_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "show", "memory", "--csv"]) == 0
    assert list(csv.DictReader(io.StringIO(capsys.readouterr().out))) == evidence.rows("memory")
    assert main(["data", "show", "memory", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == evidence.rows("memory")
    assert main(["data", "show", "memory"]) == 0
    page = capsys.readouterr().out
    assert "memory_gib" in page
    assert "huggingface/nanotron" in page
    assert main(["data", "show", "memory", "--csv", "--json"]) == 2


def test_chosen_rows_meet_every_condition() -> None:
    rows = evidence.rows("runs")
    tuned = chosen(rows, ["mode=lora,SFT", "n_devices<=8"])
    assert {row["mode"] for row in tuned} == {"lora", "sft"}
    assert max(float(row["n_devices"]) for row in tuned) == 8
    assert len(chosen(rows, ["tp=4", "cp>=2"])) < len(chosen(rows, ["cp>=2"])) < len(rows)
    for wrong in ("mode", "moed=lora", "cp>=two"):
        with pytest.raises(InputError) as error:
            chosen(rows, [wrong])
        assert error.value.value == wrong
