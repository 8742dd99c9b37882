"""An uploaded ``config.json`` as the very file that the command line would read."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from carbonscaling.serve.question import Asked
from carbonscaling.study.scenario import Scenario

__all__ = ["run_of"]


@contextmanager
def run_of(asked: Asked, folder: Path) -> Iterator[Scenario]:
    """Yield the scenario of a question, with its uploaded model, if any, as a file in `folder`."""
    if asked.config is None:
        yield asked.scenario
        return
    home = folder / asked.name
    home.mkdir()
    try:
        file = home / "config.json"
        file.write_text(json.dumps(dict(asked.config)), encoding="utf-8")
        yield dataclasses.replace(asked.scenario, model=str(file))
    finally:
        shutil.rmtree(home)
