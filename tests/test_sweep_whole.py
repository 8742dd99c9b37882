"""Nothing silent: a study's folder is read whole or refused, and what is read says how much of the study it is."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from random import Random

import polars as pl
import pytest

from carbonscaling.cli import main
from carbonscaling.errors import InputError
from carbonscaling.reporting.document.study import study_document
from carbonscaling.study.sweep.drive import drive
from carbonscaling.study.sweep.executors import InProcess
from carbonscaling.study.sweep.manifest import read_manifest
from carbonscaling.study.sweep.query import results
from carbonscaling.study.sweep.shards import CHECKED
from carbonscaling.study.sweep.state import state_of
from carbonscaling.study.sweep.store import Store
from sweep_helpers import files_of, study

V0_1_0 = Path(__file__).parent / "data" / "v0_1_0" / "study"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study, in shards of ten cases."""
    home = tmp_path_factory.mktemp("whole")
    store = Store(str(home / "study.sweep"))
    assert drive(study(home), store, InProcess()).complete
    return home


@pytest.fixture
def home(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "home"))


def shards(home: Path) -> list[Path]:
    return sorted((home / "study.sweep" / "shards").iterdir())


def answers(folder: Path) -> tuple[object, str]:
    """Return all that a study's folder tells."""
    r = results(str(folder))
    return r.sql('SELECT * FROM cases ORDER BY "case", kind, rank').fetchall(), study_document(r)


def flipped(path: Path, bit: int) -> None:
    """Flip a bit of a file, as a disk or a copy does: written anew, at a later time."""
    content, when = bytearray(path.read_bytes()), path.stat().st_mtime_ns
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(bytes(content))
    os.utime(path, ns=(when + 10**9, when + 10**9))


def flips(home: Path, n: int) -> tuple[int, int]:
    """Flip `n` single bits of all files, one after another; return how many were refused, and how many changed an answer."""
    rng, folder = Random(14), home / "study.sweep"
    every, expected = files_of(folder), answers(folder)
    refused = kept = changed = 0
    for _ in range(n):
        path = rng.choice(every)
        before = path.read_bytes()
        flipped(path, rng.randrange(8 * len(before)))
        try:
            changed += answers(folder) != expected
        except InputError as error:
            said = str(error)
            refused += str(path.relative_to(home)) in said and "carbonscaling sweep" in said
        else:
            kept += 1
        path.write_bytes(before)
    assert refused + kept == n  # every refusal names the file and what to do
    return refused, changed


def test_no_flipped_bit_changes_a_number(home: Path) -> None:
    refused, changed = flips(home, 60)
    assert changed == 0
    assert refused > 30


@pytest.mark.slow
def test_no_flipped_bit_of_a_thousand_changes_a_number(home: Path) -> None:
    refused, changed = flips(home, 1000)
    assert changed == 0
    assert refused > 700


