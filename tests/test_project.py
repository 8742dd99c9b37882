"""A project is the sum of its stages, and each stage what its own door says of it."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import numpy as np
import pytest

import carbonscaling as cs
from carbonscaling.cli import main
from carbonscaling.errors import ExitCode, InputError
from carbonscaling.study.project.answer import ProjectAnswer, project
from carbonscaling.study.project.drain import drained
from carbonscaling.study.project.file import load_project, project_names
from carbonscaling.study.project.schema import project_schema
from carbonscaling.study.project.sums import FIGURES
from carbonscaling.study.project.work import before_the_cut, longest
from carbonscaling.units import DAY, HOUR, KWH
from schemas import validate

LAYOUT: dict[str, Any] = {"tp": 1, "pp": 1, "dp": 64, "zero": 1, "micro_batch": 1}
RUN: dict[str, Any] = {
    "model": "llama-3-8b", "tokens": 1e11, "devices": 64, "batch": 512, "region": "texas", "layout": LAYOUT,
}  # fmt: skip
PRE: dict[str, Any] = {"name": "pre", "kind": "pretraining", **RUN}
RL: dict[str, Any] = {
    "name": "rl", "kind": "rl", "model": "llama-3-8b", "steps": 100, "prompts": 64, "samples": 8, "prompt": 300, "output": 900,
    "seq_len": 4096, "batch": 64, "devices": 64, "layout": LAYOUT, "region": "texas", "rollout": {"in_flight": 64, "tp": 1},
}  # fmt: skip
DATA: dict[str, Any] = {
    "name": "data", "kind": "synthetic-data", "model": "qwen3-32b", "engine": "vllm 0.11", "prompt": 700, "output": 500,
    "tp": 2, "in_flight": 128, "region": "texas",
}  # fmt: skip
HOURS: dict[str, Any] = {"name": "h", "kind": "hours", "device": "h100-sxm", "device_hours": 800.0, "region": "texas"}


def estimated(**fields: Any) -> cs.Estimate:
    found = cs.estimate(cs.Scenario(**{**RUN, "layout": cs.Layout(**LAYOUT), **fields}))
    assert isinstance(found, cs.Estimate)
    return found


def ask(*stages: dict[str, Any], **common: Any) -> ProjectAnswer:
    return project({"stage": list(stages), **common})


def test_a_project_of_one_stage_is_its_estimate_to_the_last_digit() -> None:
    alone = estimated()
    found, summary = ask(PRE), alone.summary()
    for name in ("energy_kwh", "water_litres", "cost_usd", "device_hours"):
        assert getattr(found.total, name) == summary[name]
    for name in ("operational", "embodied", "total"):
        assert getattr(found.total, f"{name}_tco2e") == summary[f"carbon_{name}_tco2e"]
        assert found.total.intervals[f"{name}_tco2e"] == alone.intervals[f"carbon_{name}_tco2e"]
    for name in ("energy_kwh", "water_litres"):
        assert found.total.intervals[name] == alone.intervals[name]
    for name in ("cost_usd", "device_hours"):  # drawn here, worked out there
        assert found.total.intervals[name] == pytest.approx(alone.intervals[name], rel=0.02)
    assert alone.assessment.footprint == alone.footprint


def test_parts_and_stages_add_up_and_a_stage_beside_others_is_what_it_is_alone() -> None:
    found = ask(PRE, HOURS, {"name": "f", "kind": "share", "of": ["pre", "h"], "share": 0.2})
    for name in FIGURES:
        value = getattr(found.total, name)
        assert value == pytest.approx(sum(getattr(x, name) for x in found.stages.values()), rel=1e-12)
        assert value == pytest.approx(sum(getattr(x, name) for x in found.parts.values()), rel=1e-12)
        assert getattr(found.stages["f"], name) == pytest.approx(
            0.2 * (getattr(found.stages["pre"], name) + getattr(found.stages["h"], name)), rel=1e-12
        )
        low, high = found.total.intervals[name]
        assert low <= value <= high
    assert found.stages["pre"] == found.parts["training"] == ask(PRE).total
    before, final = found.parts["development"].energy_kwh, found.parts["training"].energy_kwh
    assert found.summary()["development_percent"] == pytest.approx(100.0 * before / (before + final))


@pytest.mark.parametrize(
    ("mean", "limit", "at_once", "ranks", "turns"),
    [(700, 4096, 1, 64, 1), (700, 2048, 2, 8, 1), (700, 4096, 1, 8, 16), (700, 4096, 4, 8, 8), (2000, 4096, 1, 16, 3)],
)
def test_the_longest_of_lengths_that_are_drawn(mean: int, limit: int, at_once: int, ranks: int, turns: int) -> None:
    """Exponential lengths cut at the limit, whose mean is the stated one: by drawing them."""
    rng, scale = np.random.default_rng(0), before_the_cut(mean, limit)
    assert scale * (1.0 - math.exp(-limit / scale)) == pytest.approx(mean)
    drawn = np.minimum(rng.exponential(scale, size=(3000, ranks, turns, at_once)), limit)
    assert drawn.mean() == pytest.approx(mean, rel=0.01)
    waited = drawn.max(axis=3).mean(axis=2).max(axis=1).mean()
    assert longest(mean, limit, at_once, ranks, turns) == pytest.approx(waited, rel=0.01)


def test_examples_that_stand_alone_are_sequences_of_the_longest() -> None:
    layout = {**LAYOUT, "zero": 3}
    stage = {"name": "sft", "kind": "sft", **RUN, "examples": 64000, "length": 500, "seq_len": 4096, "layout": layout}
    stage.pop("tokens")
    alone, packed = ask({**stage, "packed": False}).total, ask(stage).total
    taken = 2 * math.ceil(longest(500, 4096, 1, 64) / 2)
    same = estimated(
        train="sft", tokens=64000.0 * taken, seq_len=taken, layout=cs.Layout(**{**layout, "cp": 1, "ep": 1})
    )
    assert alone.device_hours == pytest.approx(same.device_hours, rel=1e-9)
    assert taken / 500 < alone.device_hours / packed.device_hours < 2 * taken / 500  # shorter sequences are slower, too
    assert packed.energy_kwh < alone.energy_kwh < same.summary()["energy_kwh"]
    assert alone.energy_kwh / packed.energy_kwh < alone.device_hours / packed.device_hours
    with pytest.raises(InputError, match="length"):
        ask({"name": "sft", "kind": "sft", **RUN, "packed": False})


def test_two_equal_stages_are_twice_one_and_so_are_their_intervals() -> None:
    one, two, counted = ask(PRE).total, ask(PRE, PRE | {"name": "again"}).total, ask(PRE | {"count": 2}).total
    for name in FIGURES:
        assert getattr(two, name) == pytest.approx(2.0 * getattr(one, name), rel=1e-12)
        assert two.intervals[name] == pytest.approx([2.0 * end for end in one.intervals[name]], rel=1e-9)
        assert counted.intervals[name] == pytest.approx(two.intervals[name], rel=1e-9)


def test_what_stages_share_widens_their_sum_and_what_they_do_not_narrows_it() -> None:
    """Two places have two grids, whose errors partly cancel; one place has one."""

    def width(pair: tuple[float, float]) -> float:
        return pair[1] - pair[0]

    same = ask(HOURS, HOURS | {"name": "b"})
    other = ask(HOURS, HOURS | {"name": "b", "region": "poland"})
    for found, shared in ((same, True), (other, False)):
        each = sum(width(stage.intervals["operational_tco2e"]) for stage in found.stages.values())
        assert (width(found.total.intervals["operational_tco2e"]) == pytest.approx(each, rel=1e-9)) is shared
        assert width(found.total.intervals["operational_tco2e"]) <= each * (1.0 + 1e-9)
    turned = ask(HOURS | {"name": "b", "region": "poland"}, HOURS)
    assert turned.total.intervals["total_tco2e"] == pytest.approx(other.total.intervals["total_tco2e"], rel=1e-12)


def test_rollouts_take_what_inference_says_of_a_token_and_updates_what_estimate_does() -> None:
    made, learnt = ask(RL).pieces["rl"]
    served = cs.inference(
        model="llama-3-8b", prompt=300.0, output=900.0, in_flight=64.0, tp=1, region="texas"
    ).summary()
    n = 100 * 64 * 8
    kwh = made.times * made.assessment.footprint.energy_kwh
    assert kwh == pytest.approx(n * 900.0 * served["kwh_per_million_tokens"] / 1e6, rel=1e-12)
    assert made.device_hours == pytest.approx(n * 900.0 / served["tokens_per_s_per_device"] / HOUR, rel=1e-12)
    trained = estimated(tokens=n * 1200.0, batch=64, seq_len=4096, train="sft")
    assert learnt.device_hours == trained.device_hours
    assert learnt.assessment.footprint == trained.footprint


def test_devices_of_rollouts_or_updates_wait_for_the_slower_at_idle_power() -> None:
    made, learnt, waiting = ask(RL | {"rollout_devices": 4}).pieces["rl"]
    hours = made.device_hours / 4 - learnt.device_hours / 64
    assert hours > 0.0  # updates wait
    assert waiting.device_hours == pytest.approx(64 * hours, rel=1e-12)
    watts = float(waiting.assessment.footprint.parts.device_energy_j) / (64 * hours * HOUR)
    assert watts == pytest.approx(cs.device("h100-sxm").idle_power.si, rel=1e-9)


@pytest.mark.parametrize(
    ("output", "limit", "together"), [(300, 1500, 32), (300, 400, 64), (200, 1e9, 8), (300, 1500, 1)]
)
def test_a_wave_of_rollouts_is_what_drawing_it_gives(output: int, limit: float, together: int) -> None:
    """Every token of the longest takes as long as the number still in flight has it; power goes with it."""
    sizes = 2.0 ** np.arange(math.log2(together) + 1)
    seconds, watts = 0.01 + 0.0002 * sizes, 300.0 + 2.0 * sizes
    found = drained(output, limit, together, sizes.tolist(), seconds.tolist(), watts.tolist())
    rng, scale = np.random.default_rng(0), before_the_cut(output, limit)
    time, energy, times = 0.0, 0.0, 30000 // together
    for _ in range(times):
        lengths = np.minimum(rng.exponential(scale, together), limit)
        left = (lengths[:, None] > np.arange(math.ceil(lengths.max())) + 0.5).sum(axis=0)
        left = left[left > 0]
        time += float(np.sum(0.01 + 0.0002 * left)) / times
        energy += float(np.sum((0.01 + 0.0002 * left) * (300.0 + 2.0 * left))) / times
    assert found.time == pytest.approx(time / (output * seconds[-1]), rel=0.05)
    assert found.watts == pytest.approx(energy / time / watts[-1], rel=0.02)


def test_rollouts_that_start_together_wait_for_the_last() -> None:
    (full, learnt), (waves, same) = ask(RL).pieces["rl"], ask(RL | {"together": True}).pieces["rl"]
    assert same.device_hours == learnt.device_hours
    found = [
        cs.inference(model="llama-3-8b", prompt=300.0, output=900.0, in_flight=n, tp=1)
        for n in (1, 2, 4, 8, 16, 32, 64)
    ]
    wave = drained(
        900.0, 4096.0 - 300.0, 64.0, [1, 2, 4, 8, 16, 32, 64], [x.tpot_s for x in found], [x.watts for x in found]
    )
    assert 2.0 < wave.time == pytest.approx(waves.device_hours / full.device_hours, rel=1e-9)
    kwh = waves.times * waves.assessment.footprint.energy_kwh / (full.times * full.assessment.footprint.energy_kwh)
    assert 1.0 < kwh < wave.time


def test_longer_than_a_sequence_is_cut_there() -> None:
    """Examples of 500 tokens in sequences of 256 are full ones; rollouts longer than their limit end together."""
    stage = {k: v for k, v in RUN.items() if k != "tokens"} | {"name": "sft", "kind": "sft", "seq_len": 256}
    cut = ask({**stage, "examples": 64000, "length": 500, "packed": False}).total
    full = ask({**stage, "examples": 64000, "length": 256, "packed": False}).total
    assert (cut.device_hours, cut.energy_kwh) == pytest.approx((full.device_hours, full.energy_kwh), rel=1e-9)
    short = RL | {"seq_len": 1200}
    plain, waves = ask(short).pieces["rl"][0], ask(short | {"together": True}).pieces["rl"][0]
    assert waves.device_hours == pytest.approx(plain.device_hours, rel=1e-3)


def test_a_reward_model_a_critic_and_a_reference_are_questions_of_their_own() -> None:
    more = {"reward": "llama-3-8b", "critic": "llama-3-8b", "reference": "llama-3-8b", "epochs": 2}
    pieces = {p.what: p for p in ask(RL | more).pieces["rl"]}
    assert set(pieces) == {"rollouts", "updates", "critic", "reward"}
    read = cs.inference(model="llama-3-8b", prompt=1200.0, output=1.0, region="texas")
    assert pieces["reward"].times == pytest.approx(51200 / read.requests_per_day, rel=1e-12)
    assert pieces["updates"].device_hours > pieces["critic"].device_hours  # the reference runs beside
    plain = {p.what: p for p in ask(RL).pieces["rl"]}
    assert pieces["critic"].device_hours == pytest.approx(2.0 * plain["updates"].device_hours, rel=1e-9)


@pytest.mark.parametrize("cached", [False, True])
def test_preferences_are_both_sequences_beside_a_frozen_reference(cached: bool) -> None:
    stage = {k: v for k, v in PRE.items() if k != "tokens"}
    stage |= {"kind": "dpo", "pairs": 1e5, "length": 700, "epochs": 2, "seq_len": 2048, "cached": cached}
    first, *rest = ask(stage).pieces["pre"]
    alone = estimated(tokens=2 * 1e5 * 700 * 2, seq_len=2048, train="sft", teacher=None if cached else "llama-3-8b")
    assert first.device_hours == alone.device_hours
    assert [p.what for p in rest] == (["reference"] if cached else [])
    for p in rest:  # once over both sequences of every pair
        assert p.times * p.answer.requests_per_day == pytest.approx(2e5, rel=1e-12)  # type: ignore[union-attr]


def test_serving_over_years_is_its_day_as_often() -> None:
    asked: dict[str, Any] = {"model": "llama-3-8b", "device": "l40s", "requests_per_day": 1e5, "region": "france"}
    day = cs.inference(**asked)
    found = ask({"name": "s", "kind": "serving", "years": 2, **asked})
    days = 2 * 365.25
    assert found.total.energy_kwh == pytest.approx(days * day.footprint.energy_kwh, rel=1e-12)
    assert found.total.cost_usd == pytest.approx(days * (day.cost_usd_per_day or 0.0), rel=1e-12)
    assert found.total.intervals["total_tco2e"] == pytest.approx(
        [days * end for end in day.footprint.intervals["total_tco2e"]], rel=1e-12
    )


def test_storage_by_hand() -> None:
    found = ask({"name": "s", "kind": "storage", "terabytes": 100, "copies": 3, "years": 2, "region": "texas", "pue": 1.2,
                 "lifetime_years": 5, "price_usd_per_terabyte_month": 20}).total  # fmt: skip
    hours = 2 * 365.25 * DAY / HOUR
    assert found.energy_kwh == pytest.approx(300 * 0.65 * hours * 1.2 / 1e3, rel=1e-9)
    assert found.cost_usd == pytest.approx(300 * 20 * 24, rel=1e-12)
    other = 1.0 + sum(cs_factor(f"embodied.bottom_up.{name}") for name in ("building", "transport", "end_of_life"))
    assert found.embodied_tco2e == pytest.approx(300 * 2.4 * 2 / 5 * other / 1e3, rel=1e-9)
    assert found.device_hours == 0.0


def cs_factor(name: str) -> float:
    from carbonscaling.catalog.factors import factor

    return factor(name).si


def test_hours_alone_are_those_devices_at_work() -> None:
    found = ask(HOURS).total
    from carbonscaling.carbon.assess import assess
    from carbonscaling.carbon.model import carbon_model

    model = carbon_model(cs.cluster("h100-sxm"), "texas")
    run = assess(model, 8, 100.0 * HOUR, 0.4)
    assert found.energy_kwh == pytest.approx(float(run.parts.energy_j) / KWH, rel=1e-12)
    assert found.device_hours == 800.0
    assert found.intervals["device_hours"] == (800.0, 800.0)


def test_an_assumed_amount_widens_what_follows_from_it_alone() -> None:
    known, assumed = ask(HOURS).total, ask(HOURS | {"amount_range": [0.5, 2.0]}).total
    assert assumed.energy_kwh == known.energy_kwh
    assert assumed.intervals["device_hours"] == pytest.approx((400.0, 1600.0), rel=0.04)
    assert assumed.intervals["energy_kwh"][1] > 1.5 * known.intervals["energy_kwh"][1]


def test_what_is_unsure_is_named_with_the_stages_that_share_it() -> None:
    """Where one number alone is not known it explains all; assumed amounts are their stage's own."""
    quiet = {"carbon_intensity_g_per_kwh": 300.0, "pue": 1.1}
    found = ask(HOURS | quiet | {"amount_range": [0.1, 10.0]}, HOURS | quiet | {"name": "b", "device_hours": 8.0})
    first, *others = found.widest
    assert first.what == "assumed amount"
    assert first.stages == ("h",)
    assert first.share > 0.9
    assert sum(one.share for one in found.widest) <= 1.05
    assert all(one.stages == ("h", "b") for one in others)
    assert [one["what"] for one in found.to_dict()["widest"]] == [one.what for one in found.widest]


