"""Statements: golden files, published schemas, sums, planned beside measured, errors."""

from __future__ import annotations

import csv
import io
import json
import warnings
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from referencing import Registry
from referencing.jsonschema import DRAFT4

from carbonscaling.errors import InputError
from carbonscaling.reporting.statements import FORMATS
from carbonscaling.reporting.statements.boamps import boamps_report
from carbonscaling.reporting.statements.measured import measured_record
from carbonscaling.reporting.statements.record import Measured, Record
from carbonscaling.reporting.statements.sci import sci_score
from carbonscaling.reporting.statements.text import significant
from samples import load_record

DATA = Path(__file__).parent / "data"
ANSWER = DATA / "statements" / "answer.json"
SUFFIX = {
    "model-card": "md",
    "annex-xi": "md",
    "sci": "md",
    "esrs": "csv",
    "boamps": "json",
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


def test_esrs_totals_are_the_sums_of_their_lines(planned: Record) -> None:
    rows = {row["line"]: float(row["value"]) for row in csv.DictReader(io.StringIO(FORMATS["esrs"](planned)))}
    embodied, beside = rows["Scope 3, category 2 capital goods"], rows["Beside the final run, scopes 2 and 3"]
    for method in ("location", "market"):
        parts = rows["Gross Scope 1"] + rows[f"Gross {method}-based Scope 2"] + embodied + beside
        assert rows[f"Total GHG emissions ({method}-based)"] == pytest.approx(parts, rel=1e-5)
    assert rows["Gross market-based Scope 2"] < rows["Gross location-based Scope 2"]


def test_sci_is_the_standards_formula(planned: Record) -> None:
    assert sci_score(1000.0, 300.0, 50_000.0, 1e6) == pytest.approx(0.35)
    text = FORMATS["sci"](planned)
    per_token = (planned.operational_tco2e + planned.embodied_tco2e) * 1e6 / (planned.tokens or 0)
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
        ({"measured": Measured(10.0, -1.0)}, "energy_kwh"),
    ],
)
def test_bad_measured_values(changes: dict[str, Any], word: str) -> None:
    given = {"measured": Measured(100.0, 50.0), "device": "h100-sxm", "n_devices": 8, "region": "us-east5", **changes}
    measured = given.pop("measured")
    with pytest.raises(InputError, match=word):
        measured_record(measured, **given)
