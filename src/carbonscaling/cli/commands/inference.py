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
    ServingOptions = Any
else:
    ServingOptions = Annotated[options_of(Serving, Group("Serving", sort_key=1), RENAMED) | None, Parameter(name="*")]


def inference(
    file: Annotated[str | None, Parameter(help="File of a serving (TOML); options override it.", group=OUTPUT)] = None,
    /,
    *,
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
    return out.hand_out(found.to_dict(), served_page(found), json=json, output=output)