def test_needed_hours_are_what_people_needed() -> None:
    reach, need = ask(PRE), ask(PRE, hours="needed")
    people = estimated().needed
    assert people is not None
    assert need.total.device_hours == pytest.approx(people.median, rel=1e-12)
    assert need.stages["pre"].intervals["device_hours"] == pytest.approx((people.low, people.high), rel=0.03)
    assert need.total.energy_kwh > reach.total.energy_kwh


@pytest.mark.parametrize(
    ("kind", "more", "fields"),
    [
        ("midtraining", {}, {"train": "continued"}),
        ("sft", {"epochs": 2}, {"train": "sft", "tokens": 2e11}),
        ("lora", {"lora_rank": 64}, {"train": "lora", "lora_rank": 64}),
        ("qlora", {}, {"train": "qlora"}),
        ("distillation", {"teacher": "llama-3-8b"}, {"train": "sft", "teacher": "llama-3-8b"}),
        ("sft", {"train": "lora"}, {"train": "lora"}),
    ],
)  # fmt: skip
def test_a_kind_of_training_is_estimates_own(kind: str, more: dict[str, Any], fields: dict[str, Any]) -> None:
    layout = LAYOUT | {"zero": 3}
    found = ask(PRE | {"kind": kind, "seq_len": 4096, "layout": layout, **more})
    assert found.total.energy_kwh == estimated(seq_len=4096, layout=cs.Layout(**layout), **fields).footprint.energy_kwh


