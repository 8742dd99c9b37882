"""Size, tokens, training and serving as one choice: the published case, brute force, the doors it is made of."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import carbonscaling as cs
from carbonscaling.cli import main
from carbonscaling.reporting.decided import decided_words
from carbonscaling.search.engine import search
from carbonscaling.serving.lifetime import envelope, served_flops, tokens_for, training_flops

PUBLISHED = cs.Decision(law="sardana_2024", params=13e9, tokens=577e9, served_tokens=2e12)
"""Sardana et al. 2024 (arXiv 2401.00448), section 3: the quality of 13B on its compute-optimal tokens, 2e12 served."""
SMALL = cs.Decision(
    law="sardana_2024", params=2.6e9, tokens=60e9, served_tokens=3e11, candidates=(1.5e9, 2.2e9, 3.2e9), counts=(16, 64),
    batches=(128, 512), devices=("h100-sxm", "a100-80"), regions=("us-east5", "france"), in_flight=(8.0, 64.0),
    objective="carbon",
)  # fmt: skip


def test_the_published_case() -> None:
    """7B on about 1.25e12 tokens, which saves 1.7e22 FLOP, 17 %."""
    a = cs.decide(PUBLISHED).summary()
    assert a["params"] == pytest.approx(7e9, rel=0.02)
    assert a["tokens"] == pytest.approx(1.25e12, rel=0.02)
    assert a["saved"] == pytest.approx(1.7e22, rel=0.02)
    assert a["saved_share"] == pytest.approx(0.17, abs=0.005)


@pytest.mark.slow
def test_the_published_case_with_measured_energy_a_token() -> None:
    """A served token takes more than its FLOPs' share, since it waits for weights: the best size is smaller still."""
    a = cs.decide(PUBLISHED, objective="energy", sizes=12).summary()
    assert a["unit"] == "J"
    assert a["params"] < 7e9
    assert a["saved_share"] > 0.17
    assert a["interval"][0] < a["total"] < a["interval"][1]
    low, high = a["params_range"]
    assert low <= a["params"] <= high


def test_every_size_reaches_the_loss() -> None:
    found = cs.decide(PUBLISHED, sizes=40)
    loss = 1.69 + 406.4 / found.n_params**0.336 + 410.7 / found.n_tokens**0.283
    assert loss == pytest.approx(np.full(len(loss), found.loss))
    assert float(tokens_for(1.7, 1e9, 1.69, 406.4, 0.336, 410.7, 0.283)) == np.inf


@pytest.mark.parametrize("served", [1e9, 2e12, 5e13])
def test_flops_equal_brute_force(served: float) -> None:
    found = cs.decide(PUBLISHED, sizes=60, served_tokens=served)
    every = [
        float(training_flops(n, d) + served_flops(n, served))
        for n, d in zip(found.n_params[:-1], found.n_tokens[:-1], strict=True)
    ]
    assert found.best == int(np.argmin(every))
    assert found.total(found.best) == pytest.approx(min(every))
    assert [point.place for point in found.break_even if point.served <= served][-1] == found.best


def test_break_even_points_equal_brute_force() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        fixed, slope = rng.uniform(0.0, 10.0, 30), rng.uniform(0.0, 1.0, 30)
        points = envelope(fixed, slope)
        for served in rng.uniform(0.0, 100.0, 50):
            place = [p.place for p in points if p.served <= served][-1]
            assert fixed[place] + slope[place] * served == pytest.approx((fixed + slope * served).min())
    assert envelope(np.array([np.inf]), np.array([1.0])) == ()


def of_training(e: cs.Estimate, objective: str) -> float:
    f = e.footprint
    by = {"energy": f.energy_kwh * 3.6e6, "carbon": f.total_tco2e * 1e3, "cost": e.cost_usd}
    taken = by[objective]
    assert taken is not None
    return taken


def of_serving(s: cs.Served, objective: str) -> float:
    a = s.summary()
    by = {"energy": a["kwh_per_million_tokens"] * 3.6, "carbon": a["kg_co2e_per_million_tokens"] / 1e6,
          "cost": a["usd_per_million_tokens"] / 1e6}  # fmt: skip
    return float(by[objective])


def test_all_together_equal_brute_force() -> None:
    """Every combination asked of `estimate` and of `inference`, one by one."""
    d = SMALL
    by = {objective: cs.decide(d, objective=objective) for objective in ("energy", "carbon", "cost")}
    first, n = by["energy"], 0
    least = dict.fromkeys(by, np.inf)
    for size, spec in enumerate(first.sizes.specs[: first.n_grid]):
        trainings, servings = [], []
        for kind, count, batch, region in itertools.product(d.devices, d.counts, d.batches, d.regions):
            e = cs.estimate(cs.Scenario(
                model=spec, tokens=float(first.n_tokens[size]), device=kind, devices=count, batch=batch, region=region,
                objective="time",
            ))  # fmt: skip
            assert isinstance(e, cs.Estimate)
            trainings.append(e)
        for kind, in_flight, region, tp in itertools.product(d.devices, d.in_flight, d.regions, (1, 2, 4, 8)):
            if spec.attentions[0][0].n_heads % tp == 0:
                servings.append(cs.inference(model=spec, device=kind, in_flight=in_flight, region=region, tp=tp))
        for objective, found in by.items():
            trained = min(of_training(e, objective) for e in trainings)
            token = min(of_serving(s, objective) for s in servings)
            assert found.training[size] == pytest.approx(trained, rel=1e-9)
            assert found.per_token[size] == pytest.approx(token, rel=1e-9)
            least[objective] = min(least[objective], trained + token * d.served_tokens)
        n += len(trainings) * len(servings)
    for objective, found in by.items():
        assert found.total(found.best) == pytest.approx(least[objective], rel=1e-9)
        assert found.combinations == n


