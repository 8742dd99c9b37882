"""Statements: golden files, published schemas, sums, planned beside measured, errors."""

from __future__ import annotations

import csv
import io
import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from referencing import Registry
from referencing.jsonschema import DRAFT4

from carbonscaling.carbon.boundary import Boundary
from carbonscaling.errors import InputError
from carbonscaling.reporting.answer import spans
from carbonscaling.reporting.document import document_of
from carbonscaling.reporting.statements import FORMATS
from carbonscaling.reporting.statements.annex_xi import duration_range
from carbonscaling.reporting.statements.boamps import boamps_report
from carbonscaling.reporting.statements.measured import measured_record
from carbonscaling.reporting.statements.model_card import model_card
from carbonscaling.reporting.statements.record import Measured, Record
from carbonscaling.reporting.statements.saved import record_of
from carbonscaling.reporting.statements.sci import sci_score
from carbonscaling.reporting.statements.text import beside_plan, not_measured, significant
from carbonscaling.study.again import asked_as, question_of_saved
from carbonscaling.study.answer import estimate
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.scenario import Scenario
from carbonscaling.words import energy
from samples import load_record

DATA = Path(__file__).parent / "data"
ANSWER = DATA / "statements" / "answer.json"
SUFFIX = {
    "model-card": "md",
    "annex-xi": "md",
    "sci": "md",
    "esrs": "csv",
    "boamps": "json",
    "ghg-protocol": "csv",
    "spdx": "json",
    "cyclonedx": "json",
    "csv": "csv",
    "json": "json",
}


@pytest.fixture(scope="module")
def planned() -> Record:
    return load_record(ANSWER)


@pytest.fixture(scope="module")
def happened(planned: Record) -> Record:
    return measured_record(
        Measured(31_000.0, 20_000.0, "devices"), device="h100-sxm", n_devices=64, region="us-east5", model="llama-3-8b",
        n_params=8.03e9, tokens=1e12, plan=planned,
    )  # fmt: skip


@pytest.mark.golden
@pytest.mark.parametrize("name", FORMATS)
def test_golden_files(name: str, planned: Record) -> None:
    """Regenerate with: carbonscaling report tests/data/statements/answer.json --format NAME."""
    golden = DATA / "statements" / f"{name}.{SUFFIX[name]}"
    assert FORMATS[name](planned) == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("which", ["planned", "happened"])
def test_model_card_parses_with_the_hubs_own_classes(which: str, request: pytest.FixtureRequest) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hub = pytest.importorskip("huggingface_hub")
    record: Record = request.getfixturevalue(which)
    block = hub.ModelCard(FORMATS["model-card"](record)).data.to_dict()["co2_eq_emissions"]
    assert set(block) == {"emissions", "source", "training_type", "geographical_location", "hardware_used"}
    assert block["emissions"] == pytest.approx(record.total_tco2e * 1e6, rel=1e-6)  # grams
    assert block["hardware_used"] == "64 x h100-sxm"


def _boamps_validator() -> Any:
    schemas = {path.name: json.loads(path.read_text("utf-8")) for path in (DATA / "boamps").glob("*.json")}
    registry: Registry[Any] = Registry().with_resources(
        (schema["id"], DRAFT4.create_resource(schema)) for schema in schemas.values()
    )
    return jsonschema.Draft4Validator(schemas["report_schema.json"], registry=registry)


@pytest.mark.parametrize("which", ["planned", "happened"])
def test_boamps_obeys_its_published_schema(which: str, request: pytest.FixtureRequest) -> None:
    record: Record = request.getfixturevalue(which)
    validator = _boamps_validator()
    report = json.loads(FORMATS["boamps"](record))
    validator.validate(report)
    assert report["measures"][0]["powerConsumption"] == pytest.approx(record.energy_kwh, abs=0.001)
    assert report["environment"]["location"] == "Columbus, United States"
    broken = {**boamps_report(record), "measures": [{"powerConsumption": 1.0}]}
    assert not validator.is_valid(broken)


