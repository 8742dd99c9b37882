"""Parallelism settings, one or many at once, said as people say them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from carbonscaling.core.nouns import noun, numbers
from carbonscaling.errors import InputError
from carbonscaling.meaning import choice_meant
from carbonscaling.perf.numbers import Number, Recompute, Schedule, Setting
from carbonscaling.study.check import LAYOUT_BOUNDS

__all__ = ["setting", "with_batch"]

_BOUNDS = (
    *(bound for bound in LAYOUT_BOUNDS if bound[0] != "shard"),
    ("shard", 1, math.inf, "a group size, 1 or more", "leave it out for the whole data-parallel group"),
    ("n_micro", 1, math.inf, "micro-batches of a replica, 1 or more", "give the batch instead"),
    ("recompute", 0, 3, ", ".join(Recompute.NAMES), "cs.setting takes the names"),
    ("schedule", 0, 3, ", ".join(Schedule.NAMES), "cs.setting takes the names"),
    ("sp", 0, 1, "1 or 0", "cs.setting takes sequence_parallel = True or False"),
)
_FRACTIONS = ("micro_batch", "n_micro")
"""Where the mean of an uneven split is a number too."""


def setting(
    *,
    tp: Any = 1,
    pp: Any = 1,
    dp: Any = 1,
    cp: Any = 1,
    ep: Any = 1,
    etp: Any = 1,
    vpp: Any = 1,
    zero: Any = 0,
    shard: Any = None,
    micro_batch: Any = 1,
    n_micro: Any = 1,
    recompute: str | Sequence[str] = "none",
    recompute_percent: Any = 100,
    schedule: str | Sequence[str] = "1f1b",
    sequence_parallel: bool | Sequence[bool] | None = None,
) -> Setting:
    """Return a parallelism setting, or many: every argument may be an array or a list, and they broadcast.

    Parameters
    ----------
    tp, pp, dp, cp, ep, etp, vpp, zero, micro_batch, recompute, recompute_percent, schedule :
        As in `Layout`, one where they are left out, ZeRO stage 0.
    shard : int or array, optional
        Devices over which ZeRO shards; the whole data-parallel group if not given.
    n_micro : int or array
        Micro-batches of a replica and step, where no `batch` is given to `step_time` and the others.
    sequence_parallel : bool or array, optional
        Wherever ``tp > 1`` if not given.

    Raises
    ------
    InputError
        A value that is no number, out of range or no whole count, shapes that do not broadcast, or experts that do not
        divide the devices of a stage.
    """
    recomputed, scheduled = (
        _codes(name, words, known)
        for name, words, known in (
            ("recompute", recompute, Recompute.NAMES), ("schedule", schedule, Schedule.NAMES),
        )
    )  # fmt: skip
    split, dp, cp = (numbers(f"setting.{name}", value) for name, value in (("tp", tp), ("dp", dp), ("cp", cp)))
    sp = split > 1 if sequence_parallel is None else np.asarray(sequence_parallel)
    shard = dp * cp if shard is None else shard
    return _checked(
        Setting(
            tp, pp, dp, cp, ep, etp, vpp, zero, shard, micro_batch, n_micro, recomputed, scheduled, sp.astype(float),
            recompute_percent,
        )
    )  # fmt: skip


def _codes(name: str, words: str | Sequence[str], known: Sequence[str]) -> Any:
    for word in (given := np.asarray(words)).ravel().tolist():
        if word not in known:
            raise InputError(
                f"unknown {name}", key=f"setting.{name}", value=word, allowed=", ".join(known),
                suggestion=choice_meant(name, str(word), known), remedy="choose one of these",
            )  # fmt: skip
    return np.vectorize(known.index, otypes=[float])(given)


def _broadcast(fields: Mapping[str, Any]) -> list[Any]:
    """Return values as arrays of one shape."""
    try:
        return list(np.broadcast_arrays(*fields.values()))
    except ValueError as error:
        shapes = ", ".join(f"{name} {value.shape}" for name, value in fields.items() if np.ndim(value))
        raise InputError(
            f"shapes that do not broadcast: {shapes}", key="setting", allowed="numbers, or arrays whose shapes broadcast",
            remedy="give arrays of one length, or of one axis each (array[:, None])",
        ) from error  # fmt: skip


def _plain_if_single(many: Setting) -> Setting:
    return many if np.ndim(many.tp) else Setting(*(float(v) for v in many))


def _checked(given: Setting) -> Setting:
    """Return a setting whose fields are floats, or arrays of one shape, and make sense."""
    named = noun("setting", given, Setting)._asdict()
    many = Setting(*_broadcast({name: numbers(f"setting.{name}", value) for name, value in named.items()}))
    for name, low, high, allowed, remedy in _BOUNDS:
        value = getattr(many, name)
        wrong = ~((low <= value) & (value <= high)) | (value % 1 != 0 if name not in _FRACTIONS else False)
        _refuse_any(wrong, name, value, allowed, remedy)
    stage, expert = many.tp * many.cp * many.dp, many.ep * many.etp
    _refuse_any(stage % expert != 0, "ep", expert, "ep x etp that divides tp x cp x dp", "change a degree")
    _refuse_any(many.shard > many.dp * many.cp, "shard", many.shard, "at most dp x cp", "leave it out for all of them")
    return _plain_if_single(many)


def _refuse_any(wrong: Any, name: str, value: Any, allowed: str, remedy: str) -> None:
    if np.any(wrong):
        first = np.asarray(value)[wrong].flat[0]
        raise InputError(
            f"{name} out of range", key=f"setting.{name}", value=float(first), allowed=allowed, remedy=remedy
        )


def with_batch(given: Setting, batch: ArrayLike | None) -> tuple[Setting, Number]:
    """Return a setting with the micro-batches that a batch makes, and the sequences of a step.

    Its fields are floats, or arrays of one shape.

    Raises
    ------
    InputError
        As `setting`, or a batch that does not split into whole micro-batches over the replicas.
    """
    many = _checked(given)
    if batch is None:
        return many, many.dp * many.micro_batch * many.n_micro
    *fields, sequences = _broadcast({**many._asdict(), "batch": numbers("batch", batch)})
    many = Setting(*fields)
    n_micro = sequences / (many.dp * many.micro_batch)
    if np.any((n_micro < 1) | (n_micro % 1 != 0)):
        raise InputError(
            "the batch does not split into whole micro-batches over the replicas", key="batch", value=batch,
            allowed="a multiple of dp x micro_batch", remedy="change the batch, dp or the micro-batch",
        )  # fmt: skip
    return _plain_if_single(many._replace(n_micro=n_micro)), sequences if sequences.ndim else float(sequences)
