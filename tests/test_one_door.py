"""What is validated is what people run: `estimate` of a row's scenario is what `validate` says of the row, to the last bit."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import pytest

from carbonscaling import evidence
from carbonscaling.calibration.profile import shipped_calibration
from carbonscaling.cli import main
from carbonscaling.evidence.row import Unusable, parse_row
from carbonscaling.study.answer import estimate
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.scenario import Scenario
from carbonscaling.units import GB
from carbonscaling.validate.rows import setup_of
from carbonscaling.validate.speed.runs import replay_rows

Row = Mapping[str, str]
Said = tuple[float | None, float | None, bool]

SPREAD = ("stack", "device", "precision", "zero_stage", "kind", "mode", "pace", "recompute", "attention_kernel", "dispatcher",
          "cuda_graphs", "expert_overlap", "vpp", "cp", "software", "offload", "shard")  # fmt: skip
"""Columns of which every value is in the sample."""
IN_HOST = ("r01025", "r04235", "r04236", "r00336", "r00374")
"""Rows whose states, or whose inputs of recomputed layers, lie in the host."""


def _usable(row: Row) -> bool:
    try:
        setup_of(parse_row(row))
    except Unusable:
        return False
    return True


@cache
def _sample() -> tuple[Row, ...]:
    """Every row with a value that no row before it has, a few whose memory is in the host, and every thirtieth."""
    found, seen = [], set[tuple[str, str]]()
    for i, row in enumerate(evidence.rows("runs")):
        told = {(column, row[column]) for column in SPREAD} | {
            ("megatron", row["stack"] + row["precision"] + row["recompute"])
        }
        if (told - seen or row["id"] in IN_HOST or i % 30 == 0) and _usable(row):
            found.append(row)
            seen |= told
    return tuple(found)


def _validated(rows: Iterable[Row]) -> dict[str, Said]:
    """What `validate` says of every row that it can replay: tokens a second and device, gigabytes, whether it fits."""
    found = replay_rows(list(rows), shipped_calibration())
    return {p.id: (p.tokens_per_s_per_device, p.memory_gb, p.status == "ok") for p in found if p.status != "unusable"}


def _estimated(s: Scenario) -> Said:
    answer = estimate(s)
    would = answer if isinstance(answer, Estimate) else answer.would
    assert would is not None
    return would.tokens_per_s_per_device, float(would.memory.total) / GB, answer.feasible


def _check(rows: Iterable[Row]) -> dict[str, Scenario]:
    """Hold every row's scenario against what `validate` says; return the scenarios."""
    known = {r["id"]: r for r in rows}
    said = _validated(known.values())
    scenarios = {name: setup_of(parse_row(known[name]))[0].scenario for name in said}
    differ = {name: (said[name], own) for name, s in scenarios.items() if (own := _estimated(s)) != said[name]}
    assert not differ
    return scenarios


def test_estimate_is_validate_on_a_spread_of_rows() -> None:
    found = list(_check(_sample()).values())
    assert 200 <= len(found) <= 300
    assert {s.stack for s in found} == RUN
    assert {s.offload for s in found} == {None, "none", "weights", "activations", "optimizer"}
    assert {s.pace for s in found} == {"steady", "calendar"}
    assert {s.precision for s in found} >= {"bf16", "fp16", "fp8", "mxfp8", "nvfp4"}
    assert {s.layout.zero for s in found} >= {None, 1, 3}
    assert len({s.device for s in found}) >= 19


RUN = {
    "aleph-alpha", "community", "fsdp", "gpt-neox", "hai-llm", "megatron", "megatron-2021", "megatron-2022", "megatron-bridge",
    "megatron-deepspeed", "mlperf", "mlperf-tpu", "nanotron", "xla", "llm.c", "fsdp-llama", "internevo", "torchtitan",
    "deepspeed", "megascale", "megatron-2023", "megatron-llama", "fms-fsdp", "automodel", "litgpt", "pax", "primus",
}  # fmt: skip
"""Stacks of the catalogue that ran shipped rows."""


@pytest.mark.slow
def test_estimate_is_validate_on_every_row() -> None:
    assert len(_check(evidence.rows("runs"))) >= 3_500


def test_the_command_says_the_same_of_the_files_that_validate_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twenty rows as files, to twelve digits: those that do not fit exit with 3, and say what they would have done."""
    rows = [*(r for r in _sample()[::9] if r["n_devices"]), *(r for r in _sample() if r["id"] in IN_HOST)]
    runs, out, folder = tmp_path / "runs.csv", tmp_path / "out.csv", tmp_path / "scenarios"
    with runs.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert main(["validate", "--runs", str(runs), "-o", str(out), "--scenarios", str(folder)]) == 0
    with out.open(encoding="utf-8") as file:
        said = {line["id"]: line for line in csv.DictReader(file)}
    assert {p.stem for p in folder.iterdir()} == {r["id"] for r in rows}
    for name, line in said.items():
        capsys.readouterr()
        code = main(["estimate", str(folder / f"{name}.toml"), "--json"])
        assert code == (0 if line["status"] == "ok" else 3), name
        summary = json.loads(capsys.readouterr().out)["summary"]
        assert summary["tokens_per_s_per_device"] == pytest.approx(float(line["tokens_per_s_per_device"]), rel=1e-12)
        assert summary["memory_per_device_gb"] == pytest.approx(float(line["memory_gb"]), rel=1e-12)
