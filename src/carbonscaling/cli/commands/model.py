"""``carbonscaling model show``."""

from __future__ import annotations

import os
from typing import Annotated

from cyclopts import Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import Json
from carbonscaling.cli.options import whole_number

__all__ = ["show"]


def show(
    model: Annotated[str, Parameter(help="Catalogue name, config.json of Hugging Face, or model TOML file.")],
    /,
    *,
    seq_len: Annotated[
        int | None,
        Parameter(help="Tokens of a sequence; the model's own if not given.", converter=whole_number, n_tokens=1),
    ] = None,
    json: Json = False,
) -> None:
    """Show a model: parameters and FLOPs by part."""
    from pathlib import Path

    from carbonscaling.catalog import models
    from carbonscaling.errors import InputError
    from carbonscaling.model.card import model_card
    from carbonscaling.reporting.model_page import model_dict, model_page

    if seq_len is not None and seq_len < 1:
        raise InputError(
            "a sequence has at least one token", where="option --seq-len", value=seq_len, allowed="1 or more",
            remedy="leave it out for the model's own length",
        )  # fmt: skip
    path = Path(model)
    is_file = path.suffix in (".json", ".toml") or os.path.exists(path)
    card = model_card(models.load_model(path) if is_file else models.model(model), seq_len)
    if json:
        out.show_json(model_dict(card))
    else:
        out.show(model_page(card))
