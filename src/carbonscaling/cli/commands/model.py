"""``carbonscaling model show``, ``carbonscaling model new`` and ``carbonscaling model lengths``."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import Json, TomlFile
from carbonscaling.cli.options import whole_number

__all__ = ["lengths", "new", "show"]


def show(
    model: Annotated[str, Parameter(help="Catalogue name, config.json of Hugging Face, or model TOML file.")],
    /,
    *,
    seq_len: Annotated[
        int | None,
        Parameter(help="Tokens of a sequence; the model's own if not given.", converter=whole_number, n_tokens=1),
    ] = None,
    patches: Annotated[
        int | None,
        Parameter(
            help="Patches of an image (frames of a clip) for the figures of towers; what they are made for if not given.",
            converter=whole_number,
            n_tokens=1,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show a model: parameters and FLOPs by part."""
    from carbonscaling.catalog import models
    from carbonscaling.errors import InputError
    from carbonscaling.model.card import model_card
    from carbonscaling.reporting.model_page import model_dict, model_page

    if seq_len is not None and seq_len < 1:
        raise InputError(
            "a sequence has at least one token", where="option --seq-len", value=seq_len, allowed="1 or more",
            remedy="leave it out for the model's own length",
        )  # fmt: skip
    if patches is not None and patches < 1:
        raise InputError(
            "an image has at least one patch", where="option --patches", value=patches, allowed="1 or more",
            remedy="leave it out for what the tower is made for",
        )  # fmt: skip
    card = model_card(models.model_spec(model), seq_len, patches)
    out.hand_out(model_dict(card), model_page(card), json=json)


def new(
    *,
    like: Annotated[str, Parameter(help="Model to start from: catalogue name, config.json, or model TOML file.")],
    output: TomlFile = None,
) -> None:
    """Write a model file to start your own from."""
    from carbonscaling.catalog import models
    from carbonscaling.catalog.models.write import model_toml

    text = model_toml(models.model_spec(like))
    if output:
        out.write_file(output, text)
    else:
        sys.stdout.write(text)


def lengths(*, json: Json = False) -> None:
    """Show the training lengths that are assumed of published models by their files alone, beside published ones."""
    from carbonscaling.model.huggingface.published import assumed_lengths
    from carbonscaling.reporting.lengths import lengths_page

    found = assumed_lengths()
    out.hand_out([one._asdict() for one in found], lengths_page(found), json=json)
