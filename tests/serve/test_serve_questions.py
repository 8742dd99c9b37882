"""Questions beside the plan on the page: their forms, their answers, what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from other_questions import FILES
from playwright.sync_api import expect
from serve_helpers import Open, needs_browser
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
