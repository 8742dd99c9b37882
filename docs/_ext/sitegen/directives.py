"""Directives of pages: ``formulas``, ``nomenclature``, ``terms``, ``works``, ``devices``, ``fields``, ``file`` and ``run``."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes  # type: ignore[import-untyped]
from docutils.parsers.rst import directives  # type: ignore[import-untyped]
from sphinx.util.docutils import SphinxDirective

from carbonscaling.fields import field_help
from carbonscaling.model.mixer import Mixer
from carbonscaling.model.spec import Attention, Experts, FeedForward, Indexer, ModelSpec
from carbonscaling.reporting.schema import answer_schema
from carbonscaling.study.project import stages
from carbonscaling.study.project.schema import project_schema
from carbonscaling.study.scenario import scenario_schema
from carbonscaling.study.sweep.studyfile import study_schema
from sitegen.equations import equations
from sitegen.output import folder_of, run_command
from sitegen.tables import (
    device_table,
    nomenclature_table,
    reference_list,
    schema_table,
    term_table,
    undefined,
)

__all__ = ["DIRECTIVES"]


class _Markdown(SphinxDirective, ABC):
    """A directive that writes Markdown."""

    required_arguments = 0
    optional_arguments = 1

    @abstractmethod
    def text(self) -> str: ...

    def run(self) -> list[nodes.Node]:
        """Return what the Markdown becomes."""
        return self.parse_text_to_nodes(self.text())


class Formulas(SphinxDirective):
    """Formulas of a part of the package, e.g. ``perf.gemm``: numbered through the page, typeset, with function and source."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return an equation and a line below it for each."""
        there = self.env.app.builder.get_relative_uri(self.env.docname, "reference/nomenclature")
        found: list[nodes.Node] = []
        for one in equations(self.arguments[0], lambda anchor: f"{there}#{anchor}"):
            number = self.env.new_serialno("formula") + 1
            first, *clauses = one.mathml
            html = f'<div class="equation" id="{one.anchor}">{first}<a class="number" href="#{one.anchor}">({number})</a></div>'
            html += "".join(f'<div class="clause">{clause}</div>' for clause in clauses)
            (below,) = self.parse_text_to_nodes(one.words)
            below["classes"].append("under")
            found += [nodes.raw("", html, format="html"), below]
        return found


class Nomenclature(_Markdown):
    """The names that formulas use, from a TOML file beside the page."""

    required_arguments = 1
    optional_arguments = 0

    def text(self) -> str:
        file = Path(self.env.srcdir) / self.arguments[0]
        for name in undefined(file):
            raise self.error(f"{self.arguments[0]} does not explain {name}")
        return nomenclature_table(file)


class Terms(_Markdown):
    """Every term of the glossary."""

    def text(self) -> str:
        return term_table()


class Works(_Markdown):
    """Every reference."""

    def text(self) -> str:
        return reference_list()


MODEL = (ModelSpec, Attention, FeedForward, Experts, Indexer, Mixer)
"""What a model file is made of."""


class Devices(_Markdown):
    """Every device of the catalogue."""

    def text(self) -> str:
        return device_table()


def _part(path: str) -> tuple[dict[str, Any], str]:
    """Return an object within a schema, e.g. ``answer.summary`` or ``scenario#Layout``."""
    makers = {"scenario": scenario_schema, "study": study_schema, "project": project_schema, "answer": answer_schema}
    kind, _, definition = path.partition("#")
    kind, *keys = kind.split(".")
    schema = makers[kind]()
    if definition:
        return schema["$defs"][definition], definition
    known = schema["$defs"]
    schema = known["Feasible"] if kind == "answer" else schema
    for key in keys:
        schema = _meant(schema["properties"][key], known)
    fields = schema["properties"].items()
    described = {name: {"description": _meant(field, known).get("description", ""), **field} for name, field in fields}
    return schema | {"properties": described}, path


def _meant(field: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """Return what a field refers to, itself where it refers to nothing."""
    arms = [arm["$ref"] for arm in (field, *field.get("anyOf", ())) if "$ref" in arm]
    return dict(known[arms[0].rpartition("/")[2]]) if arms else field


class Fields(_Markdown):
    """Keys of a scenario, a study or an answer."""

    required_arguments = 1
    optional_arguments = 0

    def text(self) -> str:
        from carbonscaling.carbon.boundary import Boundary
        from carbonscaling.study.scenario import Layout, Scenario
        from carbonscaling.study.sweep.axes import Axis, Span
        from carbonscaling.study.sweep.sample import Samples
        from carbonscaling.study.sweep.studyfile import Keep, StudyFile

        classes = {c.__name__: c for c in (Scenario, Layout, Boundary, Axis, Span, Samples, Keep, StudyFile, *MODEL)}
        sorts: dict[str, type] = {name: kind for name, kind in vars(stages).items() if isinstance(kind, type)}
        schema, name = _part(self.arguments[0])
        home = {**sorts, **classes}.get({"scenario": "Scenario", "study": "StudyFile"}.get(name, name))
        lines = reversed(home.__mro__) if home is not None and dataclasses.is_dataclass(home) else ()
        described = {key: words for cls in lines for key, words in field_help(cls).items()}
        return schema_table(schema, described)


class Run(SphinxDirective):
    """Commands, each followed by what it prints; a command that ends otherwise than expected fails the build."""

    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {"exit": directives.nonnegative_int, "lines": directives.positive_int}

    def run(self) -> list[nodes.Node]:
        """Return the commands and the output as literal blocks."""
        expected, most = self.options.get("exit", 0), self.options.get("lines")
        found: list[nodes.Node] = []
        for line in self.content:
            code, text = run_command(line, self.env.docname)
            if code != expected:
                raise self.error(f"{line}: exit code {code}, expected {expected}\n{text}")
            rows = text.splitlines()
            shown = rows if most is None or len(rows) <= most else [*rows[:most], "..."]
            command, output = (
                nodes.literal_block(t, t, language=k) for t, k in ((line, "bash"), ("\n".join(shown), "text"))
            )
            found += [command, output]
        return found


class File(SphinxDirective):
    """A file that the page's commands use: shown, and written where they run."""

    has_content = True
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the name and the text of the file."""
        text = "\n".join(self.content) + "\n"
        name = self.arguments[0]
        (folder_of(self.env.docname) / name).write_text(text, encoding="utf-8")
        language = {".toml": "toml", ".py": "python"}.get(Path(name).suffix, "text")
        return [nodes.paragraph("", "", nodes.literal(name, name)), nodes.literal_block(text, text, language=language)]


DIRECTIVES = {
    "devices": Devices,
    "formulas": Formulas,
    "nomenclature": Nomenclature,
    "terms": Terms,
    "works": Works,
    "fields": Fields,
    "file": File,
    "run": Run,
}
