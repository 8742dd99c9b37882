"""What a folder holds of the study whose results are asked for: read whole, or refused."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.record import dataclass
from carbonscaling.study.sweep.manifest import read_manifest, study_of
from carbonscaling.study.sweep.shards import Shard, known_shards, verified
from carbonscaling.study.sweep.stamp import code_stamp, identity, stamp_of
from carbonscaling.study.sweep.store import Store
from carbonscaling.study.sweep.studyfile import Study, load_study

__all__ = ["Found", "found"]

MOST_NAMED = 20


@dataclass(frozen=True)
class Found:
    """What a folder holds of a study.

    Attributes
    ----------
    store : Store
    manifest : dict
    study : Study
    shards : dict of int to Shard
        Those that are there, by number; each is what was written.
    """

    store: Store
    manifest: dict[str, Any]
    study: Study
    shards: dict[int, Shard]

    @cached_property
    def n_seen(self) -> int:
        """Cases in the shards that are there."""
        return sum(stop - first for first, stop in map(self.study.span, self.shards))

    @cached_property
    def missing(self) -> str:
        """Cases and shards that are not there, in words; empty where all are."""
        runs: list[list[int]] = []
        for number in (n for n in range(self.study.n_shards) if n not in self.shards):
            if runs and number == runs[-1][1] + 1:
                runs[-1][1] = number
            else:
                runs.append([number, number])
        if not runs:
            return ""
        spans = [(self.study.span(a)[0], self.study.span(b)[1] - 1) for a, b in runs]
        return f"cases {_ranges(spans)} (shards {_ranges([(a, b) for a, b in runs])})"

    @cached_property
    def remark(self) -> str:
        """That another version made the results, where one did; else empty."""
        if self.manifest["code"] == code_stamp():
            return ""
        return (
            f"{self.store.url} was made by another version (carbonscaling {self.manifest['versions']['carbonscaling']}), "
            "whose numbers may differ: carbonscaling sweep STUDY.toml makes them anew"
        )


def _ranges(spans: list[tuple[int, int]]) -> str:
    words = [f"{a}" if a == b else f"{a}-{b}" for a, b in spans[:MOST_NAMED]]
    return ", ".join(words) + (f" and {len(spans) - MOST_NAMED:,} more runs" if len(spans) > MOST_NAMED else "")


def found(store: Store, file: Path | None) -> Found:
    """Return what a folder holds of the study that its manifest describes.

    Parameters
    ----------
    file : Path, optional
        The study file; it must ask what the folder answers.

    Raises
    ------
    InputError
        There are no results, the study file was edited since, or a shard is not what was written.
    """
    question = None if file is None else load_study(file)
    data = read_manifest(store)
    if question is not None and data["stamp"] != stamp_of({**identity(question), "code": data["code"]}):
        raise InputError(
            "the study was edited since its results were made", where=str(file),
            remedy=f"carbonscaling sweep {file} answers it as it is now; to read the results as they are, name {store.url}",
        )  # fmt: skip
    study = study_of(data)
    try:
        own = [s for s in known_shards(store) if s.stamp == data["stamp"] and s.number < study.n_shards]
        verdict = verified(store, own, study.span)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise InputError(
            f"the results cannot be read: {why}", where=store.url, remedy="check the rights of the folder"
        ) from error
    bad = [s for s in verdict.bad if s.number not in verdict.good]
    if bad:
        more = f" (and {len(bad) - 1:,} more)" if len(bad) > 1 else ""
        raise InputError(
            f"a shard is not what was written{more}", where=store.path(bad[0].name),
            remedy=f"carbonscaling sweep {file or 'STUDY.toml'} makes it again",
        )  # fmt: skip
    if not verdict.good:
        raise InputError(
            "no shard is done yet", where=store.url, remedy=f"run: carbonscaling sweep {file or 'STUDY.toml'}"
        )
    return Found(store, data, study, verdict.good)
