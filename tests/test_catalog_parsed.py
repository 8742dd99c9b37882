"""What is kept of the catalogue's files says what they say; nothing is believed that another user could have written."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import carbonscaling
from carbonscaling.carbon import uncertainty
from carbonscaling.catalog import parsed

FILES = sorted(Path(carbonscaling.__path__[0]).rglob("*.toml"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    parsed._folder.cache_clear()
    yield tmp_path / "carbonscaling" / "parsed"
    parsed._folder.cache_clear()


def test_what_is_kept_says_the_same(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [path.read_text(encoding="utf-8") for path in FILES]
    wanted = [tomllib.loads(text) for text in texts]
    assert [parsed.parsed(text) for text in texts] == wanted
    monkeypatch.setattr(tomllib, "loads", lambda _: pytest.fail("read anew"))
    kept = [parsed.parsed(text) for text in texts if len(list(home.iterdir())) == len({*texts})]
    assert repr(kept) == repr(wanted)  # whole numbers stay whole, and the order of the keys counts


def test_another_text_is_another_file(home: Path) -> None:
    assert parsed.parsed("a = 1") == {"a": 1}
    assert parsed.parsed("a = 1.0 # more") == {"a": 1.0}
    (one, other) = home.iterdir()
    one.write_text("{")  # half written
    other.write_text("{")
    assert parsed.parsed("a = 1") == {"a": 1}
    assert parsed.parsed("day = 2026-01-01")["day"].year == 2026  # JSON has no dates
    with pytest.raises(ValueError, match="Expected '='"):
        parsed.parsed("a")


def test_draws_that_are_kept_are_those_drawn(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = uncertainty.draws.__wrapped__
    first = drawn("pue").copy()
    monkeypatch.setattr(np.random, "default_rng", lambda _: pytest.fail("drawn anew"))
    assert (drawn("pue") == first).all()
    assert len(first) == len(set(first)) == uncertainty.N_SAMPLES
    monkeypatch.undo()
    (path,) = home.iterdir()
    path.write_bytes(b"half")
    assert (drawn("pue") == first).all()
    assert (drawn("pue", seed=1) != first).all()
    with pytest.raises(ValueError, match="read-only"):
        drawn("pue")[0] = 0.0


def test_old_files_are_cleared_away(home: Path) -> None:
    for n in range(parsed.MOST + 3):
        parsed.parsed(f"a = {n}")
    assert len(list(home.iterdir())) == 3


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_a_folder_that_others_may_write_to_is_not_believed(home: Path, mode: int) -> None:
    home.mkdir(parents=True)
    parsed._folder.cache_clear()
    home.chmod(mode)
    assert parsed.parsed("a = 1") == {"a": 1}
    assert not list(home.iterdir())


def test_without_a_home_files_are_read(home: Path) -> None:
    home.parent.touch()
    parsed._folder.cache_clear()
    assert parsed.parsed("a = 1") == {"a": 1}