def test_a_record_adds_up(planned: Record, happened: Record) -> None:
    for r in (planned, happened):
        assert sum(r.energy_parts_kwh.values()) == pytest.approx(r.energy_kwh)
        parts = r.operational_tco2e + r.embodied_tco2e + sum(r.boundary_tco2e.values())
        assert parts == pytest.approx(r.total_tco2e)
        assert r.operational_tco2e == pytest.approx(r.energy_kwh * r.carbon_intensity_g_per_kwh / 1e6)
        for low, high in r.intervals.values():
            assert low <= high
        assert r.intervals["total_tco2e"][0] <= r.total_tco2e <= r.intervals["total_tco2e"][1]


LINES = ("final run", "development", "failed_runs", "evaluation", "inference", "idle_reservation")


def _esrs(record: Record) -> dict[str, float]:
    found = csv.DictReader(io.StringIO(FORMATS["esrs"](record)))
    return {row["line"]: float(row["value"]) for row in found if row["value"] not in ("", "not known")}


# A3 of the carbon audit: one boundary a page.


def test_every_line_carries_everything(planned: Record) -> None:
    assert tuple(line.name for line in planned.lines) == LINES
    for line in planned.lines:
        assert all(value > 0.0 for key, value in vars(line).items() if key != "name"), line
    whole = planned.project
    assert whole.energy_kwh == pytest.approx(sum(line.energy_kwh for line in planned.lines))
    assert whole.location_tco2e + whole.embodied_tco2e == pytest.approx(planned.total_tco2e)
    assert whole.location_tco2e == pytest.approx(whole.energy_kwh * planned.location_intensity_g_per_kwh / 1e6)


def test_parts_equal_totals_in_every_statement(planned: Record) -> None:
    whole, rows = planned.project, _esrs(planned)
    assert rows["Total energy consumption"] == pytest.approx(whole.energy_kwh / 1e3, rel=1e-5)
    of = sum(value for name, value in rows.items() if name.startswith("of which") and "stress" not in name)
    assert of == pytest.approx(rows["Total energy consumption"], rel=1e-4)
    water = rows["Total water consumption, own operations"] + rows["Value chain: water of electricity generation"]
    assert water == pytest.approx(whole.water_litres / 1e3, rel=1e-5)
    table = list(csv.DictReader(io.StringIO(FORMATS["ghg-protocol"](planned))))
    assert [row["line"] for row in table] == [*(name.replace("_", " ") for name in LINES), "whole project"]
    for column in list(table[0])[1:]:
        parts = sum(float(row[column]) for row in table[:-1])
        assert parts == pytest.approx(float(table[-1][column]), rel=1e-4), column
    for row in table:
        for method in ("location", "market"):
            scopes = ("scope1_tco2e", f"scope2_{method}_tco2e", "scope3_category2_tco2e", "scope3_category3_tco2e")
            assert sum(float(row[x]) for x in scopes) == pytest.approx(float(row[f"total_{method}_tco2e"]), rel=1e-4)
    spdx = json.loads(FORMATS["spdx"](planned))["@graph"][2]["ai_energyConsumption"]
    quantities = [
        float(x["ai_energyQuantity"]) for kind in ("training", "inference") for x in spdx[f"ai_{kind}EnergyConsumption"]
    ]
    assert sum(quantities) == pytest.approx(whole.energy_kwh, rel=1e-4)
    model = json.loads(FORMATS["cyclonedx"](planned))["components"][0]["modelCard"]
    listed = model["considerations"]["environmentalConsiderations"]["energyConsumptions"]
    assert sum(x["activityEnergyCost"]["value"] for x in listed) == pytest.approx(whole.energy_kwh, rel=1e-4)
    assert sum(x["co2CostEquivalent"]["value"] for x in listed) == pytest.approx(planned.total_tco2e, rel=1e-4)
    boamps = sum(measure["powerConsumption"] for measure in boamps_report(planned)["measures"])
    assert boamps == pytest.approx(whole.energy_kwh, rel=1e-4)


# A2: scope 2 is generation, what the life cycle has beyond it category 3.


