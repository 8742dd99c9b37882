"""Study files: axes, samples, and the cases they make."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from carbonscaling.errors import InputError
from carbonscaling.study.answer import estimate, plan
from carbonscaling.study.decide import searched
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.foreseen import foresee
from carbonscaling.study.sweep import dryrun, runs
from carbonscaling.study.sweep.answers import Answers
from carbonscaling.study.sweep.case import scenario_of_case
from carbonscaling.study.sweep.dryrun import Piece, forecast, foretold
from carbonscaling.study.sweep.executors import InProcess
from carbonscaling.study.sweep.manifest import manifest, write_manifest
from carbonscaling.study.sweep.shard import parquet
from carbonscaling.study.sweep.stamp import study_stamp
from carbonscaling.study.sweep.store import Store
from carbonscaling.study.sweep.studyfile import Study, study_schema
from schemas import validate
from sweep_helpers import SMALL, case_rows, study, written

BASE = '[scenario]\nmodel = "gpt-3-1.3b"\ntokens = 1e10\nbatch = 64\nobjective = "time"\n'


def test_axes_are_crossed_and_the_place_varies_fastest(tmp_path: Path) -> None:
    s = study(tmp_path)
    n_regions = len(s.blocks[1])
    assert s.n_cases == 2 * n_regions * 5
    assert s.keys == ("devices", "region", "pue")
    seen = [tuple(s.varied(case).values()) for case in range(s.n_cases)]
    assert len(set(seen)) == s.n_cases
    assert [row[0] for row in seen] == sorted(row[0] for row in seen)
    assert [s.span(i) for i in range(s.n_shards)][-1][1] == s.n_cases


@pytest.mark.parametrize(
    ("axis", "values"),
    [
        ('key = "tokens"\nlog = {start = 1e9, stop = 1e12, num = 4}', (1e9, 1e10, 1e11, 1e12)),
        ('key = "pue"\nrange = {start = 1.0, stop = 1.3, step = 0.1}', (1.0, 1.1, 1.2, 1.3)),
        ('key = "pue"\nrange = {start = 1.0, stop = 2.0, num = 3}', (1.0, 1.5, 2.0)),
        ('key = "layout.tp"\nvalues = [1, 2]', (1, 2)),
        ('key = "devices"\nlog = {start = 64, stop = 512, num = 4}', (64, 128, 256, 512)),
    ],
)
def test_ways_to_say_an_axis(tmp_path: Path, axis: str, values: tuple[float, ...]) -> None:
    s = study(tmp_path, f"{BASE}[[axis]]\n{axis}\n")
    found = [next(iter(s.varied(i).values())) for i in range(s.n_cases)]
    assert found == pytest.approx(values)
    assert "devices" not in s.keys or found == list(values)


def test_tables_and_zipped_axes_go_together(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text("devices,max_days\n8,30\n16,20.5\n")
    pl.DataFrame({"tokens": [1e9, 2e9]}).write_parquet(tmp_path / "t.parquet")
    text = BASE + '[[axis]]\ntable = "runs.csv"\nzip = "a"\n[[axis]]\ntable = "t.parquet"\nzip = "a"\n'
    s = study(tmp_path, text)
    assert [s.varied(i) for i in range(s.n_cases)] == [
        {"devices": 8, "max_days": 30, "tokens": 1e9},
        {"devices": 16, "max_days": 20.5, "tokens": 2e9},
    ]


@pytest.mark.parametrize("method", ["lhs", "sobol"])
def test_samples_fill_every_stratum_and_repeat(tmp_path: Path, method: str) -> None:
    text = (
        f'{BASE}[samples]\nn = 64\nmethod = "{method}"\n[samples.factors]\n'
        "pue = {low = 1.0, high = 2.0}\ntokens = {low = 1e9, high = 1e11, log = true}\n"
    )
    s = study(tmp_path, text)
    assert s == study(tmp_path, text)
    points = np.array([tuple(s.varied(i).values()) for i in range(64)])
    unit = np.stack([points[:, 0] - 1.0, np.log(points[:, 1] / 1e9) / np.log(100.0)])
    for u in unit:
        assert sorted(np.floor(64 * u).astype(int)) == list(range(64))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('[[axis]]\nkey = "regoin"\nvalues = ["france"]', "region"),
        ('[[axis]]\nkey = "device"\ncatalog = "zzz*"', "matches nothing"),
        ('[[axis]]\nkey = "device"', "exactly one way"),
        ('[[axis]]\nkey = "pue"\nvalues = [1.1]\n[[axis]]\nkey = "pue"\nvalues = [1.2]', "two axes"),
        ('[[axis]]\nkey = "pue"\nlog = {start = 0, stop = 1, num = 2}', "above 0"),
        ('[[axis]]\nkey = "pue"\nrange = {start = 1, stop = 0, step = 1}', "without a value"),
        ('[[axis]]\nkey="pue"\nvalues=[1]\nzip="z"\n[[axis]]\nkey="tokens"\nvalues=[1e9,2e9]\nzip="z"', "length"),
        ('[[axis]]\ntable = "none.csv"', "no such table"),
        ("[keep]\ntop = 0", "out of range"),
        ("[keep]\nqantiles = [0.5]", "unknown key"),
    ],
)
def test_a_useless_study_file_is_refused(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(InputError, match=word):
        study(tmp_path, BASE + text)


def test_schema_accepts_the_study_file(tmp_path: Path) -> None:
    import tomllib

    validate(json.loads(json.dumps(tomllib.loads(written(tmp_path).read_text()))), study_schema())


@pytest.mark.parametrize("objective", ["time", "carbon"])
def test_a_case_is_the_estimate_of_its_scenario(tmp_path: Path, objective: str) -> None:
    s = study(tmp_path, SMALL.replace('"time"', f'"{objective}"') + "\n[keep]\ninterval = true")
    for case in (0, 1, s.n_cases - 1):
        (row,) = case_rows(s, case)
        answer = estimate(scenario_of_case(s, case))
        assert isinstance(answer, Estimate)
        summary = answer.summary()
        shared = set(row) & set(summary)
        assert len(shared) > 25
        for name in shared:
            assert row[name] == (
                pytest.approx(summary[name], rel=1e-12) if isinstance(row[name], float) else summary[name]
            )


def test_runs_that_differ_in_length_alone_share_a_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a given batch; what else is sampled of the place does not count either. An open batch follows the tokens."""
    axes = """devices = 8
        [samples]
        n = 6
        [samples.factors]
        tokens = {low = 1e9, high = 1e11, log = true}
        run_overhead = {low = 1.0, high = 1.2}
        pue = {low = 1.1, high = 1.4}
        """
    asked: list[object] = []

    def counted(*args: Any, **options: Any) -> Any:
        asked.append(args)
        return searched(*args, **options)

    def foreseen(*args: Any) -> bool:
        learnt = foresee(*args)
        asked.extend([args] * learnt)
        return learnt

    monkeypatch.setattr(runs, "searched", counted)
    monkeypatch.setattr(runs, "foresee", foreseen)
    for base, n in ((BASE, 1), (BASE.replace("batch = 64\n", ""), 6)):
        asked.clear()
        s = study(tmp_path, base + axes)
        rows = Answers(s).table(range(s.n_cases)).to_dicts()
        assert len({row["duration_days"] for row in rows}) == 6
        assert len(asked) == n