def test_what_has_a_price_is_paid_and_what_has_none_is_said() -> None:
    assert ask(HOURS | {"price_usd_per_device_hour": 2.5}).total.cost_usd == pytest.approx(800 * 2.5, rel=1e-12)
    listed = estimated()
    assert listed.cost_usd is not None
    assert ask(HOURS).total.cost_usd == pytest.approx(800 * listed.cost_usd / listed.device_hours, rel=1e-9)
    unpriced = ask(HOURS, {"name": "s", "kind": "storage", "terabytes": 9.0, "years": 1.0, "region": "texas"}).total
    assert unpriced.unpriced
    assert unpriced.cost_usd == ask(HOURS).total.cost_usd


def test_a_change_is_the_file_with_that_change() -> None:
    data: dict[str, Any] = {
        "common": {"region": "texas"},
        "stage": [HOURS, HOURS | {"name": "b", "device_hours": 80.0}],
    }
    there = project(data, region="france", pue=1.3)
    said = [{k: v for k, v in stage.items() if k != "region"} for stage in data["stage"]]
    assert there.total == project({"common": {"region": "france", "pue": 1.3}, "stage": said}).total
    more = project(data, stage="b", key="device_hours", value=160)
    assert more.stages["b"].energy_kwh == pytest.approx(0.2 * more.stages["h"].energy_kwh, rel=1e-12)
    assert more.stages["h"] == project(data).stages["h"]
    assert project(data).total == project(dict(project(data).project.data)).total
    for wrong in ({"stage": "b"}, {"stage": "c", "key": "count", "value": 2}, {"pue": "1.3"}):
        with pytest.raises(InputError) as error:
            project(data, **wrong)
        assert error.value.remedy


