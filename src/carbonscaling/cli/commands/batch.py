"""``carbonscaling batch``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import OUTPUT, Json, PageFile, ScenarioFile, asked
from carbonscaling.cli.options import ScenarioOptions, scenario_of
from carbonscaling.cli.question import given

__all__ = ["batch"]


def batch(
    scenario: ScenarioFile = None,
    /,
    *,
    published: Annotated[
        bool, Parameter(negative=(), help="Hold published batches against the range and every law.", group=OUTPUT)
    ] = False,
    json: Json = False,
    output: PageFile = None,
    options: ScenarioOptions = None,
) -> int:
    """Show the batches that are searched, what each costs in tokens at equal loss, and what published laws say."""
    from carbonscaling.reporting.batch import batch_data, batch_page, published_data, published_page
    from carbonscaling.study.resolve import resolve
    from carbonscaling.validate.batches import law_scores

    said = {"--published": published, "a scenario": scenario or ", ".join(given(options))}
    if asked(said, {"--published": (), "the batches": ("a scenario",)}, "the batches") == "--published":
        scores = list(law_scores())
        return out.hand_out(published_data(scores), published_page(scores), json=json, output=output)
    data = batch_data(resolve(scenario_of(scenario, options)))
    return out.hand_out(data, batch_page(data), json=json, output=output)
