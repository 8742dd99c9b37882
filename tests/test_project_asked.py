"""A stage is answered as it was asked: what it states is taken or refused in a sentence, and never left aside."""

from __future__ import annotations

import json
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

import carbonscaling as cs
from carbonscaling.errors import InputError
from carbonscaling.reporting.document.answers import answer_document
from carbonscaling.reporting.jsonable import jsonable
from carbonscaling.study.project.known import HELD, PLACED
from carbonscaling.study.project.schema import project_schema
from carbonscaling.units import HOUR

HOURS: dict[str, Any] = {"name": "h", "kind": "hours", "device_hours": 1e5, "device": "h100-sxm", "region": "norway"}
KEPT: dict[str, Any] = {"name": "k", "kind": "storage", "terabytes": 100.0, "years": 1.0, "region": "norway"}
DATA: dict[str, Any] = {
    "name": "d", "kind": "synthetic-data", "model": "llama-3-8b", "tokens": 1e9, "prompt": 100, "output": 300, "tp": 1,
}  # fmt: skip
RL: dict[str, Any] = {
    "name": "rl", "kind": "rl", "model": "llama-3-8b", "steps": 100, "prompts": 64, "prompt": 300, "output": 900,
    "seq_len": 4096, "devices": 8,
}  # fmt: skip
PAIRS: dict[str, Any] = {
    "name": "dpo", "kind": "dpo", "model": "llama-3-8b", "pairs": 1e4, "length": 800, "seq_len": 4096, "devices": 8,
}  # fmt: skip
BOUGHT = {"kind": "ppa", "g_per_kwh": 10.0}


def total(*stages: dict[str, Any], **common: Any) -> Any:
    return cs.project({"stage": list(stages), "common": common}).total


@pytest.mark.parametrize("stage", [HOURS, KEPT], ids=["hours", "storage"])
def test_hours_and_stored_data_are_counted_by_market_and_under_a_contract(stage: dict[str, Any]) -> None:
    ways: dict[str, dict[str, Any]] = {
        "location": {}, "market": {"scope2": "market"}, "bought": {"scope2": "market", "contracts": BOUGHT},
        "beside": {"contracts": BOUGHT},
    }  # fmt: skip
    by = {name: total(stage | more) for name, more in ways.items()}
    location, market = (1e6 * by[x].operational_tco2e / by[x].energy_kwh for x in ("location", "market"))
    run = cs.estimate(
        cs.Scenario(model="llama-3-8b", tokens=1e9, devices=8, device="h100-sxm", region="norway", scope2="market")
    )
    assert isinstance(run, cs.Estimate)
    assert market == pytest.approx(run.footprint.market.carbon_intensity_g_per_kwh)
    assert market > 5.0 * location
    assert by["bought"].operational_tco2e == pytest.approx(by["bought"].energy_kwh * 10.0 / 1e6)
    assert by["beside"] == by["location"]
    said = cs.project({"stage": [stage | ways["bought"]]}).notes
    assert sum("power purchase agreement by the year for 100%" in note for note in said) == 1
    assert by["bought"].energy_kwh == by["location"].energy_kwh
    common = total(
        {k: v for k, v in stage.items() if k != "region"}, region="norway", scope2="market", contracts=BOUGHT
    )
    assert common == by["bought"]


def test_a_contract_by_the_hour_covers_what_all_stored_data_draw() -> None:
    whole = total(KEPT)
    half = {"kind": "ppa", "match": "hour", "mwh": whole.energy_kwh / 1e3 / 2.0 * (365.0 / 365.25)}
    market = total(KEPT | {"scope2": "market"}).operational_tco2e
    found = total(KEPT | {"scope2": "market", "contracts": half}).operational_tco2e
    assert found == pytest.approx(market / 2.0, rel=2e-3)


def test_hours_under_a_power_limit_draw_less() -> None:
    free, held = total(HOURS), total(HOURS | {"power_limit": 350})
    assert 0.5 < held.energy_kwh / free.energy_kwh < 0.8
    assert held.device_hours == free.device_hours
    assert total(HOURS | {"years_ahead": 4}).energy_kwh != free.energy_kwh


def test_stored_data_meet_the_hours_of_a_profile(tmp_path: Any) -> None:
    file = tmp_path / "hours.csv"
    rows = "\n".join(f"2025-01-{1 + h // 24:02d}T{h % 24:02d}:00,{100 + h % 24}" for h in range(240))
    file.write_text(f"time,g_per_kwh\n{rows}\n")
    found = total(KEPT | {"hourly": str(file)})
    assert found.operational_tco2e == pytest.approx(found.energy_kwh * 111.5 / 1e6, rel=1e-3)


