"""Files are read within bounds and written whole or not at all."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from carbonscaling.errors import InputError
from carbonscaling.files import SETTINGS, TABLE, Kind, make_folder, read_bytes, read_text, replace_file, write_file

SMALL = Kind("a note", 10_000)


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_file_is_written_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    write_file(file, "größer")
    write_file(str(file), b"new")
    assert file.read_bytes() == b"new"
    assert names(tmp_path) == ["a.json"]


@pytest.mark.parametrize("call", ["builtins.open", "os.fsync", "pathlib.Path.replace"])
def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    file = tmp_path / "a.json"
    file.write_text("old")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(call, full)
    with pytest.raises(InputError, match="cannot be written: no space left on device") as refused:
        write_file(file, "new")
    assert "make room" in str(refused.value)
    monkeypatch.undo()
    assert file.read_text() == "old"
    assert names(tmp_path) == ["a.json"]


def test_an_interruption_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.json"
    file.write_text("old")

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_file(file, "new")
    assert (file.read_text(), names(tmp_path)) == ("old", ["a.json"])


def test_mode_and_links_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_file(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    fresh = tmp_path / "fresh"
    fresh.symlink_to("later.json")
    write_file(fresh, "x")
    assert (tmp_path / "later.json").read_text() == "x"


def test_a_device_is_written_into_and_stays(tmp_path: Path) -> None:
    write_file(os.devnull, "gone")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_file(pipe, "through")
    assert os.read(end, 100) == b"through"
    os.close(end)
    with pytest.raises(InputError, match="no space left"):
        write_file("/dev/full", "x")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "is a directory"),
        ("nowhere/a.json", "no such file or directory"),
        ("x" * 300, "choose a shorter name"),
        ("a\0b", "no file can have this name"),
        ("old/a.json", "not a directory"),
    ],
)
def test_names_that_cannot_be_written(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "old").write_text("old")
    with pytest.raises(InputError, match=says):
        write_file(f"{tmp_path}/{name}", "x")
    with pytest.raises(InputError, match=r"the folder cannot be made|no folder"):
        make_folder(f"{tmp_path}/old/{name}" if name else f"{tmp_path}/old")
    assert names(tmp_path) == ["old"]


def test_a_longest_name_is_written(tmp_path: Path) -> None:
    write_file(tmp_path / ("x" * 255), "x")
    assert len(names(tmp_path)[0]) == 255


def test_text_is_read_as_every_system_writes_it(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"\xef\xbb\xbfa\r\nb\rc\n")
    assert read_text(file, SMALL) == "a\nb\nc\n"
    file.write_bytes(b"\xff\xfea\0")
    with pytest.raises(InputError, match="not UTF-8"):
        read_text(file, SMALL)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(path))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda p: p.mkdir(), "found a directory"),
        (os.mkfifo, "found a pipe"),
        (_socket, "found a socket"),
        (lambda p: p.symlink_to("/dev/zero"), "found a device"),
        (lambda p: p.symlink_to(p), "no such file"),
        (lambda p: p.symlink_to("/proc/self/mem"), "cannot be read"),
        (lambda p: os.truncate(os.open(p, os.O_CREAT | os.O_WRONLY), 5 << 30), "larger than a TOML file may be"),
        (lambda p: p.write_bytes(b"x" * (SETTINGS.most_bytes + 1)), "larger"),
    ],
)
def test_what_is_no_file_of_its_kind_is_refused(tmp_path: Path, make: Callable[[Path], Any], says: str) -> None:
    path = tmp_path / "x"
    make(path)
    with pytest.raises(InputError, match=says) as refused:
        read_text(path, SETTINGS)
    assert str(path) in str(refused.value)
    assert "remedy" in str(refused.value)


def test_a_file_that_tells_no_size_is_read_within_bounds() -> None:
    assert b"Name:" in read_bytes(Path("/proc/self/status"), TABLE)
    with pytest.raises(InputError, match="larger than a note"):
        read_bytes(Path("/proc/self/smaps"), SMALL)


def test_the_nearest_name_is_offered(tmp_path: Path) -> None:
    (tmp_path / "run.toml").touch()
    with pytest.raises(InputError, match=r"did you mean: run\.toml"):
        read_text(tmp_path / "rum.toml", SETTINGS)
    with pytest.raises(InputError, match="no such file"):
        read_text(tmp_path / "a\0b" / "c", SETTINGS)


def test_an_unreadable_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.toml"
    file.touch()

    def broken(*_: Any, **__: Any) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("builtins.open", broken)
    with pytest.raises(InputError, match="cannot be read: input/output error"):
        read_text(file, SETTINGS)


def test_a_write_protected_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.json"
    file.write_text("old")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(PermissionError):
        replace_file(file, b"new")
    assert file.read_text() == "old"
