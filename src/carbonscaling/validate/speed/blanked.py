"""Measured rows once more as others would have written them: with some of what they state left out, or as first read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from carbonscaling.validate.replay import complete
from carbonscaling.validate.speed.fit import Sample, sample

__all__ = ["BLANKS", "as_first_read", "blanked"]

BLANKS: tuple[tuple[str, ...], ...] = (
    ("micro_batch", "recompute", "zero_stage", "global_batch_seqs"),
    ("tp", "pp", "dp", "cp", "ep", "vpp", "micro_batch", "recompute", "zero_stage"),
    ("attention_kernel", "pace", "cuda_graphs", "dispatcher", "expert_overlap", "software", "offload", "shard"),
    ("interconnect",),
)
"""Fields that are left out together: what is tuned last, the whole layout, the columns that few know, the network."""

PER_SOURCE = 10
"""Rows of a source that are copied, evenly spaced."""


def blanked(rows: Sequence[Mapping[str, str]], s: Sample, where: NDArray[np.int64]) -> Sample:
    """Return copies of some rows with fields left out, each with the speed that its row measured.

    Parameters
    ----------
    rows : sequence of mapping
    s, where : as `scored_sample` returns them for these rows.
    """
    of_source: dict[str, list[int]] = defaultdict(list)
    for k, name in enumerate(s.sources):
        of_source[name].append(k)
    some = [ks[i] for ks in of_source.values() for i in sorted({*np.linspace(0, len(ks) - 1, PER_SOURCE).astype(int)})]
    wanted = [(k, fields) for k in some for fields in BLANKS if any(rows[where[k]].get(name) for name in fields)]
    index, replays, _ = complete([{**rows[where[k]], **dict.fromkeys(fields, "")} for k, fields in wanted])
    return sample(replays, s.measured[[wanted[i][0] for i in index]])


def as_first_read(
    rows: Sequence[Mapping[str, str]], s: Sample, where: NDArray[np.int64]
) -> tuple[Sample | None, NDArray[np.int64]]:
    """Return rows as they were scored at first sight, where their source was read again since, and their places in `s`.

    What a second reading mends (``first_read``) the next stranger will get wrong in another way: the width of an interval is
    learnt from the first.
    """
    told = [(k, dict(_changes(text))) for k, i in enumerate(where) if (text := rows[i].get("first_read"))]
    index, replays, _ = complete([{**rows[where[k]], **changes} for k, changes in told])
    places = np.array([told[i][0] for i in index], dtype=np.int64)
    return (sample(replays, s.measured[places]) if replays else None), places


def _changes(text: str) -> list[tuple[str, str]]:
    """Return the columns that stood otherwise, and how: KEY=VALUE, semicolons between, blank where it was blank."""
    return [(key.strip(), value.strip()) for key, _, value in (part.partition("=") for part in text.split(";"))]
