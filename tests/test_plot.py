"""`cs.plot`: what is drawn is what the answer says; several answers show as a table and become a data frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import carbonscaling as cs
from carbonscaling.study.places import ranked

pytest.importorskip("matplotlib", reason="the extra plot is not installed")

ASKED = cs.Scenario(model="llama-3-8b", tokens=1e12, device="h100-sxm", max_days=20)


@pytest.fixture(scope="module")
def answer() -> cs.Estimate:
    found = cs.plan(ASKED)
    assert isinstance(found, cs.Estimate)
    return found


def widths(axes: Any) -> list[float]:
    return sorted(bar.get_width() for bar in axes.patches)


def test_the_parts_are_those_of_the_answer(answer: cs.Estimate) -> None:
    time, memory, energy, carbon = cs.plot(answer).axes
    step = [float(v) for v in answer.step._asdict().values() if v > 1e-3 * answer.step.total]
    assert widths(time) == pytest.approx(sorted(step))
    assert sum(widths(memory)) == pytest.approx(float(answer.memory.total) / 1e9, rel=5e-3)
    assert sum(widths(energy)) == pytest.approx(answer.footprint.energy_kwh / 1e3, rel=5e-3)
    assert sum(widths(carbon)) == pytest.approx(answer.footprint.total_tco2e, rel=5e-3)


def test_a_front_is_a_stair_through_what_nothing_beats(answer: cs.Estimate) -> None:
    carbon, cost = cs.plot(answer, "front").axes
    assert answer.search is not None
    rows = [(c.duration_s / 86400, c.carbon_kg / 1e3) for c in answer.search.front]
    corners = sorted(a for a in rows if not any(b != a and b[0] <= a[0] and b[1] <= a[1] for b in rows))
    assert carbon.lines[0].get_xydata() == pytest.approx(np.array(corners))
    assert len(carbon.lines[1].get_xydata()) == len(rows)
    assert cost.get_ylabel() == "cost, M$"
    counted = cs.estimate(cs.Scenario(model="llama-3-8b", tokens=1e12, devices=64))
    with pytest.raises(cs.InputError, match="no front"):
        cs.plot(counted, "front")


def test_places_begin_with_the_run_s_own(answer: cs.Estimate) -> None:
    (axes,) = cs.plot(answer, "places").axes
    names = [tick.get_text() for tick in axes.get_yticklabels()][::-1]
    assert names[0].startswith("us-east5 USA")
    assert names[1].startswith(ranked(answer)[0].region)
    ends = [bar.get_x() + bar.get_width() for bar in axes.patches[len(names) :]][::-1]
    assert ends[0] == pytest.approx(answer.footprint.total_tco2e)


def test_answers_are_drawn_over_the_first_with_their_intervals(answer: cs.Estimate) -> None:
    other = cs.estimate(cs.Scenario(model="llama-3-8b", tokens=1e12, device="h200", devices=32))
    assert isinstance(other, cs.Estimate)
    (axes,) = cs.plot([answer, other]).axes
    centres = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 1]
    assert centres[0] == 1.0
    said = [a.summary()["energy_kwh"] for a in (answer, other)]
    assert any(x == pytest.approx(said[1] / said[0]) for x in centres)


def test_choices_and_points_are_drawn_and_are_tables(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    found = cs.choices(ASKED, regions=["france", "us-east5"], counts=[64])
    (axes,) = cs.plot(found, output=tmp_path / "choices.png").axes
    assert (tmp_path / "choices.png").read_bytes().startswith(b"\x89PNG")
    assert len(axes.texts) == 2
    assert isinstance(found.to_frame(), polars.DataFrame)
    assert found.to_frame()["total_tco2e"].to_list() == [c.total_tco2e for c in found]
    assert "france" in found._repr_html_()
    points = cs.scale(cs.Scenario(law="besiroglu_2024"), sizes=[1e21, 1e22])
    (axes,) = cs.plot(points).axes
    assert axes.lines[0].get_ydata() == pytest.approx([p.loss for p in points])
    assert points.to_frame()["loss"].to_list() == [p.loss for p in points]
    assert points._repr_html_().count("<tr>") == 3


@pytest.mark.parametrize(
    ("what", "kind", "said"),
    [
        ([], "parts", "cannot be drawn together"),
        (3, "parts", "no answer"),
        ("infeasible", "parts", "no answer"),
        ("answer", "frnt", "unknown kind"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(answer: cs.Estimate, what: Any, kind: str, said: str) -> None:
    if what == "infeasible":
        what = cs.plan(cs.Scenario(model="llama-3-8b", tokens=1e12, max_days=0.01, max_devices=64))
        assert isinstance(what, cs.Infeasible)
    with pytest.raises(cs.InputError, match=said) as caught:
        cs.plot(answer if what == "answer" else what, kind)
    assert caught.value.remedy
    with pytest.raises(cs.InputError, match="not written as"):
        cs.plot(answer, output="x.gif")
