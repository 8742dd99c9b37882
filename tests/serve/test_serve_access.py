"""Accessibility of the page: our own check of names, structure and contrast; axe-core too where it is installed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from serve_helpers import Open, needs_browser

pytestmark = needs_browser

ROOT = Path(__file__).parents[2]
AXE = Path(os.environ.get("AXE_CORE", str(ROOT / "node_modules" / "axe-core"))) / "axe.min.js"
VIEWS = {
    "plan": "",
    "comparison": "#model=llama-3-8b&tokens=2e12&vs=model%3Dllama-3-8b%26tokens%3D1e12%26device%3Dh200",
    "nothing feasible": "#model=llama-3.1-405b&tokens=15.6e12&device=v100-sxm2-32&max_days=5",
}

CHECK = Path(__file__).with_name("accessible.js").read_text(encoding="utf-8").partition("\n")[2]


def opened(open_page: Open, view: str, size: str, scheme: str) -> Page:
    page: Page = open_page(VIEWS[view], size=size, scheme=scheme)
    if view != "nothing feasible":
        page.wait_for_selector("body[data-settled]")
        for summary in page.locator("summary").all():
            summary.click()
    return page


@pytest.mark.parametrize(("size", "scheme"), [("desktop", "light"), ("phone", "dark")])
@pytest.mark.parametrize("view", VIEWS)
def test_names_structure_and_contrast(open_page: Open, view: str, size: str, scheme: str) -> None:
    found: list[str] = opened(open_page, view, size, scheme).evaluate(CHECK)
    assert found == []


def test_the_check_finds_what_it_looks_for(open_page: Open) -> None:
    """A broken copy of the page fails in every way that the check knows."""
    page = open_page()
    page.evaluate(
        """() => {
          const broken = "<button id='bad'></button><h4 id='bad'>x</h4><label for='nothing'>y</label>";
          document.body.insertAdjacentHTML("beforeend", broken);
          document.getElementById("headline").style.color = "#bbb";
        }"""
    )
    found = " ".join(page.evaluate(CHECK))
    for words in ("id twice", "no name", "label of nothing", "contrast", "small target"):
        assert words in found


@pytest.mark.skipif(
    not AXE.is_file(), reason="axe-core is not installed: npm install axe-core, or set AXE_CORE to its folder"
)
@pytest.mark.parametrize(
    ("size", "scheme"), [("desktop", "light"), ("desktop", "dark"), ("phone", "light"), ("phone", "dark")]
)
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing(open_page: Open, view: str, size: str, scheme: str) -> None:
    page = opened(open_page, view, size, scheme)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    result: Any = page.evaluate("() => axe.run()")
    assert [(v["id"], v["impact"], v["nodes"][0]["html"][:120]) for v in result["violations"]] == []
    assert len(result["passes"]) > 30
