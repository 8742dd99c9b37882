"""Questions to a finished study, and figures of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from fuzz.commands import FILES, SECRET, asked, controls, inside, option_words, word
from fuzz.damage import spoilt_text, toml_text

__all__ = ["FILE", "OUT", "VIEWS", "plot", "query", "study"]

FILE, OUT, BESIDE, STOLEN = "study.toml", "study.sweep", "beside.csv", "stolen.csv"


def study(tokens: float = 1e10, regions: tuple[str, ...] = ("france", "poland")) -> dict[str, Any]:
    axes = [
        {"key": "devices", "values": [8, 16]},
        {"key": "region", "values": list(regions)},
        {"key": "pue", "values": [1.1, 1.3]},
    ]
    base = {"model": "gpt-3-1.3b", "tokens": tokens, "batch": 64, "objective": "time", "space": "paper"}
    return {"name": "fuzzed", "shard_cases": 2, "scenario": base, "axis": axes}


@cache
def _finished(folder: Path) -> Path:
    """Return a folder with a finished study, and a file beside it."""
    home = folder / "finished"
    home.mkdir()
    with inside(home):
        Path(FILE).write_text(toml_text(study(regions=("france", "poland", "germany", "sweden"))), encoding="utf-8")
        Path(BESIDE).write_text(f"text\n{SECRET}\n", encoding="utf-8")
        asked(["sweep", FILE, "--executor", "inprocess"])
    return home


WHERE = (FILE, OUT, f"{OUT}/shards", ".", BESIDE, "nothing", "", "/dev/null", f"{FILE}/x", "memory://x", "é\u202e")
VIEWS = ("best", "front", "law", "sensitivity", "quantiles", "status", "failures", "worst", "")
NAMES = (
    "device", "devices", "region", "pue", "x_region", "carbon_total_tco2e", "duration_days", "case", "status", "reason", "mfu",
    "scenario", "carbon", "", '"', "a" * 300, "1; DROP TABLE cases", "\x1b[31m", "devices,region,pue", ",,",
)  # fmt: skip
SQL = tuple(
    f"""
SELECT "case", carbon_total_tco2e FROM best
SELECT * FROM cases LIMIT 3
SELECT count(*) AS n FROM cases
SELECT x_region, avg(energy_mwh) FROM best GROUP BY ALL
SELECT chr(27) || '[31m' AS red
SELECT '[bold]x[/bold]' AS markup
SELECT '[/]' AS "[/]"
SELECT 1 AS a, 2 AS a
SELECT NULL
SELECT [1, 2] AS list, {{'a': 1}} AS struct
SELECT 'nan'::DOUBLE
SELECT DATE '2024-01-01' AS d, INTERVAL 1 DAY AS i, '\\x00'::BLOB AS b
SELECT 170141183460469231731687303715884105727::HUGEINT
SELECT * FROM '{BESIDE}'
SELECT * FROM read_text('{BESIDE}')
SELECT * FROM read_csv('/etc/passwd')
SELECT * FROM glob('/*')
ATTACH 'x.db'
COPY cases TO '{STOLEN}'
CREATE TABLE t AS SELECT 1
DROP VIEW cases
SET threads = 1
PRAGMA version
INSTALL httpfs
LOAD httpfs
SELECT 1; SELECT 2
SELECT 1;
;
--
/*
EXPLAIN SELECT 1
DESCRIBE cases
VALUES (1)
SELECT count(*) FROM range(100000)
SELECT getenv('HOME')
SELECT * FROM duckdb_settings()
WITH a AS (SELECT 1) FROM a
""".strip().splitlines()
)


def _spread(home: Path) -> None:
    """Nothing that a query names may change what is there."""
    assert (home / BESIDE).read_text(encoding="utf-8") == f"text\n{SECRET}\n"
    strange = {path.name for path in home.iterdir()} - {FILE, OUT, BESIDE}
    for name in strange:
        (home / name).unlink()
    assert STOLEN not in strange, "a query wrote a file"


def _where(rng: Random) -> str:
    return FILE if rng.random() < 0.5 else word(rng, WHERE)


def query(rng: Random, folder: Path) -> object:
    """A question to a finished study."""
    home = _finished(folder)
    words = ["query", _where(rng)]
    if rng.random() < 0.6:
        sql = rng.choice(SQL)
        text = spoilt_text(rng, sql).decode("utf-8", "replace") if rng.random() < 0.3 else sql
        words += [text.replace("\x00", "")[:9000], *option_words(rng, ("--view", VIEWS), often=0.05)]
    else:
        words += option_words(rng, ("--view", VIEWS), often=0.8)
    words += option_words(rng, ("--by", NAMES), ("--measure", NAMES), ("-o", FILES))
    words += [flag for flag in ("--csv", "--json") if rng.random() < 0.2]
    with inside(home):
        try:
            said = asked(words)
        finally:
            _spread(home)
    assert {"--csv", "--json"} & set(words) or not controls(said.out), f"control characters in a table: {words}"
    return said


def plot(rng: Random, folder: Path) -> object:
    """A figure of a finished study."""
    home = _finished(folder)
    kind = word(rng, ("curve", "front", "heat", "tornado"))
    known = (("--x", NAMES), ("--y", NAMES), ("--by", NAMES), ("--measure", NAMES), ("-o", FILES))
    with inside(home):
        try:
            return asked(["plot", _where(rng), kind, *option_words(rng, *known)])
        finally:
            _spread(home)
