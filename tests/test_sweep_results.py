"""Queries, views and figures of a study's results, against the rows themselves."""

import json
import math
from collections.abc import Callable
from functools import partialmethod
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from carbonscaling.cli import main
from carbonscaling.errors import InputError
from carbonscaling.study.sweep.drive import drive
from carbonscaling.study.sweep.executors import InProcess
from carbonscaling.study.sweep.query import results
from carbonscaling.study.sweep.shard import parquet
from carbonscaling.study.sweep.shards import checksum
from carbonscaling.study.sweep.state import state_of
from carbonscaling.study.sweep.store import Store
from carbonscaling.study.sweep.views import VIEWS, view
from sweep_helpers import study, table

TEXT = """
    shard_cases = 50
    [scenario]
    objective = "time"
    batch = 64
    [[axis]]
    key = "model"
    values = ["gpt-3-1.3b", "gpt-3-2.7b"]
    [[axis]]
    key = "devices"
    values = [8, 16]
    [[axis]]
    key = "tokens"
    log = {start = 1e9, stop = 1e11, num = 3}
    [samples]
    n = 40
    [samples.factors]
    pue = {low = 1.05, high = 1.4}
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, pl.DataFrame]:
    folder = tmp_path_factory.mktemp("results")
    question, store = study(folder, TEXT), Store(str(folder / "study.sweep"))
    assert drive(question, store, InProcess()).complete
    return store.url, table(question, store)


def rows(folder: str, name: str, *by: str) -> list[dict[str, object]]:
    relation = view(results(folder), name, by)
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def test_best_of_each_group(done: tuple[str, pl.DataFrame]) -> None:
    folder, frame = done
    found = rows(folder, "best", "model", "devices")
    assert len(found) == 4
    for row in found:
        own = frame.filter((pl.col("x_model") == row["x_model"]) & (pl.col("x_devices") == row["x_devices"]))
        assert row["carbon_total_tco2e"] == own["carbon_total_tco2e"].min()


def test_front_is_what_nothing_beats(done: tuple[str, pl.DataFrame]) -> None:
    folder, frame = done
    points = frame.select("duration_days", "carbon_total_tco2e").unique().rows()
    expected = {p for p in points if not any(q != p and q[0] <= p[0] and q[1] <= p[1] for q in points)}
    assert {(r["duration_days"], r["carbon_total_tco2e"]) for r in rows(folder, "front")} == expected


def test_a_law_through_one_size_is_not_known(done: tuple[str, pl.DataFrame]) -> None:
    found = rows(done[0], "law", "model", "tokens")
    assert found
    for row in found:
        assert row["exponent"] is row["factor"] is row["r2"] is None


def test_law_is_the_least_squares_line(done: tuple[str, pl.DataFrame]) -> None:
    folder, frame = done
    (row,) = rows(folder, "law")
    slope, cut = np.polyfit(np.log(frame["training_flops"]), np.log(frame["carbon_total_tco2e"]), 1)
    assert row["exponent"] == pytest.approx(slope)
    assert row["factor"] == pytest.approx(math.exp(cut))


def test_sensitivity_is_the_correlation_ratio(done: tuple[str, pl.DataFrame]) -> None:
    folder, frame = done
    found = {row["input"]: row for row in rows(folder, "sensitivity")}
    log = frame.with_columns(y=pl.col("carbon_total_tco2e").log(), case=pl.col("case") % 40)
    for name in ("x_model", "x_devices", "x_tokens"):
        means = log.group_by(name).agg(pl.col("y").mean())["y"].to_numpy()
        share = np.var(means) / np.var(log["y"].to_numpy())
        assert found[name]["share"] == pytest.approx(share, rel=1e-9, abs=1e-12)
        assert (found[name]["low"], found[name]["high"]) == pytest.approx(
            (math.exp(means.min()), math.exp(means.max()))
        )
        assert found[name]["n_values"] == len(means)
    assert max(found, key=lambda name: float(str(found[name]["share"]))) == "x_tokens"
    by_pue = log.group_by("x_pue").agg(pl.col("y").mean(), pl.len())  # 40 values: fewer than are put into bins
    share = np.var(by_pue["y"].to_numpy()) / np.var(log["y"].to_numpy())
    assert found["x_pue"]["share"] == pytest.approx(share, rel=1e-6)


def test_sensitivity_to_a_sampled_factor_is_that_of_its_bins(tmp_path: Path) -> None:
    question, store = study(tmp_path, TEXT.replace("n = 40", "n = 160")), Store(str(tmp_path / "study.sweep"))
    drive(question, store, InProcess())
    frame = table(question, store)
    x, y = frame["x_pue"].to_numpy(), frame["carbon_total_tco2e"].log().to_numpy()
    bins = np.searchsorted(np.quantile(np.unique(x), np.arange(1, 16) / 16), x, side="right")
    means = np.array([y[bins == b].mean() for b in range(16)])
    (row,) = rows(store.url, "sensitivity", "pue")
    assert row["n_values"] == 16
    assert row["share"] == pytest.approx(
        np.average((means - y.mean()) ** 2, weights=np.bincount(bins)) / np.var(y), rel=1e-9
    )


def test_quantiles_are_those_of_the_rows(done: tuple[str, pl.DataFrame]) -> None:
    folder, frame = done
    for row in rows(folder, "quantiles", "model"):
        own = frame.filter(pl.col("x_model") == row["x_model"])["carbon_total_tco2e"].to_numpy()
        assert row["n"] == len(own)
        assert [row[f"p{q:02d}"] for q in (5, 25, 50, 75, 95)] == pytest.approx(np.percentile(own, [5, 25, 50, 75, 95]))


def test_every_view_and_format(
    done: tuple[str, pl.DataFrame], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, frame = done
    for name in VIEWS:
        assert main(["query", folder, "--view", name]) == 0
    capsys.readouterr()
    assert main(["query", folder, "SELECT count(*) AS n FROM cases", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"n": frame.height}]
    assert main(["query", folder, "SELECT * FROM cases", "-o", str(tmp_path / "all.parquet")]) == 0
    assert pl.read_parquet(tmp_path / "all.parquet").height == frame.height


@pytest.mark.parametrize("words", [["SELECT nothing"], ["--view", "bset"], ["--by", "colour"], ["-o", "x.docx"]])
def test_a_useless_query_is_refused(done: tuple[str, pl.DataFrame], words: list[str]) -> None:
    assert main(["query", done[0], *words]) == 2


def test_no_results_yet(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no study's results"):
        results(str(tmp_path))


@pytest.mark.parametrize(
    "words",
    [["curve", "--x", "tokens", "--by", "model"], ["front"], ["heat", "--x", "tokens", "--y", "devices"], ["tornado"]],
)
def test_figures(done: tuple[str, pl.DataFrame], tmp_path: Path, words: list[str]) -> None:
    assert main(["plot", done[0], *words, "-o", str(tmp_path / "figure.png")]) == 0
    assert (tmp_path / "figure.png").stat().st_size > 5000


@pytest.mark.parametrize("n_shards", [600, pytest.param(10_008, marks=pytest.mark.slow)])
def test_a_finished_study_of_many_shards_is_listed_and_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], n_shards: int
) -> None:
    text = TEXT.replace("shard_cases = 50", "shard_cases = 1").replace("n = 40", f"n = {n_shards // 12}")
    question, store = study(tmp_path, text), Store(str(tmp_path / "study.sweep"))
    assert question.n_shards == n_shards
    stamp = state_of(question, store).stamp
    shards = tmp_path / "study.sweep" / "shards"
    shards.mkdir(parents=True)
    row = {"status": "ok", "kind": "best", "rank": 0, "carbon_total_tco2e": 1.5}
    for number in range(question.n_shards):
        content = parquet(pl.DataFrame({"case": [number], **row}), stamp)
        (shards / f"{number:08d}-{stamp}-{checksum(content)}-0.parquet").write_bytes(content)
    touched = {"read": 0, "listing": 0}

    def counted(store: Store, name: str, plain: Callable[[Store, str], object], what: str) -> object:
        touched[what] += name.startswith("shards")
        return plain(store, name)

    monkeypatch.setattr(Store, "read", partialmethod(counted, plain=Store.read, what="read"))
    monkeypatch.setattr(Store, "listing", partialmethod(counted, plain=Store.listing, what="listing"))
    assert len(state_of(question, store).done) == question.n_shards
    assert touched["read"] == question.n_shards
    assert main(["sweep", str(tmp_path / "study.toml")]) == 0
    assert "nothing to do" in capsys.readouterr().err
    assert touched["read"] == question.n_shards
    assert touched["listing"] < 20
    (victim,) = shards.glob(f"{7:08d}-*")
    victim.write_bytes(victim.read_bytes()[:-1])
    assert [s.number for s in state_of(question, store).corrupted] == [7]


@pytest.mark.parametrize("name", [n for n in VIEWS if n not in ("status", "failures")])
@pytest.mark.parametrize("measure", ["model", "status", "case"])
def test_a_measure_is_a_number(done: tuple[str, pl.DataFrame], name: str, measure: str) -> None:
    with pytest.raises(InputError, match="not a number"):
        view(results(done[0]), name, [], measure)


def test_every_column_is_drawn_or_refused(
    done: tuple[str, pl.DataFrame], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also columns of words, of gaps (no interval, no loss was kept) and the case's number."""

    def ends(*options: str) -> str:
        code = main(["plot", done[0], *options, "-o", str(tmp_path / "x.svg")])
        first = capsys.readouterr().err.splitlines()[0]
        assert code == (0 if first.startswith("written: ") else 2)
        return first.partition(" (")[0]

    for kind in ("curve", "front", "heat", "tornado"):
        assert ends(kind, "--measure", "model") == "error: not a number, so nothing can be compared by it"
        assert ends(kind, "--measure", "loss") == "error: no case has all that this figure shows"
    for kind in ("curve", "heat"):
        assert ends(kind, "--x", "loss") == "error: no case has all that this figure shows"
        assert ends(kind, "--x", "model").startswith("written: ")
    assert ends("curve", "--by", "case") == "error: 480 lines in one figure"
    assert ends("front", "--by", "case") == "error: 480 lines in one figure"


def test_names_of_files_reach_no_terminal_as_they_are(
    done: tuple[str, pl.DataFrame], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind, argv in (
        ("csv", ["query", done[0]]),
        ("html", ["report", done[0], "--format", "html"]),
        ("svg", ["plot", done[0]]),
    ):
        name = f"{tmp_path}/\x1b[31m\n.{kind}"
        assert main([*argv, "-o", name]) == 0
        assert Path(name).exists()
        assert f"written: {tmp_path}/\\x1b[31m\\n.{kind}" in capsys.readouterr().err
        assert main([*argv, "-o", f"{tmp_path}/\x1b[31m/x.{kind}"]) == 2
        err = capsys.readouterr().err
        assert "\\x1b[31m" in err
        assert "\x1b" not in err
