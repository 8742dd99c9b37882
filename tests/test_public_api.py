"""The package's front door: what it offers, what it documents, what it costs to open."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import carbonscaling

MODULES = sorted(
    m.name
    for m in pkgutil.walk_packages(carbonscaling.__path__, "carbonscaling.")
    if not m.name.endswith("__main__") and not m.name.startswith(("carbonscaling.cli", "carbonscaling.web"))
)


def _run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=600)
    return done.stdout.strip()


def test_dir_is_all() -> None:
    assert dir(carbonscaling) == sorted(carbonscaling.__all__)
    assert len(set(carbonscaling.__all__)) == len(carbonscaling.__all__)


@pytest.mark.parametrize("name", sorted(carbonscaling.__all__))
def test_every_public_name_exists_and_is_documented(name: str) -> None:
    value = getattr(carbonscaling, name)
    if name != "__version__":
        assert inspect.getdoc(value)
        assert len(str(inspect.getdoc(value))) > 20


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="estimat"):
        _ = carbonscaling.estimat


def test_opening_the_package_is_instant() -> None:
    heavy = "numpy", "pydantic", "rich", "cyclopts"
    assert _run(f"import sys, carbonscaling; print([m for m in {heavy!r} if m in sys.modules])") == "[]"


def test_dir_of_a_fresh_package_is_complete() -> None:
    assert _run("import carbonscaling as c; print(dir(c) == sorted(c.__all__))") == "True"


@pytest.mark.parametrize("name", MODULES)
def test_modules_list_what_they_offer(name: str) -> None:
    module = importlib.import_module(name)
    assert inspect.getdoc(module)
    for public in getattr(module, "__all__", ()):
        assert hasattr(module, public), f"{name}.{public}"
        value = getattr(module, public)
        if inspect.isfunction(value) or inspect.isclass(value):
            assert inspect.getdoc(value), f"{name}.{public}"


ROOT = Path(carbonscaling.__path__[0])
TABLE = (ROOT.parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
LAYERS = [re.findall(r"`(\w+)`", row) for row in re.findall(r"^\| (`.*?) \|", TABLE, re.MULTILINE)]
"""Rows of the table of layers, from the one that imports nothing to the terminal."""


def test_the_table_of_layers_names_every_part_once() -> None:
    parts = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert sorted(name for row in LAYERS for name in row) == sorted(parts - {"__init__", "__main__"})


@pytest.mark.parametrize("place", range(len(LAYERS)), ids=[row[0] for row in LAYERS])
def test_layers_import_only_those_above(place: int) -> None:
    """Data flow one way: a part imports its own row of the table and the rows above."""
    allowed = {name for row in LAYERS[: place + 1] for name in row}
    for layer in LAYERS[place]:
        paths = [ROOT / f"{layer}.py"] if (ROOT / f"{layer}.py").is_file() else sorted((ROOT / layer).rglob("*.py"))
        assert paths
        for path in paths:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("carbonscaling."):
                    assert node.module.split(".")[1] in allowed, f"{path.name} imports {node.module}"
