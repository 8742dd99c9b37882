"""Studies of servings, timetables, decisions and chances: every case is the answer of its own question."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import carbonscaling as cs
from carbonscaling.cli import main
from carbonscaling.errors import InputError
from carbonscaling.study.assured import Failures
from carbonscaling.study.sweep.drive import drive
from carbonscaling.study.sweep.executors import executor
from carbonscaling.study.sweep.manifest import read_manifest
from carbonscaling.study.sweep.shard import answers_of
from carbonscaling.study.sweep.stamp import identity, study_stamp
from carbonscaling.study.sweep.store import Store
from carbonscaling.study.sweep.studyfile import Study, load_study
from carbonscaling.words import plain
from sweep_helpers import study, table

SERVING = """
    name = "servings"
    answer = "inference"
    shard_cases = 2
    [serving]
    model = "llama-3-8b"
    prompt = 500
    [[axis]]
    key = "device"
    values = ["h100-sxm", "l40s", "h1000"]
    [[axis]]
    key = "in_flight"
    values = [8, 64]
"""
SCHEDULE = """
    name = "times"
    answer = "schedule"
    [scenario]
    model = "gpt-3-1.3b"
    tokens = 1e11
    devices = 64
    batch = 512
    hourly = "hours.csv"
    [timetable]
    released = true
    [[axis]]
    key = "timetable.within_days"
    values = [0.1, 5, 9]
    [[axis]]
    key = "start_hour"
    values = [0, 12]
"""
DECIDE = """
    name = "sizes"
    answer = "decide"
    [decision]
    law = "sardana_2024"
    objective = "energy"
    candidates = [5e9, 13e9]
    batches = [512]
    [[axis]]
    key = "served_tokens"
    log = {start = 1e10, stop = 1e13, num = 2}
    [[axis]]
    key = "counts"
    values = [512, "512,1024"]
"""
CHANCES = """
    name = "chances"
    answer = "chances"
    [scenario]
    model = "llama-3-8b"
    tokens = 1e12
    batch = 512
    [chances]
    write_s = 30
    restart_s = 300
    within_days = 8.0
    [[axis]]
    key = "devices"
    values = [128, 256]
    [[axis]]
    key = "chances.mtbf_device_hours"
    values = [5000.0, 50000.0]