def test_scope_2_is_generation_whatever_basis_the_answer_has() -> None:
    found = {}
    for basis in ("operational", "life-cycle"):
        scenario = Scenario(
            model="llama-3-8b", tokens=1e12, devices=64, practice="typical", region="us-east5", basis=basis
        )
        record = record_of(json.loads(json.dumps(estimate(scenario).to_dict())))
        found[basis] = _esrs(record)
    for line in ("Gross location-based Scope 2", "Scope 3, category 3 fuel and energy"):
        assert found["operational"][line] == pytest.approx(found["life-cycle"][line], rel=1e-5)
    rows = found["operational"]
    assert rows["Scope 3, category 3 fuel and energy"] / rows["Gross location-based Scope 2"] == pytest.approx(
        418 / 323.05 - 1, rel=1e-4
    )


# A5: bounds of plausibility.


@pytest.mark.parametrize(("kwh", "scope"), [(154.0 * 1000, "devices"), (30.0, "devices"), (154.0 * 1000, "facility")])
def test_watts_that_no_device_draws_are_refused(kwh: float, scope: Any) -> None:
    with pytest.raises(InputError, match="W a device is not what this job"):
        measured_record(Measured(1000.0, kwh, scope), device="h100-sxm", n_devices=8, region="us-east5")


def test_what_the_job_cannot_have_drawn_is_a_line_of_its_own() -> None:
    r = measured_record(Measured(1000.0, 968.0, "devices"), device="h100-sxm", n_devices=8, region="us-east5")
    assert r.energy_parts_kwh["unexplained"] == pytest.approx(968.0 - 700.0)
    assert sum(r.energy_parts_kwh.values()) == pytest.approx(r.energy_kwh)
    assert "Not explained by the job" in FORMATS["model-card"](r)
    fine = measured_record(Measured(1000.0, 650.0, "devices"), device="h100-sxm", n_devices=8, region="us-east5")
    assert "unexplained" not in fine.energy_parts_kwh


@pytest.mark.parametrize(
    ("key", "value"),
    [("n_devices", 10**308), ("tokens", -1.0), ("n_params", 0.0), ("training_flops", -1.0),
     ("carbon_intensity_g_per_kwh", 1e12)],
)  # fmt: skip
def test_what_no_run_can_have_been_is_refused(key: str, value: float) -> None:
    asked: dict[str, Any] = {"device": "h100-sxm", "n_devices": 8, "region": "us-east5"} | {key: value}
    with pytest.raises(InputError, match=f"{key.replace('n_dev', 'dev')} is out of range"):
        measured_record(Measured(1000.0), **asked)
    for measured in (Measured(1e30), Measured(1e-300), Measured(1.0, 1e30, "it")):
        with pytest.raises(InputError, match="is out of range"):
            measured_record(measured, device="h100-sxm", n_devices=8, region="us-east5")


def test_the_scope_of_a_meter_is_asked() -> None:
    with pytest.raises(InputError, match=r"(?s)what was metered is not said.*facility, it, devices"):
        measured_record(Measured(1000.0, 650.0), device="h100-sxm", n_devices=8, region="us-east5")


@pytest.mark.parametrize("scope", ["facility", "it", "devices"])
def test_kilowatt_hours_alone_suffice(scope: Any) -> None:
    r = measured_record(Measured(None, 1000.0, scope), device="h100-sxm", n_devices=8, region="us-east5")
    assert "device-hours from the energy" in r.energy_method
    again = measured_record(Measured(r.device_hours, 1000.0, scope), device="h100-sxm", n_devices=8, region="us-east5")
    assert again.energy_kwh == pytest.approx(r.energy_kwh)
    assert 400.0 < r.energy_parts_kwh["device"] / r.device_hours * 1e3 < 700.0
    with pytest.raises(InputError, match="nothing was measured"):
        measured_record(Measured(), device="h100-sxm", n_devices=8, region="us-east5")


def test_an_interval_holds_what_was_not_metered_and_no_more() -> None:
    """The facility's meter leaves nothing open, the machines' PUE, the accelerators' hosts and network as well."""
    found = {
        scope: measured_record(Measured(1000.0, 650.0, scope), device="h100-sxm", n_devices=8, region="us-east5")
        for scope in ("facility", "it", "devices")
    }
    widths = {scope: r.intervals["energy_kwh"][1] / r.intervals["energy_kwh"][0] for scope, r in found.items()}
    assert widths["facility"] == pytest.approx(1.0)
    assert found["it"].intervals["energy_kwh"] == pytest.approx((650 * 1.04, 650 * 1.15), rel=0.02)
    assert widths["it"] < widths["devices"]
    exact = measured_record(Measured(1000.0, 650.0, "it"), device="h100-sxm", n_devices=8, region="us-east5", pue=1.2)
    assert exact.intervals["energy_kwh"] == pytest.approx((780.0, 780.0))
    for r in found.values():
        assert r.intervals["operational_tco2e"][0] < r.operational_tco2e < r.intervals["operational_tco2e"][1]


