"""Scenarios: files, their errors, their schema."""

from __future__ import annotations

import dataclasses
import json
import math
import tomllib
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import carbonscaling as cs
from carbonscaling.catalog.read import build, read_toml
from carbonscaling.errors import InputError
from carbonscaling.study.reported import reported_runs
from carbonscaling.study.scenario import load_scenario, scenario_from, scenario_schema
from schemas import validate

SCHEMA = scenario_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def _value(value: Any) -> str:
    """A TOML value; what is unset is left out of tables."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_value(v)}" for k, v in value.items() if v is not None) + "}"
    return json.dumps(value)


def _toml(scenario: cs.Scenario) -> str:
    """A scenario file with every value that is set."""
    return "\n".join(f"{k} = {_value(v)}" for k, v in dataclasses.asdict(scenario).items() if v is not None)


SCENARIOS = st.builds(
    cs.Scenario,
    model=st.sampled_from(("llama-3-8b", "mixtral-8x7b", None)),
    tokens=st.none() | st.floats(1e6, 1e15),
    device=st.sampled_from(("h100-sxm", "a100-80", "my device")),
    devices=st.none() | st.integers(1, 100_000),
    max_days=st.none() | st.floats(0.1, 1000),
    objective=st.sampled_from(("paper", "time", "carbon", "cost")),
    batch=st.none() | st.integers(1, 100_000),
    layout=st.builds(
        cs.Layout,
        tp=st.none() | st.integers(1, 64),
        zero=st.none() | st.integers(0, 3),
        recompute=st.sampled_from((None, "none", "selective", "full", "feed-forward")),
        sequence_parallel=st.none() | st.booleans(),
    ),
    space=st.sampled_from(("default", "paper")),
    pue=st.none() | st.floats(1, 3),
    years_ahead=st.floats(0, 50),
    flash=st.none() | st.booleans(),
)


@given(SCENARIOS)
@settings(max_examples=60, deadline=None)
def test_round_trip_through_toml(scenario: cs.Scenario) -> None:
    data = tomllib.loads(_toml(scenario))
    assert scenario_from(data, "x.toml") == scenario
    VALIDATOR.validate(data)


def test_round_trip_through_a_file(tmp_path: Path) -> None:
    for name, run in reported_runs().items():
        path = tmp_path / f"{name}.toml"
        path.write_text(_toml(run.scenario), encoding="utf-8")
        assert cs.load_scenario(path) == run.scenario


def test_names_of_files_are_relative_to_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("", encoding="utf-8")
    (tmp_path / "s.toml").write_text('model = "llama-3-8b"\nprofile = "mine.toml"\n', encoding="utf-8")
    found = cs.load_scenario(tmp_path / "s.toml")
    assert found.profile == str(tmp_path / "mine.toml")
    assert found.model == "llama-3-8b"


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ('modell = "llama-3-8b"', "modell", "model"),
        ("[layout]\ntpp = 8", "layout.tpp", "tp"),
        ("devices = -1", "devices", "1 or more"),
        ('devices = "many"', "devices", None),
        ("devices = 1.5", "devices", "a whole number"),
        ("devices = 1e300", "devices", "up to 9,007,199,254,740,992"),
        ("stack = 3", "stack", "a text"),
        ("batch = 0", "batch", "1 or more"),
        ("tokens = 15.6", "tokens", "1e6"),
        ("pue = 0.9", "pue", "1 to 10"),
        ("run_overhead = 0.5", "run_overhead", "1 to 100"),
        ("max_days = 0", "max_days", "above 0"),
        ("max_days = 1e6", "max_days", "century"),
        ("years_ahead = -1", "years_ahead", "0 to 50"),
        ("carbon_intensity_g_per_kwh = -1", "carbon_intensity_g_per_kwh", "1 to 5000"),
        ("tokens = nan", "tokens", "1e18"),
        ("tokens = inf", "tokens", "1e18"),
        ('objective = "carbn"', "objective", "carbon"),
        ('space = "papers"', "space", None),
        ("[layout]\nzero = 4", "layout.zero", "0, 1, 2 or 3"),
        ("[layout]\ntp = 0", "layout.tp", "1 or more"),
        ("[layout]\nshard = -1", "layout.shard", "group"),
        ('[layout]\nrecompute = "some"', "layout.recompute", None),
    ],
)
def test_errors_name_file_key_and_remedy(tmp_path: Path, text: str, key: str, hint: str | None) -> None:
    path = tmp_path / "question.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        cs.load_scenario(path)
    message = str(error.value)
    assert "question.toml" in message
    assert key in message
    assert hint is None or hint in message
    assert error.value.remedy


@pytest.mark.parametrize(("name", "content"), [("a.toml", "model = llama"), ("b.toml", "= 3")])
def test_files_that_are_not_toml(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="not valid TOML"):
        cs.load_scenario(tmp_path / name)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "question.toml").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match=r"question\.toml"):
        read_toml(tmp_path / "questoin.toml")
    with pytest.raises(InputError, match="directory"):
        read_toml(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"model = '\xe9'")
    with pytest.raises(InputError, match="UTF-8"):
        read_toml(tmp_path / "latin.toml")


@pytest.mark.parametrize(
    ("field", "value"),
    [("tokens", -1.0), ("devices", 0), ("pue", math.nan), ("objective", "x")],
)
def test_errors_from_python(field: str, value: Any) -> None:
    with pytest.raises(InputError):
        cs.Scenario(**{field: value})


def test_schema_is_valid_and_strict() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["properties"]) == {f.name for f in dataclasses.fields(cs.Scenario)}
    assert SCHEMA["additionalProperties"] is False


@pytest.mark.parametrize(
    "good",
    [
        {},
        {"model": "llama-3-8b", "devices": 64, "layout": {"tp": 8, "recompute": "full"}},
        {"law": "paper_v2", "d_model": 12288, "device": "b100", "space": "paper"},
        {"max_days": 30, "objective": "carbon", "region": "France"},
    ],
)
def test_schema_accepts(good: dict[str, Any]) -> None:
    validate(good, SCHEMA)
    assert isinstance(build(cs.Scenario, good, "x"), cs.Scenario)


@pytest.mark.parametrize(
    "bad",
    [
        {"modell": "llama-3-8b"},
        {"devices": "many"},
        {"devices": 1.5},
        {"layout": {"tensor": 8}},
        {"layout": {"recompute": "some"}},
        {"space": "papers"},
        {"paper_version": "v3"},
        {"carbon_mode": "guess"},
    ],
)
def test_schema_and_reader_refuse_alike(bad: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        validate(bad, SCHEMA)
    with pytest.raises(InputError):
        scenario_from(bad, "x.toml")


def test_every_field_is_documented() -> None:
    for kind in (cs.Scenario, cs.Layout):
        text = str(kind.__doc__)
        for field in dataclasses.fields(kind):
            assert field.name in text, field.name


@pytest.mark.parametrize(
    "name",
    [
        "h100-sxm,a100-80",
        "h100-sxm + a100-80",
        "h100 and a100",
        "h100-sxm a100-80",
        "h100/a100",
        "8xh100 8xa100",
        ["h100", "a100"],
        ("h100", "a100"),
    ],
)
def test_two_kinds_of_device_are_refused_with_what_to_do(name: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        cs.estimate(cs.Scenario(model="llama-3-8b", tokens=1e9, device=name, devices=16))
    assert "one job runs on one kind of device" in str(error.value)
    assert "choose" in str(error.value.remedy)
    file = tmp_path / "two.toml"
    file.write_text(
        'model = "llama-3-8b"\ntokens = 1e9\ndevices = 16\ndevice = ["h100-sxm", "a100-80"]\n', encoding="utf-8"
    )
    with pytest.raises(InputError, match="one kind of device"):
        cs.estimate(load_scenario(file))
