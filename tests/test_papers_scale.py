"""Curves by the papers' own engine: any device, deadline, years and batch law; nothing silently ignored."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from carbonscaling.cli import main
from carbonscaling.errors import InputError
from carbonscaling.papers.scale import engine_curve, engine_of
from carbonscaling.papers.study import V1_WIDTHS, Study
from carbonscaling.study.scenario import Scenario

PAPER_B100 = Scenario(law="paper_v1", device="paper-b100", carbon_mode="paper", paper_version="v1")


def test_the_curve_is_the_reproductions() -> None:
    points, row = engine_curve(PAPER_B100, "F"), Study("paper").row("v1", "B100", V1_WIDTHS)
    assert [p.best.n_devices for p in points if p.best] == [p.found.n_devices for p in row if p.found]
    assert [p.utilisation for p in points] == pytest.approx([p.found.utilisation for p in row if p.found])


def test_deadlines_years_and_batches_move_it() -> None:
    widths = (24576.0, 98304.0)
    base, year, later, batch = (
        engine_curve(s, "F", widths, aggressive=aggressive)
        for s, aggressive in ((PAPER_B100, False), (replace(PAPER_B100, max_days=365.0), False),
                              (replace(PAPER_B100, years_ahead=8.0), False), (PAPER_B100, True))
    )  # fmt: skip
    for b, y, f, a in zip(base, year, later, batch, strict=True):
        assert b.best
        assert y.best
        assert f.best
        assert a.best
        assert y.best.n_devices < b.best.n_devices
        assert f.best.n_devices < b.best.n_devices
        assert a.batch_tokens > b.batch_tokens
    assert batch[1].utilisation > base[1].utilisation
    few = engine_curve(replace(PAPER_B100, max_devices=1000), "F", widths)
    assert all(p.best is None for p in few)


def test_published_latencies_end_it_at_the_wall() -> None:
    points = engine_curve(Scenario(law="paper_v1", device="h100-sxm"), "E", (12288.0, 98304.0, 131072.0))
    first, wall, beyond = (p.utilisation if p.best else 0.0 for p in points)
    assert first > 0.6
    assert wall < 0.05
    assert beyond == 0.0


def test_names_of_engines() -> None:
    assert [engine_of(law, "paper") for law in ("paper_v1", "paper_v2")] == ["F", "S"]
    assert engine_of("paper_v2", "E") == "E"
    with pytest.raises(InputError, match="family"):
        engine_of("chinchilla", "paper")
    with pytest.raises(InputError, match="does not take this"):
        engine_curve(replace(PAPER_B100, stack="megatron-core"), "F")


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(
            [
                "scale",
                "--law",
                "paper_v1",
                "--device",
                "paper-b100",
                "--engine",
                "paper",
                "--sizes",
                "6144,1572864",
                "--json",
            ]
        )
        == 0
    )
    small, large = json.loads(capsys.readouterr().out)
    assert (small["n_devices"], small["tp"], small["pp"], small["micro_batches"]) == (56, 2, 7, 448)
    assert small["carbon_total_tco2e"] == pytest.approx(
        small["carbon_operational_tco2e"] + small["carbon_embodied_tco2e"]
    )
    assert large["feasible"] is False
    assert "90 days" in large["reason"]
    assert main(["scale", "--law", "paper_v1", "--device", "paper-b100", "--engine", "F", "--sizes", "1572864"]) == 3
    assert "infeasible" in capsys.readouterr().out
    assert main(["scale", "--law", "paper_v1", "--batch-law", "aggressive"]) == 2
    assert "--engine paper" in capsys.readouterr().err
