"""A result is written as its file's suffix says, by every command, and reads back."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from carbonscaling.cli import main
from carbonscaling.errors import ExitCode, InputError
from carbonscaling.reporting.suffixes import FIGURES, PAGES, TABLES, check_suffix, rows_as
from carbonscaling.reporting.workbook import workbook

ASK = ["--model", "llama-3-8b", "--tokens", "1T", "--devices", "64", "--batch", "512", "--tp", "4", "--pp", "1", "--zero", "1",
       "--micro-batch", "1"]  # fmt: skip
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
ROWS = [
    {"a": 1, "b": 0.5, "c": "x & <y>", "d": None, "e": True},
    {"a": 2, "b": float("nan"), "c": "é|", "d": 3, "e": False},
]


def cells(data: bytes) -> list[list[str | None]]:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert file.testzip() is None
        for name in file.namelist():
            ElementTree.fromstring(file.read(name))
        sheet = ElementTree.fromstring(file.read("sheet.xml"))
    rows = sheet.iter(f"{SHEET}row")
    return [["".join(cell.itertext()) or None for cell in row.iter(f"{SHEET}c")] for row in rows]


def test_a_spreadsheet_holds_the_rows() -> None:
    found = cells(workbook(ROWS))
    assert found == [["a", "b", "c", "d", "e"], ["1", "0.5", "x & <y>", None, "1"], ["2", None, "é|", "3", "0"]]
    assert workbook(ROWS) == workbook(ROWS)
    assert cells(workbook([])) == [[]]


def test_rows_read_back_from_every_table() -> None:
    polars = pytest.importorskip("polars", reason="the extra sweep is not installed")
    text = str(rows_as(".csv", ROWS))
    assert [row["c"] for row in csv.DictReader(io.StringIO(text))] == ["x & <y>", "é|"]
    data = rows_as(".parquet", ROWS)
    assert isinstance(data, bytes)
    assert polars.read_parquet(io.BytesIO(data))["a"].to_list() == [1, 2]
    lines = str(rows_as(".md", ROWS)).splitlines()
    assert lines[0] == "| a | b | c | d | e |"
    assert lines[3] == "| 2 |  | é\\| | 3 | False |"


@pytest.mark.parametrize("suffix", [*PAGES, *TABLES, ".svg"])
def test_an_answer_is_written_as_its_suffix_says(
    suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if suffix == ".parquet":
        pytest.importorskip("polars", reason="the extra sweep is not installed")
    file = tmp_path / f"answer{suffix.upper()}"
    assert main(["estimate", *ASK, "-o", str(file)]) == 0
    capsys.readouterr()
    data = file.read_bytes()
    begins = {".json": b"{", ".md": b"# llama-3-8b", ".html": b"<!doctype html>", ".txt": b"Train llama", ".csv": b"feasible,",
              ".parquet": b"PAR1", ".xlsx": b"PK", ".svg": b"<svg"}  # fmt: skip
    assert data.startswith(begins[suffix])


@pytest.mark.parametrize("suffix", [".json", ".md", ".csv", ".xlsx", ".html", ".svg", ".png", ".pdf"])
def test_choices_are_tables_and_figures(suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if suffix in FIGURES:
        pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    file = tmp_path / f"places{suffix}"
    assert main(["choose", *ASK, "--regions", "france,texas", "-o", str(file)]) == 0
    assert f"written: {file}" in capsys.readouterr().err
    data = file.read_bytes()
    if suffix == ".json":
        assert [row["region"] for row in json.loads(data)] == ["france", "texas"]
    elif suffix == ".csv":
        assert len(data.splitlines()) == 3
    elif suffix == ".xlsx":
        assert [row[0] for row in cells(data)] == ["region", "france", "texas"]
    elif suffix == ".svg":
        assert data.count(b"<text") + data.count(b"<use") > 5
    assert len(data) > 200


REFUSED = {
    "plan": (["plan", *ASK], "answer.png", ".svg"),
    "choose": (["choose", *ASK], "x.xls", ".xlsx"),
    "explain": (["explain", *ASK], "x.svg", ".html"),
    "scale": (["scale", "--law", "paper_v2"], "curve.jpg", ".png"),
    "batch": (["batch", "--model", "llama-3-8b"], "x.markdown", ".md"),
    "report": (["report", "answer.json"], "card.xls", ".csv"),
    "calibrate": (["calibrate", "--runs", "shipped"], "own.json", ".toml"),
    "model new": (["model", "new", "--like", "llama-3-8b"], "own.yaml", ".toml"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_another_suffix_is_refused_before_anything_is_done(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask, name, meant = REFUSED[case]
    file = tmp_path / name
    assert main([*ask, "-o", str(file)]) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert f"did you mean: {file.with_suffix(meant)}?" in err
    assert re.search(r"allowed: .*" + re.escape(meant), err)
    assert not file.exists()


def test_what_is_no_file_takes_json_and_a_name_needs_a_suffix() -> None:
    assert check_suffix("/dev/null", PAGES) == ".json"
    with pytest.raises(InputError, match="no suffix"):
        check_suffix("answer", PAGES)