def test_common_prices_hold_for_what_is_served_too() -> None:
    stages = (HOURS, DATA)
    dear, cheap = (cs.project({"stage": list(stages), "common": {"price_basis": b}}) for b in ("list", "low"))
    ratio = {name: cheap.stages[name].cost_usd / dear.stages[name].cost_usd for name in ("h", "d")}
    assert ratio["h"] == pytest.approx(ratio["d"])
    assert ratio["h"] < 0.9
    one = cs.inference(model="llama-3-8b", price_basis="low")
    assert one.cost_usd_per_day is not None
    assert one.cost_usd_per_day / 24.0 / one.n_devices < 0.9 * cs.inference(model="llama-3-8b").cost_usd_per_day / 24.0  # type: ignore[operator]


def test_rollouts_count_carbon_as_the_stage_says() -> None:
    found = cs.project({"stage": [RL | {"region": "france", "basis": "life-cycle"}]})
    for piece in found.pieces["rl"]:
        assert piece.assessment.footprint.carbon_basis.startswith("life-cycle")


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"stage": [HOURS | {"model": "nonsense"}]}, "model", "device_hours"),
    ({"stage": [HOURS | {"tokens": 1e9}]}, "tokens", "device_hours"),
    ({"stage": [KEPT | {"device": "h100-sxm"}]}, "device", "terabytes"),
    ({"stage": [KEPT], "common": {"carbon_mode": "paper"}}, "carbon_mode", "stored data"),
    ({"stage": [HOURS, {"name": "s", "kind": "share", "of": "h", "share": 0.1, "region": "texas"}]}, "region", "share"),
    ({"stage": [{k: v for k, v in DATA.items() if k != "model"}]}, "model", "add model"),
    ({"stage": [{"name": "s", "kind": "serving", "years": 1, "requests_per_day": 1e4}]}, "model", "add model"),
    ({"stage": [RL | {"scope2": "market"}]}, "scope2", "half of this stage"),
    ({"stage": [RL | {"contracts": BOUGHT}]}, "contracts", "half of this stage"),
    ({"stage": [PAIRS | {"lifetime_years": 4, "cached": True}]}, "lifetime_years", "half of this stage"),
    ({"stage": [HOURS, DATA], "common": {"power_limit": 350}}, "common.power_limit", "serving"),
]


@pytest.mark.parametrize(("data", "key", "said"), REFUSED, ids=[f"{i}-{key}" for i, (_, key, _) in enumerate(REFUSED)])
def test_what_a_stage_does_not_know_is_one_clear_error(data: dict[str, Any], key: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        cs.project(data)
    assert error.value.key == key
    assert error.value.where
    assert said in str(error.value)
    assert error.value.remedy


def test_a_model_in_common_answers() -> None:
    own, shared = total(DATA), total({k: v for k, v in DATA.items() if k != "model"}, model="llama-3-8b")
    assert own == shared
    assert own.device_hours == pytest.approx(
        1e9 / cs.inference(cs.Serving(model="llama-3-8b", prompt=100.0, output=300.0, tp=1)).speed / HOUR
    )
    assert total(HOURS, model="llama-3-8b") == total(HOURS)
    assert total(PAIRS | {"lifetime_years": 4}).embodied_tco2e > total(PAIRS).embodied_tco2e


def test_the_schema_knows_what_each_kind_knows() -> None:
    schema = project_schema()
    for stage, known in ((HOURS, HELD), (KEPT, PLACED)):
        jsonschema.validate({"stage": [stage | {"scope2": "market"}]}, schema)
        assert {"scope2", "contracts"} <= known
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"stage": [stage | {"tokens": 1e9}]}, schema)


def test_what_is_generated_is_counted_on_the_page() -> None:
    """Amounts are of what is kept: a million prompts times ten at a tenth kept are a hundred million answers."""
    stage = {k: v for k, v in DATA.items() if k != "tokens"} | {"prompts": 1e6, "samples": 10, "kept": 0.1}
    found = cs.project({"stage": [stage, RL | {"name": "rl"}]})
    assert found.counted == (
        "d: 100M answers are generated, 30B tokens, to keep the 10M stated (10%)",
        "rl: 6.4k rollouts, 5.76M tokens",
    )
    assert found.to_dict()["counted"] == list(found.counted)
    told = cs.project({"stage": [DATA, DATA | {"name": "e", "count": 3}]}).counted
    assert told == tuple(f"{x}: 3.33M answers are generated, 1B tokens{n}" for x, n in (("d", ""), ("e", ", 3 times")))


