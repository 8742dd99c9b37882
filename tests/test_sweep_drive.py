"""Sweeps that are killed, corrupted, filled up and resumed: each ends in the same table."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from carbonscaling.bench.sweep import bench_sweep, sweep_summary
from carbonscaling.study.sweep import drive as driving
from carbonscaling.study.sweep import stamp as stamps
from carbonscaling.study.sweep.drive import drive
from carbonscaling.study.sweep.executors import InProcess, Processes
from carbonscaling.study.sweep.manifest import read_manifest, study_of
from carbonscaling.study.sweep.state import state_of
from carbonscaling.study.sweep.store import Store
from carbonscaling.study.sweep.studyfile import Study
from sweep_helpers import DEADLY, SMALL, deadly_probe, deadly_shard, frail_shard, study, table, written


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Store]:
    folder = tmp_path_factory.mktemp("reference")
    question, store = study(folder), Store(str(folder / "out"))
    tally = drive(question, store, InProcess())
    assert tally.complete
    assert tally.done_cases == question.n_cases
    return question, store


def same(question: Study, store: Store, reference: tuple[Study, Store]) -> None:
    found, expected = table(question, store), table(*reference)
    assert found["case"].to_list() == list(range(question.n_cases))
    assert_frame_equal(found, expected, check_exact=True)


def command(path: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "carbonscaling", "sweep", str(path), "-o", str(path.parent / "out"), *more]


def wait_for_a_shard(folder: Path, process: subprocess.Popen[str]) -> None:
    while process.poll() is None and not list((folder / "out" / "shards").glob("*.parquet")):
        time.sleep(0.02)


def test_processes_survive_the_death_of_a_worker(
    tmp_path: Path, reference: tuple[Study, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driving, "run_shard", frail_shard)
    question, store = study(tmp_path), Store(str(tmp_path / "out"))
    workers = Processes(2)
    try:
        tally = drive(question, store, workers)
    finally:
        workers.close()
    assert (tmp_path / "out" / "killed").exists()
    assert tally.complete
    assert tally.retried == 1
    same(question, store, reference)


def test_a_case_that_kills_its_worker_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driving, "run_shard", deadly_shard)
    monkeypatch.setattr(driving, "probe", deadly_probe)
    question, store = study(tmp_path), Store(str(tmp_path / "out"))
    workers = Processes(2)
    try:
        tally = drive(question, store, workers)
    finally:
        workers.close()
    assert not tally.complete
    rows = table(question, store)
    assert rows.filter(rows["status"] == "error")["case"].to_list() == [DEADLY]
    assert "ended with code -9" in rows["reason"][DEADLY]
    monkeypatch.undo()
    drive(question, store, InProcess())
    assert state_of(question, store).done[DEADLY // 10].n_errors == 1
    state = state_of(question, store, retry_errors=True)
    assert drive(question, store, InProcess(), state=state).complete


def test_the_driver_is_killed_and_the_study_resumed(tmp_path: Path, reference: tuple[Study, Store]) -> None:
    path = written(tmp_path)
    process = subprocess.Popen(command(path, "--workers", "1"), stderr=subprocess.DEVNULL, text=True)
    wait_for_a_shard(tmp_path, process)
    process.kill()
    process.wait()
    question, store = study(tmp_path), Store(str(tmp_path / "out"))
    before = state_of(question, store)
    assert before.done
    kept = {s.name: (tmp_path / "out" / s.name).stat().st_mtime_ns for s in before.done.values()}
    done = subprocess.run(command(path, "--executor", "inprocess"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    same(question, store, reference)
    assert all((tmp_path / "out" / name).stat().st_mtime_ns == when for name, when in kept.items())
    again = subprocess.run(command(path, "--executor", "inprocess"), capture_output=True, text=True, check=False)
    assert "nothing to do" in again.stderr


def test_ctrl_c_leaves_a_resumable_folder(tmp_path: Path, reference: tuple[Study, Store]) -> None:
    path = written(tmp_path)
    process = subprocess.Popen(command(path), stderr=subprocess.PIPE, text=True)
    wait_for_a_shard(tmp_path, process)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate()
    if process.returncode != 0:  # it may have been done already
        assert process.returncode == 130
        assert "run the same command again" in error
        assert "Traceback" not in error
    question, store = study(tmp_path), Store(str(tmp_path / "out"))
    assert drive(question, store, InProcess()).complete
    same(question, store, reference)


SLOW = (
    "import sys, sweep_helpers; from carbonscaling.study.sweep import drive; drive.run_shard = sweep_helpers.slow_shard; "
    "from carbonscaling.cli import main; sys.exit(main(sys.argv[1:]))"
)
"""The command, with shards that take half a second each."""


def slow(path: Path, *more: str, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((*sys.path, str(Path(__file__).parent)))}
    words = [*before, sys.executable, "-c", SLOW, *command(path, *more)[3:]]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


@pytest.mark.parametrize("executor", ["inprocess", "processes"])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_to_end_leaves_a_resumable_folder(
    tmp_path: Path, reference: tuple[Study, Store], name: str, executor: str
) -> None:
    path = written(tmp_path)
    process = slow(path, "--executor", executor)
    wait_for_a_shard(tmp_path, process)
    for _ in range(3):  # the first counts
        process.send_signal(getattr(signal, name))
    output, error = process.communicate(timeout=40)
    assert process.returncode == 4
    assert output == ""
    assert error == (
        f"error: the sweep was ended by {name} ({tmp_path / 'out'})\n"
        "  remedy: run the same command again: what is done is kept\n"
    )
    question, store = study(tmp_path), Store(str(tmp_path / "out"))
    assert 0 < len(state_of(question, store).done) < question.n_shards
    assert drive(question, store, InProcess()).complete
    same(question, store, reference)


def test_a_signal_that_is_ignored_ends_nothing(tmp_path: Path, reference: tuple[Study, Store]) -> None:
    process = slow(written(tmp_path), "--executor", "inprocess", before=("nohup",))
    wait_for_a_shard(tmp_path, process)
    process.send_signal(signal.SIGHUP)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    same(study(tmp_path), Store(str(tmp_path / "out")), reference)


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty"])
def test_a_corrupted_shard_is_done_again(tmp_path: Path, reference: tuple[Study, Store], damage: str) -> None:
    question, store = study(tmp_path), Store(str(tmp_path / "out"))
    drive(question, store, InProcess())
    victim = tmp_path / "out" / state_of(question, store).done[2].name
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes({"flipped": bytes(content), "cut": bytes(content[:-9]), "empty": b""}[damage])
    state = state_of(question, store)
    assert [s.number for s in state.corrupted] == [2]
    tally = drive(question, store, InProcess(), state=state)
    assert tally.done_cases - tally.before_cases == 10
    same(question, store, reference)


def test_shards_of_another_version_are_left_aside(
    tmp_path: Path, reference: tuple[Study, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    question, store = study(tmp_path), Store(str(tmp_path / "out"))
    monkeypatch.setattr(stamps, "code_stamp", lambda: "another version")
    drive(question, store, InProcess())
    monkeypatch.undo()
    state = state_of(question, store)
    assert (len(state.done), state.others) == (0, question.n_shards)
    assert drive(question, store, InProcess(), state=state).complete
    assert state_of(question, store).others == question.n_shards
    same(question, store, reference)


def test_a_full_disk_ends_the_sweep_and_room_resumes_it(tmp_path: Path, reference: tuple[Study, Store]) -> None:
    path, out = written(tmp_path), tmp_path / "out"
    out.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(out)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        full = subprocess.run(command(path, "--executor", "inprocess"), capture_output=True, text=True, check=False)
        assert full.returncode == 4, full.stderr
        assert "no space left" in full.stderr
        assert "run the same command again" in full.stderr
        question, store = study(tmp_path), Store(str(out))
        assert 0 < len(state_of(question, store).done) < question.n_shards
        subprocess.run(["mount", "-o", "remount,size=8m", str(out)], check=True)
        done = subprocess.run(command(path, "--executor", "inprocess"), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "resumed" in done.stderr
        same(question, store, reference)
    finally:
        subprocess.run(["umount", str(out)], check=True)


def test_the_memory_file_system(reference: tuple[Study, Store]) -> None:
    question, store = reference[0], Store("memory://sweep-test")
    assert drive(question, store, InProcess()).complete
    same(question, store, reference)


def test_the_manifest_gives_the_study_back(reference: tuple[Study, Store]) -> None:
    question, store = reference
    data = read_manifest(store)
    assert study_of(data) == question
    assert data["versions"]["carbonscaling"]
    assert "owid_electricity_2023" in data["sources"] or data["sources"]
    assert SMALL.count("[[axis]]") == 2


def test_the_speed_of_studies_adds_up() -> None:
    rows = list(bench_sweep(n_cases=320, most=1, repeats=1))
    assert [(row.study, row.n_workers, row.n_cases) for row in rows] == [("shared runs", 1, 320), ("own runs", 1, 80)]
    for row in rows:
        assert row.case_s > 0
        found = sweep_summary(rows)[row.study]
        assert found["efficiency"] == pytest.approx(1.0)
        assert found["great_worker_hours"] == pytest.approx(1e9 * row.case_s / 3600)
        assert found["great_hours"] >= found["great_worker_hours"] / found["great_workers"]
