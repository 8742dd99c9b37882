"""Parts of the model on a user's own rows: the shipped rows again, rows that lack something, rows that cannot be read."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest

from carbonscaling import evidence
from carbonscaling.cli import main
from carbonscaling.errors import InputError
from carbonscaling.evidence.row import Cells
from carbonscaling.validate.parts.memory import memory_outcomes
from carbonscaling.validate.parts.part import Outcome
from carbonscaling.validate.parts.power import power_outcomes
from carbonscaling.validate.parts.table import RESULTS, ROWS, component_rows


def _file(folder: Path, rows: list[dict[str, str]], name: str = "mine.csv") -> Path:
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def _some(part: str) -> list[dict[str, str]]:
    return evidence.rows(part)[::29]


@pytest.mark.parametrize("part", ROWS)
def test_a_file_answers_every_row_or_says_why(part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows, out = _some(part), tmp_path / "out.csv"
    assert main(["validate", "--components", part, "--rows", str(_file(tmp_path, rows)), "-o", str(out), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    with out.open(encoding="utf-8") as text:
        answers = list(csv.DictReader(text))
    assert tuple(answers[0]) == (*(name for name in rows[0] if name not in RESULTS), *RESULTS)
    assert len(answers) == data["rows"] == len(rows)
    assert sum(line["status"] != "unusable" for line in answers) == data["answered"]
    for line in answers:
        if line["status"] != "unusable":
            assert line["fits"] == {"memory": {"ok": "yes"}, "oom": {"ok": "yes", "too_large": "no"}}.get(part, {}).get(
                line["status"], ""
            )
            assert 0.0 < float(line["predicted"]) < math.inf
            assert line["unit"] == ROWS[part].unit
        else:
            assert line["reason"]
            assert not line["predicted"]


@pytest.mark.parametrize("part", ROWS)
def test_what_was_measured_never_influences_an_answer(part: str, tmp_path: Path) -> None:
    measured = ("tflops", "time_us", "busbw_gbs", "memory_gib", "watts", "status")
    rows = _some(part)
    told = component_rows(part, _file(tmp_path, rows))
    blank = [{k: v for k, v in row.items() if k not in measured} for row in rows]
    untold = component_rows(part, _file(tmp_path, blank, "blank.csv"))
    assert [x.predicted for x in untold.outcomes] == pytest.approx([x.predicted for x in told.outcomes], nan_ok=True)
    assert untold.table == ()


def _one(part: str, folder: Path, **changes: str) -> Outcome:
    return component_rows(part, _file(folder, [{**evidence.rows(part)[0], **changes}])).outcomes[0]


@pytest.mark.parametrize(
    ("part", "changes", "words"),
    [
        ("gemm", {"device": "Q900"}, "unknown device"),
        ("gemm", {"m": "wide"}, "m is not a number"),
        ("gemm", {"m": ""}, "no m"),
        ("gemm", {"dtype": "fp64"}, "no multiplication that the model has"),
        ("collectives", {"n_devices": "1"}, "fewer than two devices"),
        ("collectives", {"collective": "gossip"}, "gossip is not predicted"),
        ("memory", {"run_id": "mine", "model": "nobody's"}, "no model shape"),
        ("power", {"scope": "the whole hall"}, "neither a board nor a node"),
        ("power", {"utilisation": "-1"}, "utilisation is out of range"),
    ],
)
def test_a_row_that_cannot_be_read_says_why(part: str, changes: dict[str, str], words: str, tmp_path: Path) -> None:
    assert words in _one(part, tmp_path, **changes).reason


def test_a_network_that_the_row_states_is_the_one_that_counts(tmp_path: Path) -> None:
    row = {"device": "H100-80", "n_devices": "16", "collective": "all_gather", "bytes": "8e9", "nodes": "2",
           "nics_per_node": "8", "fabric": "roce", "busbw_gbs": "40"}  # fmt: skip
    fast, slow = (
        component_rows("collectives", _file(tmp_path, [{**row, "gbps_per_nic": g}])).outcomes[0] for g in ("400", "100")
    )
    assert slow.predicted > 2.0 * fast.predicted
    assert fast.groups == ("H100-80, all-gather, roce",)


def test_memory_of_runs_of_another_file(tmp_path: Path) -> None:
    run = next(r for r in evidence.rows("runs") if r["id"] == evidence.rows("memory")[0]["run_id"])
    mine = {**run, "id": "own-1", "model": "my model"}
    row = {**evidence.rows("memory")[0], "run_id": "own-1", "model": "my model"}
    file, runs = _file(tmp_path, [row]), _file(tmp_path, [mine], "runs.csv")
    assert component_rows("memory", file).outcomes[0].reason
    found = component_rows("memory", file, [mine]).outcomes[0]
    shipped = _one("memory", tmp_path)
    assert (found.predicted, found.fits) == (shipped.predicted, shipped.fits)
    assert found.low < found.predicted < found.high
    assert main(["validate", "--components", "memory", "--rows", str(file), "--runs", str(runs)]) == 0


BOARD = {"device": "A100-80", "utilisation_or_workload": "training", "scope": "per accelerator", "utilisation": "0.5",
         "n_devices": "", "tflops_per_device": "", "power_limit_w": "", "watts": "", "notes": ""}  # fmt: skip


TITAN = {"source": "pytorch/torchtitan", "model": "llama-3-8b", "device": "H100-96", "stack": "torchtitan"}
"""Its table of December 2024, benchmarks/llama3_h100_202412_torchtitan.md: Llama 3.1 8B and 405B."""


@pytest.mark.parametrize(
    ("devices", "seq", "cp", "micro", "precision", "recompute", "software", "shown"),
    [
        (8, 8192, 1, 2, "bf16", "selective", "compile=no", 82.4),
        (8, 8192, 1, 2, "bf16", "selective", "compile=yes", 77.0),
        (8, 8192, 1, 2, "fp8", "selective", "compile=yes", 76.8),
        (128, 8192, 1, 2, "bf16", "selective", "compile=no", 67.0),
        (128, 8192, 1, 2, "bf16", "selective", "compile=yes", 62.0),
        (128, 8192, 1, 2, "fp8", "selective", "compile=yes", 61.8),
        (8, 32768, 1, 1, "fp8", "full", "compile=yes", 83.9),
        (8, 262144, 8, 1, "fp8", "full", "compile=yes", 84.5),
    ],
)
def test_memory_that_torchtitan_printed(
    devices: int, seq: int, cp: int, micro: int, precision: str, recompute: str, software: str, shown: float
) -> None:
    """Results of every second product kept, in 16 bit also beside products in 8 bit, and a loss that is not compiled."""
    dp = devices // cp
    row = TITAN | {
        "n_devices": str(devices), "dp": str(dp), "cp": str(cp), "tp": "1", "pp": "1", "zero_stage": "3",
        "micro_batch": str(micro), "global_batch_seqs": str(micro * dp), "seq_len": str(seq), "precision": precision,
        "recompute": recompute, "software": software, "memory_gib": str(shown),
    }  # fmt: skip
    (one,) = memory_outcomes([Cells(row)])
    assert one.predicted == pytest.approx(shown, rel=0.07)


@pytest.mark.parametrize(
    ("run", "shown"),
    [("n00122", 47.65), ("n00123", 47.77), ("n00125", 39.09), ("n00127", 39.32), ("r02842", 47.96), ("r02843", 46.97)],
)
def test_memory_with_a_loss_compiled_or_not(run: str, shown: float) -> None:
    """torchao's docs/source/workflows/training.md and torchtitan's June 2025: the loss is compiled from April 2025 on."""
    row = next(row for row in evidence.rows("runs") if row["id"] == run)
    (one,) = memory_outcomes([Cells({"run_id": run, "model": row["model"], "device": row["device"]})])
    assert one.predicted == pytest.approx(shown, rel=0.06)


def test_a_loss_that_writes_no_logits_grows_as_its_measurer_fitted() -> None:
    """Llama 3.1 8B, Liger, everything recomputed: 0.00043 GiB a token (insights/when-to-upgrade-gpus of ml-engineering)."""
    rows = [{"run_id": i, "model": "Llama3.1-8B", "device": "H200-141"} for i in ("n00145", "n00151")]
    short, long = memory_outcomes([Cells(row) for row in rows])
    assert (long.predicted - short.predicted) / (262144 - 65536) == pytest.approx(0.00043, rel=0.1)
    assert long.fits


def test_a_local_batch_is_cut_into_as_many_micro_batches_as_stages() -> None:
    """Llama 3.1 405B, 64 stages times tensor ranks, local batch 32: eight micro-batches of 4."""
    row = TITAN | {
        "model": "llama-3.1-405b", "n_devices": "512", "dp": "8", "cp": "1", "tp": "8", "pp": "8", "zero_stage": "3",
        "global_batch_seqs": "256", "seq_len": "8192", "precision": "fp8", "recompute": "full", "memory_gib": "82.5",
    }  # fmt: skip
    local, cut = memory_outcomes([Cells(row | {"micro_batch": "32"}), Cells(row | {"micro_batch": "4"})])
    assert (local.predicted, local.fits) == (cut.predicted, True)


def test_power_of_boards_nodes_and_systems() -> None:
    def watts(**changes: str) -> float:
        return power_outcomes([{**BOARD, **changes}])[0].predicted

    free, limited, own = watts(), watts(power_limit_w="250"), watts(power_limit_w="500")
    assert limited == pytest.approx(250.0)
    assert own > 1.15 * free, "a board whose limit is above the rating has a rating of its own"
    assert watts(utilisation="0.1") < watts(utilisation="0.3") < free * 1.0001
    node, system = (watts(scope=scope) for scope in ("node of 8 GPUs (AC input)", "per accelerator, system incl. host"))
    assert node > 8 * free
    assert system > node / 8, "the network is a system's"
    assert watts(scope="whole system of 64 nodes") == pytest.approx(512 * system)


def test_a_part_or_a_file_that_cannot_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = _file(tmp_path, [{"device": "H100-80"}])
    with pytest.raises(InputError, match="did you mean: gemm"):
        component_rows("gem", file)
    for arguments in (("--components", "gemm"), ("--components", "pipeline"), ()):
        assert main(["validate", *arguments, "--rows", str(file)]) == 2
    said = capsys.readouterr().err
    assert "missing columns" in said
    assert "gemm, collectives, memory, oom, power" in said
