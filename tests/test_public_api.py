"""The package's front door: what it offers, what it documents, what it costs to open."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
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


LAYERS = ("units", "arrays", "errors", "fields", "platform", "files", "sources", "formula", "laws", "model", "hardware",
          "software", "perf", "catalog", "carbon", "search", "study", "report", "cli")  # fmt: skip
ROOT = Path(carbonscaling.__path__[0])


@pytest.mark.parametrize("layer", ["laws", "model", "hardware", "perf", "carbon", "search"])
def test_layers_import_only_those_above(layer: str) -> None:
    """Data flow one way; the catalogue feeds the layers and is not known to them."""
    allowed = {*LAYERS[: LAYERS.index(layer) + 1]}
    for path in (ROOT / layer).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("carbonscaling."):
                target = node.module.split(".")[1]
                assert target in allowed, f"{path.name} imports {node.module}"
