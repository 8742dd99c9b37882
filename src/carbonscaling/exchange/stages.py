"""Which layers lie on which pipeline stage."""

from __future__ import annotations

import math

from carbonscaling.perf.layer import LayerTimes, layer_times
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Setting
from carbonscaling.perf.passes import OneLayer, launched, one_layer
from carbonscaling.perf.step import layer_key
from carbonscaling.study.estimate import Estimate

__all__ = ["dealt", "layers_by_stage", "timed_layer"]


def timed_layer(answer: Estimate, machine: Machine | None = None) -> tuple[LayerTimes, OneLayer]:
    """Return the seconds of one layer of an answer for one micro-batch: by pass, and in all.

    Parameters
    ----------
    answer : Estimate
    machine : Machine, optional
        In place of the answer's.
    """
    r, s = answer.resolved, Setting(*(float(v) for v in answer.setting))
    machine = r.machine if machine is None else machine
    times = launched(s, layer_times(r.work, machine, layer_key(s)))
    return times, one_layer(r.work, machine, s, times)


def layers_by_stage(answer: Estimate) -> list[list[int]]:
    """Return the layers in each model chunk of each pipeline stage, as the answer's step time counts them."""
    r, s = answer.resolved, answer.setting
    _, one = timed_layer(answer)
    ends = float(one.ends) / float(one.per_layer)
    return dealt(int(r.work.n_layers), int(s.pp), int(s.vpp), ends, head_last=bool(r.machine.software.head_last))


def dealt(n_layers: int, stages: int, chunks: int, ends: float, *, head_last: bool) -> list[list[int]]:
    """Deal layers over stages so that the fullest is what `perf.pipeline.fullest_stage` says.

    Parameters
    ----------
    n_layers, stages, chunks : int
        Layers of the model, pipeline stages, model chunks a stage.
    ends : float
        What embedding and head take, in layers; they count on the last stage.
    head_last : bool
        Every stage holds the same number of layers, whatever the ends take, if that number comes out whole.

    Returns
    -------
    list of list of int
        Layers by stage and chunk; chunk by chunk through all stages is the order of the model.

    >>> dealt(126, 16, 1, 1.4, head_last=False)[-1]
    [6]
    >>> [stage for n, stage in enumerate(dealt(126, 16, 8, 0.7, head_last=False)) if n in (0, 15)]
    [[0, 1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1, 1, 0]]
    """
    places = stages * chunks
    if stages == 1:
        return [_split(n_layers, chunks)]
    if head_last and n_layers % places == 0:
        return [[n_layers // places] * chunks for _ in range(stages)]
    mean = (n_layers + ends) / places
    up, down = math.ceil(mean), math.floor(mean)
    others = (stages - 1) * chunks
    each = up if max(chunks * up, ends) <= max(n_layers - others * down, 0) + ends else down
    found = [[each] * chunks for _ in range(stages - 1)]
    short = others * each - n_layers
    for n in range(max(short, 0)):
        found[-1 - n % (stages - 1)][-1 - n // (stages - 1) % chunks] -= 1
    left = max(n_layers - others * each, 0)
    if found[0][0] and left == chunks - 2 and left + 1 + ends <= max(chunks * each, left + ends):
        found[0][0], left = found[0][0] - 1, left + 1  # the embedding is a chunk of its own
    return [*found, _split(left, chunks)]


def _split(n_layers: int, chunks: int) -> list[int]:
    """Split layers into chunks as even as can be, the last ones the shorter."""
    return [n_layers // chunks + (chunk < n_layers % chunks) for chunk in range(chunks)]