# A6: fields and units of the EU form.


def test_the_eu_forms_fields_and_units(planned: Record) -> None:
    text = FORMATS["annex-xi"](planned)
    assert "| Training time, for national authorities | less than 1 month |" in text
    assert f"{_two(planned.device_hours / 24.0)} h100-sxm days" in text
    assert f"| Estimated energy consumption (training) | {_two(planned.energy_kwh / 1e3)} MWh" in text
    forward = (planned.training_flops or 0.0) / 3.0 / (planned.tokens or 1.0) * 1e5
    assert f"| Benchmarked amount of computation used for inference | {_two(forward)} FLOP |" in text
    assert "processing 100,000 tokens on 64 x h100-sxm" in text


def _two(value: float) -> str:
    mantissa, order = f"{value:.1e}".split("e")
    return f"{mantissa} x 10^{int(order)}"


@pytest.mark.parametrize(
    ("days", "words"),
    [(29, "less than 1 month"), (60, "1 to 3 months"), (92, "3 to 6 months"), (190, "more than 6 months")],
)
def test_ranges_of_training_time(days: float, words: str) -> None:
    assert duration_range(days) == words


# A10: BoAmps and the model card.


def test_boamps_names_memory_processors_and_pue(planned: Record) -> None:
    report = boamps_report(planned)
    gpu, cpu, ram = report["infrastructure"]["components"]
    assert gpu["memorySize"] == 80.0
    assert (cpu["componentType"], cpu["nbComponent"]) == ("cpu", 16)
    assert (ram["componentType"], ram["nbComponent"]) == ("ram", 8)
    assert "PUE 1.09" in report["measures"][0]["measurementMethod"]


@pytest.mark.parametrize("device", ["h100-sxm+2y", "mine"])
def test_boamps_of_projected_and_custom_devices(planned: Record, device: str) -> None:
    report = boamps_report(replace(planned, device=device))
    _boamps_validator().validate(report)
    assert device in report["infrastructure"]["components"][0]["componentName"]


def test_the_model_card_names_a_place(planned: Record) -> None:
    assert 'geographical_location: "Columbus, United States"' in FORMATS["model-card"](planned)


def test_esrs_totals_are_the_sums_of_their_lines(planned: Record) -> None:
    rows = _esrs(planned)
    scope_3 = [rows[f"Scope 3, category {n}"] for n in (
        "1 purchased goods and services", "2 capital goods", "3 fuel and energy")]  # fmt: skip
    for method in ("location", "market"):
        parts = rows["Gross Scope 1"] + rows[f"Gross {method}-based Scope 2"] + sum(scope_3)
        assert rows[f"Total GHG emissions ({method}-based)"] == pytest.approx(parts, rel=1e-5)
    assert rows["Gross market-based Scope 2"] < rows["Gross location-based Scope 2"]


def test_sci_is_the_standards_formula(planned: Record) -> None:
    assert sci_score(1000.0, 300.0, 50_000.0, 1e6) == pytest.approx(0.35)
    text = FORMATS["sci"](planned)
    whole = planned.project
    per_token = (whole.location_tco2e + whole.embodied_tco2e) * 1e6 / (planned.tokens or 0)
    assert f"| SCI per training token | {per_token:.6g} | gCO2e |" in text
    assert all(f"SCI per {unit}" in text for unit in ("training FLOP", "parameter", "training run"))


def test_annex_xi_says_known_only_of_what_was_metered(planned: Record, happened: Record) -> None:
    assert "Estimated energy consumption (training)" in FORMATS["annex-xi"](planned)
    assert "Known energy consumption (training)" in FORMATS["annex-xi"](happened)
    hours_only = measured_record(Measured(31_000.0), device="h100-sxm", n_devices=64, region="us-east5")
    assert "Estimated energy consumption (training)" in FORMATS["annex-xi"](hours_only)
    assert "not known" in FORMATS["annex-xi"](hours_only)


