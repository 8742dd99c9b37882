"""``carbonscaling decide``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import Json, PageFile
from carbonscaling.cli.options import given, options_of
from carbonscaling.serving.decide import Decision

__all__ = ["decide"]

RENAMED = {"output": "output_tokens"}
if TYPE_CHECKING:
    DecisionOptions = Any
else:
    DecisionOptions = Annotated[
        options_of(Decision, Group("Decision", sort_key=1), RENAMED) | None, Parameter(name="*")
    ]


def decide(*, json: Json = False, output: PageFile = None, options: DecisionOptions = None) -> int:
    """Decide size and training tokens together with the tokens served: least FLOPs, energy, carbon or money for a loss."""
    from carbonscaling.reporting.servings import decided_page
    from carbonscaling.serving.decide import decide as answer

    said = {name.replace("output_tokens", "output"): value for name, value in given(options).items()}
    found = answer(**said)
    out.hand_out(found.to_dict(), decided_page(found), json=json, output=output)
    return 0
