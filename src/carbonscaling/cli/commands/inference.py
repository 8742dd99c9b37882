"""``carbonscaling inference``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import OUTPUT, Json, PageFile
from carbonscaling.cli.options import given, options_of
from carbonscaling.serving.scenario import Serving, load_serving

__all__ = ["inference"]

RENAMED = {"output": "output_tokens"}
"""Fields whose names are options of every command."""
if TYPE_CHECKING:
    from carbonscaling.serving.answer import Served

    ServingOptions = Any
else:
    ServingOptions = Annotated[options_of(Serving, Group("Serving", sort_key=1), RENAMED) | None, Parameter(name="*")]


def inference(
    file: Annotated[str | None, Parameter(help="File of a serving (TOML); options override it.", group=OUTPUT)] = None,
    /,
    *,
    explain: Annotated[
        bool, Parameter(negative=(), help="Show the arithmetic; -o answer.html has every formula.", group=OUTPUT)
    ] = False,
    json: Json = False,
    output: PageFile = None,
    options: ServingOptions = None,
) -> int:
    """Say what serving a model takes: devices, layout, speed, watts, energy, carbon and money a request."""
    import dataclasses
    from pathlib import Path

    from carbonscaling.reporting.servings import served_page
    from carbonscaling.serving.answer import inference as answer

    said = {name.replace("output_tokens", "output"): value for name, value in given(options).items()}
    found = answer(dataclasses.replace(Serving() if file is None else load_serving(Path(file)), **said))
    if explain:
        return _explained(found, json=json, output=output)
    return out.hand_out(found.to_dict(), served_page(found), json=json, output=output)


def _explained(found: Served, *, json: bool, output: str | None) -> int:
    from rich.console import Group
    from rich.text import Text

    from carbonscaling.reporting.derivation import derivation_html, derivation_page
    from carbonscaling.reporting.explain import explain_dict
    from carbonscaling.reporting.served_derivation import served_derivation
    from carbonscaling.reporting.suffixes import suffix_of

    stages = served_derivation(found)
    page = Group(Text(found.headline, style="bold"), Text(""), derivation_page(stages, None, 0))
    if output is not None and suffix_of(output) == ".html":
        out.write_file(output, derivation_html(stages, found.headline))
        output = None
    data = {**found.to_dict(), "formulas": explain_dict(line for stage in stages for line in stage.lines)}
    return out.hand_out(data, page, json=json, output=output)
