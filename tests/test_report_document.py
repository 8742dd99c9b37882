"""The report to print: one file, whole, escaped, and about the answer it was made from."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from carbonscaling.cli.run import run
from carbonscaling.errors import InputError
from carbonscaling.evidence.nearby import nearby
from carbonscaling.platform import browser
from carbonscaling.reporting.beside import curve, regions
from carbonscaling.reporting.document import around, document, document_of, pdf
from carbonscaling.reporting.document.figures import front
from carbonscaling.reporting.document.html import Markup, listed, node, table
from carbonscaling.reporting.glossary import glossary
from carbonscaling.study.answer import plan
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.places import ranked
from carbonscaling.study.scenario import Scenario
from carbonscaling.words import mass, money, plain, shortened

ASKED = (
    "--model", "llama-3-8b", "--tokens", "1e12", "--device", "h100-sxm", "--max-days", "10", "--max-devices", "256",
)  # fmt: skip
VOID = {"meta", "input"}
FEW = (1e20, 1e21, 1e22, 1e26)
"""Budgets of the law's curve, the last of which no 256 devices reach; reports draw a point every half decade."""


@pytest.fixture(autouse=True)
def _few_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("carbonscaling.study.scale.HALF_DECADES", FEW)


class Balanced(HTMLParser):
    """Checks that every element is closed, and collects text and outside references."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: str) -> Balanced:
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    return parser


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "answer.json"
    run(["plan", *ASKED, "-o", str(path)])
    return path


def test_the_file_stands_alone_and_says_the_answer(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["report", str(saved), "--format", "html"]) == 0
    page = capsys.readouterr().out
    found = read(page)
    assert found.links == []
    assert "<script" not in page
    assert "@import" not in page
    assert "url(" not in page
    assert "@media print" in page
    text = " ".join(found.text)
    summary = json.loads(saved.read_text(encoding="utf-8"))["summary"]
    assert f"{summary['n_devices']:,}" in text
    assert plain(summary["carbon_total_tco2e"]) in text
    for heading in (
        "Results",
        "Setting",
        "Where it goes",
        "Uncertainty",
        "Evidence",
        "Method and conventions",
        "Limits",
        "Sources",
    ):
        assert heading in text
    for lever in json.loads(saved.read_text(encoding="utf-8"))["levers"]:
        assert shortened(f"{lever['low']} to {lever['high']}") in text  # as the terminal and the page say it
    assert page.count("<svg") >= 6
    assert "nan" not in re.sub(r"[a-z]nan|nan[a-z]", "", page.lower())


def test_the_alias_writes_the_same_file(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(saved.read_text(encoding="utf-8"))
    del data["saved"]  # nothing to ask again
    file = tmp_path / "alone.json"
    file.write_text(json.dumps(data), encoding="utf-8")
    capsys.readouterr()
    run(["report", str(file), "--format", "html"])
    page = capsys.readouterr().out
    run(["report", str(file), "--format", "pdf-ready", "-o", str(tmp_path / "report.html")])
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == page


def test_a_page_needs_an_answer_or_measured_values(
    saved: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["report", "--format", "html"]) == 2
    assert "saved answer" in capsys.readouterr().err
    broken = tmp_path / "old.json"
    data = json.loads(saved.read_text(encoding="utf-8"))
    del data["carbon"]["pue"]
    broken.write_text(json.dumps(data), encoding="utf-8")
    assert run(["report", str(broken), "--format", "html"]) == 2
    assert "another version" in capsys.readouterr().err


def test_measured_values_have_a_page_beside_their_plan_or_alone(
    saved: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    measured = ["--device-hours", "1000", "--energy-kwh", "968", "--energy-scope", "devices", "--format", "html"]
    assert run(["report", str(saved), *measured]) == 0
    page = read(capsys.readouterr().out)
    words = " ".join(page.text)
    assert page.links == []
    for said in (
        "Planned and measured",
        "968 W",
        "Not explained by the job",
        "268 kWh",
        "Sources",
        "scope 2, location",
    ):
        assert said in words
    alone = tmp_path / "alone.html"
    given = ["--energy-kwh", "650", "--energy-scope", "it", "--device", "h100-sxm", "--region", "fr", "-o", str(alone)]
    capsys.readouterr()
    assert run(["report", *given]) == 0
    assert capsys.readouterr().out == ""
    words = " ".join(read(alone.read_text(encoding="utf-8")).text)
    assert "Planned and measured" not in words
    assert "device-hours from the energy" in words


def test_names_are_escaped(saved: Path) -> None:
    data = json.loads(saved.read_text(encoding="utf-8"))
    data["summary"]["model"] = "<img src=x onerror=alert(1)>"
    data["notes"] = ["</style><script>alert(1)</script>"]
    page = document(data)
    read(page)
    assert "<img" not in page
    assert "<script" not in page


def test_elements() -> None:
    assert node("p", "a & b", Markup("<b>c</b>"), class_="x") == '<p class="x">a &amp; b<b>c</b></p>'
    assert table(("n", "m"), [(1, "<")], (0,)).count('class="n"') == 2
    assert listed([]) == ""


def test_evidence_widens_until_enough_and_counts_everything() -> None:
    found = nearby("h100-sxm", 8e9, experts=False)
    assert len(found.rows) >= 12
    assert all(row.experts == "dense" and row.device == "h100-sxm" and row.fold == "source" for row in found.rows)
    assert all(1 / found.within <= row.params_b / 8 <= found.within for row in found.rows)
    data = found.to_dict("H100", most=5)
    assert len(data["rows"]) == 5
    assert data["n_rows"] == len(found.rows)
    errors = sorted(abs(row.predicted / row.measured - 1) for row in found.rows)
    middle = len(errors) // 2
    assert data["median_error"] == pytest.approx(
        errors[middle] if len(errors) % 2 else sum(errors[middle - 1 : middle + 1]) / 2
    )
    nothing = nearby("paper-v100", 8e9, experts=False)
    assert nothing.rows == ()
    assert nothing.to_dict()["median_error"] is None


def test_an_answer_at_hand_is_reported_with_other_places_and_other_losses(tmp_path: Path) -> None:
    run(["plan", *ASKED, "-o", str(tmp_path / "r.html")])
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    found = read(page)
    text = " ".join(found.text)
    answer = plan(Scenario(model="llama-3-8b", tokens=1e12, device="h100-sxm", max_days=10, max_devices=256))
    assert isinstance(answer, Estimate)
    least = ranked(answer)[0]
    assert f"{least.region} {least.country}" in text
    assert mass(least.total_tco2e) in text
    assert "us-east5 USA (this run)" in text
    assert "Loss and carbon by Chinchilla" in text
    points = [row for row in curve(answer)["rows"] if row["carbon_total_tco2e"] is not None]  # planned on this machine
    assert len(points) == len(FEW) - 1
    assert page.count('type="radio"') == len(points)  # each can be chosen
    assert glossary()["device-hour"].meaning in text
    assert page == document_of(answer)
    run(["plan", *ASKED, "-o", str(tmp_path / "a.json")])
    run(["report", str(tmp_path / "a.json"), "-o", str(tmp_path / "again.html")])
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page
    adapters = plan(replace(answer.scenario, train="lora", seq_len=4096))
    assert isinstance(adapters, Estimate)
    assert "Other losses" not in document_of(adapters)  # the law says nothing of adapters


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda data: data.pop("saved"), "saved without its question"),
        (lambda data: data["saved"]["scenario"].update(region="texas"), "the question has another answer"),
        (lambda data: data["saved"]["scenario"].update(model="none-such"), "unknown model"),
    ],
)
def test_a_saved_answer_that_does_not_come_again_is_reported_alone_and_says_why(
    change: Callable[[dict[str, Any]], object], why: str, saved: Path, tmp_path: Path
) -> None:
    data = json.loads(saved.read_text(encoding="utf-8"))
    change(data)
    (tmp_path / "a.json").write_text(json.dumps(data), encoding="utf-8")
    assert run(["report", str(tmp_path / "a.json"), "-o", str(tmp_path / "r.html")]) == 0
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Left out: " in page
    assert why in page
    assert "(this run)" not in page
    assert mass(data["summary"]["carbon_total_tco2e"]) in page


def test_the_front_is_a_stair_whose_corners_are_named() -> None:
    rows = [(10.0, 5.0, "a"), (12.0, 6.0, "beaten"), (14.0, 4.0, "b"), (20.0, 1.0, "c")]
    drawn = front("title", rows)
    names = re.findall(r"<text[^>]*>([^<]*)</text>", drawn)
    assert [n for n in names if n in ("a", "b", "c", "beaten")] == ["a", "b", "c"]
    assert drawn.count("<circle") == 4
    stair = re.findall(r'd="(M[^"]*)"', drawn)[-1]
    assert stair.count("V") == 3  # one step down a corner, the first included


def test_every_point_of_the_curve_can_be_chosen_without_a_script() -> None:
    row = {"compute": 1e22, "loss": 2.2, "n_params": 9e9, "n_tokens": 2e11, "n_devices": 16, "duration_days": 20.0,
           "energy_kwh": 5e3, "carbon_low_tco2e": 1.0, "carbon_high_tco2e": 3.0, "cost_usd": 4e4, "reason": None}  # fmt: skip
    found = [row | {"compute": 10.0**i, "loss": 24 - i, "carbon_total_tco2e": 10.0 ** (i - 20)} for i in range(20, 23)]
    data = {
        "title": "a law",
        "here": {"compute": 3e21, "loss": None},
        "rows": [*found, row | {"carbon_total_tco2e": None}],
    }
    drawn = around.curve(data, 5.0)
    assert read(drawn).links == []
    said = re.findall(r'<input type="radio" name="at" id="at-(\d)" style="left:([\d.]+)%" aria-label="([^"]*)"', drawn)
    assert [i for i, _, _ in said] == ["0", "1", "2"]  # the fourth cannot be planned
    places = [float(left) for _, left, _ in said]
    assert places[1] - places[0] == pytest.approx(places[2] - places[1], abs=0.02)
    for (i, _, words), tonnes in zip(said, ("1 tCO2e", "10 tCO2e", "100 tCO2e"), strict=True):
        assert words.endswith("16 devices for 20 days, 5 MWh, 40 k$.")
        assert f" {tonnes} (1 to 3 tCO2e)" in words
        assert drawn.count(f'class="at at-{i}"') == 2  # a mark on the lines, the words below
        assert f".curve:has(#at-{i}:checked) .at-{i}" in drawn


def test_a_report_says_when_to_begin_and_what_a_price_is() -> None:
    answer = plan(Scenario(model="llama-3-8b", tokens=1e11, device="h100-sxm", max_days=10, region="us-west2"))
    assert isinstance(answer, Estimate)
    own = next(row for row in ranked(answer) if row.region == "us-west2")
    page = document(answer.to_dict(), places=regions(answer))
    assert own.best_start in page
    assert mass(own.at_best_tco2e or 0.0) in page
    assert page.count("fill-opacity") == 12 * 24
    assert "CAISO, 2021 to 2024" in page
    assert f"{money(answer.cost_usd or 0.0)} (on-demand list price)" in page
    assert answer.to_dict()["price"] == "on-demand list price"


def test_a_pdf_is_printed_by_a_browser_or_refused(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if browser() is not None:
        run(["report", str(saved), "-o", str(tmp_path / "a.pdf")])
        printed = (tmp_path / "a.pdf").read_bytes()
        assert printed.startswith(b"%PDF-")
        assert printed.count(b"/Type /Page\n") >= 2
    assert run(["report", str(saved), "--format", "pdf"]) == 2  # nowhere to write it
    monkeypatch.setattr(pdf, "browser", lambda: None)
    with pytest.raises(InputError, match="no browser is installed"):
        pdf.pdf_of("<p>report</p>")
    monkeypatch.setattr(pdf, "browser", lambda: "/bin/false")
    with pytest.raises(InputError, match="false did not print"):
        pdf.pdf_of("<p>report</p>")