@pytest.mark.parametrize("words", [["query"], ["plot", "curve", "-o", "x.png"], ["report", "--format", "html"]])
@pytest.mark.parametrize("damage", ["cut", "empty", "another's", "folder"])
def test_a_bad_shard_is_named_and_mended(
    home: Path, words: list[str], damage: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    first, victim = shards(home)[0], shards(home)[2]
    content = victim.read_bytes()
    victim.unlink()
    if damage == "folder":
        victim.mkdir()
    else:
        victim.write_bytes({"cut": content[:-9], "empty": b"", "another's": first.read_bytes()}[damage])
    assert main([words[0], "study.toml", *words[1:]]) == 2
    error = capsys.readouterr().err
    assert f"a shard is not what was written (study.sweep/shards/{victim.name})" in error
    assert "carbonscaling sweep study.toml makes it again" in error
    if damage == "folder":
        victim.rmdir()
    assert main(["sweep", "study.toml", "--executor", "inprocess"]) == 0
    assert main([words[0], "study.toml", *words[1:]]) == 0


def test_a_shard_under_another_number_is_no_shard_of_that_number(home: Path) -> None:
    first, third = shards(home)[0], shards(home)[2]
    third.unlink()
    shutil.copy(first, third.with_name(third.name[:8] + first.name[8:]))
    with pytest.raises(InputError, match="not what was written"):
        results(str(home / "study.sweep"))


def test_what_was_verified_is_trusted_only_while_size_times_and_inode_stay(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, read = home / "study.sweep", []
    plain = Store.read

    def reading(store: Store, name: str) -> bytes:
        read.append(name)
        return plain(store, name)

    results(str(folder))
    monkeypatch.setattr(Store, "read", reading)
    results(str(folder))
    assert not [name for name in read if name.endswith(".parquet")]
    victim = shards(home)[1]
    state = victim.stat()
    other = victim.with_name("other")  # the same size and time of change, another file
    other.write_bytes(victim.read_bytes())
    os.utime(other, ns=(state.st_atime_ns, state.st_mtime_ns))
    other.replace(victim)
    results(str(folder))
    assert [name for name in read if name.endswith(".parquet")] == [f"shards/{victim.name}"]
    read.clear()
    (folder / CHECKED).write_text((folder / CHECKED).read_text().replace('"ok": 10', '"ok": 11', 1))
    results(str(folder))
    assert len([name for name in read if name.endswith(".parquet")]) == len(shards(home))


def test_a_change_while_a_shard_is_read_is_not_noted_as_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, victim = home / "study.sweep", shards(home)[3]
    (folder / CHECKED).unlink()
    plain = Store.read

    def reading(store: Store, name: str) -> bytes:
        content = plain(store, name)
        if name.endswith(victim.name):
            flipped(victim, 400)
        return content

    monkeypatch.setattr(Store, "read", reading)
    results(str(folder))
    monkeypatch.undo()
    with pytest.raises(InputError, match=victim.name):
        results(str(folder))


@pytest.mark.parametrize("content", ["[]", "{}", "null", "", "{", '{"stamp": 1}', "\x00", "[" * 100_000, None])
def test_a_broken_manifest_is_refused_and_mended(
    home: Path, content: str | None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    manifest, expected = home / "study.sweep" / "manifest.json", answers(home / "study.sweep")
    if content is None:
        manifest.unlink()
    else:
        manifest.write_text(content)
    for words in (["query"], ["plot"], ["report", "--format", "html"]):
        assert main([words[0], "study.sweep", *words[1:]]) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert "carbonscaling sweep" in error
    assert main(["sweep", "study.toml", "--executor", "inprocess"]) == 0
    assert "nothing to do" in capsys.readouterr().err
    assert answers(home / "study.sweep") == expected


def test_every_output_says_how_much_of_the_study_it_saw(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    n = json.loads((home / "study.sweep" / "manifest.json").read_text())["n_cases"]
    for seen in (n, n - 20):
        words = f"{seen} of {n} cases"
        for view in ("best", "front", "sensitivity", "quantiles", "status", "failures"):
            assert main(["query", "study.toml", "--view", view]) == 0
            assert capsys.readouterr().out.splitlines()[-1] == words
        for more in (["--csv"], ["--json"], ["-o", "x.parquet"]):
            assert main(["query", "study.toml", "SELECT 1 AS one", *more]) == 0
            assert words in capsys.readouterr().err.splitlines()
        assert main(["plot", "study.toml", "-o", "x.svg"]) == 0
        assert words in capsys.readouterr().err
        assert main(["report", "study.toml", "--format", "html", "-o", "x.html"]) == 0
        assert words in capsys.readouterr().err
        assert words in (home / "x.html").read_text()
        if seen == n:
            shards(home)[1].unlink()
            shards(home)[1].unlink()
    assert "cases are not done (cases 10-29 (shards 1-2))" in (home / "x.html").read_text()
    assert main(["query", "study.toml", "--view", "status", "--by", "region", "--json"]) == 0
    captured = capsys.readouterr()
    *_, last = json.loads(captured.out)
    assert last == {"x_region": None, "status": "missing", "n": 20, "which": "cases 10-29 (shards 1-2)"}
    assert "not done: cases 10-29 (shards 1-2)" in captured.err


def test_the_figure_says_how_much_of_the_study_it_shows(home: Path) -> None:
    from carbonscaling.reporting import sweep_plot

    n = study(home).n_cases
    shards(home)[0].unlink()
    for kind in ("curve", "front", "heat", "tornado"):
        found = results(str(home / "study.sweep"))
        sweep_plot.draw(found, kind, str(home / "x.svg"), x=None, y=None, by=None, measure="cost_usd")
        assert f"<!-- {n - 10} of {n} cases -->" in (home / "x.svg").read_text()


def test_a_figure_draws_names_apart_and_writes_numbers_out(home: Path) -> None:
    """Between two regions lies nothing; an axis of powers is marked 1, 2, 5, 10, as people count."""
    from matplotlib.figure import Figure

    from carbonscaling.reporting import sweep_plot

    found = results(str(home / "study.sweep"))
    (axes,) = sweep_plot._curve(found, '"x_region"', '"cost_usd"', None).axes
    assert {line.get_linestyle() for line in axes.lines} == {"None"}
    scaled = Figure().add_subplot()
    scaled.plot([1.5, 31.0], [0, 1])
    sweep_plot._scale(scaled, "x", [1.5, 31.0])
    low, high = scaled.get_xlim()
    ticks = [label.get_text() for label in scaled.get_xticklabels() if low <= label.get_position()[0] <= high]
    assert ticks == ["2", "5", "10", "20"]
    assert not any(label.get_text() for label in scaled.get_xticklabels(minor=True))


def test_counts_after_a_resume_are_of_the_whole_study(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def swept() -> dict[str, object]:
        capsys.readouterr()
        assert main(["sweep", str(home / "study.toml"), "--executor", "inprocess", "--json"]) == 0
        found: dict[str, object] = json.loads(capsys.readouterr().out)
        return found

    names = ("complete", "n_cases", "done_cases", "statuses", "least_tco2e", "least_case")
    whole = swept()
    question = study(home)
    assert whole["statuses"] == {"ok": question.n_cases}
    r = results(str(home / "study.toml"))
    (least,) = r.sql('SELECT carbon_total_tco2e, "case" FROM best ORDER BY 1, 2 LIMIT 1').fetchall()
    assert (whole["least_tco2e"], whole["least_case"]) == least
    for n in (1, 3):
        for path in shards(home)[-n:]:
            path.unlink()
        resumed = swept()
        assert resumed["done_before"] == question.n_cases - 10 * n
        assert {name: resumed[name] for name in names} == {name: whole[name] for name in names}


def test_a_shard_done_again_takes_the_place_of_the_one_with_errors(tmp_path: Path) -> None:
    from carbonscaling.study.sweep.shard import run_shard

    question, store = study(tmp_path), Store(str(tmp_path / "out"))
    drive(question, store, InProcess())
    stamp = state_of(question, store).stamp
    lost = run_shard(store.url, stamp, 1, {11: "out of luck"}).shard
    assert state_of(question, store).done[1].n_errors == 0
    assert state_of(question, store, retry_errors=True).done[1].n_errors == 0
    for name in store.names("shards"):
        if name.startswith("00000001") and not name.endswith("-1.parquet"):
            store.remove(f"shards/{name}")
    assert state_of(question, store).done[1] == lost
    state = state_of(question, store, retry_errors=True)
    assert 1 not in state.done
    assert drive(question, store, InProcess(), state=state).complete
    assert [name for name in store.names("shards") if name.startswith("00000001")] == [
        state_of(question, store).done[1].name.removeprefix("shards/")
    ]


def test_a_study_of_0_1_0_is_read_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = Path(shutil.copytree(V0_1_0, tmp_path / "study"))
    for name in ("study.sweep", "study.toml"):
        assert main(["query", str(home / name), "--json"]) == 0
        captured = capsys.readouterr()
        rows = json.loads(captured.out)
        assert (rows[0]["case"], rows[0]["carbon_total_tco2e"]) == (0, 0.004205545673185673)
        assert len(rows) == 18
        assert "made by another version (carbonscaling 0.1.0)" in captured.err
        assert main(["report", str(home / name), "--format", "html"]) == 0
        assert "made by another version (carbonscaling 0.1.0)" in capsys.readouterr().out
        assert main(["plot", str(home / name), "-o", str(tmp_path / "x.png")]) == 0
    capsys.readouterr()
    victim = shards(home)[0]
    flipped(victim, 8000)
    assert main(["query", str(home / "study.sweep")]) == 2
    assert victim.name in capsys.readouterr().err
    assert main(["sweep", str(home / "study.toml"), "--executor", "inprocess"]) == 0
    assert "2 shards of another study, catalogue or code version" in capsys.readouterr().err
    assert main(["query", str(home / "study.toml"), "SELECT count(*) AS n FROM best", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == [{"n": 18}]
    assert "another version" not in captured.err


def test_a_flipped_manifest_of_0_1_0_is_refused(tmp_path: Path) -> None:
    home = Path(shutil.copytree(V0_1_0, tmp_path / "study"))
    manifest = home / "study.sweep" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("1.0668186214839572", "1.0668186214839972"))
    with pytest.raises(InputError, match="manifest is not what was written"):
        read_manifest(Store(str(home / "study.sweep")))


def test_results_that_cannot_be_written_to_are_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "study.sweep" / CHECKED).unlink()
    tried: list[Exception] = []
    for error in (PermissionError(13, "denied"), NotImplementedError()):

        def refused(_store: Store, _name: str, _content: bytes, error: Exception = error) -> None:
            tried.append(error)
            raise error

        monkeypatch.setattr(Store, "write", refused)
        assert results(str(home / "study.sweep")).found.n_seen == study(home).n_cases
        assert tried[-1] is error


def test_remote_results_are_verified_and_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    store = Store("memory://whole-test")
    assert drive(study(tmp_path), store, InProcess()).complete
    assert main(["query", store.url, "SELECT count(*) AS n FROM best", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == [{"n": study(tmp_path).n_cases}]
    name = store.names("shards")[0]
    content = store.read(f"shards/{name}")
    store.write(f"shards/{name}", content[:-1] + b"!")
    assert main(["query", store.url]) == 2
    assert f"memory:///whole-test/shards/{name}" in capsys.readouterr().err
    store.write(f"shards/{name}", content)
    frame = results(store.url).sql("SELECT * FROM cases").file(".parquet")
    assert pl.read_parquet(frame).height == study(tmp_path).n_cases


def test_one_file_that_goes_while_a_folder_is_listed_hides_no_other(home: Path) -> None:
    (home / "study.sweep" / "shards" / ".gone.part").symlink_to("nowhere")
    assert results(str(home / "study.sweep")).found.n_seen == study(home).n_cases
