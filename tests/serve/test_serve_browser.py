"""The page in Debian's Chromium: whole planning sessions, desktop and phone, light and dark."""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from serve_helpers import PATIENCE, Open, Service, needs_browser

from carbonscaling.carbon.boundary import Boundary
from carbonscaling.cli import main
from carbonscaling.reporting.document import document
from carbonscaling.study.answer import plan
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.scenario import Scenario, load_scenario
from carbonscaling.words import energy, money

pytestmark = needs_browser

SHOTS = os.environ.get("CARBONSCALING_SHOTS")
"""Folder for screenshots, if anyone wants to look at them."""
CONFIG = {
    "_name_or_path": "some-lab/tiny-llama", "model_type": "llama", "hidden_size": 2048, "intermediate_size": 8192,
    "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256,
    "max_position_embeddings": 8192,
}  # fmt: skip


def redraws(page: Page) -> int:
    return int(page.locator("body").get_attribute("data-redraws") or 0)


def redrawn(page: Page, act: Callable[[], Any]) -> None:
    """Do something and wait until the page has drawn a new answer and asks nothing more."""
    before = redraws(page)
    act()
    page.wait_for_selector(f"body:not([data-redraws='{before}']):not(.busy)")


def settled(page: Page) -> None:
    """Wait for what stands beside the answer."""
    page.wait_for_selector("body[data-settled]")


def held(page: Page, pattern: str) -> list[Route]:
    """Return the requests to such an address, none of which goes on by itself."""
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route(pattern, hold)
    return waiting


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def move(page: Page, slider: str, value: float) -> None:
    page.locator(f"#{slider}").evaluate(
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', { bubbles: true })); }", value
    )


def answer_of(page: Page, service: Service, scenario: dict[str, Any]) -> dict[str, Any]:
    kind = "estimate" if scenario.get("devices") else "plan"
    return dict(page.request.post(f"{service.url}/api/v1/{kind}", data=scenario).json())


@pytest.mark.parametrize(
    ("size", "scheme"),
    [
        ("desktop", "light"),
        ("phone", "dark"),
        pytest.param("desktop", "dark", marks=pytest.mark.slow),
        pytest.param("phone", "light", marks=pytest.mark.slow),
    ],
)
def test_a_whole_planning_session(open_page: Open, service: Service, size: str, scheme: str) -> None:
    page = open_page(size=size, scheme=scheme)
    expect(page.locator("#headline")).to_contain_text("llama-3.1-405b")
    settled(page)
    shot(page, f"first-{size}-{scheme}")
    page.fill("#model", "llama-3-8b")
    redrawn(page, lambda: page.fill("#tokens", "2T"))
    redrawn(page, lambda: page.select_option("#device", "h200"))
    redrawn(page, lambda: page.select_option("#region", "europe-north1"))
    scenario = {"model": "llama-3-8b", "tokens": 2e12, "device": "h200", "max_days": 90, "region": "europe-north1"}
    expected = answer_of(page, service, scenario)["summary"]
    tiles = page.locator("#tiles dd")
    assert tiles.nth(0).inner_text().split("\n")[0] == f"{expected['n_devices']:,}"
    assert "tCO₂e" in tiles.nth(4).inner_text()
    assert " to " in tiles.nth(4).locator("small").inner_text()
    for panel in ("time", "memory", "energy", "carbon"):
        assert page.locator(f"#{panel} .bar").count() >= 3
    assert page.locator("#energy .range b").count() == 1
    assert page.locator("#carbon .range b").count() == 3
    redrawn(page, lambda: move(page, "max_days", 40))  # a deadline of 16 days: a front of several counts
    points = page.locator("#front .point")
    assert points.count() >= 4
    points.nth(1).hover(force=True)
    expect(page.locator("#tip")).to_contain_text("devices")
    count = page.locator("#front .point").nth(0).get_attribute("aria-label") or ""
    points.nth(0).focus()
    expect(page.locator("#tip")).to_be_visible()
    redrawn(page, lambda: page.keyboard.press("Enter"))
    assert page.input_value("#devices") == count.split(" ")[0].replace(",", "")
    expect(page.locator("#settings .bar").first).to_be_visible()
    expect(page.locator("#regions li.here").first).to_contain_text("europe-north1")
    redrawn(page, page.locator("#regions li:not(.here) button").first.click)
    assert page.input_value("#region") != "europe-north1"
    page.locator("#evidence .point").first.hover(force=True)
    expect(page.locator("#tip")).to_contain_text("measured")
    page.wait_for_selector("#sources pre", state="attached")
    page.get_by_text("Citation (BibTeX)").click()
    expect(page.locator("#sources pre")).to_contain_text("@misc{")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    shot(page, f"session-{size}-{scheme}")


