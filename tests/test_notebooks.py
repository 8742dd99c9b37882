"""The example notebooks run from top to bottom, and what they find is what the package answers."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import Any

import pytest

import carbonscaling as cs

FOLDER = Path(__file__).parent.parent / "examples" / "notebooks"


def run(name: str) -> dict[str, Any]:
    """Run every cell; return the names that the cells define."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the notebook runner's own imports
        pytest.importorskip("marimo", reason="the extra notebooks is not installed")
        spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        _, names = module.app.run()
    return dict(names)


def test_every_notebook_is_run_here() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} == {
        "draw_an_answer",
        "laws_and_carbon",
        "plan_a_run",
        "where_to_train",
    }


def test_plan_a_run() -> None:
    names = run("plan_a_run")
    again = cs.plan(names["scenario"])
    assert isinstance(again, cs.Estimate)
    assert names["summary"] == again.summary()
    assert sum(seconds for seconds, _ in names["causes"]) == pytest.approx(names["total"], rel=1e-9)
    assert len(names["levers"]) == len(again.levers) > 0


def test_draw_an_answer() -> None:
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    names = run("draw_an_answer")
    assert len(names["parts"].axes) == 4
    assert len(names["front"].axes) == 2
    own = names["places"].axes[0].get_yticklabels()[-1].get_text()
    assert own.startswith("us-east5")
    assert names["other"].resolved.cluster.device.id == "b200"
    assert len(names["found"]) == 6
    assert names["found"]._repr_html_().count("<tr>") == 7


def test_where_to_train() -> None:
    names = run("where_to_train")
    assert len(names["found"]) == len(names["rows"]) == 8
    least = names["least"]
    assert least.total_tco2e == min(c.total_tco2e for c in names["found"])
    alone = cs.estimate(
        cs.Scenario(
            model="llama-3-8b", tokens=1e12, devices=64, objective="time", device=least.device, region=least.region
        )
    )
    assert isinstance(alone, cs.Estimate)
    assert least.total_tco2e == pytest.approx(alone.footprint.total_tco2e, rel=1e-9)
    assert names["on_front"][0].total_tco2e == pytest.approx(least.total_tco2e)


def test_laws_and_carbon() -> None:
    names = run("laws_and_carbon")
    today, ahead = names["points"][0.0], names["points"][5.0]
    assert len(today) == len(ahead) == len(names["sizes"])
    for curve in (today, ahead):
        carbon, loss = zip(*curve, strict=True)
        assert list(carbon) == sorted(carbon)
        assert list(loss) == sorted(loss, reverse=True)
    assert all(later < now for (now, _), (later, _) in zip(today, ahead, strict=True))
    assert len(names["figure"].axes[0].lines) == 2
