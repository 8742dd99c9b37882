"""What a release promises: a citation file, extras that are described and pinned, an import that stays light."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

import carbonscaling
from carbonscaling.catalog.references import reference

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_the_citation_file_has_what_the_format_requires() -> None:
    assert CITATION["cff-version"] == "1.2.0"
    assert {"message", "title", "authors", "version", "license", "type"} <= set(CITATION)
    assert CITATION["authors"] == [{"name": "The CarbonScaling developers"}]
    assert CITATION["title"] == "CarbonScaling"
    assert CITATION["version"] == str(CITATION["version"]) == PROJECT["version"] == carbonscaling.__version__
    assert CITATION["license"] == PROJECT["license"]


@pytest.mark.parametrize(("place", "key"), [(0, "carbonscaling_v1"), (1, "carbonscaling_v2")])
def test_the_citation_file_names_both_papers_as_the_catalogue_does(place: int, key: str) -> None:
    cited, known = CITATION["references"][place], reference(key)
    assert {"type", "title", "authors"} <= set(cited)
    assert cited["title"] == known.title
    assert cited["year"] == known.year
    assert " and ".join(f"{a['given-names']} {a['family-names']}" for a in cited["authors"]) == known.authors
    assert cited["identifiers"][0]["value"] == known.venue.replace("arXiv ", "arXiv:")


def test_extras_are_described() -> None:
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    for extra in PROJECT["optional-dependencies"]:
        assert f"`{extra}`" in page, f"docs/install.md does not describe the extra {extra}"


def test_every_requirement_has_a_pinned_version() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    assert lines
    assert all(re.fullmatch(r"[\w.-]+==[\w.!+]+", line) for line in lines), "names and versions only"
    pinned = {re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower() for line in lines}
    wanted = [*PROJECT["dependencies"], *(r for rs in PROJECT["optional-dependencies"].values() for r in rs)]
    for requirement in wanted:
        match = re.match(r"[\w.-]+", requirement)
        assert match
        name = re.sub(r"[-_.]+", "-", match[0]).lower()
        assert name in pinned | {"carbonscaling"}, requirement


def _imported(code: str) -> set[str]:
    script = f"import json, sys; {code}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=600)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_import_carbonscaling_loads_nothing_but_itself() -> None:
    """Beside the standard library only the package's own first module; everything else when it is first used."""
    bare = _imported("import importlib, typing")
    added = {m for m in _imported("import carbonscaling") - bare if not m.startswith("_")}
    assert added <= {"carbonscaling"}


def test_the_front_door_opens_without_what_only_extras_need() -> None:
    """An estimate needs the core dependencies; what only an extra brings is imported by the command that needs it."""
    names = {
        name.partition(".")[0] for name in _imported("import carbonscaling as cs; cs.estimate; cs.plan; cs.Scenario")
    }
    assert "numpy" in names
    assert not names & {
        "matplotlib",
        "polars",
        "duckdb",
        "ray",
        "scipy",
        "pandas",
        "pyarrow",
        "starlette",
        "cyclopts",
    }