def test_a_loss_in_place_of_a_model(open_page: Open) -> None:
    page = open_page()
    page.get_by_label("to a loss").check()
    page.select_option("#law", "besiroglu_2024")
    redrawn(page, lambda: page.fill("#target_loss", "2.1"))
    expect(page.locator("#tiles")).to_contain_text("Expected loss")
    assert "2.1" in page.locator("#tiles dd").last.inner_text()


def test_an_upload_and_a_bad_one(open_page: Open, tmp_path: Path) -> None:
    page = open_page()
    file = tmp_path / "config.json"
    file.write_text(json.dumps(CONFIG), encoding="utf-8")
    redrawn(page, lambda: page.set_input_files("#upload", str(file)))
    expect(page.locator("#headline")).to_contain_text("tiny-llama")
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps({**CONFIG, "model_type": "lama"}), encoding="utf-8")
    page.set_input_files("#upload", str(bad))
    error = page.locator("#error")
    expect(error).to_contain_text("unsupported model_type")
    expect(error).to_contain_text("llama")
    bad.write_text("no json at all", encoding="utf-8")
    page.set_input_files("#upload", str(bad))
    expect(error).to_contain_text("bad.json is no config.json")
    shot(page, "bad-upload")
    redrawn(page, lambda: page.set_input_files("#upload", str(file)))
    expect(error).to_be_hidden()


def test_a_remedy_is_a_button_and_a_count_has_no_deadline(open_page: Open) -> None:
    page = open_page("#model=llama-3.1-405b&tokens=15.6e12&device=v100-sxm2-32&max_days=5")
    expect(page.locator("#headline")).to_contain_text("No setting does this")
    redrawn(page, page.locator("#warnings button").first.click)
    expect(page.locator("#headline")).to_contain_text("Train llama-3.1-405b")
    page = open_page()
    redrawn(page, lambda: page.fill("#devices", "1,024"))  # years, and no deadline that forbids them
    expect(page.locator("#headline")).to_contain_text("1,024 × NVIDIA H100")


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_the_answer_comes_first_and_its_terms_say_what_they_mean(open_page: Open, size: str) -> None:
    page = open_page(size=size)
    expect(page.locator("#headline")).to_contain_text("Train llama-3.1-405b")
    height = int(page.evaluate("window.innerHeight"))
    for what in ("#headline", "#tiles"):
        box = page.locator(what).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= height, what
    meanings = page.locator("#tiles abbr")
    assert meanings.count() >= 3
    assert len(meanings.first.get_attribute("title") or "") > 20


def test_bad_input_is_named_at_its_field(open_page: Open) -> None:
    page = open_page()
    page.fill("#tokens", "lots")
    expect(page.locator("#error")).to_contain_text("not a number")
    expect(page.locator("#tokens")).to_have_attribute("aria-invalid", "true")
    page.fill("#tokens", "1T")
    expect(page.locator("#error")).to_be_hidden()
    page.fill("#model", "lama-3-8b")
    expect(page.locator("#error")).to_contain_text("Did you mean llama-3-8b?")
    expect(page.locator("#model")).to_have_attribute("aria-invalid", "true")


