"""``query`` is one SELECT over a study's own rows: nothing else is read or written, and it ends when it is told to."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from carbonscaling.cli import main
from carbonscaling.cli.progress import QueryProgress
from carbonscaling.errors import InputError
from carbonscaling.literal import literal
from carbonscaling.study.sweep.drive import drive
from carbonscaling.study.sweep.executors import InProcess
from carbonscaling.study.sweep.query import results
from carbonscaling.study.sweep.store import Store
from sweep_helpers import files_of, study

ENDLESS = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range % 7 = 3"
DEAF = "SELECT levenshtein(repeat('a', 1000000), repeat('b', 1000000))"
"""Hears no interrupt: one value is worked out in one go."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    home = tmp_path_factory.mktemp("select")
    store = Store(str(home / "it's [a] *study*.sweep"))
    assert drive(study(home), store, InProcess()).complete
    return store.url


@pytest.mark.parametrize(
    "words",
    [
        "", ";", "/* nothing */", "SELECT 1; SELECT 2", "SELECT 1; DROP VIEW cases", "COPY (SELECT 1) TO 'copied.csv'",
        "CREATE TABLE t AS SELECT 1", "CREATE OR REPLACE VIEW cases AS SELECT 1", "INSERT INTO cases VALUES (1)",
        "SET threads = 1", "SET enable_external_access = true", "RESET allowed_paths", "PRAGMA version",
        "ATTACH 'attached.db'", "INSTALL httpfs", "LOAD httpfs", "EXPORT DATABASE 'exported'", "IMPORT DATABASE '.'",
        "CALL pragma_version()", "EXPLAIN SELECT 1", "BEGIN", "CHECKPOINT", "PREPARE p AS SELECT 1", "USE memory", "VACUUM",
    ],
)  # fmt: skip
def test_what_is_not_one_select_is_refused(
    folder: str, words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["query", folder, words]) == 2
    assert "the query is not one SELECT" in capsys.readouterr().err
    assert files_of(tmp_path) == []