@pytest.mark.parametrize(
    ("scope", "facility"),
    [("facility", 30_000.0), ("it", 30_000.0 * 1.2)],
)
def test_pue_is_applied_once(scope: Any, facility: float) -> None:
    r = measured_record(
        Measured(31_000.0, 30_000.0, scope), device="h100-sxm", n_devices=64, carbon_intensity_g_per_kwh=100.0, pue=1.2
    )
    assert r.energy_kwh == pytest.approx(facility)
    assert r.energy_parts_kwh["overhead"] == pytest.approx(facility / 6.0)
    assert r.operational_tco2e == pytest.approx(facility / 10_000)


def test_metered_accelerators_get_hosts_and_overhead(happened: Record) -> None:
    assert happened.energy_parts_kwh["device"] == 20_000.0
    assert happened.energy_parts_kwh["host"] > 5_000.0
    assert "accelerators metered" in happened.energy_method


def test_what_happened_stands_beside_what_was_planned(happened: Record) -> None:
    assert "| | planned | actual |" in FORMATS["model-card"](happened)
    rows = list(csv.DictReader(io.StringIO(FORMATS["csv"](happened))))
    assert [row["kind"] for row in rows] == ["planned", "measured"]


def test_planned_and_actual_are_of_one_boundary(happened: Record) -> None:
    """The plan holds development and more, the meter saw the run."""
    assert happened.plan is not None
    rows = {name: (planned, actual) for name, planned, actual, _ in beside_plan(happened)}
    planned, actual = rows["operational and embodied carbon"]
    assert planned == rows["operational carbon, location-based"][0] + rows["embodied carbon"][0]
    assert actual == happened.operational_tco2e + happened.embodied_tco2e
    assert happened.plan.total_tco2e > 2 * planned
    (told,) = not_measured(happened)
    assert "not measured: development, failed runs" in told
    assert told in FORMATS["model-card"](happened)


@pytest.mark.parametrize(
    ("change", "hub", "stage", "kind"),
    [
        ({}, "pre-training", "training", "unsupervisedLearning"),
        ({"train": "sft"}, "fine-tuning", "finetuning", "supervisedLearning"),
        ({"train": "lora"}, "fine-tuning", "finetuning", "transferLearning"),
        ({"train": "qlora"}, "fine-tuning", "finetuning", "transferLearning"),
        ({"train": "frozen-layers", "frozen_layers": 24}, "fine-tuning", "finetuning", "transferLearning"),
        ({"teacher": "llama-3-70b"}, "pre-training", "training", "unsupervisedLearning"),
    ],
)
def test_statements_say_what_is_trained(change: dict[str, Any], hub: str, stage: str, kind: str) -> None:
    """And 100,000 tokens of inference take the model's forward pass, whatever its training computes."""
    answer = estimate(
        Scenario(**{"model": "llama-3-8b", "tokens": 1e9, "devices": 64, "batch": 64, "seq_len": 8192, **change})
    )
    r = record_of(json.loads(json.dumps(answer.to_dict())))
    assert f'training_type: "{hub}"' in FORMATS["model-card"](r)
    task = boamps_report(r)["task"]
    assert (task["taskStage"], task["algorithms"][0]["trainingType"]) == (stage, kind)
    dense = 2 * 7.5e9  # llama-3-8b's weights without its embedding
    assert dense < (r.forward_flops_per_token or 0) < 1.2 * dense
    assert "| Benchmarked amount of computation used for inference | 1.7 x 10^15 FLOP |" in FORMATS["annex-xi"](r)
    assert ("teacher, llama-3-70b" in FORMATS["annex-xi"](r)) == ("teacher" in change)


def test_old_answers_do_not_say_what_is_trained() -> None:
    r = load_record(DATA / "statements" / "unversioned.json")
    assert "training_type" not in FORMATS["model-card"](r)
    assert "trainingType" not in FORMATS["boamps"](r)
    assert "| Benchmarked amount of computation used for inference | not known |" in FORMATS["annex-xi"](r)


