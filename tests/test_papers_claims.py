"""Claims, figures and verdicts of the reproduction."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from carbonscaling.carbon.footprint import low_static, without_embodied
from carbonscaling.cli import main
from carbonscaling.errors import InputError
from carbonscaling.papers.claims import FIGURES, REQUIRED, claims, figure, figures_of
from carbonscaling.papers.curves import fit
from carbonscaling.papers.deciding import moves
from carbonscaling.papers.draw import draw
from carbonscaling.papers.figure import CANNOT, DIFFERS, REPRODUCED, Panel, Series
from carbonscaling.papers.member import batch_of
from carbonscaling.papers.page import data, markdown, table
from carbonscaling.papers.realisation import Realisation, choices, realisation, variants
from carbonscaling.papers.remember import SWITCH
from carbonscaling.papers.run import Reproduction, reproduce
from carbonscaling.papers.searched import Task, find, median_step, resolved
from carbonscaling.papers.study import V1_WIDTHS, Study, carbon

PAPER = Study("paper")


def verdict(claim: str) -> str:
    """Return the verdict of the paper mode on a claim."""
    return figure(figures_of(claim)[0], PAPER).outcomes[claim].verdict


def test_every_claim_belongs_to_a_figure() -> None:
    assert len(claims()) == 30
    assert {figures_of(name)[0] for name in claims()} == set(FIGURES)


def test_a_figures_outcomes_are_its_claims() -> None:
    found = [name for name in FIGURES for name in figure(name, PAPER).outcomes]
    assert found == list(claims())


def test_unknown_figures_name_the_nearest() -> None:
    with pytest.raises(InputError, match="v2-fig6a"):
        figures_of("v2-fig6x")


def test_realisation_is_complete_and_reasoned() -> None:
    assert set(choices()) == set(Realisation.__dataclass_fields__)
    for name, choice in choices().items():
        assert choice.value == getattr(realisation(), name)
        assert choice.variants
        assert choice.value not in choice.variants
        assert len(choice.reasoning) > 40
    assert len(list(variants())) == sum(len(c.variants) for c in choices().values())


def test_static_share_follows_from_the_quotation() -> None:
    at_point = 1 - 0.0587 / 0.3722
    dynamic = (1 - at_point) / 0.4
    assert realisation().static_share == pytest.approx(at_point / (at_point + dynamic), abs=5e-4)
    assert choices()["static_share"].variants[1] == pytest.approx(at_point, abs=5e-4)


def test_papers_coefficients() -> None:
    n = PAPER.point("v2", "B100", 3072).numbers
    assert n.idle_w == pytest.approx(0.681 * 700)
    assert n.busy_w == pytest.approx(700)
    assert n.host_w == pytest.approx(700 * (0.681 + 0.319 * 0.4))
    assert n.pue == 1.1
    assert n.carbon_intensity * 3.6e9 == pytest.approx(323.05)
    v1 = PAPER.point("v1", "B100", 6144).numbers
    assert v1.carbon_intensity * 3.6e9 == pytest.approx(127)
    assert v1.lifetime_s / 31_557_600 == pytest.approx(5, rel=2e-3)


@pytest.mark.parametrize("d_model", [1536, 6144, 9216, PAPER.trillion, 12288, 24576, 98304])
def test_batch_is_near_the_law_and_splits_over_the_experts(d_model: int) -> None:
    r = resolved(Task("paper", "v1", "paper-b100", d_model))
    n_experts = r.spec.experts.n_routed if r.spec.experts else 1
    law = n_experts**0.5 * (r.compute / 3e23) ** (1 / 6) * 2048
    assert r.batch == pytest.approx(law, rel=0.05)
    assert r.batch % (8 * n_experts) == 0
    assert batch_of("v1", d_model, aggressive=True) > 0


def test_algorithm_1_returns_the_fewest_devices_in_time() -> None:
    task = Task("paper", "v1", "paper-b100", 6144)
    found = find(task)
    assert found is not None
    r = resolved(task)
    assert found.duration_s <= 90 * 86400
    assert found.n_devices >= r.compute / (90 * 86400 * 1980e12)
    s = found.setting
    assert r.spec.experts is not None
    assert s.ep == r.spec.experts.n_routed
    assert s.etp == s.tp
    assert r.spec.n_layers % s.pp == 0
    assert s.recompute == 0
    assert median_step(task, found.n_devices) >= found.duration_s / r.n_steps


def test_unprinted_inputs_move_the_answer() -> None:
    inputs = replace(realisation(), network=0.25), realisation(), replace(realisation(), deadline=365.0)
    slow, base, late = (find(Task("paper", "v1", "paper-b100", 12288, inputs=i)) for i in inputs)
    assert slow is not None
    assert base is not None
    assert late is not None
    assert slow.n_devices >= base.n_devices > late.n_devices


def test_carbon_variations_are_ordered() -> None:
    p = PAPER.point("v1", "B100", 6144)
    assert carbon(p) > carbon(p, without_embodied) > carbon(p, low_static) > p.ideal_tonnes(float(p.numbers.busy_w))
    # 6 N D / E FLOP at 1980 TFLOP/s and 700 W, with PUE and intensity
    assert p.ideal_tonnes(700.0) == pytest.approx(p.compute / 1980e12 / 3600 * 0.7 * 1.1 * 0.127 / 1000, rel=1e-2)


def test_sizes_without_a_setting_end_a_row() -> None:
    row = PAPER.row("v1", "V100", V1_WIDTHS)
    assert [p.found is not None for p in row] == [True, True, True, False, False]
    assert math.isnan(carbon(row[-1]))


def test_required_order_claims() -> None:
    assert {verdict(claim) for claim in ("v1-fig4-order", "v2-sizes", "v2-fig6a-euv")} == {REPRODUCED}


def test_embodied_share_is_not_tuned() -> None:
    outcome = figure("v2-fig7", PAPER).outcomes["v2-fig7a"]
    assert outcome.verdict == DIFFERS
    assert "19 %" in outcome.reason


def test_power_law_recovers_its_own_parameters() -> None:
    x = [1.0, 10.0, 1e3, 1e4]
    law = fit(x, [3.0 * v**-0.05 for v in x])
    assert law is not None
    assert (law.k, law.alpha, law.r2) == pytest.approx((3.0, 0.05, 1.0))
    assert law.alpha_interval[0] == pytest.approx(0.05)
    assert fit([1.0], [1.0]) is None
    two = fit([1.0, 2.0], [2.0, 1.0])
    assert two is not None
    assert two.alpha_interval == (-math.inf, math.inf)


def test_moves_name_what_changed() -> None:
    base = figure("v2-sizes", PAPER).outcomes
    changed = {"v2-sizes": type(base["v2-sizes"])(0.0, CANNOT, "")}
    found = [dict(base) for _ in variants()]
    found[0] = changed
    table_ = moves(base, found)
    assert table_[0].moved == (("v2-sizes", REPRODUCED, CANNOT),)
    assert all(not m.moved for m in table_[1:])


def test_one_figure_through_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["reproduce", "v2-sizes", "--json", "-o", str(tmp_path)]) == 0
    out = json.loads(capsys.readouterr().out)
    (claim,) = out["claims"]
    assert claim["id"] == "v2-sizes"
    assert claim["paper"] == 24547e9
    assert claim["ours_paper"] == claim["ours_physical"] == pytest.approx(24.552e12, rel=1e-3)
    assert claim["verdict_paper"] == "reproduced"
    frame = pytest.importorskip("polars").read_parquet(tmp_path / "panels.parquet")
    rows = (tmp_path / "panels.csv").read_text().splitlines()
    assert frame.height == len(rows) - 1
    assert frame.columns[:3] == ["mode", "panel", "series"]
    assert {p.name for p in tmp_path.iterdir()} >= {
        "claims.parquet",
        "v2-sizes-paper.svg",
        "v2-sizes-physical.png",
        "panels.csv",
        "claims.csv",
    }


def test_an_unknown_figure_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "v3-fig1"]) == 2
    assert "unknown figure" in capsys.readouterr().err


def test_page_holds_every_claim_and_links_its_figures() -> None:
    found = reproduce("v2-fig7")
    text = markdown(found, "reproduction")
    assert "v2-fig7b" in text
    assert "reproduction/v2-fig7a-paper.svg" in text
    assert len(data(found)["claims"]) == len(found.verdicts) == 2
    assert table(found) is not None


def test_panels_have_labels_and_even_series() -> None:
    for panel in figure("v1-fig4", PAPER).panels():
        assert panel.title
        assert panel.x_label.endswith("(tCO2e)")
        assert all(len(s.x) == len(s.y) for s in panel.series)


@pytest.mark.parametrize("kind", ["curve", "bars", "cloud"])
def test_drawings_are_deterministic(kind: str, tmp_path: Path) -> None:
    x: tuple[object, ...] = ("a", "b") if kind == "bars" else (1.0, 10.0)
    panel = Panel("v1-fig0", "Title", "x", "y", (Series("one", x, (1.0, 2.0)),), kind, log_x=kind != "bars", note="n")  # type: ignore[arg-type]
    one, two = tmp_path / "1", tmp_path / "2"
    for folder in (one, two):
        folder.mkdir()
        draw(panel, "paper", folder)
    for ending in ("svg", "png"):
        assert (one / f"v1-fig0-paper.{ending}").read_bytes() == (two / f"v1-fig0-paper.{ending}").read_bytes()


def test_an_empty_panel_is_drawn(tmp_path: Path) -> None:
    files = draw(Panel("v1-fig0", "Title", "x", "y", (Series("none", (), ()),)), "physical", tmp_path)
    assert all(path.stat().st_size > 0 for path in files)


@pytest.mark.slow
def test_whole_reproduction_anew_and_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "0")
    one = reproduce()
    monkeypatch.delenv(SWITCH)
    two = reproduce()
    assert isinstance(one, Reproduction)
    assert data(one) == data(two)
    assert [v.claim.id for v in one.verdicts] == list(claims())
    assert all(v.paper.reason and v.physical.reason for v in one.verdicts)
    assert all(v.paper.verdict in (REPRODUCED, DIFFERS, CANNOT) for v in one.verdicts)
    differ = {v.claim.id for v in one.verdicts if v.paper.verdict == DIFFERS} & set(REQUIRED)
    page = markdown(one, "reproduction")
    decided = page[page.index("## Which unprinted input decides") :]
    assert any(a.claim == "v1-fig5a" and a.outcome.verdict == REPRODUCED and len(a.values) == 3 for a in one.nearest)
    assert all(f"**{claim}**" in decided for claim in differ)
    assert {d["id"] for d in data(one)["distances"]} == differ
    assert all(f"| {claim} |" in decided for claim in differ)
