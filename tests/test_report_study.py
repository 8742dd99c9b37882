"""The page of a study: whole, alone, about the rows that `query` shows, and honest about what is not done."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from carbonscaling.cli.run import run
from carbonscaling.study.sweep.drive import drive
from carbonscaling.study.sweep.executors import InProcess
from carbonscaling.study.sweep.store import Store
from carbonscaling.words import percent, plain
from sweep_helpers import study, written
from test_report_document import read

TEXT = """
    name = "tiny <b>study</b>"
    shard_cases = 12
    [scenario]
    tokens = 1e10
    objective = "time"
    batch = 64
    [[axis]]
    key = "model"
    values = ["gpt-3-1.3b", "gpt-3-175b"]
    [[axis]]
    key = "devices"
    values = [4, 8, 16]
    [[axis]]
    key = "region"
    values = ["france", "germany"]
    [samples]
    n = 3
    [samples.factors]
    pue = {low = 1.05, high = 1.4}
"""
Rows = list[dict[str, object]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    home = tmp_path_factory.mktemp("study")
    store = Store(str(home / "study.sweep"))
    assert drive(study(home, TEXT), store, InProcess()).complete
    return store.url


def page_of(folder: str, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert run(["report", folder, "--format", "html"]) == 0
    return capsys.readouterr().out


def query(folder: str, name: str, capsys: pytest.CaptureFixture[str]) -> Rows:
    capsys.readouterr()
    assert run(["query", folder, "--view", name, "--json"]) == 0
    found: Rows = json.loads(capsys.readouterr().out)
    return found


def table_after(page: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading."""
    body = page.partition(f"<h2>{heading}</h2>")[2].partition("<tbody>")[2].partition("</tbody>")[0]
    return [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in body.split("</tr>") if "<td" in row]


def test_the_page_stands_alone(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    page = page_of(folder, capsys)
    found = read(page)
    assert found.links == []
    assert not any(mark in page for mark in ("<script", "@import", "url(", "<b>", str(Path(folder).parent)))
    assert "tiny <b>study</b>" in " ".join(found.text)
    headings = re.findall("<h2>(.*?)</h2>", page)
    assert headings == [
        "What was varied", "Cases", "Best cases", "Front of time and carbon", "What matters", "Method", "Limits", "Sources",
    ]  # fmt: skip
    assert page.count("<svg") == 3
    assert "nan" not in re.sub(r"[a-z]nan|nan[a-z]", "", page.lower())
    for key in json.loads(Path(folder, "manifest.json").read_text(encoding="utf-8"))["sources"]:
        assert f"[{key}]" in page


@pytest.mark.parametrize(("heading", "name"), [("Best cases", "best"), ("Front of time and carbon", "front")])
def test_cases_are_those_of_query(folder: str, heading: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = query(folder, name, capsys)
    cells = table_after(page_of(folder, capsys), heading)
    assert len(cells) == len(rows) > 1
    for cell, row in zip(cells, rows, strict=True):
        assert cell[0] == str(row["case"])
        assert f"model {row['x_model']}; devices {row['x_devices']}; region {row['x_region']}" in cell[1]
        names = ("duration_days", "carbon_total_tco2e", "carbon_embodied_tco2e", "cost_usd")
        assert cell[3:7] == [plain(float(str(row[key]))) for key in names]


def test_shares_are_those_of_query(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = query(folder, "sensitivity", capsys)
    cells = table_after(page_of(folder, capsys), "What matters")
    assert len(cells) == len(rows)
    for cell, row in zip(cells, rows, strict=True):
        share = float(str(row["share"]))
        assert cell[0] == str(row["input"]).removeprefix("x_")
        assert cell[1] == percent(share if share > 1e-9 else 0.0)
        assert cell[2:4] == [plain(float(str(row[key]))) for key in ("low", "high")]
        assert cell[4] == str(row["n_values"])
    assert {row[0] for row in cells} == {"model", "devices", "region", "pue"}


def test_it_counts_how_the_cases_ended(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    ends = {str(row["status"]): row["n"] for row in query(folder, "status", capsys)}
    cells = dict(table_after(page_of(folder, capsys), "Cases"))
    assert ends["infeasible"]
    assert ends["ok"]
    assert cells == {
        "done": "36", "answered": str(ends["ok"]), "infeasible": str(ends["infeasible"]), "refused": "0", "failed": "0",
    }  # fmt: skip
    assert "why (the most frequent reasons)" in page_of(folder, capsys)


def test_a_part_of_a_study_says_so(folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = Path(folder)
    shards = sorted((whole / "shards").iterdir())
    assert len(shards) == 3
    part = tmp_path / "part"
    (part / "shards").mkdir(parents=True)
    (part / "manifest.json").write_bytes((whole / "manifest.json").read_bytes())
    (part / "shards" / shards[0].name).write_bytes(shards[0].read_bytes())
    page = page_of(str(part), capsys)
    read(page)
    assert "24 of 36 cases are not done" in page
    assert dict(table_after(page, "Cases"))["done"] == "12"
    (part / "shards" / shards[0].name).rename(part / "shards" / "aside")
    assert run(["report", str(part), "--format", "html"]) == 2
    assert "no shard is done yet" in capsys.readouterr().err


def test_without_an_answer_there_are_no_cases_to_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = TEXT.replace('"gpt-3-1.3b", ', "").replace("[4, 8, 16]", "[1]")
    store = Store(str(tmp_path / "study.sweep"))
    drive(study(tmp_path, text), store, InProcess())
    page = page_of(store.url, capsys)
    read(page)
    assert "no case has an answer yet" in page
    assert "<svg" not in page
    assert "Best cases" not in page


def test_alias_and_study_file_give_the_same_page(
    folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = page_of(folder, capsys)
    target = tmp_path / "study.html"
    beside = written(Path(folder).parent, TEXT)
    assert run(["report", str(beside), "--format", "pdf-ready", "-o", str(target)]) == 0
    assert target.read_text(encoding="utf-8") == page


def test_a_study_has_a_page_and_no_statement(folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for other in ("model-card", "sci", "json"):
        assert run(["report", folder, "--format", other]) == 2
        error = capsys.readouterr().err
        assert "html, pdf, pdf-ready" in error
        assert other in error
    assert run(["report", folder, "--format", "html", "--device-hours", "10"]) == 2
    assert "measured values" in capsys.readouterr().err
    assert run(["report", str(tmp_path), "--format", "html"]) == 2
    assert "no study's results are here" in capsys.readouterr().err