def test_neighbouring_counts_share_what_they_find(tmp_path: Path) -> None:
    """Rows are those of cases that are answered alone, whichever came before."""
    axes = """
        [[axis]]
        key = "devices"
        values = [24, 8, 20, 7, 48, 28]
        [[axis]]
        key = "tokens"
        values = [1e9, 1e10]
        [keep]
        top = 2
        rejected = true
        """
    for objective in ("time", "carbon"):
        s = study(tmp_path, BASE.replace('"time"', f'"{objective}"') + axes)
        together = Answers(s).table(range(s.n_cases)).rows()
        alone = [row for case in range(s.n_cases) for row in Answers(s).table([case]).rows()]
        assert together == alone
        assert len({row[1:3] for row in alone}) == s.n_cases


def test_a_budget_holds_for_every_length(tmp_path: Path) -> None:
    """Runs that differ in length alone share a search where nothing bounds them."""
    axes = """
        devices = 8
        budget_usd = 100.0
        [[axis]]
        key = "tokens"
        values = [1e9, 1e12]
        """
    s = study(tmp_path, BASE + axes)
    rows = Answers(s).table(range(2)).to_dicts()
    assert [(row["status"], row["reason"]) for row in rows] == [("ok", None), ("infeasible", "budget")]


MIXED = """
    answer = "ANSWER"
    [scenario]
    batch = 64
    max_devices = 16
    objective = "OBJECTIVE"
    price_usd_per_device_hour = 2.5
    BASE
    [[axis]]
    key = "model"
    values = ["gpt-3-1.3b", "gpt-3-2.7b"]
    [[axis]]
    key = "device"
    values = ["a100-80", "h100-sxm"]
    [[axis]]
    key = "region"
    values = ["france", "atlantis", "us-east5", "poland"]
    [[axis]]
    key = "boundary.idle_reservation"
    values = [0.0, 0.25]
    zip = "z"
    [[axis]]
    key = "boundary.development"
    values = [0.0, 0.5]
    zip = "z"
    [[axis]]
    key = "shared_hosts"
    values = [false, true]
    [samples]
    n = 3
    [samples.factors]
    tokens = {low = 1e9, high = 1e11, log = true}
    pue = {low = 0.9, high = 1.4}
    run_overhead = {low = 1.0, high = 1.2}
"""
"""Everything at once: a place that does not exist, values out of bounds, factors of the run sampled with those of the place."""


