"""``carbonscaling decide``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import Json, PictureOrPage
from carbonscaling.cli.options import given, options_of
from carbonscaling.files import write_file
from carbonscaling.reporting.suffixes import suffix_of
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
    from carbonscaling.reporting.document.decided import decided_document, decided_picture
    from carbonscaling.study.together.decided import decide as answer

    said = {name.replace("output_tokens", "output"): value for name, value in given(options).items()}
    found = answer(**said)
    if output is not None and suffix_of(output) == ".html":
        out.write_file(output, decided_document(found))
        output = None
    out.hand_out(
        found.to_dict(), decided_page(found), json=json, output=output,
        draw=lambda path: write_file(path, decided_picture(found)),
    )  # fmt: skip
    return 0