def test_what_is_typed_before_the_catalogue_is_there_stays(open_page: Open, service: Service) -> None:
    """The catalogue is held back until something is typed; then the page asks for that, not for its first question."""
    page = open_page().context.new_page()
    page.set_default_timeout(PATIENCE)
    waiting = held(page, "**/api/v1/catalog")
    page.goto(service.url)
    page.fill("#tokens", "2T")
    page.fill("#model", "llama-3-8b")
    while not waiting:
        page.wait_for_timeout(20)
    waiting[0].continue_()
    expect(page.locator("#headline")).to_contain_text("Train llama-3-8b")
    assert (page.input_value("#model"), page.input_value("#tokens")) == ("llama-3-8b", "2T")


def test_an_answer_on_its_way_does_not_hide_what_is_wrong_now(open_page: Open) -> None:
    page = open_page()
    waiting = held(page, "**/api/v1/plan")
    page.fill("#tokens", "1T")
    while not waiting:
        page.wait_for_timeout(20)
    page.fill("#tokens", "lots")
    redrawn(page, waiting[0].continue_)
    expect(page.locator("#error")).to_contain_text("not a number")
    expect(page.locator("#tokens")).to_have_attribute("aria-invalid", "true")


def test_panels_ask_for_what_the_catalogue_describes(open_page: Open, service: Service) -> None:
    page = open_page("#model=llama-3-8b&tokens=2e12&devices=64")
    expect(page.locator("output[for=max_days]")).to_have_text("none: a count is given")
    page.get_by_text("What is counted").click()
    redrawn(page, lambda: page.select_option("#scope2", "market"))
    redrawn(page, lambda: page.fill("[id='boundary.development']", "0.5"))
    page.get_by_text("Software", exact=True).click()
    redrawn(page, lambda: page.select_option("[id='software.optimizer']", "adamw-8bit"))
    redrawn(page, lambda: page.get_by_text("fp8", exact=True).click())
    scenario = {
        "model": "llama-3-8b", "tokens": 2e12, "devices": 64, "scope2": "market", "precision": "fp8",
        "boundary": {"development": 0.5}, "software": {"optimizer": "adamw-8bit"},
    }  # fmt: skip
    expected = answer_of(page, service, scenario)["summary"]
    assert expected["carbon_boundary_tco2e"] > 0
    assert f"{expected['carbon_total_tco2e']:.3g}" in page.locator("#tiles dd").nth(4).inner_text()
    expect(page.get_by_text("What is counted")).to_contain_text("2 set")
    page.fill("[id='boundary.development']", "-1")
    expect(page.locator("#error")).to_contain_text("boundary.development")
    expect(page.locator("[id='boundary.development']")).to_have_attribute("aria-invalid", "true")


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_the_point_on_the_curve_can_be_moved(open_page: Open, service: Service, size: str) -> None:
    page = open_page(size=size)
    settled(page)
    slider = page.locator("#curve-at")
    slider.focus()

    def move_left() -> None:
        for _ in range(20):
            page.keyboard.press("ArrowLeft")

    redrawn(page, move_left)
    compute = page.evaluate("Number(new URLSearchParams(location.hash.slice(1)).get('compute'))")
    assert 1e24 < compute < 3.7e25
    said = answer_of(page, service, {"law": "besiroglu_2024", "compute": compute, "device": "h100-sxm"})["summary"]
    expect(page.locator("#tiles dd").last).to_contain_text(f"{said['loss']:.3g}")
    expect(page.get_by_label("to a loss")).to_be_checked()
    before = page.locator("#curve .handle").get_attribute("x1")
    box = page.locator("#curve svg").bounding_box()
    assert box is not None
    page.wait_for_selector("body:not(.busy)")
    page.locator("#curve svg").scroll_into_view_if_needed()
    box = page.locator("#curve svg").bounding_box()
    assert box is not None

    def drag() -> None:
        page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 60)
        page.mouse.up()

    redrawn(page, drag)
    assert page.locator("#curve .handle").get_attribute("x1") != before
    shot(page, f"curve-{size}")


