"""Explaining from the top: every line follows from the ones above, and opens to formulas that were evaluated."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from carbonscaling.catalog.references import references
from carbonscaling.cli import main
from carbonscaling.cli.pages import page
from carbonscaling.errors import ExitCode, InputError
from carbonscaling.reporting.derivation import NAMES, derivation, derivation_html
from carbonscaling.reporting.explain import distinct
from carbonscaling.reporting.glossary import glossary, term
from carbonscaling.software.options import Software
from carbonscaling.study.answer import explain
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.scenario import Layout, Scenario

FOUND, LINES = explain(
    Scenario(
        model="llama-3-8b",
        tokens=1e12,
        devices=64,
        batch=512,
        layout=Layout(tp=4, pp=2, zero=1, micro_batch=1, recompute="none"),
    )
)
assert isinstance(FOUND, Estimate)
STAGES = {stage.name: stage for stage in derivation(FOUND, LINES)}


def test_the_stages_are_the_answer_in_order() -> None:
    s = FOUND.summary()
    assert tuple(STAGES) == NAMES
    flops, rate = (float(STAGES[name].result.split()[0]) for name in ("work", "speed"))
    assert flops == pytest.approx(s["training_flops"], rel=0.01)
    assert flops / rate == pytest.approx(s["steady_days"] * 86400, rel=0.01)
    assert float(STAGES["time"].result.removesuffix(" days")) == pytest.approx(s["duration_days"], rel=0.01)
    watts, hours = re.findall(r"x ([\d,.]+) [Wh]", STAGES["energy"].numbers)
    kwh = 64 * float(watts.replace(",", "")) * float(hours.replace(",", "")) / 1e3
    assert kwh == pytest.approx(s["energy_kwh"], rel=0.01)
    device_hours = float(STAGES["money"].numbers.split()[0].replace(",", ""))
    assert device_hours == pytest.approx(64 * 24 * s["duration_days"], rel=5e-3)  # three digits
    assert "on-demand list price" in STAGES["money"].numbers


def test_every_formula_stands_in_one_stage() -> None:
    assert sum(len(stage.lines) for stage in STAGES.values()) == len(LINES)
    assert {line.formula.name for line in STAGES["time"].lines} == {"perf.goodput.run_time"}
    assert all(line.formula.name.startswith("carbon.") for name in ("energy", "carbon") for line in STAGES[name].lines)
    assert STAGES["memory"].lines
    assert STAGES["carbon"].lines


def test_the_page_opens_a_line_and_the_file_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask = ["explain", "--model", "llama-3-8b", "--tokens", "1T", "--devices", "64", "--batch", "512", "--tp", "4", "--pp", "2",
           "--zero", "1", "--micro-batch", "1", "--recompute", "none"]  # fmt: skip
    file = tmp_path / "explain.html"
    assert main([*ask, "-o", str(file)]) == 0
    closed = capsys.readouterr().out
    assert "perf." not in closed
    assert len(closed.splitlines()) < 35
    assert main([*ask, "--open", "carbon"]) == 0
    opened = capsys.readouterr().out
    assert "carbon.embodied.amortised" in opened
    assert "perf." not in opened
    text = file.read_text(encoding="utf-8")
    assert text == derivation_html(list(STAGES.values()), FOUND.headline)
    assert text.count("<details") == len(STAGES) + len({line.formula.name for line in LINES})
    assert text.count('class="small">') == len(distinct(LINES))
    assert "<script" not in text


def test_terms_are_explained_in_any_usual_spelling(capsys: pytest.CaptureFixture[str]) -> None:
    for spelling, name in (
        ("mfu", "MFU"),
        ("GPU hours", "device-hour"),
        ("Tensor-Parallelism", "tensor parallelism"),
        ("fsdp", "ZeRO"),
    ):
        assert term(spelling).name == name
    assert term("k_half").formula == "in perf.gemm.mixed_k_half, perf.gemm.tiled_flops"
    for spelling in (
        "busy ratio",
        "ZeRO-2",
        "1f1b",
        "combined-1f1b",
        "chunks a stage",
        "nvfp4",
        "mxfp8",
        "GQA",
        "MLA",
        "prefill",
    ):
        assert term(spelling).meaning  # words that answers use
    assert term("Chip power").see == "key of a device's file"
    assert term("bf16-share").see == "key of a scenario's software"
    assert term("bf16-share").meaning.startswith("Share of the blocks' products")
    assert main(["explain", "MFU"]) == 0
    assert "utilisation" in capsys.readouterr().out
    assert main(["explain", "blockchain"]) == ExitCode.USAGE
    err = capsys.readouterr().err
    assert "no such term" in err
    assert "did you mean" not in err
    with pytest.raises(InputError, match="did you mean: recomputation"):
        term("recomputaton")


def test_products_that_stay_in_16_bit_are_opened() -> None:
    """Formulas of the machine, not of the step; a recipe without such products has none."""
    asked = Scenario(model="llama-3-8b", tokens=1e12, device="b200", devices=8, precision="mxfp8")
    for share, found in ((0.25, 1), (0.0, 0)):
        _, lines = explain(replace(asked, software=Software(bf16_share=share)))
        opened = [line for line in distinct(lines) if line.formula.name == "perf.gemm.mixed_efficiency"]
        assert len(opened) == found
        assert all(line.arguments["share"] == share for line in opened)


def test_the_glossary_is_whole() -> None:
    assert len(glossary()) >= 45
    everything = page(["help", "plan"]) or ""
    spellings = [name for one in glossary().values() for name in (one.name, *one.names)]
    assert len({re.sub(r"[^a-z0-9]", "", name.lower()) for name in spellings}) == len(spellings)
    for one in glossary().values():
        assert one.meaning.endswith(".")
        assert not one.source or one.source in references()
        for option in re.findall(r"--[a-z0-9-]+", one.see):
            assert option in everything or option == "--[no-]sequence-parallel" or "sequence-parallel" in option, option
