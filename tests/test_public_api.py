"""The package's front door: what it offers, what it documents, what it costs to open."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from graphlib import TopologicalSorter
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


def test_a_question_is_a_scenario_or_its_fields() -> None:
    run = carbonscaling.Scenario(model="llama-3-8b", tokens=1e12, devices=64)
    asked = carbonscaling.estimate(run).to_dict()
    assert carbonscaling.estimate(model="llama-3-8b", tokens=1e12, devices=64).to_dict() == asked
    assert carbonscaling.estimate(run, devices=32).n_devices == carbonscaling.plan(run, devices=32).n_devices == 32
    assert carbonscaling.explain(run, devices=32)[0].n_devices == 32
    assert run.devices == 64


@pytest.mark.parametrize("door", ["plan", "estimate", "explain", "inference", "decide"])
def test_what_is_no_question_is_named(door: str) -> None:
    with pytest.raises(TypeError, match=r"^str in place of a [A-Z]\w+: make one, or name its fields"):
        getattr(carbonscaling, door)("llama-3-8b")
    with pytest.raises(TypeError, match="modle"):
        getattr(carbonscaling, door)(modle="llama-3-8b")


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
LAYERS = (
    "literal", "errors", "meaning", "hints", "record", "arrays", "formula", "scalar", "units", "words", "sources", "fields",
    "ranges", "platform", "files", "garbage",  # words and tools
    "laws", "model", "hardware", "software",  # nouns
    "perf", "catalog", "carbon", "search", "timetable",  # formulas, the numbers that ship, what is best
    "evidence", "calibration", "serving",  # measurements, and what was fitted to them
    "study", "exchange", "bench", "validate", "baselines", "papers",  # questions, answers, files; how right they are
    "reporting", "core", "serve", "cli", "__main__",  # doors
)  # fmt: skip
"""Every module and folder of the package: each may import those before it, and no other."""


def _imports(path: Path) -> set[str]:
    """Return the modules of the package that a file imports, wherever in it."""
    nodes = [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    named = [n for n in nodes if isinstance(n, ast.ImportFrom) and n.module]
    plain = [alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names]
    inside = [f"{n.module}.{alias.name}" for n in named for alias in n.names]
    return {name for name in (*plain, *inside) if name.startswith("carbonscaling.")}


SOURCES = {
    ".".join(("carbonscaling", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in ROOT.rglob("*.py")
    if path != ROOT / "__init__.py"
}
"""Every module by name; the front door, which imports nothing until it is asked, has none."""


def test_layers_are_all_there_is() -> None:
    found = {name.split(".")[1] for name in SOURCES}
    assert found == {*LAYERS}
    assert len(LAYERS) == len(found)


@pytest.mark.parametrize("layer", LAYERS)
def test_layers_import_only_those_before(layer: str) -> None:
    allowed = {*LAYERS[: LAYERS.index(layer) + 1], "__version__"}
    for name, path in SOURCES.items():
        if name.split(".")[1] == layer:
            wrong = {target for target in _imports(path) if target.split(".")[1] not in allowed}
            assert not wrong, f"{name} imports {', '.join(sorted(wrong))}"


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Imports inside functions, and those for types alone, count too."""

    def home(target: str) -> str:
        return target if target in SOURCES else target.rpartition(".")[0]

    waits_for = {name: {home(t) for t in _imports(path)} & SOURCES.keys() - {name} for name, path in SOURCES.items()}
    tuple(TopologicalSorter(waits_for).static_order())  # raises CycleError, with the circle
    assert len(waits_for) > 300


def test_contributors_read_the_same_table() -> None:
    table = (ROOT.parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    assert tuple(name for row in rows for name in re.findall(r"`(\w+)`", row)) == LAYERS[:-1]