def test_sources_are_one_click_away_and_the_run_can_be_taken_along(open_page: Open, service: Service) -> None:
    page = open_page("#model=llama-3-8b&tokens=2e12&devices=64")
    settled(page)
    page.get_by_role("button", name="Sources of: Carbon").click()
    expect(page.locator("#numbers-carbon")).to_have_attribute("open", "")
    assert page.evaluate("document.activeElement.textContent").startswith("carbon:")
    assert page.locator("#numbers-carbon td a").count() >= 3
    page.get_by_text("Launch files").click()
    scenario = {"model": "llama-3-8b", "tokens": 2e12, "devices": 64}
    reply = page.request.post(f"{service.url}/api/v1/launch/megatron", data=scenario)
    expect(page.locator("#launch-text pre")).to_have_text(reply.text())
    page.get_by_text("Picture of the pipeline").click()
    page.wait_for_selector("#pipeline img")
    assert page.evaluate("document.querySelector('#pipeline img').decode().then(() => true)")
    with page.expect_download() as started:
        page.click("#launch-save")
    assert started.value.suggested_filename == "launch-megatron.sh"


def test_a_place_says_when_a_run_begins_best(open_page: Open) -> None:
    page = open_page("#model=llama-3-8b&tokens=1e10&devices=64&region=us-west2", size="phone")
    settled(page)
    own = page.locator("#regions li.here").first
    expect(own.locator(".begun")).to_contain_text("UTC: ")
    assert page.locator("#regions .hour").count() == 12 * 24
    assert page.locator("#regions .begin").count() == 1
    months = page.locator("#regions .month")
    months.nth(0).focus()
    expect(page.locator("#tip")).to_contain_text("Jan: ")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#tip")).to_contain_text("Feb: ")
    expect(months.nth(1)).to_have_attribute("aria-label", re.compile(r"^Feb: .* g/kWh in the mean; least .*UTC$"))
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    redrawn(page, lambda: page.select_option("#region", "europe-north2"))
    expect(page.locator("#regions")).to_contain_text("Hours: not known for europe-north2")


def test_the_page_prints_as_a_report(open_page: Open) -> None:
    page = open_page("#model=llama-3-8b&tokens=1e12&devices=64")
    settled(page)
    page.emulate_media(media="print")
    expect(page.locator("#form")).to_be_hidden()
    expect(page.locator("#print")).to_be_hidden()
    for what in ("#headline", "#tiles", "#regions", "#curve svg", "#sources"):
        expect(page.locator(what)).to_be_visible()
    printed = page.pdf()
    assert printed.startswith(b"%PDF-")
    assert printed.count(b"/Type /Page\n") >= 2