@pytest.mark.parametrize(
    ("answer", "objective", "base"),
    [
        ("estimate", "time", "devices = 8"),
        ("estimate", "time", "devices = 12\nmax_days = 30"),
        ("estimate", "carbon", "devices = 8"),
        ("plan", "paper", "max_days = 20"),
        ("estimate", "paper", 'devices = 8\ncarbon_mode = "paper"\ncarbon_intensity_g_per_kwh = 300'),
        ("estimate", "time", 'devices = 8\nhourly = "hours.csv"\nstart_hour = 5'),
    ],
)
def test_cases_answered_together_are_those_answered_alone(
    tmp_path: Path, answer: str, objective: str, base: str
) -> None:
    text = MIXED.replace("ANSWER", answer).replace("OBJECTIVE", objective).replace("BASE", base)
    days = (f"2024-01-{day:02d}T{hour:02d}:00,{100 + 17 * hour + day}" for day in (1, 2) for hour in range(24))
    (tmp_path / "hours.csv").write_text("\n".join(("time,g_per_kwh", *days)) + "\n", encoding="utf-8")
    s = study(tmp_path, text)
    together = Answers(s).table(range(s.n_cases)).to_dicts()
    assert [row["case"] for row in together] == list(range(s.n_cases))
    assert {"ok", "refused"} <= {row["status"] for row in together}
    ask = plan if answer == "plan" else estimate
    for row in together[::11]:
        if row["status"] == "refused":
            with pytest.raises(InputError) as caught:
                ask(scenario_of_case(s, row["case"]))
            assert str(caught.value).splitlines()[0] in row["reason"]
            assert (row["n_devices"], row["carbon_total_tco2e"]) == (None, None)
            continue
        found = ask(scenario_of_case(s, row["case"]))
        if not isinstance(found, Estimate):
            assert (row["status"], row["carbon_total_tco2e"]) == ("infeasible", None)
            continue
        summary = found.summary()
        for name in (set(row) & set(summary)) - {"carbon_low_tco2e", "carbon_high_tco2e"}:
            assert row[name] == (
                pytest.approx(summary[name], rel=1e-12) if isinstance(row[name], float) else summary[name]
            )
        assert row["cost_usd"] == pytest.approx(2.5 * row["device_hours"])


def test_a_plan_case_keeps_top_front_and_rejections(tmp_path: Path) -> None:
    text = (
        'answer = "plan"\n[scenario]\nmodel = "gpt-3-1.3b"\ntokens = 1e10\nbatch = 64\nmax_devices = 16\n'
        "max_days = 30\n[[axis]]\nkey = 'region'\nvalues = ['france']\n"
        "[keep]\ntop = 3\nfront = true\nrejected = true\n"
    )
    s = study(tmp_path, text)
    rows = case_rows(s, 0)
    answer = plan(scenario_of_case(s, 0))
    assert isinstance(answer, Estimate)
    assert answer.search is not None
    best = [row for row in rows if row["kind"] == "best"]
    assert [row["n_devices"] for row in best] == [c.n_devices for c in answer.search.top[:3]]
    front = [row for row in rows if row["kind"] == "front"]
    assert [row["carbon_total_tco2e"] for row in front] == pytest.approx(
        [c.carbon_kg / 1e3 for c in answer.search.front]
    )
    assert json.loads(best[0]["rejected"])


def test_infeasible_and_refused_cases_are_rows(tmp_path: Path) -> None:
    text = '[scenario]\nmodel = "llama-3.1-405b"\ntokens = 1e12\n[[axis]]\nkey = "devices"\nvalues = [1]\n'
    (row,) = case_rows(study(tmp_path, text), 0)
    assert (row["status"], row["reason"]) == ("infeasible", "memory")
    text = BASE + '[[axis]]\nkey = "region"\nvalues = ["atlantis"]\n[[axis]]\nkey = "devices"\nvalues = [8]\n'
    (row,) = case_rows(study(tmp_path, text), 0)
    assert row["status"] == "refused"
    assert "atlantis" in row["reason"]


