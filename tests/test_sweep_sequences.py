"""Sequences of commands on one study: what is read is the study as it stands, whatever was done before."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from carbonscaling.cli import main
from carbonscaling.study.sweep import found, stamp
from sweep_helpers import SMALL, files_of, written

FIRST = SMALL.replace("n = 5", "n = 2")
SECOND = FIRST.replace("1e10", "2e10")
THIRD = FIRST.replace("[8, 16]", "[8, 16, 32]")
TEXTS = (FIRST, SECOND, THIRD)
READERS = (["query"], ["query", "--view", "status"], ["plot", "-o", "x.png"], ["report", "--format", "html"])
Rows = list[dict[str, object]]


class Desk:
    """A folder with a study file, and the commands that are run there."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home, self.capsys, self.err = home, capsys, ""

    def run(self, *words: str) -> tuple[int, str]:
        self.capsys.readouterr()
        code = main(words)
        captured = self.capsys.readouterr()
        self.err = captured.err
        assert "bug" not in captured.err
        assert captured.err.count("error: ") == (code == 2)
        return code, captured.out

    def edit(self, text: str) -> None:
        written(self.home, text)

    def sweep(self) -> int:
        return self.run("sweep", "study.toml", "--executor", "inprocess")[0]

    def rows(self, where: str = "study.toml") -> Rows | None:
        """Return all best rows; None where they are refused."""
        code, out = self.run("query", where, 'SELECT * FROM best ORDER BY "case"', "--json")
        assert code in (0, 2)
        found: Rows | None = json.loads(out) if code == 0 else None
        return found


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path, capsys)


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Desk, str], Rows]:
    """Return a study's rows, worked out once in a folder of its own."""
    known: dict[str, Rows] = {}

    def rows(desk: Desk, text: str) -> Rows:
        if text not in known:
            home = tmp_path_factory.mktemp("answered")
            path = written(home, text)
            assert desk.run("sweep", str(path), "--executor", "inprocess")[0] == 0
            found = desk.rows(str(path))
            assert found
            known[text] = found
        return known[text]

    return rows


def test_edit_sweep_revert_query(desk: Desk, answered: Callable[[Desk, str], Rows]) -> None:
    first, second = answered(desk, FIRST), answered(desk, SECOND)
    assert first != second
    for text, expected in ((FIRST, first), (SECOND, second), (FIRST, first), (SECOND, second)):
        desk.edit(text)
        assert desk.sweep() == 0
        assert desk.rows() == expected
        assert desk.rows("study.sweep") == expected
    assert "nothing to do" in desk.err or desk.sweep() == 0


@pytest.mark.parametrize("reader", READERS)
def test_a_study_file_that_was_edited_since_is_said(desk: Desk, reader: list[str]) -> None:
    desk.edit(FIRST)
    assert desk.sweep() == 0
    name, *more = reader
    assert desk.run(name, "study.toml", *more)[0] == 0
    desk.edit(SECOND)
    assert desk.run(name, "study.toml", *more)[0] == 2
    assert "the study was edited since its results were made (study.toml)" in desk.err
    assert "carbonscaling sweep study.toml answers it as it is now" in desk.err
    assert "name study.sweep" in desk.err
    assert desk.run(name, "study.sweep", *more)[0] == 0
    desk.edit(FIRST.replace('name = "small"', 'name = "another name"'))
    assert desk.run(name, "study.toml", *more)[0] == 0


def test_a_file_that_the_study_names_was_edited(desk: Desk) -> None:
    (desk.home / "runs.csv").write_text("devices\n8\n16\n")
    desk.edit(FIRST.partition("[[axis]]")[0] + '[[axis]]\ntable = "runs.csv"\n')
    assert desk.sweep() == 0
    assert len(desk.rows() or ()) == 2
    (desk.home / "runs.csv").write_text("devices\n8\n32\n")
    assert desk.rows() is None
    assert "edited since" in desk.err