def test_a_report_fits_a_phone(open_page: Open, tmp_path: Path) -> None:
    """Tables and figures that are wider scroll by themselves; letters of figures stay readable."""
    page = open_page().context.new_page()
    page.set_viewport_size({"width": 390, "height": 844})
    assert (
        main(
            [
                *["estimate", "--model", "mixtral-8x7b", "--tokens", "1e12", "--devices", "64", "-o"],
                str(tmp_path / "report.html"),
            ]
        )
        == 0
    )
    page.goto((tmp_path / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.evaluate("Math.min(...[...document.querySelectorAll('svg')].map(one => one.clientWidth))") >= 540


def test_what_cannot_be_says_why(open_page: Open) -> None:
    page = open_page("#model=llama-3.1-405b&tokens=15.6e12&device=v100-sxm2-32&max_days=5")
    expect(page.locator("#headline")).to_contain_text("No setting does this")
    expect(page.locator("#warnings")).to_contain_text("settings fit")
    expect(page.locator("#warnings")).to_contain_text("What would help")
    assert page.locator("#settings .bar").count() >= 1
    shot(page, "infeasible")


def test_two_scenarios_side_by_side_and_a_link_to_them(open_page: Open) -> None:
    page = open_page("#model=llama-3-8b&tokens=2e12&device=h100-sxm&max_days=30")
    page.click("#pin")
    redrawn(page, lambda: page.select_option("#device", "a100-80"))
    body = page.locator("#compare-body")
    expect(body).to_contain_text("h100-sxm")
    expect(body).to_contain_text("a100-80")
    row = body.locator("tr", has_text="Device-hours")
    kept, now = (row.locator("td").nth(i).inner_text() for i in (0, 1))
    assert kept != now
    assert row.locator("td").nth(2).inner_text().startswith(("+", "−", "×"))
    assert row.get_attribute("class") == "differs"
    assert body.locator("tr.asked").count() == 1
    shot(page, "compare")
    link = page.evaluate("location.hash")
    other = open_page(link)
    assert other.locator("#headline").inner_text() == page.locator("#headline").inner_text()
    assert other.locator("#compare-body").inner_text() == body.inner_text()
    redrawn(other, lambda: other.get_by_role("button", name="Swap").click())
    expect(other.locator("#headline")).to_contain_text("H100")
    other.get_by_role("button", name="End comparison").click()
    expect(other.locator("#compare")).to_be_hidden()
    assert "vs=" not in other.evaluate("location.hash")


def test_a_link_carries_everything_an_upload_included(open_page: Open) -> None:
    page = open_page("#model=llama-3-8b&tokens=1e12&layout.tp=4&boundary.development=0.5&pue=1.25&precision=fp8")
    redrawn(
        page,
        lambda: page.set_input_files(
            "#upload", {"name": "config.json", "mimeType": "application/json", "buffer": json.dumps(CONFIG).encode()}
        ),
    )
    redrawn(page, lambda: page.get_by_text("3 y", exact=True).click())
    other = open_page(page.evaluate("location.hash"))
    assert other.locator("#headline").inner_text() == page.locator("#headline").inner_text()
    assert other.locator("#tiles").inner_text() == page.locator("#tiles").inner_text()
    expect(other.locator("#setting")).to_contain_text("tensor 4")
    expect(other.locator("#years_ahead input[value='3']")).to_be_checked()
    expect(other.locator("#precision input[value='fp8']")).to_be_checked()
    assert other.input_value("[id='layout.tp']") == "4"
    assert other.input_value("[id='boundary.development']") == "0.5"


def test_downloads(open_page: Open, service: Service, tmp_path: Path) -> None:
    scenario: dict[str, Any] = {
        "model": "llama-3-8b",
        "tokens": 1e12,
        "device": "h200",
        "max_days": 20,
        "layout": {"tp": 2},
        "pue": 1.2,
    }
    page = open_page("#model=llama-3-8b&tokens=1e12&device=h200&max_days=20&layout.tp=2&pue=1.2")
    files = {}
    for form in ("toml", "json", "csv", "png", "html", "model-card", "esrs"):
        page.select_option("#format", form)
        with page.expect_download() as started:
            page.click("#download")
        files[form] = tmp_path / started.value.suggested_filename
        started.value.save_as(files[form])
    assert load_scenario(files["toml"]) == Scenario(**{**scenario, "layout": load_scenario(files["toml"]).layout})
    assert load_scenario(files["toml"]).layout.tp == 2
    data = json.loads(files["json"].read_text(encoding="utf-8"))
    assert {key: value for key, value in data.items() if key != "saved"} == answer_of(page, service, scenario)
    assert main(["again", str(files["json"])]) == 0
    assert main(["report", str(files["json"]), "-o", str(tmp_path / "again.html")]) == 0
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == files["html"].read_text(encoding="utf-8")
    assert "llama-3-8b" in files["csv"].read_text(encoding="utf-8")
    picture = files["png"].read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 20_000
    assert "<svg" in files["html"].read_text(encoding="utf-8")
    assert files["model-card"].read_text(encoding="utf-8").startswith("---\nco2_eq_emissions")
    if SHOTS:
        shutil.copy(files["png"], SHOTS)


SHIFT = """() => new Promise((done) => new PerformanceObserver((list) => done(
    list.getEntries().filter((e) => !e.hadRecentInput).reduce((sum, e) => sum + e.value, 0)
  )).observe({ type: "layout-shift", buffered: true }) || setTimeout(() => done(0), 500))"""


def test_a_slider_asks_once_for_every_move_and_nothing_jumps(open_page: Open) -> None:
    """What was measured is printed (run with -s)."""
    page = open_page()
    first = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    settled(page)
    shift = page.evaluate(SHIFT)
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if r.url.endswith(("/plan", "/estimate")) else None)
    took = []
    moves: list[tuple[str, float]] = [("max_days", 70.0), ("max_days", 74.0), ("carbon_intensity_g_per_kwh", 100.0)]
    moves += [("pue", 1.3), ("lifetime_years", 3.0)]
    for slider, value in moves:
        page.wait_for_selector("body:not(.busy)")
        redrawn(page, lambda s=slider, v=value: move(page, s, v))  # type: ignore[misc]
        took.append(float(page.locator("body").get_attribute("data-took") or "nan"))
    print(
        f"\nfirst paint {first:.0f} ms; slider to redrawn answer: median {statistics.median(took):.0f} ms, slowest "
        f"{max(took):.0f} ms of {len(took)}; layout shift {shift:.3f}; load {os.getloadavg()[0]:.1f}"
    )
    assert len(asked) == len(moves)
    assert shift < 0.1


def test_everything_can_be_reached_with_the_keyboard(open_page: Open) -> None:
    page = open_page("#model=llama-3-8b&tokens=2e12&max_days=10")
    settled(page)
    wanted = page.evaluate(
        "[...document.querySelectorAll('form input, form select, form button, .tools button, .tools select, summary')]"
        ".filter((e) => e.checkVisibility({ visibilityProperty: true })).map((e) => e.id || e.name || e.textContent)"
    )
    seen = set()
    hidden_ring = []
    for _ in range(len(wanted) + 120):
        page.keyboard.press("Tab")
        name, ring = page.evaluate(
            "[document.activeElement.id || document.activeElement.getAttribute('name') || document.activeElement.textContent, "
            "getComputedStyle(document.activeElement).outlineStyle]"
        )
        seen.add(name)
        if ring == "none" and not page.evaluate("document.activeElement.matches('.point, #upload, body')"):
            hidden_ring.append(name)
        if name == wanted[-1]:
            break
    missing = {w for w in wanted if w not in seen} - {"goal"}  # radio buttons are one stop, walked by arrow keys
    assert missing == set()
    assert hidden_ring == []
    first = page.locator("#front .point").first
    first.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") != first.get_attribute("aria-label")


def test_what_stands_beside_a_run_is_told_alike_by_every_door(open_page: Open) -> None:
    """Energy and money of the run and its lines together: the command's first lines, the report's, the page's."""
    beside = Boundary(development=0.5, failed_runs=0.1, idle_reservation=0.05)
    answer = plan(Scenario(model="llama-3-8b", tokens=1e12, device="h200", max_days=20, boundary=beside))
    assert isinstance(answer, Estimate)
    kwh = answer.footprint.energy_kwh + sum(line.energy_kwh for line in answer.footprint.lines)
    assert answer.cost_usd
    whole = f"{energy(kwh)}, {money(1.65 * answer.cost_usd)}"
    told = f"for the run itself; with development, failed runs, idle reservation {whole} and"
    assert told in answer.headline
    assert told in document(answer.to_dict())
    lines = "boundary.development=0.5&boundary.failed_runs=0.1&boundary.idle_reservation=0.05"
    page = open_page(f"#model=llama-3-8b&tokens=1e12&device=h200&max_days=20&{lines}")
    expect(page.locator("#headline")).to_contain_text(told)
    shot(page, "beside")