def test_it_is_its_own_estimate_and_inference() -> None:
    found = cs.decide(SMALL, objective="energy")
    assert found.estimate is not None
    assert found.inference is not None
    assert found.training[found.best] == pytest.approx(of_training(found.estimate, "energy"), rel=1e-12)
    assert found.per_token[found.best] == pytest.approx(of_serving(found.inference, "energy"), rel=1e-12)
    again = cs.estimate(found.estimate.scenario)
    assert isinstance(again, cs.Estimate)
    assert again.footprint.energy_kwh == found.estimate.footprint.energy_kwh
    assert found.inference.joules == cs.inference(found.inference.scenario).joules


def test_regions_are_compared_on_one_basis() -> None:
    """Norway's region has a life-cycle figure alone: the other is not counted by burning fuel beside it."""
    few = dict(
        regions=("us-east5", "norwayeast"), candidates=(2.2e9,), counts=(64,), batches=(512,), devices=("h100-sxm",)
    )
    found = cs.decide(SMALL, **few, in_flight=(64.0,))
    assert found.estimate is not None
    assert found.inference is not None
    alone = cs.decide(SMALL, **few | {"regions": ("us-east5",)}, in_flight=(64.0,), basis="life-cycle")
    assert found.estimate.scenario.basis == found.inference.scenario.basis == "life-cycle"
    assert found.estimate.scenario.region == "norwayeast"
    assert alone.total(alone.best) > found.total(found.best)
    with pytest.raises(cs.InputError, match="basis"):
        cs.decide(SMALL, **few, basis="operational")


@pytest.fixture
def hours(tmp_path: Path) -> Path:
    """Two places; the second is cleaner, and both are cleaner around noon."""
    t = np.arange(24 * 20)
    a, b = (base + 100.0 * np.cos(2 * np.pi * t / 24) + 20.0 * np.sin(t) for base in (400.0, 300.0))
    moments = (np.datetime64("2025-03-01T00:00") + t * np.timedelta64(1, "h")).astype(str)
    path = tmp_path / "hours.csv"
    path.write_text("time,A,B\n" + "".join(f"{m},{x:.2f},{y:.2f}\n" for m, x, y in zip(moments, a, b, strict=True)))
    return path


def test_places_and_starts_by_the_hour_equal_brute_force(hours: Path) -> None:
    d = cs.Decision(**vars(SMALL) | {
        "regions": ("us-east5",), "hourly": str(hours), "columns": ("A", "B"), "counts": (64,), "batches": (512,),
        "devices": ("h100-sxm",), "candidates": (1.5e9, 2.2e9), "starts": (0.0, 7.0, 30.0), "in_flight": (64.0,),
    })  # fmt: skip
    found = cs.decide(d)
    for size, spec in enumerate(found.sizes.specs[: found.n_grid]):
        least = np.inf
        for column, start in itertools.product(d.columns, (0.0, 7.0, 30.0)):
            e = cs.estimate(cs.Scenario(
                model=spec, tokens=float(found.n_tokens[size]), devices=64, batch=512, hourly=f"{hours}:{column}",
                start_hour=start, objective="time",
            ))  # fmt: skip
            assert isinstance(e, cs.Estimate)
            least = min(least, of_training(e, "carbon"))
        assert found.training[size] == pytest.approx(least, rel=1e-9)
    dated = cs.decide(d, starts=("2025-03-01T00:00", "2025-03-01T07:00", 30.0))
    assert np.array_equal(dated.training, found.training)
    every = cs.decide(d, starts=())
    assert every.training[0] <= found.training[0]
    assert found.estimate is not None
    assert found.inference is not None
    assert found.inference.footprint.pue == float(found.estimate.resolved.carbon.numbers.pue)
    assert found.per_token[found.best] == pytest.approx(of_serving(found.inference, "carbon"), rel=1e-12)
    assert every.combinations == found.combinations * 24 * 20 // 3
    assert found.summary()["train"]["place"] == "B"
    a = found.summary()["train"]
    assert a["start"] == f"2025-03-0{1 + int(a['start_hour']) // 24}T{int(a['start_hour']) % 24:02d}:00"