def test_what_nothing_states_is_said_and_what_is_stated_is_not() -> None:
    bare = {"name": "d", "kind": "synthetic-data", "model": "llama-3-8b", "tokens": 1e9}
    other = bare | {"name": "e", "output": 700}
    found = cs.project({"stage": [bare, other], "common": {"device": "h200"}})
    assert found.notes == (
        "d: region us-east5, engine vllm 0.11, weights in bf16, prompts of 500 tokens, answers of 300 tokens",
        "e: region us-east5, engine vllm 0.11, weights in bf16, prompts of 500 tokens",
    )
    whole = {
        "region": "texas",
        "device": "h200",
        "engine": "vllm 0.11",
        "weights": "bf16",
        "prompt": 500,
        "output": 300,
    }
    assert cs.project({"stage": [bare | whole]}).notes == ()
    assert (
        cs.project({"stage": [bare | whole]}).total
        == cs.project({"stage": [bare | {"region": "texas", "device": "h200"}]}).total
    )
    alike = cs.project({"stage": [HOURS, HOURS | {"name": "i"}, KEPT]}).notes
    assert alike == ("h, i: an MFU of 40%",)


def test_parts_of_hosts_and_cut_examples_are_said() -> None:
    examples = {
        "name": "sft", "kind": "sft", "model": "llama-3-8b", "examples": 1e4, "length": 8000, "packed": False, "devices": 4,
        "region": "texas", "device": "h100-sxm",
    }  # fmt: skip
    cut, whole = (cs.project({"stage": [examples | {"seq_len": n}]}) for n in (4096, 8192))
    assert any("8,000 tokens are cut at the 4,096" in note for note in cut.notes)
    assert not any("cut" in note for note in whole.notes)
    packed = cs.project({"stage": [examples | {"seq_len": 4096, "packed": True}]})
    assert any("8,000 tokens are spread over sequences of 4,096" in note for note in packed.notes)
    assert sum("4 of a host's 8 devices" in note for note in cut.notes) == 1
    shared = cs.project({"stage": [examples | {"seq_len": 4096, "shared_hosts": True}]})
    assert not any("host" in note for note in shared.notes)
    assert shared.total.cost_usd == cut.total.cost_usd
    assert shared.total.energy_kwh < cut.total.energy_kwh
    for n, said in ((4, True), (8, False), (12, True)):
        run = cs.estimate(cs.Scenario(model="llama-3-8b", tokens=1e9, devices=n, device="h100-sxm"))
        assert isinstance(run, cs.Estimate)
        assert any("of a host's 8 devices" in note for note in run.resolved.notes) == said


def test_rollouts_that_no_sequence_holds_are_refused() -> None:
    with pytest.raises(InputError, match="40,300 tokens or more") as error:
        cs.project({"stage": [RL | {"output": 40_000, "seq_len": 2048}]})
    assert error.value.key == "seq_len"
    assert cs.project({"stage": [RL | {"output": 40_000, "seq_len": 65_536}]}).total.energy_kwh > 0.0


def test_a_share_of_no_stage_names_those_there_are() -> None:
    share = {"name": "s", "kind": "share", "share": 0.1}
    with pytest.raises(InputError) as error:
        cs.project({"stage": [HOURS, share | {"of": "hh"}]})
    assert error.value.allowed == "h"
    assert error.value.remedy == "name one of these stages, or several"
    with pytest.raises(InputError, match="a share of a share"):
        cs.project({"stage": [HOURS, share | {"of": "h"}, share | {"name": "t", "of": "s"}]})


def test_the_report_of_a_project_has_words_and_no_empty_sections() -> None:
    text = {}
    for name, stages in {"bare": [DATA], "told": [HOURS | {"source": "olmo_3"}, DATA]}.items():
        text[name] = answer_document(json.loads(json.dumps(jsonable(cs.project({"stage": stages}).to_dict()))))
    for raw in ("metals kg sb", "tco2e", "n stages", "percent of energy"):
        assert raw not in text["bare"] + text["told"]
    assert "metals and minerals" in text["bare"]
    assert "development" not in text["bare"].partition("In all")[2]
    assert "Where the stages are from" not in text["bare"]
    assert "Where the stages are from" in text["told"]
    assert "3.33M answers are generated" in text["bare"]
    assert "Assumed" in text["bare"]
