"""Pages that are laid out without Rich: as Rich lays out the same words, in a pipe, on a terminal, and at any width."""

from __future__ import annotations

import io
import os
import random
import re
import subprocess
import sys
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text

import carbonscaling as cs
from carbonscaling.cli import output
from carbonscaling.reporting.answer import answer_page
from carbonscaling.reporting.bars import Bars
from carbonscaling.reporting.blocks import Block, Bullets, Columns, Page, Paragraph, cells, wrapped
from carbonscaling.reporting.suffixes import as_text

WORDS = ("a", "of", "memory", "device-hours", "x" * 30, "(between", "8,192", "  ", "kWh,", "é", "日本", "\n")


def _text(page: Block, width: int) -> list[str]:
    return ["".join(text for text, _ in line).rstrip() for line in page.lines(width)]


def _rich(what: Any, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None, highlight=False, emoji=False)
    with console.capture() as captured:
        console.print(what)
    return [line.rstrip() for line in captured.get().splitlines()]


@pytest.mark.parametrize("seed", range(200))
def test_words_wrap_as_rich_wraps_them(seed: int) -> None:
    rng = random.Random(seed)
    text, width = " ".join(rng.choices(WORDS, k=rng.randint(1, 30))), rng.randint(8, 60)
    assert list(wrapped(text, width)) == [line.plain.rstrip() for line in Text(text).wrap(Console(), width)]
    assert all(cells(line) <= width for line in wrapped(text, width))


@pytest.mark.parametrize("width", [61, 80, 133])
def test_lists_and_tables_are_as_rich_draws_them(width: int) -> None:
    sentences = tuple(" ".join(random.Random(i).choices(WORDS[:9], k=20)) for i in range(5))
    listed = Table.grid(padding=(0, 1))
    listed.add_column(width=3, justify="right")
    listed.add_column(ratio=1)
    for sentence in sentences:
        listed.add_row("-", Text(sentence))
    assert _text(Bullets(sentences), width) == _rich(listed, width)
    rows = [("1,024", "9.5", "12", sentences[0]), ("8", "10", "1,300", sentences[1])]
    table = Table(box=None, padding=(0, 1), header_style="", show_edge=False)
    for heading in ("devices", "days", "tCO2e"):
        table.add_column(heading, justify="right")
    table.add_column("setting", ratio=1)
    for row in rows:
        table.add_row(*row)
    mine = _text(Columns(("devices", "days", "tCO2e", "setting"), rows), width)
    assert mine == [f" {line}".rstrip() for line in _rich(table, width - 1)]


def test_bars_are_drawn_to_scale() -> None:
    page = Bars("Parts", {"matmul": 3.0, "bubble": 1.5, "host": 1e-9, "x" * 40: 0.5}, "s", total="5 s")
    assert _text(page, 80) == [
        "Parts",
        f"  matrix multiplication            3 s   60% {'█' * 28}",
        f"  pipeline bubble                1.5 s   30% {'█' * 14}",
        f"  {'x' * 29}… 0.5 s   10% {'█' * 5}",
        "  5 s",
    ]
    for width in (20, 30, 45):
        assert max(map(len, _text(page, width))) <= max(width, 28)
    assert "█" not in "".join(text for line in page.lines(80, "#") for text, _ in line)


@pytest.fixture(scope="module")
def page() -> Page:
    answer = cs.estimate(cs.Scenario(model="llama-3-8b", tokens=1e12, devices=64, batch=512, quantiles=(0.5,)))
    assert isinstance(answer, cs.Estimate)
    return answer_page(answer)


def test_a_file_has_what_is_printed(page: Page) -> None:
    assert as_text(page).splitlines() == _text(page, 100)


def test_styles_on_a_terminal_are_those_that_rich_writes(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(
        file=io.StringIO(), width=90, color_system="standard", force_terminal=True, highlight=False, emoji=False
    )
    with console.capture() as captured:
        console.print(page)
    monkeypatch.setenv("COLUMNS", "90")
    for name in output.ASKED_OF_RICH:
        monkeypatch.delenv(name, raising=False)

    class Terminal(io.StringIO):
        encoding = "utf-8"

        def isatty(self) -> bool:
            return True

    written = Terminal()
    monkeypatch.setattr(sys, "stdout", written)
    monkeypatch.setenv("TERM", "xterm-256color")
    output.show(page)
    assert [line.rstrip() for line in written.getvalue().splitlines()] == [
        line.rstrip() for line in captured.get().splitlines()
    ]
    assert {"\x1b[1m", "\x1b[36m", "\x1b[0m"} <= {*re.findall(r"\x1b\[\d+m", written.getvalue())}


@pytest.mark.parametrize(("name", "value"), [("TERM", "dumb"), ("NO_COLOR", "1"), ("FORCE_COLOR", "1")])
def test_what_the_environment_wishes_is_left_to_rich(
    page: Page, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    written = io.StringIO()
    monkeypatch.setattr(written, "isatty", lambda: name == "TERM", raising=False)
    monkeypatch.setattr(sys, "stdout", written)
    monkeypatch.setattr(output, "_print", lambda _: pytest.fail("printed without asking"))
    monkeypatch.setenv(name, value)
    output.show(page)
    assert ("\x1b" in written.getvalue()) == (name == "FORCE_COLOR")


def test_widths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "33")
    assert output._width() == 33
    monkeypatch.setenv("COLUMNS", "wide")
    monkeypatch.setattr(os, "get_terminal_size", lambda _fd: os.terminal_size((71, 20)))
    monkeypatch.setattr(sys, "__stdin__", io.StringIO())
    assert output._width() == 71
    monkeypatch.setattr(os, "get_terminal_size", lambda _fd: os.terminal_size((0, 0)))
    assert output._width() == 80


def test_an_answer_in_a_pipe_loads_no_library_of_terminals() -> None:
    program = (
        "import sys; from carbonscaling.cli import main; "
        "main('estimate --model llama-3-8b --tokens 1T --devices 64 --tp 1 --pp 1 --dp 64 --batch 512'.split()); "
        "print('rich' in sys.modules, file=sys.stderr)"
    )
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert said.stdout.startswith("Train llama-3-8b")
    assert said.stderr == "False\n"


def test_a_layout_that_is_stated_loads_no_search() -> None:
    """Nor TOML, once the catalogue was parsed on this machine."""
    program = (
        "import sys; from carbonscaling.cli import main; "
        "main('estimate --model llama-3.1-70b --tokens 1T --devices 256 --tp 8 --pp 4 --dp 8 --cp 1 --batch 512 --zero 1 "
        "--micro-batch 1 --recompute selective --vpp 1'.split()); "
        "heavy = {f'carbonscaling.search.{name}' for name in ('through', 'rounds', 'vectorised', 'evaluate', 'compiled')}; "
        "print(sorted({'shutil', 'tomllib', *heavy} & set(sys.modules)), file=sys.stderr)"
    )
    for _ in range(2):  # the first one may have to parse
        said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert said.stderr == "[]\n"


def test_an_empty_page_is_one_blank_line() -> None:
    assert _text(Page((Paragraph(),)), 80) == [""]
