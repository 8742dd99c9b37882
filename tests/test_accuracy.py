"""How right a speed is: said once, the same wherever people read it, and what a plan's interval really is."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from carbonscaling.calibration.profile import shipped_calibration
from carbonscaling.evidence.left_out import shipped_left_out
from carbonscaling.reporting.accuracy import accuracy
from carbonscaling.reporting.document.page import limits
from carbonscaling.serve.catalogue import catalogue
from carbonscaling.study.accuracy import speed_accuracy, step_error
from carbonscaling.study.scenario import Scenario
from carbonscaling.study.setup import setup

ROOT = Path(__file__).parent.parent
PAGES = ("README.md", "docs/right.md", "docs/limits.md", "docs/howto/calibrate.md")


def _printed(page: str) -> str:
    return " ".join((ROOT / page).read_text(encoding="utf-8").split())


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_how_right_a_speed_is_and_says_it_once(page: str) -> None:
    text = _printed(page)
    assert accuracy() in text
    assert len(re.findall(r"factor of 1\.\d", text)) == 1


def test_pages_say_how_far_rows_lie_whose_source_was_left_out() -> None:
    rows = [row for row in shipped_left_out() if row.fold == "source"]
    median = f"{100.0 * float(np.median([abs(row.predicted / row.measured - 1.0) for row in rows])):.1f} %"
    assert f"half lie within {median} (" in _printed("README.md")
    assert f"**this model, source left out** | {median} |" in _printed("docs/right.md")
    assert f"half of the rows lie within {median}," in _printed("CHANGELOG.md")


def test_reports_and_the_service_say_the_same() -> None:
    assert limits()[0] == accuracy()
    assert catalogue()["accuracy"] == accuracy()


def test_the_factors_are_what_plans_are_given() -> None:
    """Without a stack and on one that was measured, dense and with experts, on a device that was measured."""
    seen = shipped_calibration()
    asked = [(stack, model) for stack in (None, "megatron") for model in ("llama-3-8b", "mixtral-8x7b")]
    given = [setup(Scenario(model=m, tokens=1e12, device="h100-sxm", stack=s)) for s, m in asked]
    ends = [max(e.si_range[1], 1.0 / e.si_range[0]) for e in (step_error(u, seen) for u in given)]
    assert re.findall(r"\d\.\d\d", speed_accuracy()) == [f"{end:.2f}" for end in ends]
