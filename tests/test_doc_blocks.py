"""The code blocks of the documentation and the README run, in their order, each page in a folder of its own."""

from __future__ import annotations

import os
import re
import sys
import tomllib
import warnings
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs" / "_ext"))

from sitegen.blocks import Block, blocks  # noqa: E402
from sitegen.output import folder_of, run_command  # noqa: E402

GENERATED = {"docs/cli.md", "docs/validation.md", "docs/reproduction.md"}
PAGES = ["README.md", "CONTRIBUTING.md"]
PAGES += sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "docs").rglob("*.md")
    if not {"_build", "api", "decisions", "gallery", "device", "stack", "law"} & set(path.parts)
)
FOUND = {page: blocks(ROOT / page) for page in PAGES if page not in GENERATED}
QUICK = [page for page, found in FOUND.items() if any(not b.slow and not b.not_run for b in found)]
SLOW = [page for page, found in FOUND.items() if any(b.slow for b in found)]
CORE = {"README.md", "docs/start.md"}
"""Pages that run with the package alone, as `make plan` and `pip install .` leave it."""
EXTRAS = {"duckdb", "fsspec", "matplotlib", "polars", "ray", "scipy", "starlette", "uvicorn", "yaml"}
BY_HAND = {"pip", "pipx", "uvx", "marimo", "source"}
"""Programs that a block which nothing runs may call, beside the two commands below."""
STAYS = ("carbonscaling serve", "carbonscaling sweep examples/study-million.toml --executor ray")


def _run(block: Block, page: str, names: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_of(page)
    if block.kind == "file":
        (folder / block.name).write_text(block.text, encoding="utf-8")
    elif block.kind == "python":
        monkeypatch.chdir(folder)
        exec(compile(block.text, f"{page}, line {block.line}", "exec"), names)
    else:
        for line in block.commands:
            code, text = run_command(line, page)
            assert code == block.exit, f"{page}, line {block.line}: {line}\n{text}"
            assert text.strip() or " -o " in line, f"{page}, line {block.line}: {line} printed nothing"


def _run_page(page: str, slow: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, Any] = {"__name__": "__page__"}
    if page in CORE:
        for module in (*EXTRAS, *(name for name in sys.modules if name.partition(".")[0] in EXTRAS)):
            monkeypatch.setitem(sys.modules, module, None)  # an import of it fails
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # other people's deprecations are no fault of a page
        for block in FOUND[page]:
            if not block.not_run and (slow or not block.slow):
                _run(block, page, names, monkeypatch)


@pytest.mark.parametrize("page", QUICK)
def test_blocks_run(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _run_page(page, False, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("page", SLOW)
def test_slow_blocks_run(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _run_page(page, True, monkeypatch)


def test_what_does_not_run_has_a_reason_and_could_not() -> None:
    skipped = [(page, b) for page, found in FOUND.items() for b in found if b.not_run]
    assert skipped
    for page, block in skipped:
        assert len(block.not_run) > 5, page
        for line in block.commands:
            assert line.split()[0] in BY_HAND or line.startswith(STAYS), f"{page}: {line}"


def test_the_first_pages_need_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(QUICK) >= CORE
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    brought = {name for extra in ("plot", "uncertainty", "sweep", "cluster", "serve", "exchange")
               for name in re.findall(r"(?m)^[a-z]+", "\n".join(project["optional-dependencies"][extra]))}  # fmt: skip
    assert {name.replace("pyyaml", "yaml") for name in brought} - {"carbonscaling"} == EXTRAS
    for name in {"scipy", *(loaded for loaded in sys.modules if loaded.startswith("scipy."))}:
        monkeypatch.setitem(sys.modules, name, None)
    assert run_command("carbonscaling uncertainty --model llama-3-8b --devices 64", "README.md")[0] == 2


def test_every_page_with_commands_is_looked_at() -> None:
    assert len(QUICK) >= 10
    assert sum(len(b.commands) for found in FOUND.values() for b in found if b.kind == "bash") >= 50


def test_marks_of_a_block_are_read(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "text\n\n<!-- slow -->\n```bash\ncarbonscaling a \\\n  b\n# no\n```\n\n```text\nx\n```\n"
        "<!-- exit: 3 -->\n```bash\ncarbonscaling c\n```\n\n```{run}\n:exit: 3\n:lines: 2\n\ncarbonscaling d\n```\n"
        "<!-- not run: a reason -->\n```bash\npip install .\n```\n\n```{file} x.toml\na = 1\n```\n",
        encoding="utf-8",
    )
    one, two, three, four, five = blocks(page)
    assert (one.slow, one.exit, one.commands, one.line) == (True, 0, ["carbonscaling a    b"], 4)
    assert (two.slow, two.exit, two.commands) == (False, 3, ["carbonscaling c"])
    assert (three.exit, three.commands) == (3, ["carbonscaling d"])
    assert (four.not_run, four.commands) == ("a reason", ["pip install ."])
    assert (five.kind, five.name, five.text) == ("file", "x.toml", "a = 1\n")


def test_a_command_runs_in_the_folder_of_its_page() -> None:
    before = os.getcwd()
    code, text = run_command("carbonscaling model show examples/llama-3.1-405b.json", "a page")
    assert code == 0
    assert "405" in text
    assert os.getcwd() == before
    with pytest.raises(ValueError, match="not a carbonscaling command"):
        run_command("rm -r examples", "a page")