"""


def swept(folder: Path, text: str) -> tuple[Study, Store, list[dict[str, object]]]:
    found, store = study(folder, text), Store(str(folder / "results"))
    drive(found, store, executor("inprocess", 1))
    rows: list[dict[str, object]] = table(found, store).to_dicts()
    return found, store, rows


def hours(folder: Path) -> Path:
    t = np.arange(24 * 30)
    g = 300.0 + 150.0 * np.cos(2 * np.pi * t / 24) + t / 10.0
    moments = (np.datetime64("2025-03-01T00:00") + t * np.timedelta64(1, "h")).astype(str)
    path = folder / "hours.csv"
    path.write_text("time,g_per_kwh\n" + "".join(f"{m},{x:.2f}\n" for m, x in zip(moments, g, strict=True)))
    return path


def test_servings(tmp_path: Path) -> None:
    found, store, rows = swept(tmp_path, SERVING)
    assert [row["status"] for row in rows] == ["ok"] * 4 + ["refused"] * 2
    for row in rows[:4]:
        own = cs.inference(model="llama-3-8b", device=row["x_device"], in_flight=row["x_in_flight"])
        a = own.summary()
        assert row["joules_per_token"] == a["joules_per_token"]
        assert row["usd_per_million_tokens"] == a["usd_per_million_tokens"]
        assert (row["n_devices"], row["tp"]) == (a["n_devices"], a["tp"])
        assert row["carbon_total_tco2e"] == pytest.approx(own.footprint.total_tco2e)
    assert "h1000" in str(rows[-1]["reason"])
    data = read_manifest(store)
    assert set(rows[0]) == set(data["columns"])
    assert load_study(tmp_path / "study.toml") == found


def test_timetables(tmp_path: Path) -> None:
    path = hours(tmp_path)
    found, _, rows = swept(tmp_path, SCHEDULE)
    assert str(path) in identity(found)["inputs"]
    best = [row for row in rows if row["kind"] == "best"]
    assert [row["status"] for row in best] == ["refused"] * 2 + ["ok"] * 4
    s = cs.Scenario(model="gpt-3-1.3b", tokens=1e11, devices=64, batch=512, hourly=str(path), start_hour=12.0)
    alone = cs.schedule(s, 9.0, released=True)
    assert isinstance(alone, cs.Schedule)
    own = [row for row in rows if row["case"] == 5]
    assert [row["kind"] for row in own] == ["best", *(p.name for p in reversed(alone.policies[:-1]))]
    for row, policy in zip(own, reversed(alone.policies), strict=True):
        assert row["carbon_total_tco2e"] == policy.total_tco2e
        assert row["duration_days"] == policy.days
        assert row["more_usd"] == pytest.approx((policy.cost_usd or 0.0) - (alone.policies[0].cost_usd or 0.0))
    before = study_stamp(found)
    path.write_text(path.read_text().replace("300", "301"))
    assert study_stamp(found) != before


def test_a_column_of_a_file_beside_the_study_is_found(tmp_path: Path) -> None:
    path = hours(tmp_path)
    found = study(tmp_path, SCHEDULE.replace('"hours.csv"', '"hours.csv:g_per_kwh"'))
    assert found.base["hourly"] == f"{path.resolve()}:g_per_kwh"
    assert str(path.resolve()) in identity(found)["inputs"]


def test_decisions(tmp_path: Path) -> None:
    _, _, rows = swept(tmp_path, DECIDE)
    assert len(rows) == 4
    for row in rows:
        counts = (512, 1024) if "," in str(row["x_counts"]) else (512,)
        a = cs.decide(
            law="sardana_2024",
            objective="energy",
            candidates=(5e9, 13e9),
            batches=(512,),
            counts=counts,
            served_tokens=row["x_served_tokens"],
        ).summary()
        assert row["total"] == a["total"]
        assert row["n_params"] == a["params"]
        assert row["energy_kwh"] == pytest.approx(a["total"] / 3.6e6)
        assert row["combinations"] == a["combinations"]
    assert rows[0]["n_params"] > rows[-1]["n_params"]  # type: ignore[operator]


def test_chances_and_targets(tmp_path: Path) -> None:
    _, _, rows = swept(tmp_path, CHANCES)
    for row in rows:
        run = cs.estimate(cs.Scenario(model="llama-3-8b", tokens=1e12, batch=512, devices=row["x_devices"]))  # type: ignore[arg-type]
        assert isinstance(run, cs.Estimate)
        own = Failures(30.0, 300.0, row["x_chances_mtbf_device_hours"]).of(run)  # type: ignore[arg-type]
        assert row["within"] == own.within(days=8.0)
        assert row["days_p90"] == np.quantile(own.days, 0.9)
    folder = tmp_path / "target"
    folder.mkdir()
    sought = CHANCES.replace("within_days = 8.0", "within_days = 8.0\n    confidence = 0.9").replace(
        "values = [128, 256]", "values = [64, 256]"
    )
    _, _, found = swept(folder, sought)
    assert [row["status"] for row in found] == ["infeasible", "infeasible", "ok", "ok"]
    assert all(row["within"] >= 0.9 for row in found[2:])  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (SERVING.replace('answer = "inference"', 'answer = "estimate"'), "serving"),
        (SERVING.replace('key = "device"', 'key = "devicee"'), "devicee"),
        (SERVING.replace("[serving]", "[scenario]"), "scenario"),
        (DECIDE.replace("candidates", "candidate"), "candidate"),
        (CHANCES.replace("write_s = 30", ""), "write_s"),
        (CHANCES.replace("chances.mtbf", "chances.mtb"), "chances.mtb_device_hours"),
    ],
)
def test_a_study_that_asks_otherwise_is_refused(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(InputError) as refused:
        study(tmp_path, text)
    assert refused.value.key == key
    assert refused.value.remedy


def test_a_part_of_the_cases_and_those_that_are_lost(tmp_path: Path) -> None:
    found = answers_of(study(tmp_path, SERVING))
    rows = found.table([1, 3], {3: "lost"}).to_dicts()
    assert [(row["case"], row["status"]) for row in rows] == [(1, "ok"), (3, "error")]
    assert found.n_runs == 1


def test_the_terminal_sweeps_and_asks_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study(tmp_path, SERVING)
    path = str(tmp_path / "study.toml")
    assert main(["sweep", path, "--executor", "inprocess", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["statuses"] == {"ok": 4, "refused": 2}
    asked = "SELECT x_device, min(joules_per_token) AS j FROM best GROUP BY ALL ORDER BY j"
    assert main(["query", path, asked, "--json"]) == 0
    assert "h100-sxm" in capsys.readouterr().out
    assert main(["query", path, "--view", "best", "--by", "device", "--measure", "usd_per_million_tokens"]) == 0
    assert "l40s" in capsys.readouterr().out
    page = tmp_path / "report.html"
    assert main(["report", str(tmp_path / "study.sweep"), "-o", str(page)]) == 0
    least = min(cs.inference(model="llama-3-8b", device=d, in_flight=n).summary()["wh_per_request"]
                for d in ("h100-sxm", "l40s") for n in (8.0, 64.0))  # fmt: skip
    assert f"least wh per request: {plain(least)}" in page.read_text()
    assert "joules per token" in page.read_text()
