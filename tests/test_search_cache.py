"""Machine code on disk: a folder for every version of the source; a compilation that Ctrl-C ends."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from carbonscaling.search import cache, compiled


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache.code_folder.cache_clear()
    cache._say_once.cache_clear()
    yield tmp_path / "carbonscaling"
    cache.code_folder.cache_clear()


def folder(stamp: str) -> Path:
    found = cache.code_folder(stamp)
    assert found is not None
    return found


def test_every_version_has_a_folder_of_its_own(home: Path) -> None:
    """Two checkouts side by side never overwrite each other's code."""
    one, other = folder("one"), folder("other")
    assert one != other
    assert {one.parent, other.parent} == {home}
    (one / "kept").write_text("code")
    cache.code_folder("third")
    assert (one / "kept").read_text() == "code"


def test_folders_of_old_versions_are_cleared_away(home: Path) -> None:
    for age in range(cache.VERSIONS_KEPT + 3):
        os.utime(folder(f"v{age}"), (1e9 - age, 1e9 - age))
    (home / "not-code").mkdir()
    newest = folder("new")
    left = {p.name for p in home.iterdir()}
    assert {newest.name, "code-v0", "not-code"} <= left
    assert len(left) == cache.VERSIONS_KEPT + 1
    assert f"code-v{cache.VERSIONS_KEPT + 2}" not in left


def test_folders_are_of_this_user_alone(home: Path) -> None:
    for path in (folder("mine"), home):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


@pytest.mark.parametrize("inner", [False, True])
@pytest.mark.parametrize("change", ["owner", "group", "world"])
def test_a_folder_that_another_user_rules_is_not_used(
    home: Path, change: str, inner: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compiled code is loaded from it; it is said once, on stderr, with what to do."""
    path = folder("mine") if inner else home
    path.mkdir(exist_ok=True)
    if change == "owner":
        me = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    else:
        path.chmod({"group": 0o770, "world": 0o707}[change])
    cache.code_folder.cache_clear()
    assert cache.code_folder("mine") is None
    assert cache.code_folder("mine") is None
    assert inner is (change != "owner") or cache.private_folder() is None
    err = capsys.readouterr().err
    assert err.count("machine code is not kept") == 1
    assert {"owner": "belongs to another user"}.get(change, "may be written by other users") in err
    assert "XDG_CACHE_HOME" in err


def test_a_home_that_does_not_exist_or_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    (tmp_path / "file").touch()
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", unknown)
    assert cache.private_folder() is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert cache.private_folder() is None
    err = capsys.readouterr().err
    assert "there is no home folder" in err
    assert "not a directory" in err


def test_the_stamp_follows_the_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Another formula, another stamp; the same source at another place, the same."""
    if not compiled.available():
        pytest.skip("numba is not installed")
    package = Path(compiled.__file__).parents[1]
    stamps = []
    for name, added in (("a", ""), ("b", ""), ("c", "# a change\n")):
        for folder in ("perf", "search", "model"):
            copy = tmp_path / name / folder
            copy.mkdir(parents=True)
            for path in (package / folder).glob("*.py"):
                (copy / path.name).write_text(path.read_text() + added)
        monkeypatch.setattr(compiled, "__file__", str(tmp_path / name / "search" / "compiled.py"))
        compiled.source_stamp.cache_clear()
        stamps.append(compiled.source_stamp())
    compiled.source_stamp.cache_clear()
    assert stamps[0] == stamps[1] != stamps[2]


@pytest.mark.slow
@pytest.mark.parametrize("deep", [False, True])
def test_ctrl_c_does_not_wait_for_a_compilation(tmp_path: Path, deep: bool) -> None:
    """An empty cache, a large question: the search compiles; interrupted as soon as it says so, and when it is deep in it.

    What is compiled last takes by far the longest; it would be on disk had the command waited.
    """
    if not compiled.available():
        pytest.skip("numba is not installed")
    command = [sys.executable, "-m", "carbonscaling", "plan", "--model", "deepseek-v3", "--tokens", "1e12"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    with subprocess.Popen(
        [*command, "--space", "full", "--max-devices", "1e9"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert "compiling" in process.stderr.readline()
        while deep and not list(tmp_path.rglob("*.nbc")):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        words = process.stderr.read()
        assert process.wait() == 130
    assert not list(tmp_path.rglob("decide_rows*.nbc"))
    assert "interrupted" in words
    assert "Traceback" not in words