def test_every_page_says_what_its_figures_cover() -> None:
    """With lines beside the run: the run's figures are called so, and totals are the sums that the model card gives."""
    beside = Boundary(development=1.0, failed_runs=0.5, evaluation=0.2, inference=3.0, idle_reservation=0.5)
    question = Scenario(model="llama-3-8b", tokens=1e9, devices=64, batch=64, boundary=beside)
    answer = estimate(question)
    assert isinstance(answer, Estimate)
    s, r = answer.summary(), record_of(json.loads(json.dumps(answer.to_dict())))
    whole = r.project
    assert s["energy_total_kwh"] == pytest.approx(whole.energy_kwh, rel=1e-12)
    assert s["energy_total_kwh"] > 4.0 * s["energy_kwh"]
    assert s["water_total_litres"] == pytest.approx(whole.water_litres, rel=1e-12)
    assert s["carbon_run_tco2e"] == s["carbon_operational_tco2e"] + s["carbon_embodied_tco2e"] == r.run_tco2e
    assert s["carbon_total_tco2e"] == pytest.approx(s["carbon_run_tco2e"] + s["carbon_boundary_tco2e"], rel=1e-12)
    assert s["cost_total_usd"] == pytest.approx(s["cost_usd"] * (1.0 + 1.0 + 0.5 + 0.2 + 3.0 + 0.5), rel=1e-12)
    assert (
        f"**Energy:** {energy(s['energy_total_kwh'])}, of which the final run {energy(s['energy_kwh'])}"
        in model_card(r)
    )
    between = spans(answer)
    assert [line.partition(":")[0] for line in between if "of the run" in line] == [
        "device-hours of the run", "energy of the run", "carbon of the run and all beside it", "cost of the run",
    ]  # fmt: skip
    html = document_of(answer)
    for name in ("Energy of the facility, of the run", "Carbon of the run and all beside it", "Water of the run"):
        assert name in html
    alone = estimate(replace(question, boundary=Boundary()))
    assert isinstance(alone, Estimate)
    assert not any("of the run" in line for line in spans(alone))
    assert alone.summary()["energy_total_kwh"] == alone.summary()["energy_kwh"] == s["energy_kwh"]


def test_a_place_that_nobody_named_is_not_disclosed() -> None:
    question = Scenario(model="llama-3-8b", tokens=1e9, devices=64, batch=64)
    for asked, stated in ((question, False), (replace(question, region="us-east5"), True)):
        answer = estimate(asked)
        assert any("nobody named a place" in note for note in answer.resolved.notes) is not stated
        r = record_of(json.loads(json.dumps(answer.to_dict())))
        where = "Columbus, United States" if stated else "not stated (assumed: Columbus, United States)"
        assert f'geographical_location: "{where}"' in FORMATS["model-card"](r)
        assert (boamps_report(r)["infrastructure"].get("cloudProvider") == "google") is stated
        assert ('"name": "google"' in FORMATS["cyclonedx"](r)) is stated
        kept = asked_as("estimate", asked, "1", "2026-01-01")["scenario"]
        assert question_of_saved({"saved": {"command": "estimate", "scenario": kept}}, "x")[1] == asked
        assert ("region" in kept) is stated


def test_significant_digits() -> None:
    assert significant(433_196.4) == "433000"
    assert significant(31.0014) == "31"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", ["not valid JSON", "remedy"]),
        ("[]", ["not a saved answer", "estimate"]),
        ('{"feasible": false}', ["nothing is feasible"]),
        ('{"feasible": true, "summary": {}, "carbon": {"parts": {}}}', ["another version", "save it again"]),
    ],
)
def test_files_that_are_no_answer(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "answer.json"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_record(path)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"device": "h100-sxn"}, "h100-sxm"),
        ({"region": "us-eats5"}, "us-east5"),
        ({"pue": 0.9}, "1 or more"),
        ({"measured": Measured(0.0)}, "device_hours"),
        ({"measured": Measured(10.0, -1.0, "it")}, "energy_kwh"),
    ],
)
def test_bad_measured_values(changes: dict[str, Any], word: str) -> None:
    given = {
        "measured": Measured(100.0, 60.0, "it"),
        "device": "h100-sxm",
        "n_devices": 8,
        "region": "us-east5",
        **changes,
    }
    measured = given.pop("measured")
    with pytest.raises(InputError, match=word):
        measured_record(measured, **given)