def test_a_study_asks_projects_as_it_asks_trainings(tmp_path: Path) -> None:
    pytest.importorskip("polars")
    from carbonscaling.study.sweep.drive import drive
    from carbonscaling.study.sweep.executors import executor
    from carbonscaling.study.sweep.store import Store
    from sweep_helpers import study, table

    (tmp_path / "p.toml").write_text(TOML.replace('"own.toml"', '"gpt-2"'), encoding="utf-8")
    text = """
        name = "places"
        answer = "project"
        [project]
        file = "p.toml"
        stage = "failed"
        key = "device_hours"
        [[axis]]
        key = "region"
        values = ["france", "texas", "nowhere"]
        [[axis]]
        key = "value"
        values = [10, 1000]
    """
    found, store = study(tmp_path, text), Store(str(tmp_path / "results"))
    drive(found, store, executor("inprocess", 1))
    rows = table(found, store).to_dicts()
    assert [row["status"] for row in rows] == ["ok", "ok", "refused"] * 2  # the place varies fastest
    for row in (row for row in rows if row["status"] == "ok"):
        own = project(
            tmp_path / "p.toml", region=row["x_region"], stage="failed", key="device_hours", value=row["x_value"]
        )
        assert row["energy_kwh"] == own.total.energy_kwh
        assert (row["carbon_low_tco2e"], row["carbon_high_tco2e"]) == own.total.intervals["total_tco2e"]
        assert row["development_kwh"] == own.parts["development"].energy_kwh
        assert row["serving_kwh"] is None


