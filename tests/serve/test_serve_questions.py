"""Questions beside the plan on the page: their forms, their answers, what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from other_questions import FILES
from playwright.sync_api import expect
from serve_helpers import Open, Service, needs_browser
from test_serve_access import CHECK

pytestmark = needs_browser
RUN = "#model=llama-3-8b&tokens=1e11&device=h100-sxm&devices=64"


@pytest.mark.parametrize("size", ["phone", pytest.param("desktop", marks=pytest.mark.slow)])
def test_questions_beside_the_plan_are_answered_on_the_page(open_page: Open, size: str, tmp_path: Path) -> None:
    page = open_page(RUN, size=size)
    page.wait_for_selector("body[data-settled]")
    file = tmp_path / "mine.csv"
    file.write_text(FILES["hours.csv"])
    page.get_by_text("When to work, pause and move").click()
    asked = page.locator("#ask-schedule")
    asked.get_by_role("button", name="Answer").click()
    expect(asked.locator(".result")).to_contain_text("needs the hours of a grid")
    page.set_input_files("#schedule-file", str(file))
    page.select_option("#schedule-column", "B")
    asked.get_by_role("button", name="Answer").click()
    page.wait_for_selector("#schedule-within_days[aria-invalid]")
    expect(asked.locator(".result")).to_contain_text("within_days: missing key")
    page.fill("#schedule-within_days", "6")
    page.select_option("#schedule-released", "true")
    asked.get_by_role("button", name="Answer").click()
    page.wait_for_selector("#ask-schedule .lead")
    expect(asked.locator(".lead")).to_contain_text("Within 6 days in B, every hour known: Saves")
    expect(asked.locator(".result table").first).to_contain_text("waits, with a guarantee")
    with page.expect_download() as started:
        asked.get_by_role("button", name="Save report").click()
    assert "<h1>When to work</h1>" in Path(started.value.path()).read_text()
    page.get_by_text("A whole project").click()
    page.select_option("#project-name", "tulu-3")
    project = page.locator("#ask-project")
    project.get_by_role("button", name="Answer").click()
    page.wait_for_selector("#ask-project .lead")
    expect(project.locator(".lead")).to_contain_text("Tulu 3 70B, post-training: 4 stages")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.evaluate(CHECK) == []


@pytest.mark.parametrize(
    ("size", "scheme"), [("phone", "dark"), pytest.param("desktop", "light", marks=pytest.mark.slow)]
)
def test_a_size_is_decided_and_a_meter_shared_on_the_page(
    open_page: Open, service: Service, size: str, scheme: str
) -> None:
    page = open_page(RUN, size=size, scheme=scheme)
    page.wait_for_selector("body[data-settled]")
    page.get_by_text("Another size, with what is served").click()
    asked, go = page.locator("#ask-decide"), page.locator("#ask-decide .go")
    page.fill("#decide-candidates", "6,7B")
    go.click()
    expect(asked.locator(".result")).to_contain_text("candidates: not a number")
    page.fill("#decide-candidates", "6B; 8B, 10B")
    page.fill("#decide-served_tokens", "1T")
    with page.expect_request("**/decide/html") as sent:
        go.click()
    page.wait_for_selector("#ask-decide .lead")
    body: Any = sent.value.post_data_json
    assert len(sent.value.headers["x-page"]) > 5  # pages behind one address take turns
    assert body["candidates"] == [6e9, 8e9, 10e9]
    assert (body["devices"], body["counts"], body["regions"]) == (["h100-sxm"], [64], ["us-east5"])
    said = page.request.post(f"{service.url}/api/v1/decide", data=body).json()
    points = asked.locator(".result table").first.locator("tbody tr")
    assert points.count() == len(said["answer"]["break_even"])
    expect(asked.locator(".lead")).to_contain_text("1T served tokens")
    expect(asked.locator("svg .law")).to_have_count(3)
    dark = page.locator("#ask-decide svg text").first.evaluate("(e) => getComputedStyle(e).fill")
    assert dark == page.locator("#ask-decide figcaption").evaluate("(e) => getComputedStyle(e).color")
    page.set_input_files(
        "#decide-file", {"name": "mine.csv", "mimeType": "text/csv", "buffer": FILES["hours.csv"].encode()}
    )
    page.select_option("#decide-column", "B")
    with page.expect_request("**/decide/html") as sent:
        go.click()
    expect(asked.locator(".result")).to_contain_text("in B from 2025-01-")
    page.fill("#decide-columns", "A; B")
    go.click()
    expect(asked.locator(".result")).to_contain_text("16.1k combinations")  # two places to train in, and to serve in
    body = sent.value.post_data_json
    assert (body["hourly"], body["files"]) == ("hours.csv:B", {"hours.csv": FILES["hours.csv"]})
    page.get_by_text("Share a meter among jobs").click()
    meter = page.locator("#ask-attribute")
    page.fill("#attribute-readings", FILES["meter.csv"])
    page.set_input_files(
        "#attribute-jobs-file", {"name": "a.csv", "mimeType": "text/csv", "buffer": FILES["jobs.csv"].encode()}
    )
    expect(page.locator("#attribute-jobs")).to_have_value(FILES["jobs.csv"])
    meter.get_by_role("button", name="Answer").click()
    page.wait_for_selector("#attribute-energy_scope[aria-invalid]")
    page.select_option("#attribute-energy_scope", "it")
    page.fill("#attribute-load", "2")
    meter.get_by_role("button", name="Answer").click()
    page.wait_for_selector("#ask-attribute .lead")
    expect(meter.locator(".lead")).to_contain_text("30 MWh behind the meter of 64 x h100-sxm in us-east5")
    storage = meter.locator("tr", has_text="storage").locator("td")
    assert storage.nth(1).inner_text() == "1,490"  # 2 kW over the 744 hours of January
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.evaluate(CHECK) == []


def test_a_size_of_a_mixture_needs_a_loss_and_a_slider_is_no_place(open_page: Open) -> None:
    page = open_page("#model=mixtral-8x7b&tokens=1e11&device=h100-sxm&devices=64&carbon_intensity_g_per_kwh=50")
    page.get_by_text("Another size, with what is served").click()
    page.click("#ask-decide .go")
    expect(page.locator("#ask-decide .result")).to_contain_text("this one has experts")
    page.fill("#decide-loss", "2.3")
    page.click("#ask-decide .go")
    expect(page.locator("#ask-decide .result")).to_contain_text("reset Carbon intensity")
    page.select_option("#decide-objective", "")
    page.click("#ask-decide .go")
    page.wait_for_selector("#ask-decide .lead")
    expect(page.locator("#ask-decide .lead")).to_contain_text("take the least FLOPs")