def test_a_search_serves_every_place_and_start(hours: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is separable is not searched again: a million combinations take as many searches as there are sizes."""
    d = cs.Decision(**vars(SMALL) | {
        "regions": ("us-east5",), "hourly": str(hours), "columns": ("A", "B"), "counts": (64,), "batches": (),
        "devices": ("h100-sxm",), "candidates": (), "sizes": 12, "in_flight": (1.0, 8.0, 16.0, 32.0, 64.0, 128.0),
    })  # fmt: skip
    asked = []

    def counted(*args: Any, **more: Any) -> Any:
        asked.append(args)
        return search(*args, **more)

    monkeypatch.setattr("carbonscaling.study.together.trainings.search", counted)
    found = cs.decide(d)
    assert found.combinations > 2e5
    assert len(asked) <= 13


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"law": "kaplan_2020"}, "law"), ({"loss": 1.0}, "loss"), ({"served_tokens": -1.0}, "served_tokens"),
        ({"sizes": 1}, "sizes"), ({"objective": "time"}, "objective"), ({"counts": (64,)}, "counts"),
        ({"objective": "energy", "devices": ("h1000",), "sizes": 4}, "device"),
        ({"objective": "energy", "within_days": 1e-6, "sizes": 4}, "within_days"),
        ({"objective": "energy", "starts": (3.0,)}, "hourly"), ({"objective": "energy", "devices": ()}, "devices"),
        ({"sizes": 4, "candidates": (1e9,)}, "sizes"), ({"in_flight": (0.0,)}, "in_flight"),
        ({"objective": "cost", "devices": ("mi300a",), "sizes": 3}, "devices"),
        ({"objective": "carbon", "hourly": "hours.csv", "regions": ("france", "us-east5")}, "regions"),
    ],
)  # fmt: skip
def test_refusals_name_the_key(change: dict[str, object], key: str) -> None:
    with pytest.raises(cs.InputError) as refused:
        cs.decide(PUBLISHED, **change)
    assert refused.value.key == key
    assert refused.value.remedy


def test_a_hundred_thousand_sizes_at_once() -> None:
    found = cs.decide(PUBLISHED, sizes=100_000)
    assert found.total(found.best) == pytest.approx(8.01065e22, rel=1e-5)
    assert all(a.served < b.served for a, b in zip(found.break_even, found.break_even[1:], strict=False))


def test_the_terminal(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    args = ["decide", "--law", "sardana_2024", "--params", "13B", "--tokens", "577B", "--served-tokens", "2T"]
    assert main([*args, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answer"]["params"] == pytest.approx(7e9, rel=0.02)
    assert main(args) == 0
    assert "from served tokens" in capsys.readouterr().out
    assert main(["decide", "--law", "tokens_20"]) == 2
    picture, report = tmp_path / "decide.svg", tmp_path / "decide.html"
    few = [*args, "--objective", "energy", "--candidates", "5B,13B,27B", "--counts", "512,1024", "--in-flight", "32"]
    assert main([*few, "-o", str(picture)]) == 0
    page = capsys.readouterr().out
    assert "served tokens 13B" in page
    drawn = ElementTree.fromstring(picture.read_text())
    assert sum(shape.tag.endswith("polyline") for shape in drawn.iter()) == 4
    words = [shape.text for shape in drawn.iter() if shape.tag.endswith("text")]
    assert words[1:4] == ["5.01B", "13B", "27B"]  # an axis of few sizes is marked with them
    upper = [shape for shape in drawn.iter() if shape.get("class") in ("around", "spent", "second")]
    heights = [float(point.split(",")[1]) for shape in upper for point in (shape.get("points") or "").split()]
    assert min(heights) == 30.0
    assert 200.0 < max(heights) < 230.0  # from the highest interval to the lowest part
    assert main([*few, "-o", str(report)]) == 0
    assert "<svg" in report.read_text()


def test_a_candidate_that_no_training_takes_to_the_loss_is_named() -> None:
    """Beside the same candidates without it nothing else changes."""
    asked = cs.Decision(law="sardana_2024", params=13e9, tokens=577e9, served_tokens=2e12, candidates=(1e9, 7e9))
    built = replace(asked, objective="energy", counts=(1024,), in_flight=(64.0,))
    for question in (asked, built):
        both, one = cs.decide(question), cs.decide(replace(question, candidates=(7e9,)))
        assert (both.summary()["unreached"], one.summary()["unreached"]) == ([1e9], [])
        assert both.summary()["total"] == one.summary()["total"]
        assert "no training takes them to this loss: 1B parameters" in " ".join(decided_words(both.to_dict()))


@pytest.mark.parametrize(("share", "words"), [(1e-13, "as much as"), (0.02, "2.0% less than")])
def test_a_difference_that_is_rounding_is_no_saving(share: float, words: str) -> None:
    data = dict(cs.decide(cs.Decision(loss=2.2, served_tokens=1e12, objective="flops", law="hoffmann_2022")).to_dict())
    total = data["answer"]["total"] / (1.0 - share)
    data["answer"] |= {
        "compared_tokens": 1e12,
        "saved": total * share,
        "saved_share": share,
        "less_than_compared_from": None,
    }
    data["decision"] |= {"params": 7e9}
    assert any(f" {words} 7B on 1T" in line for line in decided_words(data))