def test_two_versions_on_one_folder(
    desk: Desk, answered: Callable[[Desk, str], Rows], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = answered(desk, FIRST)
    desk.edit(FIRST)
    assert desk.sweep() == 0
    with monkeypatch.context() as other:
        for module in (stamp, found):
            other.setattr(module, "code_stamp", lambda: "another version")
        for where in ("study.toml", "study.sweep"):
            assert desk.rows(where) == expected
            assert "was made by another version" in desk.err
        assert desk.sweep() == 0
        assert "left aside" in desk.err
        assert desk.rows() == expected
        assert "another version" not in desk.err
    assert desk.rows() == expected
    assert "was made by another version" in desk.err
    assert desk.sweep() == 0
    assert "nothing to do" in desk.err
    assert desk.rows() == expected
    assert "another version" not in desk.err


@pytest.mark.parametrize(
    "reader",
    [
        READERS[0],
        *(pytest.param(reader, marks=pytest.mark.slow) for reader in READERS[1:]),
        ["sweep", "--executor", "inprocess"],
    ],
)
def test_any_one_file_goes_and_any_command_runs(
    desk: Desk, reader: list[str], answered: Callable[[Desk, str], Rows]
) -> None:
    expected = answered(desk, FIRST)
    desk.edit(FIRST)
    assert desk.sweep() == 0
    kept = shutil.copytree(desk.home, desk.home.parent / f"{desk.home.name}-kept")
    for lost in [path.relative_to(desk.home) for path in files_of(desk.home)]:
        for where in ("study.toml", "study.sweep"):
            (desk.home / lost).unlink()
            name, *more = reader
            code, out = desk.run(name, where, *more)
            assert code in ((0, 2) if lost.name in {"study.toml", "manifest.json"} or name == "sweep" else (0,))
            if lost.suffix == ".parquet" and name == "query":
                assert "cases" in out.splitlines()[-1]
                assert not out.splitlines()[-1].startswith(f"{len(expected)} of")
            if lost.name == "study.toml":
                shutil.copy(kept / lost, desk.home / lost)
            assert desk.sweep() == 0
            assert desk.rows() == expected
            shutil.rmtree(desk.home / "study.sweep")
            shutil.copytree(kept / "study.sweep", desk.home / "study.sweep")


def spoil(rng: Random, files: list[Path]) -> None:
    """Take one file away, flip a bit of it, empty it, or put another's content in it."""
    path, other = rng.choice(files), rng.choice(files)
    content = bytearray(path.read_bytes())
    match rng.choice(("lose", "flip", "empty", "swap")):
        case "lose":
            path.unlink()
        case "flip" if content:
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
            path.write_bytes(bytes(content))
        case "empty":
            path.write_bytes(b"")
        case "swap":
            path.write_bytes(other.read_bytes())
            other.write_bytes(bytes(content))


def at_random(desk: Desk, answered: Callable[[Desk, str], Rows], seed: int, n: int) -> int:
    """Run commands at random; return how many reads were answered."""
    rng, asked, n_read = Random(seed), FIRST, 0
    answers = {text: answered(desk, text) for text in TEXTS}
    desk.edit(asked)
    for _ in range(n):
        match rng.choice(("edit", "sweep", "sweep", "read", "read", "folder", "spoil", "spoil")):
            case "edit":
                asked = rng.choice(TEXTS)
                desk.edit(asked)
            case "sweep":
                assert desk.sweep() == 0
                assert desk.rows() == answers[asked]
                n_read += 1
            case "read":
                rows = desk.rows()
                n_read += rows is not None
                whole = {row["case"]: row for row in answers[asked]}
                assert all(whole[row["case"]] == row for row in rows or ())
                assert rows is None or f"{len(rows)} of {len(whole)} cases" in desk.err
            case "folder":
                rows = desk.rows("study.sweep")
                assert rows is None or any(all(row in every for row in rows) for every in answers.values())
            case "spoil" if (desk.home / "study.sweep").is_dir():
                files = files_of(desk.home / "study.sweep")
                if files:
                    spoil(rng, files)
    return n_read


@pytest.mark.parametrize("seed", range(3))
def test_commands_at_random(desk: Desk, answered: Callable[[Desk, str], Rows], seed: int) -> None:
    assert at_random(desk, answered, seed, 40) > 3


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_many_commands_at_random(desk: Desk, answered: Callable[[Desk, str], Rows], seed: int) -> None:
    assert at_random(desk, answered, seed, 100) > 10