def test_generated_data_take_the_time_of_their_tokens() -> None:
    """Tokens over the speed of a device; those that are thrown away are written too; prompts and tokens say the same."""
    fields = {key: value for key, value in DATA.items() if key not in ("name", "kind")}
    speed = cs.inference(cs.Serving(**fields)).speed
    told = ask(DATA | {"tokens": 3e9})
    assert told.stages["data"].device_hours == pytest.approx(3e9 / speed / HOUR, rel=1e-9)
    assert set(told.parts) == {"data"}
    assert told.development_share == (0.0, 0.0, 0.0)
    assert told.total == ask(DATA | {"prompts": 3e9 / 500}).total
    for twice in (DATA | {"tokens": 3e9, "kept": 0.5}, DATA | {"tokens": 3e9, "steps": 2}):
        assert ask(twice).total.energy_kwh == pytest.approx(2.0 * told.total.energy_kwh)
    four = ask(DATA | {"prompts": 3e9 / 500, "samples": 4, "kept": 0.8}).total
    assert four.energy_kwh == pytest.approx(5.0 * told.total.energy_kwh)
    assert set(ask(DATA | {"kind": "rejection-sampling", "tokens": 3e9}).parts) == {"development"}


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"stage": []}, "stage", "add [[stage]]"),
    ({"stages": [PRE]}, "stages", "[[stage]]"),
    ({"stage": [PRE | {"kind": "pretrain"}]}, "kind", "pretraining"),
    ({"stage": [PRE | {"tokns": 1}]}, "tokns", "tokens"),
    ({"stage": [PRE | {"count": 0}]}, "count", "more than 0"),
    ({"stage": [PRE | {"amount_range": [1.1, 2.0]}]}, "amount_range", "from 1 on"),
    ({"stage": [PRE, PRE]}, "name", "rename"),
    ({"stage": [{k: v for k, v in PRE.items() if k != "tokens"}]}, "tokens", "add tokens"),
    ({"stage": [PRE | {"examples": 10.0, "length": 10.0}]}, "tokens", "leave one"),
    ({"stage": [PRE | {"boundary": {"development": 0.5}}]}, "boundary", "share"),
    ({"stage": [PRE], "hours": "mine"}, "hours", "needed"),
    ({"stage": [PRE], "common": {"regoin": "texas"}}, "common.regoin", "region"),
    ({"stage": [RL], "common": {"lifetime_years": 4}}, "common.lifetime_years", "serving"),
    ({"stage": [PRE, {"name": "f", "kind": "share", "of": "prae", "share": 0.1}]}, "of", "pre"),
    (
        {"stage": [{"name": "s", "kind": "serving", "model": "gpt-2", "years": 1}]},
        "requests_per_day",
        "requests_per_day",
    ),
    ({"stage": [{"name": "s", "kind": "serving", "model": "gpt-2", "requests_per_day": 9.0}]}, "years", "days"),
    ({"stage": [{"name": "s", "kind": "storage", "terabytes": 9.0}]}, "years", "add years"),
    ({"stage": [PRE, {"name": "f", "kind": "share", "of": [], "share": 0.1}]}, "of", "pre"),
    ({"stage": [PRE, {"name": "f", "kind": "share", "of": "", "share": 0.1}]}, "of", "pre"),
    ({"stage": [HOURS | {"device_hours": 1e300}]}, "device_hours", "1e+24"),
    (
        {"stage": [{"name": "g", "kind": "evaluation", "model": "gpt-2", "prompts": 9.0, "output": 1e-300}]},
        "stage",
        "amounts",
    ),
    ({"stage": [DATA | {"tokens": 1e9, "prompts": 9.0}]}, "tokens", "leave one"),
    ({"stage": [DATA | {"tokens": 1e9, "samples": 4.0}]}, "tokens", "leave one"),
    ({"stage": [DATA]}, "prompts", "tokens"),
    ({"stage": [DATA | {"tokens": 1e9, "kept": 80.0}]}, "kept", "0.8 for 80 %"),
    ({"stage": [RL | {"rollout": 5}]}, "rollout", "in_flight"),
    ({"stage": [RL | {"rollout": {"promt": 5}}]}, "promt", "prompt"),
    ({"stage": [PRE | {"devices": 0}]}, "devices", "positive"),
    (dict(RUN), "model", "carbonscaling estimate"),
    ({"stage": [PRE | {"layout": LAYOUT | {"dp": 1, "tp": 64}}]}, "devices", "remedy"),
]


