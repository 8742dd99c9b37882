"""Replaying measured runs: strict reading, inputs only, an interval for each, a reason for the rest."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from carbonscaling import evidence
from carbonscaling.calibration.interval import FEATURES, bounds, fit_interval, widen_for_new_architectures
from carbonscaling.calibration.profile import Calibration, load_calibration, shipped_calibration, to_toml
from carbonscaling.cli import main
from carbonscaling.errors import InputError
from carbonscaling.evidence.left_out import LeftOut
from carbonscaling.evidence.row import MEASURED, RunRow, Unusable, parse_row, read_runs
from carbonscaling.reporting.suffixes import as_text
from carbonscaling.reporting.validation import left_out_data, left_out_page
from carbonscaling.validate.replay import Replay, complete_row
from carbonscaling.validate.score import score, source_medians
from carbonscaling.validate.speed.calibrate import calibrate
from carbonscaling.validate.speed.fit import fit, predicted_speed
from carbonscaling.validate.speed.runs import COLUMNS, replay_file, replay_rows, scored_sample

SOME = [r for k, r in enumerate(evidence.rows("runs")) if k % 40 == 0]

ROW: dict[str, str] = {
    "id": "mine", "model": "GPT", "device": "A100-80", "n_layers": "24", "d_model": "2048", "d_ff": "8192",
    "n_heads": "16", "vocab": "51200", "ffn_type": "gelu", "seq_len": "2048", "n_devices": "8", "tp": "2", "pp": "1",
    "dp": "4", "micro_batch": "2", "global_batch_seqs": "64", "precision": "bf16", "recompute": "full", "stack": "megatron",
    "kind": "benchmark", "mode": "pretrain",
}  # fmt: skip


def test_every_shipped_row_gets_a_prediction_or_a_reason() -> None:
    found = replay_rows(SOME, shipped_calibration())
    assert len(found) == len(SOME)
    for p in found:
        if p.status == "unusable":
            assert p.reason
            assert p.tokens_per_s_per_device is None
        else:
            assert p.tokens_per_s_per_device is not None
            assert p.low is not None
            assert p.high is not None
            assert 0 < p.low < p.tokens_per_s_per_device < p.high < math.inf
            assert p.memory_gb is not None
            assert p.memory_gb > 0
            assert p.bottleneck


def test_measured_columns_never_influence_a_prediction() -> None:
    blank = [{**r, **dict.fromkeys(MEASURED, "")} for r in SOME]
    absurd = [
        {**r, **dict.fromkeys(MEASURED, "12345.6"), "notes": "fast", "implied_tflops_full_attn": "1"} for r in SOME
    ]
    calibration = shipped_calibration()
    expected = replay_rows(SOME, calibration)
    assert replay_rows(blank, calibration) == expected
    assert replay_rows(absurd, calibration) == expected


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"device": "H1000"}, "unknown device"),
        ({"tp": "two"}, "tp is not a number"),
        ({"n_layers": "-4"}, "n_layers is out of range"),
        ({"d_model": "inf"}, "d_model is out of range"),
        ({"precision": "fp7"}, "unknown precision"),
        ({"tp": "3"}, "does not divide 8 devices"),
        ({"ep": "16", "n_experts": "16", "top_k": "2"}, "ep 16 does not divide"),
        ({"n_devices": "", "dp": ""}, "no device count"),
        ({"n_layers": "", "model": "no such model"}, "no model shape"),
        ({"n_experts": "8"}, "experts without top_k"),
        ({"n_kv_heads": "5"}, "do not divide 16 heads"),
    ],
)
def test_a_bad_row_says_why(change: dict[str, str], words: str) -> None:
    with pytest.raises(Unusable, match=words):
        complete_row(parse_row({**ROW, **change}))


def test_what_a_row_leaves_open_is_inferred_and_said() -> None:
    bare = {
        k: v for k, v in ROW.items() if k not in ("recompute", "micro_batch", "vocab", "global_batch_seqs", "stack")
    }
    replay = complete_row(parse_row(bare))
    said = "; ".join(replay.inferred)
    for word in ("recomputation", "micro-batch", "vocabulary", "ZeRO", "batch of"):
        assert word in said
    assert complete_row(parse_row(ROW)).inferred == ("ZeRO-1",)


def test_layout_is_inferred_so_that_it_fits() -> None:
    big = {**ROW, "n_layers": "80", "d_model": "8192", "d_ff": "28672", "n_heads": "64", "n_devices": "64", "tp": "", "pp": "",
           "dp": "", "recompute": ""}  # fmt: skip
    p = replay_rows([big], Calibration("none"))[0]
    assert p.status == "ok"
    assert "fastest that fits" in p.reason


@pytest.mark.parametrize("text", ["NVLink within nodes of 4", "4 GPUs per node, 200 Gb/s a node", "Jülich (4 a node)"])
def test_a_node_of_four_is_the_host_of_four(text: str) -> None:
    """Four A100 are wired in pairs; a node of eight, or of a number that no host has, is the usual one."""
    four = complete_row(parse_row({**ROW, "interconnect": text})).cluster.host
    assert (four.devices_per_host, four.domain_size, four.topology) == (4, 4, "mesh")
    for usual in ("nodes of 8", "nodes of 6", "4 x 100 Gb/s per node"):
        assert complete_row(parse_row({**ROW, "interconnect": usual})).cluster.host.devices_per_host == 8


def test_interconnect_sets_the_network() -> None:
    slow = complete_row(
        parse_row({**ROW, "interconnect": "8x A100 nodes, 4x100 Gb/s per node"})
    ).cluster.host.nic_bandwidth.si
    fast = complete_row(parse_row({**ROW, "interconnect": "DGX, 8x200 Gb/s HDR"})).cluster.host.nic_bandwidth.si
    octets = complete_row(parse_row({**ROW, "interconnect": "8x IB 25 GB/s"})).cluster.host.nic_bandwidth.si
    inside = complete_row(
        parse_row({**ROW, "interconnect": "8x A100 80GB NVLink 600 GB/s, 8x200 Gb/s IB"})
    ).cluster.host.nic_bandwidth.si
    storage = complete_row(parse_row({**ROW, "interconnect": "storage: 1x 100Gb/s"})).cluster.host.nic_bandwidth.si
    assert slow == pytest.approx(50e9 / 8)
    assert fast == octets == inside == pytest.approx(25e9)
    assert storage == complete_row(parse_row(ROW)).cluster.host.nic_bandwidth.si


def test_fit_is_reproducible_and_explains_what_it_saw() -> None:
    sample, _ = scored_sample(SOME)
    assert sample is not None
    first, second = fit(sample, "a"), fit(sample, "a")
    assert first == second
    before = np.abs(np.log(predicted_speed(sample, Calibration("none")) / sample.measured))
    after = np.abs(np.log(predicted_speed(sample, first) / sample.measured))
    assert np.average(after, weights=sample.weights) < np.average(before, weights=sample.weights)
    assert all(0.05 < c.value < 20 for c in first.constants)


def test_calibration_survives_its_file(tmp_path: Path) -> None:
    shipped = shipped_calibration()
    assert len(shipped.constants) > 30
    file = tmp_path / "mine.toml"
    file.write_text(to_toml(shipped, "two\nlines"), encoding="utf-8")
    assert load_calibration(file) == shipped
    file.write_text('title = "x"\nconstant = 3\n', encoding="utf-8")
    with pytest.raises(InputError, match="unknown key"):
        load_calibration(file)


def test_intervals_cover_what_they_say() -> None:
    rng = np.random.default_rng(1)
    wide = rng.integers(0, 2, 2000).astype(float)
    sources = [f"s{k % 40}" for k in range(2000)]
    x = np.zeros((2000, len(FEATURES)))
    x[:, 0], x[:, 1] = 1.0, wide
    residuals = rng.normal(0, np.where(wide, 0.3, 0.1))
    interval = fit_interval(x, residuals, sources)
    low, high = bounds(np.ones(2000), x, interval)
    inside = (np.log(low) <= -residuals) & (-residuals <= np.log(high))
    assert 0.86 <= inside[wide == 1].mean() <= 0.95
    assert 0.86 <= inside[wide == 0].mean() <= 0.95
    assert interval["fast_whole_run"] == pytest.approx(math.log(3), abs=0.25)


def test_each_end_is_learnt_apart() -> None:
    """Predictions that are seldom too slow, and often far too fast, leave more room below a speed than above it."""
    rng = np.random.default_rng(2)
    sources = [f"s{k % 50}" for k in range(4000)]
    x = np.zeros((4000, len(FEATURES)))
    x[:, 0] = 1.0
    residuals = np.where(rng.random(4000) < 0.5, np.abs(rng.normal(0, 0.3, 4000)), -np.abs(rng.normal(0, 0.05, 4000)))
    low, high = bounds(np.ones(4000), x, fit_interval(x, residuals, sources))
    assert -math.log(low[0]) > 3 * math.log(high[0])
    assert 0.87 <= ((np.log(low) <= -residuals) & (-residuals <= np.log(high))).mean() <= 0.94


def test_what_lies_between_sources_widens_an_interval() -> None:
    """Rows of a source that err together: the ends must hold sources that they were not learnt on, each counting once."""
    rng = np.random.default_rng(3)
    sizes = [1000, *([10] * 39)]
    sources = [f"s{k}" for k, n in enumerate(sizes) for _ in range(n)]
    of = np.repeat(rng.normal(0, 0.2, len(sizes)), sizes)
    of[:1000] = 0.0
    x = np.zeros((len(sources), len(FEATURES)))
    x[:, 0] = 1.0
    low, high = bounds(np.ones(len(sources)), x, fit_interval(x, of + rng.normal(0, 0.01, len(sources)), sources))
    assert math.log(high[0]) > 0.2 < -math.log(low[0]), "1,000 rows of one source do not make the others sure"


def test_copies_with_fields_left_out_widen_what_they_lack_alone() -> None:
    rng = np.random.default_rng(4)
    sources = [f"s{k % 40}" for k in range(2000)]
    copies = np.arange(2000) % 4 == 0
    x = np.zeros((2000, len(FEATURES)))
    x[:, 0], x[:, FEATURES.index("batch_untold")] = 1.0, copies
    residuals = rng.normal(0, np.where(copies, 0.4, 0.1))
    interval = fit_interval(x, residuals, sources, copies)
    assert interval["fast_batch_untold"] > 0.7 < interval["slow_batch_untold"]
    low, _ = bounds(np.ones(2000), x, interval)
    assert -np.log(low[~copies]) == pytest.approx(1.65 * 0.1, rel=0.2)


def test_a_new_architecture_is_as_wide_as_generations_left_out_need() -> None:
    rng = np.random.default_rng(3)
    sources = [f"s{k % 40}" for k in range(2000)]
    x = np.zeros((2000, len(FEATURES)))
    x[:, 0] = 1.0
    interval = fit_interval(x, rng.normal(0, 0.1, 2000), sources)
    new = x.copy()
    new[:, FEATURES.index("new_architecture")] = 1.0
    residuals = rng.normal(0, 0.2, 2000)
    wider = widen_for_new_architectures(interval, new, residuals, sources)
    assert wider["fast_new_architecture"] == pytest.approx(math.log(2), abs=0.2)
    low, high = bounds(np.ones(2000), new, wider)
    assert 0.87 <= ((np.log(low) <= residuals) & (residuals <= np.log(high))).mean() <= 0.95
    assert widen_for_new_architectures(interval, new, residuals / 9.0, sources)["slow_new_architecture"] == 0.0
    assert widen_for_new_architectures(interval, x, residuals, sources) == interval


def test_score_by_hand() -> None:
    s = score(
        np.array([90.0, 120.0, 100.0]), np.array([100.0] * 2 + [200.0]), np.array([50.0] * 3), np.array([110.0] * 3)
    )
    assert s.mape == pytest.approx((0.1 + 0.2 + 0.5) / 3)
    assert s.median == pytest.approx(0.2)
    assert s.bias == pytest.approx(-0.1)
    assert s.mae == pytest.approx((10 + 20 + 100) / 3)
    assert s.coverage == pytest.approx(2 / 3)
    medians = source_medians(["a", "a", "b"], np.array([1.1, 1.3, 2.0]), np.ones(3))
    assert medians == pytest.approx([0.2, 1.0])


def _left(device: str, source: str, predicted: float) -> LeftOut:
    return LeftOut("x", "source", source, device, "", "bf16", "dense", 7.0, "", 100.0, predicted, 50.0, 150.0)


def test_headline_figures_count_gpus_and_tpus_alone() -> None:
    rows = [_left("h100-sxm", "a", 110.0), _left("tpu-v4", "b", 120.0), _left("gaudi2", "a", 300.0)]
    data = left_out_data(rows)
    assert (data["pooled"]["n"], data["n_sources"], data["rows_not_counted"]) == (2, 2, 1)
    assert data["median_of_source_medians"] == pytest.approx(0.15)
    assert data["by"]["source"]["a"]["n"] == 1
    assert data["by"]["device"]["gaudi2"]["median"] == pytest.approx(2.0)
    text = " ".join(as_text(left_out_page(rows)).split())
    assert "2 rows of 2 sources" in text
    assert "1 rows on devices that are neither GPU nor TPU (Intel Gaudi2)" in text
    assert "neither GPU" not in as_text(left_out_page(rows[:2]))
    assert left_out_data(rows[2:])["pooled"]["n"] == 1, "nothing else to count"


def _csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_command_writes_a_line_for_every_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = _csv(tmp_path / "runs.csv", [ROW, {**ROW, "id": "bad", "tp": "many"}])
    out = tmp_path / "out.csv"
    assert main(["validate", "--runs", str(file), "-o", str(out)]) == 0
    with out.open(encoding="utf-8") as text:
        lines = list(csv.DictReader(text))
    assert tuple(lines[0]) == COLUMNS
    assert [line["status"] for line in lines] == ["ok", "unusable"]
    assert "tp is not a number" in lines[1]["reason"]
    assert "2 rows" in capsys.readouterr().out


WORDS = ("pace", "cuda_graphs", "dispatcher", "expert_overlap", "software", "offload", "attention_kernel")


def test_a_file_without_the_columns_of_words_is_one_with_blanks(tmp_path: Path) -> None:
    """A file written before these columns existed, of rows that fill each of them."""
    filled = [next(r for r in evidence.rows("runs") if r[word]) for word in WORDS]
    rows = [*SOME, *filled, next(r for r in evidence.rows("runs") if "v1" in r["attention_kernel"])]
    lacking = _csv(tmp_path / "lacking.csv", [{k: v for k, v in r.items() if k not in WORDS} for r in rows])
    blank = _csv(tmp_path / "blank.csv", [{**r, **dict.fromkeys(WORDS, "")} for r in rows])
    calibration = shipped_calibration()
    found = replay_file(read_runs(lacking), calibration)
    assert found.csv() == replay_file(read_runs(blank), calibration).csv()
    told, untold = replay_rows(rows[-1:], calibration)[0].step_time_s, found.predictions[-1].step_time_s
    assert told is not None
    assert untold is not None
    assert told > untold, "FlashAttention's first version is slower than its second"


def test_words_count_however_they_are_written() -> None:
    for word in WORDS:
        row = next(r for r in evidence.rows("runs") if r[word] not in ("", "no"))
        assert replay_rows([{**row, word: row[word].upper()}], Calibration("none"))[0].step_time_s == (
            replay_rows([row], Calibration("none"))[0].step_time_s
        )


def test_a_file_is_completed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Completing rows is nearly all the time that a file takes: 100,000 rows, minutes."""
    seen: list[str] = []

    def counted(row: RunRow) -> Replay:
        seen.append(row.id)
        return complete_row(row)

    monkeypatch.setattr("carbonscaling.validate.replay.complete_row", counted)
    rows = [{**ROW, "id": str(i), "step_time_s": "3.1"} for i in range(3)]
    found = replay_file(rows, shipped_calibration())
    assert seen == ["0", "1", "2"]
    assert found.score is not None
    assert found.score.n == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"a,b\n1,2\n", "missing columns"),
        ("id,model,device\n1,caf\xe9,A100\n".encode("latin-1"), "UTF-8"),
    ],
)
def test_a_malformed_file_is_one_clear_error(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "runs.csv"
    file.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_runs(file)


def test_a_missing_file_and_a_folder_are_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(InputError, match=r"no such file|found a directory"):
            read_runs(path)


def test_only_headers_is_no_error(tmp_path: Path) -> None:
    file = tmp_path / "runs.csv"
    file.write_text("id,model,device\n", encoding="utf-8")
    found = replay_file(read_runs(file), shipped_calibration())
    assert found.predictions == []
    assert found.score is None


def test_no_row_to_calibrate_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = _csv(tmp_path / "runs.csv", [{**ROW, "step_time_s": ""}])
    assert main(["calibrate", "--runs", str(file)]) == 2
    assert "no usable measurement" in capsys.readouterr().err


def _own(n: int, slower: float, **changes: str) -> list[dict[str, str]]:
    """Runs of one machine, each slower than shipped by a factor."""
    rows = [{**ROW, "source": "mine", "id": str(i), "micro_batch": str(1 + i % 2), **changes} for i in range(n)]
    shipped = replay_rows(rows, shipped_calibration())
    return [{**r, "step_time_s": str(slower * (p.step_time_s or 0.0))} for r, p in zip(rows, shipped, strict=True)]


def test_a_few_runs_move_the_fit_no_further_than_they_can_be_trusted() -> None:
    before, moved, trusted, widths = replay_rows(_own(1, 1.0), shipped_calibration())[0], [], [], []
    for n in (1, 4, 16):
        found, left = calibrate(_own(n, 1.3), "mine")
        after = replay_rows(_own(1, 1.0), found)[0]
        assert left == []
        assert after.tokens_per_s_per_device
        assert after.low
        assert after.high
        assert before.tokens_per_s_per_device
        moved.append(math.log(before.tokens_per_s_per_device / after.tokens_per_s_per_device) / math.log(1.3))
        trusted.append(found.interval["trust"])
        widths.append(after.high / after.low)
    assert before.high
    assert before.low
    shipped = before.high / before.low
    assert 0.0 < moved[0] < moved[1] < moved[2] < 1.0
    assert 0.0 < trusted[0] < trusted[1] < trusted[2] < 1.0
    assert shipped > widths[0] > widths[1] > widths[2] > shipped**0.7, "what one machine's runs differ by stays"


def test_rows_without_a_source_are_of_one() -> None:
    """Five rows that say nothing of where they come from are no five witnesses."""
    rows = [{**row, "source": ""} for row in _own(5, 1.2)]
    assert calibrate(rows, "mine")[0].interval == calibrate(_own(5, 1.2), "mine")[0].interval


def test_a_new_stack_stays_uncertain_after_one_run(tmp_path: Path) -> None:
    file = tmp_path / "nobodys.toml"
    file.write_text('based_on = "megatron"\nfamily = "nobodys"\n', encoding="utf-8")
    row = _own(1, 1.1, stack=str(file))
    shipped, own = (replay_rows(row, c)[0] for c in (shipped_calibration(), calibrate(row, "mine")[0]))
    assert shipped.high
    assert shipped.low
    assert own.high
    assert own.low
    known = [replay_rows(_own(1, 1.1), c)[0] for c in (shipped_calibration(), calibrate(_own(1, 1.1), "mine")[0])]
    narrower = [math.log((p.high or 0.0) / (p.low or 1.0)) for p in (*known, shipped, own)]
    assert narrower[3] / narrower[2] == pytest.approx(narrower[1] / narrower[0], abs=0.02), (
        "as a known stack's, no more"
    )


def test_the_command_says_how_much_a_few_runs_may_be_trusted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = _csv(tmp_path / "runs.csv", _own(2, 1.2)), tmp_path / "mine.toml"
    assert main(["calibrate", "--runs", str(file), "-o", str(out)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Measurements: 2, of 1 source" in said
    assert load_calibration(out).interval["trust"] < 0.6


@pytest.mark.parametrize("column", ["n_devices", "tp", "pp", "dp", "cp", "ep", "vpp"])
def test_a_fraction_of_a_degree_is_a_reason(column: str) -> None:
    with pytest.raises(Unusable, match=f"{column} is not a whole number"):
        parse_row({**ROW, column: "0.5"})