def test_the_stamp_follows_what_decides_an_answer(tmp_path: Path) -> None:
    plain = study_stamp(study(tmp_path))
    assert plain == study_stamp(study(tmp_path, SMALL.replace('name = "small"', 'name = "other"')))
    assert plain != study_stamp(study(tmp_path, SMALL.replace("1e10", "2e10")))
    assert plain != study_stamp(study(tmp_path, SMALL + "\n[keep]\ntop = 2"))


def pieces(s: Study, seconds: Callable[[int], float]) -> list[Piece]:
    """Pieces of ten cases and one run, spread over a study; `seconds` gives those of a case."""
    return [Piece(first, 10, 1, 0.002, 10 * seconds(first), 500, 40.0) for first in range(0, s.n_cases, 200)]


def test_forecast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    s = study(tmp_path, SMALL.replace("n = 5", "n = 200").replace("shard_cases = 10", "shard_cases = 100"))
    tried = []

    def trial(_url: str, first: int, stop: int) -> Piece:
        tried.append((first, stop))
        return Piece(first, stop - first, 1, 0.5, 0.25 * (stop - first), 50 * (stop - first), 40.0)

    monkeypatch.setattr(dryrun, "trial", trial)
    f = forecast(s, InProcess())
    assert (f.n_cases, f.n_shards, f.n_runs, f.n_workers) == (s.n_cases, s.n_shards, 2, 1)
    assert f.candidates == pytest.approx(80)
    assert (f.run_s, f.case_s) == pytest.approx((0.5, 0.25))
    seconds = 2 * 0.5 + 0.25 * s.n_cases
    assert 3600 * f.hours - f.start_s == pytest.approx(seconds)
    assert f.low_hours == pytest.approx(f.hours) == pytest.approx(f.high_hours)
    assert f.disk_bytes == pytest.approx(50 * s.n_cases)
    assert f.n_tried == sum(stop - first for first, stop in tried[1:])  # the first wakes the worker
    assert len({first // s.shard_cases for first, _ in tried[1:]}) == len(tried) - 1


def test_a_real_piece_says_what_a_shard_takes(tmp_path: Path) -> None:
    s, store = study(tmp_path, SMALL.replace("n = 5", "n = 200")), Store(str(tmp_path / "out"))
    write_manifest(store, manifest(s, study_stamp(s)))
    piece = dryrun.trial(store.url, 100, 200)
    assert (piece.first, piece.n_cases, piece.n_runs) == (100, 100, 1)
    assert piece.n_bytes == len(parquet(Answers(s).table(range(100, 200)), ""))
    assert piece.candidates > 1
    assert piece.cases_s > 0


def test_one_slow_piece_does_not_move_the_forecast(tmp_path: Path) -> None:
    s = study(tmp_path, SMALL.replace("n = 5", "n = 2000"))
    steady = foretold(s, pieces(s, lambda _: 0.001), 1, 0.0)
    slow = foretold(s, pieces(s, lambda first: 3.2 if first == 600 else 0.001), 1, 0.0)
    assert (slow.hours, slow.low_hours, slow.high_hours) == (steady.hours, steady.low_hours, steady.high_hours)


def test_the_forecast_is_of_a_study_whose_parts_differ(tmp_path: Path) -> None:
    s = study(tmp_path, SMALL.replace("n = 5", "n = 2000"))
    f = foretold(s, pieces(s, lambda first: 0.050 if first < s.n_cases / 2 else 0.001), 1, 0.0)
    seconds = f.n_runs * 0.002 + s.n_cases * 0.0255
    assert 3600 * f.hours == pytest.approx(seconds, rel=0.1)
    assert 3600 * f.low_hours <= seconds * (1.0 + 1e-9)
    assert seconds <= 3600 * f.high_hours * (1.0 + 1e-9)
    assert f.high_hours < 1.5 * f.low_hours


def test_a_forecast_from_few_pieces_is_their_median_and_range(tmp_path: Path) -> None:
    s = study(tmp_path)
    three = [Piece(10 * i, 10, 1, 0.0, 10 * case_s, 500, 40.0) for i, case_s in enumerate((0.1, 0.4, 0.2))]
    f = foretold(s, three, 1, 0.0)
    assert [3600 * x / s.n_cases for x in (f.low_hours, f.hours, f.high_hours)] == pytest.approx([0.1, 0.2, 0.4])
