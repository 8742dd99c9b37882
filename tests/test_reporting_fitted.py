"""Tables at every width: no figure is cut, no word is broken, where the page holds the longest of them."""

from __future__ import annotations

import random

import pytest
from rich.console import Console
from rich.table import Table

from carbonscaling.cli import main
from carbonscaling.reporting.tables import figures


def drawn(table: Table, width: int) -> list[str]:
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(table)
    return captured.get().splitlines()


@pytest.mark.parametrize("seed", range(30))
def test_whole_figures_and_words_at_any_width(seed: int) -> None:
    pick = random.Random(seed)
    names = ["region", "pre-training", "device-hours", "tCO2e market", "USD", "days", "interval of 90 %"]
    headings = [pick.choice(names) for _ in range(pick.randint(2, 14))]
    rows = [
        [pick.choice(["supervised fine-tuning", "us-east5", "pre-training"])]
        + [f"{pick.random() * 10 ** pick.randint(0, 9):,.2f}" for _ in headings[1:]]
        for _ in range(3)
    ]
    for width in (40, 60, 80, 100, 200):
        lines = drawn(figures(headings, rows), width)
        assert max(map(len, lines)) <= width
        words = " ".join(lines).split()
        for row in rows:
            assert all(figure in words for figure in row[1:]), (width, lines)
            assert all(word in words for word in row[0].split())
        assert all(word in words for heading in headings for word in heading.split())


def test_choices_with_starts_and_pauses_at_80_columns(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(str(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")
    hours = [f"2026-01-{1 + h // 24:02}T{h % 24:02}:00,{300 + 200 * (h % 24 > 12)}" for h in range(24 * 20)]
    with open("hours.csv", "w", encoding="utf-8") as file:
        file.write("\n".join(["time,g_per_kwh", *hours, ""]))
    main(["choose", "--model", "llama-3-8b", "--tokens", "1e9", "--devices", "64", "--hourly", "hours.csv", "--starts", "0,6",
          "--pause-above", "none,400"])  # fmt: skip
    page = capsys.readouterr().out
    assert "…" not in page
    assert "total" in page
