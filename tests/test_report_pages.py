"""Formatting: words, bars, JSON, BibTeX, catalogue entries."""

import dataclasses
import io
import json
import math
import re
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from carbonscaling import words
from carbonscaling.catalog.references import references
from carbonscaling.cli import main
from carbonscaling.errors import InputError
from carbonscaling.formula import Formula, TraceLine
from carbonscaling.reporting.bars import LABELS, Bars, label
from carbonscaling.reporting.bibtex import bibtex
from carbonscaling.reporting.catalog import Entry, entry_page
from carbonscaling.reporting.explain import distinct, explain_page
from carbonscaling.reporting.jsonable import jsonable, to_json
from carbonscaling.reporting.scale import power_law
from carbonscaling.reporting.schema import answer_schema
from carbonscaling.sources import Datum


def draw(page: RenderableType, width: int = 80, encoding: str = "utf-8") -> str:
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    Console(file=out, width=width, color_system=None).print(page)
    out.seek(0)
    return out.read()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(np.float64(0.1)),
        lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text() | st.integers(), inner),
        max_leaves=8,
    )
)
def test_json_is_as_the_standard_library_writes_it(value: Any) -> None:
    assert to_json(value) == json.dumps(jsonable(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


@given(st.floats(1e-6, 1e14))
def test_plain_keeps_three_digits(value: float) -> None:
    text = words.plain(value)
    assert float(text.replace(",", "")) == pytest.approx(value, rel=0.00501)
    assert len(text.replace(",", "").replace(".", "").lstrip("0")) <= 15


@given(st.floats(1e-9, 1e12))
def test_scaled_units_lose_nothing(kwh: float) -> None:
    number, unit = words.scaled(kwh, words.ENERGY)
    factor = next(size for size, name in words.ENERGY if name == unit)
    assert number * factor == pytest.approx(kwh)
    if 1e-3 <= kwh < 9.99e11:
        assert 0.999 <= number < 1000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (words.mass(8789.2), "8,790 tCO2e"),
        (words.mass(0.0), "0 tCO2e"),
        (words.mass(25e6), "25 MtCO2e"),
        (words.energy(24.1e6), "24.1 GWh"),
        (words.duration(90 * 86400), "90 days"),
        (words.duration(5400), "90 min"),
        (words.big(30.84e6), "30.8 million"),
        (words.money(171e6), "171 M$"),
        (words.money(950.0), "950 $"),
        (words.count(671e9), "671B"),
        (words.data(85.9e9), "85.9 GB"),
        (words.percent(0.999), "100%"),
        (words.plain(math.inf), "-"),
    ],
)
def test_words(text: str, expected: str) -> None:
    assert text == expected


def test_bars_are_to_scale_and_leave_out_nothing_but_zeros() -> None:
    lines = draw(Bars("Total", {"matmul": 3.0, "bubble": 1.5, "host": 0.0}, "s")).splitlines()
    assert len(lines) == 3
    assert lines[1].split()[-3:-1] == ["s", "67%"]
    assert lines[1].count("█") == pytest.approx(2 * lines[2].count("█"), abs=1)
    assert all(len(line) <= 80 for line in lines)


def test_bars_do_without_block_characters() -> None:
    text = draw(Bars("Total", {"a": 1.0}, "s"), encoding="ascii")
    assert "#" in text
    assert "█" not in text


def test_bars_of_nothing() -> None:
    assert draw(Bars("Total", {}, "s")).strip() == "Total"
    assert draw(Bars("Total", {"a": 0.0}, "s")).strip() == "Total"


def test_labels_fit_their_column() -> None:
    assert label("some_part") == "some part"
    assert all(len(text) <= 30 for text in LABELS.values())


class Pair(NamedTuple):
    a: float
    b: Any


@dataclasses.dataclass(frozen=True)
class Holder:
    pair: Pair
    names: tuple[str, ...]
    missing: float


def test_json_is_finite_and_plain() -> None:
    value = Holder(Pair(np.float64(1.5), np.array([1, 2])), ("x",), math.nan)
    assert jsonable(value) == {"pair": {"a": 1.5, "b": [1, 2]}, "names": ["x"], "missing": None}
    text = to_json({"inf": math.inf, "flag": np.bool_(True), "n": np.int64(3)})
    assert json.loads(text, parse_constant=pytest.fail) == {"inf": None, "flag": True, "n": 3}


def test_bibtex_knows_every_shipped_reference() -> None:
    assert bibtex(references(), references()).count("\n@") == len(references()) - 1
    assert bibtex(["user", ""], references()) == ""
    with pytest.raises(InputError, match="did you mean: act_2022"):
        bibtex(["act_2202"], references())


def test_an_entry_prints_value_range_source_and_remark() -> None:
    datum = Datum(
        300.0, "g/kWh", "somewhere_2024", low=250.0, high=400.0, year=2024, basis="life-cycle", remark="table 3"
    )
    text = " ".join(draw(entry_page(Entry("factors", "grid", {"kind": "x"}, {"value": datum}))).split())
    assert "300 g/kWh (250 to 400) [somewhere_2024] 2024; life-cycle; table 3" in text


def test_explain_counts_what_it_leaves_out() -> None:
    area = Formula("m.area", "a·b", "m2", "euclid", "I.35")
    none = Formula("m.none", "0·a", "s", "euclid", "")
    lines = [TraceLine(area, {"a": float(a), "b": 2.0}, 2.0 * a) for a in (1, 1, 2, 3)] + [
        TraceLine(none, {"a": 1.0}, 0.0)
    ]
    assert len(distinct(lines)) == 4
    text = draw(explain_page(lines, shown=2))
    assert "m.area  [euclid, I.35]" in text
    assert "2 m2  from a = 1, b = 2" in text
    assert "not shown: 1" in text
    assert "Zero in this setting\n  - m.none" in text


@given(st.floats(1e-20, 1e3), st.floats(-2, 2))
def test_power_law_recovers_its_parameters(k: float, alpha: float) -> None:
    x = [1.0, 10.0, 1e3, 1e4]
    found = power_law(x, [k * v**alpha for v in x])
    assert found is not None
    assert found[0] == pytest.approx(k, rel=1e-6)
    assert found[1] == pytest.approx(alpha, abs=1e-6)


def test_power_law_needs_two_points() -> None:
    assert power_law([1.0], [2.0]) is None


def test_answer_schema_is_a_schema() -> None:
    import jsonschema  # type: ignore[import-untyped]

    jsonschema.Draft202012Validator.check_schema(answer_schema())


def test_every_row_has_a_unit_of_its_size() -> None:
    parts = {"matmul": 5.83, "bubble": 0.0783, "optimizer": 3.59e-4, "host": 2.89e-15}
    text = draw(Bars("Step", parts, "s", units=words.TIME))
    for said in ("5.83 s", "78.3 ms", "359 µs"):
        assert said in text
    assert "e-" not in text
    assert "host" not in text


@pytest.mark.parametrize(
    "ask",
    [
        ["estimate", "--model", "mixtral-8x7b", "--tokens", "1T", "--devices", "64", "--region", "france"],
        ["model", "show", "deepseek-v3"],
        ["explain", "--model", "llama-3-8b", "--tokens", "1T", "--devices", "64"],
    ],
    ids=lambda ask: ask[0],
)
def test_pages_have_no_number_that_nobody_reads(ask: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(ask) == 0
    out = capsys.readouterr().out
    assert not re.search(r"\d(?:,?\d){9,}", out)
    assert not re.search(r"e-\d\d", out)
    assert "USD" not in out
    if "$" in out:
        assert "on-demand list price" in " ".join(out.split())
