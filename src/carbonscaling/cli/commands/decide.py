"""``carbonscaling decide``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import Json, PictureOrPage
from carbonscaling.cli.options import given, options_of
from carbonscaling.files import write_file
from carbonscaling.study.together.decision import Decision

__all__ = ["decide"]

RENAMED = {"output": "output_tokens"}
if TYPE_CHECKING:
    DecisionOptions = Any
else:
    DecisionOptions = Annotated[
        options_of(Decision, Group("Decision", sort_key=1), RENAMED) | None, Parameter(name="*")
    ]


def decide(*, json: Json = False, output: PictureOrPage = None, options: DecisionOptions = None) -> int:
    """Decide size, tokens, devices, batch, place and start together with the tokens served: least energy, carbon or money."""
    from carbonscaling.reporting.decided import decided_page
    from carbonscaling.reporting.document.decided import decided_picture
    from carbonscaling.study.together.decided import decide as answer

    said = {name.replace("output_tokens", "output"): value for name, value in given(options).items()}
    data = answer(**said).to_dict()
    return out.hand_out(
        data, decided_page(data), json=json, output=output, draw=lambda path: write_file(path, decided_picture(data))
    )