@pytest.mark.parametrize(("data", "key", "said"), WRONG, ids=[f"{i}-{key}" for i, (_, key, _) in enumerate(WRONG)])
def test_what_is_no_project_is_one_clear_error(data: dict[str, Any], key: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        project(data)
    assert error.value.key == key
    assert error.value.where
    assert said in str(error.value)
    assert error.value.remedy


TOML = """\
title = "mine"

[common]
region = "texas"

[[stage]]
name = "pre"
kind = "pretraining"
model = "own.toml"
tokens = 1e10
devices = 8

[[stage]]
name = "failed"
kind = "failed-runs"
device_hours = 10
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    assert main(["model", "new", "--like", "gpt-2", "-o", str(tmp_path / "own.toml")]) == 0
    (tmp_path / "p.toml").write_text(TOML, encoding="utf-8")
    return tmp_path / "p.toml"


def test_one_answer_agrees_on_all_its_pages_and_comes_again(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON, CSV, Markdown, HTML and Python say the same; `again` repeats what was saved, and says what changed."""
    found = project(file)
    saved, rows = file.with_suffix(".json"), file.with_suffix(".csv")
    assert main(["project", str(file), "-o", str(saved)]) == 0
    assert main(["project", str(file), "-o", str(rows)]) == 0
    data = json.loads(saved.read_text(encoding="utf-8"))
    assert data["summary"] == json.loads(json.dumps(found.summary()))
    table = list(csv.DictReader(rows.read_text(encoding="utf-8").splitlines()))
    assert [row["stage"] for row in table] == ["pre", "failed", "total"]
    assert float(table[2]["energy_kwh"]) == pytest.approx(found.total.energy_kwh)
    assert sum(float(row["percent_of_energy"]) for row in table[:2]) == pytest.approx(100.0)
    capsys.readouterr()
    assert main(["project", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["total"] == data["total"]
    for suffix in (".md", ".html"):
        page = file.with_suffix(suffix)
        assert main(["project", str(file), "-o", str(page)]) == 0
        assert "failed" in page.read_text(encoding="utf-8")
    assert main(["again", str(saved)]) == ExitCode.OK
    assert "The same answer" in capsys.readouterr().out
    data["summary"]["energy_kwh"] *= 2.0
    saved.write_text(json.dumps(data), encoding="utf-8")
    assert main(["again", str(saved)]) == ExitCode.CHANGED
    assert main(["report", str(saved)]) == ExitCode.USAGE


def test_a_stage_that_nothing_fits_ends_as_nothing_feasible(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(TOML.replace('"own.toml"', '"llama-3.1-405b"'), encoding="utf-8")
    assert main(["project", str(file)]) == ExitCode.INFEASIBLE
    assert "stage 'pre'" in capsys.readouterr().err


def test_the_schema_takes_what_ships_and_refuses_an_unknown_key() -> None:
    schema = project_schema()
    for name in project_names():
        validate(load_project(name).data, schema)
    validate({"stage": [RL]}, schema)
    wrong: dict[str, Any]
    for wrong in ({"tokns": 1}, {"kind": "pretrain"}, {"rollout": {}}):
        with pytest.raises(jsonschema.ValidationError):
            validate({"stage": [PRE | wrong]}, schema)


def test_a_project_where_a_scenario_belongs_is_named(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", str(file)]) == ExitCode.USAGE
    assert f"carbonscaling project {file}" in capsys.readouterr().err


def test_an_unknown_project_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["project", "olmo3"]) == ExitCode.USAGE
    assert "did you mean: olmo-3" in capsys.readouterr().err
    assert main(["project"]) == 0
    assert "deepseek-r1" in capsys.readouterr().out
