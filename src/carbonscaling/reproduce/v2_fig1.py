"""Version 2, figure 1: device-hours by regression and by LLMCarbon against what was reported."""

from __future__ import annotations

from carbonscaling.reproduce.figure import Outcome, Panel, Series, verdict_of
from carbonscaling.reproduce.frontier import runs
from carbonscaling.reproduce.study import Study

__all__ = ["outcomes", "panels"]

NOTE = (
    "reg: regression over public A100 and H100 trainings without the run itself; LLMC: LLMCarbon before the fact. "
    "The 32B mixture of experts has no public configuration."
)


def panels(study: Study) -> tuple[Panel, ...]:
    """Return bars of device-hours."""
    found = runs(study.mode)
    names = tuple(r.name for r in found)
    series = (Series("reported", names, tuple(r.reported for r in found)),
              Series("reg", names, tuple(r.regression for r in found)),
              Series("LLMC", names, tuple(r.llmcarbon for r in found)))  # fmt: skip
    return (Panel("v2-fig1", "Device-hours of frontier runs, baselines", "", "device-hours", series, "bars", log_x=False,
                  note=NOTE),)  # fmt: skip


def outcomes(study: Study) -> dict[str, Outcome]:
    """Test that both baselines overestimate PaLM, and PaLM most."""
    found = runs(study.mode)
    reg = {r.name: r.regression / r.reported for r in found}
    llmc = {r.name: r.llmcarbon / r.reported for r in found}
    holds = all(max(ratio, key=ratio.__getitem__) == "PaLM" and ratio["PaLM"] > 1 for ratio in (reg, llmc))
    text = "; ".join(f"{label}: " + ", ".join(f"{k} x{v:.2f}" for k, v in ratio.items())
                     for label, ratio in (("reg", reg), ("LLMC", llmc)))  # fmt: skip
    return {
        "v2-fig1": Outcome(text, verdict_of(holds), f"ratios to the reported hours, no hardware model enters. {NOTE}")
    }
