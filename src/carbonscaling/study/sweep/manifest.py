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
from carbonscaling.study.sweep.sealed import CHECKSUM, seal_holds, sealed
from carbonscaling.study.sweep.stamp import identity, stamp_of
from carbonscaling.study.sweep.store import Store
from carbonscaling.study.sweep.studyfile import Keep, Study, one_basis

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


def manifest(study: Study, stamp: str, sources: Sequence[str] | None = None) -> dict[str, Any]:
    """Return the manifest of a study; its sources are known once a case is answered, and None until then."""
    from carbonscaling.study.sweep.columns import column, columns_of

    return {
        "stamp": stamp,
        **identity(study),
        "versions": _versions(),
        "n_cases": study.n_cases,
        "n_shards": study.n_shards,
        "columns": [
            "case",
            *(column(key) for key in study.keys),
            *(name for name in columns_of(study.answer) if name != "case"),
        ],
        "sources": None if sources is None else list(sources),
    }


def case_sources(study: Study) -> list[str]:
    """Return the reference keys behind the training of the first case (other cases may add those of their own rows)."""
    from carbonscaling.study.answer import answered, estimate, plan, sources_used
    from carbonscaling.study.estimate import Estimate
    from carbonscaling.study.sweep.case import scenario_of_case
    from carbonscaling.study.sweep.kinds import KINDS
    from carbonscaling.study.sweep.singly import asked_of

    try:
        if study.answer in KINDS:
            answer = answered(asked_of(study, 0, KINDS[study.answer])["scenario"])
        else:
            answer = (plan if study.answer == "plan" else estimate)(scenario_of_case(study, 0))
    except Exception:  # the case itself records what is wrong with it; servings and decisions have no training
        return []
    return list(sources_used(answer)) if isinstance(answer, Estimate) else []


def write_manifest(store: Store, data: dict[str, Any]) -> None:
    """Write the manifest beside the shards, unless the same one is there."""
    content = sealed(data, indent=1)
    try:
        if store.read(NAME) == content:
            return
    except (OSError, InputError):
        pass
    store.write(NAME, content)


def read_manifest(store: Store) -> dict[str, Any]:
    """Return the manifest in a folder.

    Raises
    ------
    InputError
        There is none, it cannot be read, or it is not what was written.
    """
    remedy = "run: carbonscaling sweep STUDY.toml"
    try:
        content = store.read(NAME)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError("no study's results are here", where=store.url, remedy=remedy) from error
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise InputError(
            f"the study's manifest cannot be read: {why}", where=store.path(NAME),
            remedy="check the name and the rights of the folder",
        ) from error  # fmt: skip
    try:
        data: dict[str, Any] = json.loads(content)
        whole = _is_whole(data)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        whole = False
    if not whole:
        raise InputError(
            "the study's manifest is not what was written", where=store.path(NAME),
            remedy=f"{remedy} writes it again; the shards that are done stay",
        )  # fmt: skip
    return data


def _is_whole(data: dict[str, Any]) -> bool:
    """Return whether a manifest is what was written; one without a checksum (0.1.0) is held to its stamp alone."""
    if not {"sources", "versions"} <= data.keys() or stamp_of(data) != data["stamp"]:
        return False
    study = study_of(data)
    counts = (study.n_cases, study.n_shards) == (data["n_cases"], data["n_shards"])
    return counts and (CHECKSUM not in data or seal_holds(data))


def read_sources(store: Store, stamp: str) -> list[str] | None:
    """Return the sources in the folder's manifest; None where it is missing, broken, another study's or unfinished."""
    try:
        data = read_manifest(store)
    except InputError:
        return None
    return list(data["sources"]) if data["stamp"] == stamp and data["sources"] is not None else None


def study_of(data: dict[str, Any]) -> Study:
    """Return the study that a manifest describes."""
    s = data["study"]
    blocks = tuple(Block({k: tuple(v) for k, v in block.items()}) for block in s["blocks"])
    keep = Keep(**{**s["keep"], "quantiles": tuple(s["keep"]["quantiles"])})
    settled = one_basis(s["scenario"], blocks, s["name"], s["answer"])
    return Study(s["name"], s["answer"], s["scenario"] | settled, blocks, keep, s["shard_cases"], tuple(settled))
