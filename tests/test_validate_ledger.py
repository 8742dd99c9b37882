"""The ledger of first looks: entries are only added, and what is printed is what stands in the file."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest

from carbonscaling import evidence
from carbonscaling.cli import main
from carbonscaling.evidence.ledger import first_looks, ledger, ledger_of_servings, ledger_of_trainings

FIRST = "0.1.0"
ROOT = Path(__file__).resolve().parent.parent


def test_entries_of_the_past_stay_as_they_are() -> None:
    """What 0.1.0 scored on the first batch is a fact: a changed entry would be a rewritten past."""
    lines = evidence.path("first_look").read_text(encoding="utf-8").splitlines()
    past = "\n".join(line for line in lines if line.startswith(f"{FIRST},"))
    assert len(past.splitlines()) == 27
    assert sha256(past.encode()).hexdigest()[:16] == "6ecef7ca80e69642"


def test_first_looks_are_sums_over_sources() -> None:
    (old,) = (x for x in first_looks() if x.version == FIRST)
    rows = [row for row in ledger() if row.version == FIRST]
    assert (old.n, old.n_skipped, old.n_sources) == (297, 23, 27)
    assert old.n == sum(row.n for row in rows)
    assert old.median == sorted(row.median or 0.0 for row in rows)[13]
    assert old.inside == pytest.approx(0.46, abs=0.005)


def test_every_version_saw_the_same_rows_of_a_batch() -> None:
    seen: dict[str, dict[str, dict[str, int]]] = {}
    for row in ledger():
        seen.setdefault(row.batch, {}).setdefault(row.version, {})[row.source] = row.n + row.n_skipped
    for of_batch in seen.values():
        assert len({json.dumps(counts, sort_keys=True) for counts in of_batch.values()}) == 1


LATER = (
    ("2026-11-30", 200, 6, 0, 0.117), ("2026-11-30 fine-tuning", 74, 3, 0, 0.173), ("2026-11-30 hybrids", 8, 3, 5, 0.263),
    ("2026-11-30 third", 114, 16, 0, 0.164), ("2026-11-30 third tuned", 117, 4, 0, 0.134),
    ("2026-11-30 recurrent", 4, 1, 3, 0.334), ("2026-11-30 fourth", 33, 4, 0, 0.198),
    ("2026-11-30 fifth", 84, 17, 0, 0.305), ("2026-11-30 fifth tuned", 52, 6, 0, 0.196),
    ("2026-12-01 hybrids", 5, 1, 0, 0.108), ("2026-12-01 sixth", 105, 18, 0, 0.187),
    ("2026-12-01 sixth tuned", 43, 4, 0, 0.155), ("2026-12-01 hybrids tuned", 6, 1, 0, 0.261),
)  # fmt: skip
"""Rows that came after the rules of 0.2.0, at first sight: batch, rows, sources, rows of unknown models, sources' median."""


def test_the_later_batches() -> None:
    looks = first_looks()[-len(LATER) :]
    assert [(x.batch, x.n, x.n_sources, x.n_skipped) for x in looks] == [entry[:-1] for entry in LATER]
    assert [x.median for x in looks] == pytest.approx([entry[-1] for entry in LATER], abs=0.001)


@pytest.mark.parametrize(
    ("name", "batches"),
    [("unseen-runs", ("third", "fourth")), ("unseen-runs-fifth", ("fifth",)), ("unseen-runs-sixth", ("sixth",))],
)
def test_what_was_looked_at_lies_beside(name: str, batches: tuple[str, ...]) -> None:
    """Every row of the third batch and later stands in a file of the examples with its source, left as it was first read."""
    with (ROOT / "examples" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row["source"] and row["source_path_or_section"] for row in rows)
    told = Counter({("BlinkDL/RWKV-LM", True): 3} if "third" in batches else {})
    for x in ledger():
        if x.batch.removesuffix(" tuned").endswith(batches):
            told[x.source, not x.batch.endswith("tuned")] += x.n + x.n_skipped
    assert Counter((row["source"], row["mode"] == "pretrain") for row in rows) == told


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--ledger", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    table = list(csv.DictReader(io.StringIO(evidence.path("first_look").read_text(encoding="utf-8"))))
    assert [row["source"] for row in data["sources"]] == [row["source"] for row in table]
    served = evidence.rows("first_look_servings")
    assert [(row["source"], row["n"]) for row in data["servings"]] == [(r["source"], int(r["n"])) for r in served]
    whole = evidence.rows("first_look_trainings")
    assert [(row["source"], row["span"]) for row in data["trainings"]] == [
        (r["source"], float(r["span"])) for r in whole
    ]
    assert main(["validate", "--ledger"]) == 0
    page = capsys.readouterr().out
    assert "0.2.0.dev0" in page
    assert all(row["source"] in page for row in served + whole)
    assert re.search(r"devices x days +0\.2\.0\.dev0 +32 +3 +27% +64% +-26% +69% +2\.65", page)


def test_whole_trainings_that_were_looked_at_lie_beside() -> None:
    """Each is in no shipped table, names where it was read, and the ledger counts it unless its hours are a bound."""
    with (ROOT / "examples" / "unseen-trainings.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    shipped = {row["model"].lower() for row in evidence.rows("trainings")}
    assert not [row["model"] for row in rows if row["model"].lower() in shipped or not row["source"]]
    counted = Counter(bool(row["device_hours"]) for row in rows if "not scorable" not in row["note"])
    assert [(x.n + x.n_skipped, x.source) for x in ledger_of_trainings()] == [
        (counted[True], "hours printed"), (counted[False], "devices x days"),
    ]  # fmt: skip


def test_servings_were_scored_before_what_they_taught() -> None:
    """799 of four sources (0261), 52 of two (0358), 37 of two, watts of three (0405), 1,738 of nine (0445), 373 (0486)."""
    found: Counter[tuple[str, str]] = Counter()
    for row in ledger_of_servings():
        found[row.batch, row.quantity] += row.n
    assert found == {
        ("2026-11-30 four sources", "speed"): 799, ("2026-11-30 library", "speed"): 52, ("2026-11-30 watts", "speed"): 37,
        ("2026-11-30 watts", "watts"): 62, ("2026-12-01 nine sources", "speed"): 1738,
        ("2026-12-01 nine sources", "watts"): 1, ("2026-12-01 three sources", "speed"): 373,
    }  # fmt: skip


def test_servings_of_the_second_look_lie_beside() -> None:
    """All but those whose source states no licence (decision 0445), with where each stands in its source."""
    with (ROOT / "examples" / "serving-runs-second.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row["source_path"] and row["licence"] in ("Apache-2.0", "BSD-3-Clause") for row in rows)
    told = {x.source: x.n for x in ledger_of_servings() if x.batch.endswith("nine sources") and x.quantity == "speed"}
    assert Counter(row["source"] for row in rows) == {s: n for s, n in told.items() if not s.startswith("intel.com")}


def test_servings_of_the_third_look_lie_beside() -> None:
    """Those of the source that states a licence of its own (decision 0486)."""
    with (ROOT / "examples" / "serving-runs-third.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(
        row["source_path"].startswith("docs/performance-lab/") and row["licence"] == "Apache-2.0" for row in rows
    )
    told = {x.source: x.n + x.n_skipped for x in ledger_of_servings() if x.batch.endswith("three sources")}
    assert len(rows) == told["gpustack/gpustack"]
