"""``carbonscaling explain``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import OUTPUT, Json, PageFile, hand_over
from carbonscaling.cli.options import ScenarioOptions, given, scenario_of

__all__ = ["explain"]


def explain(
    scenario: Annotated[
        str | None,
        Parameter(help="Scenario file (TOML); options override it. Or a term: MFU, ZeRO, PUE.", group=OUTPUT),
    ] = None,
    /,
    *,
    open_: Annotated[
        Literal["work", "speed", "time", "memory", "energy", "carbon", "money"] | None,
        Parameter(name="--open", help="Open a line down to its formulas.", group=OUTPUT),
    ] = None,
    every: Annotated[
        bool, Parameter(name="--all", negative=(), help="Print every evaluation of every formula.", group=OUTPUT)
    ] = False,
    json: Json = False,
    output: PageFile = None,
    options: ScenarioOptions = None,
) -> int:
    """Show an answer's arithmetic from the top - FLOP, FLOP/s, days, kWh, t, $ - or say what a term means.

    Takes the options of plan and estimate; with a device count (or dp) it explains an estimate, without one a plan.
    """
    from rich.console import Group
    from rich.text import Text

    from carbonscaling.reporting.derivation import derivation, derivation_html, derivation_page
    from carbonscaling.reporting.explain import SHOWN, explain_dict, explain_page
    from carbonscaling.reporting.suffixes import suffix_of
    from carbonscaling.study.answer import explain as answer
    from carbonscaling.study.infeasible import Infeasible

    if scenario is not None and not given(options) and _is_word(scenario):
        return _term(scenario, json=json, output=output)
    found, lines = answer(scenario_of(scenario, options))
    if isinstance(found, Infeasible):
        return hand_over(found, json=json, output=output)
    stages = derivation(found, lines)
    data = {**found.to_dict(), "formulas": explain_dict(lines)}
    below = explain_page(lines, len(lines)) if every else derivation_page(stages, open_, SHOWN)
    page = Group(Text(found.headline, style="bold"), Text(""), below)
    if output is not None and suffix_of(output) == ".html":
        out.write_file(output, derivation_html(stages, found.headline))
        output = None
    code = out.hand_out(data, page, json=json, output=output)
    if not (open_ or every or json):
        out.remark(
            "--open time (or work, speed, memory, energy, carbon) goes on to the formulas; -o explain.html has all"
        )
    return code


def _is_word(text: str) -> bool:
    """Return whether this is a term, not a file."""
    return not os.path.exists(text) and not Path(text).suffix and os.sep not in text


def _term(word: str, *, json: bool, output: str | None) -> int:
    from carbonscaling.reporting.glossary import term, term_page

    found = term(word)
    return out.hand_out(vars(found), term_page(found), json=json, output=output)
