"""The manifest of a study: resolved inputs, versions, sources, so that its folder explains itself."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from importlib import metadata
from typing import Any

import carbonscaling
from carbonscaling.errors import InputError
from carbonscaling.study.sweep.axes import Block
from carbonscaling.study.sweep.stamp import code_stamp, inputs, resolved
from carbonscaling.study.sweep.store import Store
from carbonscaling.study.sweep.studyfile import Keep, Study

__all__ = ["NAME", "case_sources", "manifest", "read_manifest", "read_sources", "study_of", "write_manifest"]

NAME = "manifest.json"


def _versions() -> dict[str, str]:
    found = {"carbonscaling": carbonscaling.__version__, "python": platform.python_version()}
    for name in ("numpy", "numba", "polars"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def manifest(study: Study, stamp: str, sources: Sequence[str] = ()) -> dict[str, Any]:
    """Return the manifest of a study; its sources are known once a case is answered."""
    from carbonscaling.study.sweep.columns import COLUMNS, column

    return {
        "stamp": stamp,
        "code": code_stamp(),
        "versions": _versions(),
        "n_cases": study.n_cases,
        "n_shards": study.n_shards,
        "study": resolved(study),
        "inputs": inputs(study),
        "columns": ["case", *(column(key) for key in study.keys), *(name for name in COLUMNS if name != "case")],
        "sources": list(sources),
    }


def case_sources(study: Study) -> list[str]:
    """Return the reference keys behind one answer of the study (other cases may add those of their own rows)."""
    from carbonscaling.study.answer import estimate, plan, sources_used
    from carbonscaling.study.estimate import Estimate
    from carbonscaling.study.sweep.case import scenario_of_case

    try:
        scenario = scenario_of_case(study, 0)
        answer = (plan if study.answer == "plan" else estimate)(scenario)
    except Exception:  # the case itself records what is wrong with it
        return []
    return list(sources_used(answer)) if isinstance(answer, Estimate) else []


def write_manifest(store: Store, data: dict[str, Any]) -> None:
    """Write the manifest beside the shards, unless the same one is there."""
    content = (json.dumps(data, indent=1) + "\n").encode()
    try:
        if store.read(NAME) == content:
            return
    except (FileNotFoundError, OSError):
        pass
    store.write(NAME, content)


def read_manifest(store: Store) -> dict[str, Any]:
    """Return the manifest in a folder.

    Raises
    ------
    InputError
        There is none, or it cannot be read.
    """
    try:
        data: dict[str, Any] = json.loads(store.read(NAME))
    except (OSError, json.JSONDecodeError) as error:
        raise InputError(
            "no study's results are here", where=store.url, remedy="run: carbonscaling sweep STUDY.toml"
        ) from error
    return data


def read_sources(store: Store, stamp: str) -> list[str]:
    """Return the sources in the folder's manifest; none where it is missing or another study's."""
    try:
        data = read_manifest(store)
    except InputError:
        return []
    return list(data["sources"]) if data.get("stamp") == stamp else []


def study_of(data: dict[str, Any]) -> Study:
    """Return the study that a manifest describes."""
    s = data["study"]
    blocks = tuple(Block({k: tuple(v) for k, v in block.items()}) for block in s["blocks"])
    keep = Keep(**{**s["keep"], "quantiles": tuple(s["keep"]["quantiles"])})
    return Study(s["name"], s["answer"], s["scenario"], blocks, keep, s["shard_cases"])
