"""Statements: of a saved answer, of measured values, of both, on the command line."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import carbonscaling as cs
from fuzz.commands import FILES, asked, inside, option_words, word
from fuzz.damage import spoilt, spoilt_text

__all__ = ["report", "saved_answer"]

FILE = "answer.json"
FORMATS = ("model-card", "annex-xi", "sci", "esrs", "boamps", "csv", "json", "html", "pdf-ready")
NUMBERS = ("1", "30000", "1e12", "0", "-1", "1e-300", "1e308", "nan", "inf", "405B", "1,000", "x", "0x10", "")
OPTIONS = (
    ("--energy-kwh", NUMBERS), ("--energy-scope", ("facility", "it", "devices")),
    ("--model", ("llama", "[bold]", "\x1b[31m", "|x|")),
    ("--n-params", NUMBERS), ("--tokens", NUMBERS), ("--region", ("france", "us-east5", "nowhere")), ("--pue", NUMBERS),
    ("--carbon-intensity-g-per-kwh", NUMBERS), ("--lifetime-years", NUMBERS), ("--factors", (FILE, "none.toml")), ("-o", FILES),
)  # fmt: skip


@cache
def saved_answer() -> dict[str, Any]:
    """Return a small answer as it is saved."""
    q = cs.Scenario(model="llama-3-8b", tokens=1e11, devices=64, layout=cs.Layout(tp=1, pp=1, dp=64), batch=256)
    data: dict[str, Any] = cs.estimate(q).to_dict()
    return data | {"search": None, "levers": []}


def report(rng: Random, folder: Path) -> object:
    """A statement."""
    home = folder / "report"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    text = json.dumps(spoilt(rng, saved_answer()))
    (home / FILE).write_bytes(spoilt_text(rng, text) if rng.random() < 0.15 else text.encode("utf-8", "surrogatepass"))
    words = [
        "report",
        *(
            [FILE if rng.random() < 0.8 else word(rng, ("none.json", ".", "/dev/null", ""))]
            if rng.random() < 0.8
            else []
        ),
    ]
    words += ["--format", word(rng, FORMATS)]
    if rng.random() < 0.4:
        words += option_words(
            rng, ("--device-hours", NUMBERS), ("--device", ("h100-sxm", "mine.toml")), ("--devices", NUMBERS), often=0.8
        )
        words += option_words(rng, *OPTIONS, often=0.15)
    else:
        words += option_words(rng, ("-o", FILES))
    with inside(home):
        return asked(words)