@pytest.mark.parametrize(
    "source",
    [
        "read_text('{secret}')", "read_csv('{secret}')", "'{secret}'", "read_parquet('{other}')", "'{other}'",
        "glob('{home}/*')", "read_blob('{home}/*')", "read_text('/etc/hostname')", "read_csv('https://example.org/a.csv')",
        "read_text('{shards}/../manifest.json')", "secret", "read_parquet('{shards}/../../other.parquet')",
    ],
)  # fmt: skip
def test_nothing_but_the_studys_shards_can_be_read(
    folder: str, tmp_path: Path, source: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.csv").write_text("word\nxyzzy\n")
    pl.DataFrame({"word": ["xyzzy"]}).write_parquet(Path(folder).parent / "other.parquet")
    secret = pl.DataFrame({"word": ["xyzzy"]})  # a variable of the caller is no table
    assert secret.height == 1
    text = source.format(
        secret=tmp_path / "secret.csv",
        other=Path(folder).parent / "other.parquet",
        home=tmp_path,
        shards=f"{folder}/shards",
    ).replace("it's", "it''s")
    assert main(["query", folder, f"SELECT * FROM {text}"]) == 2
    captured = capsys.readouterr()
    assert "the query cannot be run" in captured.err
    assert "xyzzy" not in captured.out + captured.err


def test_a_query_ends_within_its_time(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", folder, ENDLESS, "--max-seconds", "0.3"]) == 2
    assert "takes longer than 0.3 s" in capsys.readouterr().err
    assert main(["query", folder, "--max-seconds", "0"]) == 2
    assert "not a time" in capsys.readouterr().err


def test_a_long_query_tells_how_far_it_is(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    progress = QueryProgress(heartbeat_s=0.0)
    with pytest.raises(InputError, match="takes longer"):
        results(folder, 1.0, progress).sql(ENDLESS).fetchall()
    said = capsys.readouterr().err.splitlines()
    assert said
    assert all(re.fullmatch(r"query: \d+ s(, \d+% done)?", line) for line in said)


@pytest.mark.parametrize("query", [ENDLESS, DEAF])
@pytest.mark.parametrize("more", [[], ["--json"], ["-o", "x.parquet"], ["--max-seconds", "0.2"]])
def test_an_interrupt_ends_a_query(folder: str, tmp_path: Path, query: str, more: list[str]) -> None:
    spilt = tmp_path / "spilt"
    spilt.mkdir()
    code = (
        "import sys; from carbonscaling.cli import main, progress\n"
        "progress.QueryProgress.__call__ = lambda *_: print('at work', flush=True)\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, "query", folder, query, *more],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env={**os.environ, "TMPDIR": str(spilt)},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        if "--max-seconds" not in more:
            process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)  # a second on a quiet machine; either query takes many minutes
    if "--max-seconds" in more:
        assert process.returncode == 2
        assert "takes longer than 0.2 s" in error
    else:
        assert process.returncode == 130
        assert error.startswith("interrupted: ")
    assert files_of(tmp_path) == []
    assert list(spilt.iterdir()) == []


def test_values_are_printed_as_they_are(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    query = """SELECT '[red]x[/red]' AS "[b]name", '[/]' AS "a[/b]", 'y' || chr(27) || '[2J' || chr(10) AS z, ':smile:' AS e,
        'a\\b' AS w, chr(8238) || 'olleh' AS r, 'été' AS u, repeat('long ', 200) AS l"""
    assert main(["query", folder, query]) == 0
    head, row, seen = capsys.readouterr().out.splitlines()
    assert head.split() == ["[b]name", "a[/b]", "z", "e", "w", "r", "u", "l"]
    assert row.split()[:7] == ["[red]x[/red]", "[/]", "y\\x1b[2J\\n", ":smile:", "a\\b", "\\u202eolleh", "été"]
    assert row.count("long") == 200
    assert seen.endswith("cases")
    assert literal("plain é") == "plain é"


def test_no_control_byte_of_a_query_reaches_the_terminal(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", folder, 'SELECT "\x1b[2J" FROM cases']) == 2
    assert "\x1b" not in capsys.readouterr().err
    assert main(["query", folder, 'SELECT 1 AS "\x1b[2J"']) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_no_cell_is_cut_on_a_narrow_terminal(
    folder: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["query", folder]) == 0
    wide = capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", "20")
    assert main(["query", folder]) == 0
    assert capsys.readouterr().out == wide
    assert "…" not in wide


def test_columns_of_one_name_are_all_there(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    query = "SELECT 1 AS a, 2 AS a ; -- both"
    assert main(["query", folder, query, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"a": 1, "a_1": 2}]
    assert main(["query", folder, query, "--csv"]) == 0
    assert capsys.readouterr().out == "a,a_1\n1,2\n"
    assert main(["query", folder, "SELECT 1 AS a WHERE false", "--csv"]) == 0
    assert capsys.readouterr().out == "a\n"


@pytest.mark.parametrize("ending", ["json", "csv", "parquet"])
def test_rows_go_to_a_file(folder: str, tmp_path: Path, ending: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / f"q.{ending}"
    query = 'SELECT "case", x_region, carbon_total_tco2e FROM best ORDER BY "case"'
    expected = results(folder).sql(query).fetchall()
    assert len(expected) == study(tmp_path).n_cases
    assert main(["query", folder, query, "-o", str(path)]) == 0
    capsys.readouterr()
    if ending == "json":
        assert [tuple(row.values()) for row in json.loads(path.read_text())] == expected
    else:
        frame = pl.read_csv(path) if ending == "csv" else pl.read_parquet(path)
        assert frame.rows() == expected
    before = path.read_bytes()
    assert main(["query", folder, "SELECT 1 / no_such_column", "-o", str(path)]) == 2
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([path.name, "study.toml"])


@pytest.mark.parametrize("more", [[], ["--csv"], ["--json"]])
@pytest.mark.parametrize(
    "value", ["interval 10000000 year", "'a'::INTEGER", "timestamp '290000-01-01'", "chr(0)", "x'80'::BLOB"]
)
def test_a_value_of_any_kind_is_printed_or_refused(
    folder: str, value: str, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["query", folder, f"SELECT {value} AS v", *more])
    captured = capsys.readouterr()
    assert code == (2 if value.startswith(("interval", "'a'")) else 0)
    assert captured.err.startswith("error: the query cannot be run") == (code == 2)
    assert (captured.out == "") == (code == 2)


@pytest.mark.parametrize("name", ["no/such/q.json", "q.docx", "folder.json", f"{'x' * 300}.json"])
def test_a_file_that_cannot_be_written_is_said(
    folder: str, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder.json").mkdir()
    assert main(["query", folder, "-o", str(tmp_path / name)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "bug" not in error


@pytest.mark.parametrize(
    "where",
    ["foo://x", "s3://bucket/x", "zip://x::file:///nope.zip", "", pytest.param("x" * 5000, id="long"), "/dev/null"],
)
@pytest.mark.parametrize("words", [["query"], ["plot"], ["report", "--format", "html"]])
def test_a_place_without_results_is_said(where: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([words[0], where, *words[1:]]) == 2
    assert "bug" not in capsys.readouterr().err
