"""Stamps: what a result depends on, as one hash of the study, the files it names, the catalogue and the code."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from carbonscaling.files import TABLE, read_bytes
from carbonscaling.study.hours import file_and_column
from carbonscaling.study.sweep.kinds import OWN_PATHS
from carbonscaling.study.sweep.studyfile import PATHS, Study

__all__ = ["code_stamp", "identity", "stamp_of", "study_stamp"]

ANSWERING = (
    "calibration",
    "carbon",
    "catalog",
    "hardware",
    "laws",
    "model",
    "perf",
    "search",
    "serving",
    "software",
    "study",
    "timetable",
)
"""Folders of the package whose content decides an answer."""


def file_stamp(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(read_bytes(path, TABLE)).hexdigest()


@lru_cache(maxsize=1)
def code_stamp() -> str:
    """Return the hash of the package's code and data that decide an answer."""
    home = Path(__file__).parents[2]
    files = [home / name for name in ("formula.py", "units.py", "sources.py")]
    for folder in ANSWERING:
        files += [p for p in (home / folder).rglob("*") if p.suffix in (".py", ".toml", ".csv", ".json")]
    whole = hashlib.sha256()
    for path in sorted(files):
        whole.update(f"{path.relative_to(home)}\0{file_stamp(path)}\n".encode())
    return whole.hexdigest()


def inputs(study: Study) -> dict[str, str]:
    """Return the files that a study's cases read, with their hashes."""
    found = {str(study.base[key]) for key in PATHS if key in study.base}
    for key in OWN_PATHS:
        table, _, name = key.partition(".")
        if isinstance(own := study.base.get(table), dict) and own.get(name):
            found.add(str(own[name]))
    for block in study.blocks:
        for key in set(block.columns) & {*PATHS, *OWN_PATHS}:
            found |= {str(v) for v in block.columns[key]}
    found |= {file_and_column(name)[0] for name in found}
    return {name: file_stamp(Path(name)) for name in sorted(found) if os.path.isfile(name)}


def resolved(study: Study) -> dict[str, Any]:
    """Return the study as plain data, every axis spelt out."""
    return {
        "name": study.name,
        "answer": study.answer,
        "scenario": {key: value for key, value in study.base.items() if key not in study.settled},
        "blocks": [dict(block.columns) for block in study.blocks],
        "keep": dataclasses.asdict(study.keep),
        "shard_cases": study.shard_cases,
    }


def identity(study: Study) -> dict[str, Any]:
    """Return all that a study's results depend on, as plain data: the study, the files that it names, the code."""
    return {"study": resolved(study), "inputs": inputs(study), "code": code_stamp()}


def stamp_of(identity: Mapping[str, Any]) -> str:
    """Return the hash of what `identity` gives; of a mapping with more keys (a manifest), those count.

    The name of the study and the place of its files do not count; what is in the files does.
    """
    text = json.dumps([{**identity["study"], "name": ""}, identity["code"]], sort_keys=True, default=str)
    for name, digest in identity["inputs"].items():
        text = text.replace(json.dumps(name), json.dumps(digest))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def study_stamp(study: Study) -> str:
    """Return the hash that a study's shards carry: the same only where every result would be the same."""
    return stamp_of(identity(study))
