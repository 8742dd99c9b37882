"""In which order a pipeline stage takes its micro-batches."""

from __future__ import annotations

from carbonscaling.hints import NamedTuple

__all__ = ["Task", "orders"]


class Task(NamedTuple):
    """One pass of one micro-batch through one model chunk of a stage.

    Attributes
    ----------
    kind : str
        "F" forward, "B" backward ("B" alone makes both gradients), "W" weight gradients where they wait.
    micro : int
        Micro-batch.
    chunk : int
        Model chunk of the stage.
    """

    kind: str
    micro: int
    chunk: int


def orders(stages: int, chunks: int, n_micro: int) -> list[list[Task]]:
    """Return the tasks of each stage under one forward, one backward; interleaved where a stage has several chunks.

    Narayanan et al. 2021, section 2.2: a stage runs forward passes until the first micro-batch can come back, then one of
    each kind in turn, then the backward passes that are left.

    Parameters
    ----------
    stages, chunks, n_micro : int
    """
    groups = [range(first, min(first + stages, n_micro)) for first in range(0, n_micro, stages)]
    forward = [Task("F", micro, chunk) for group in groups for chunk in range(chunks) for micro in group]
    backward = [Task("B", micro, chunk) for group in groups for chunk in reversed(range(chunks)) for micro in group]
    found = []
    for stage in range(stages):
        ahead = (stages - stage - 1) * (1 if chunks == 1 else 2) + (chunks - 1) * stages
        if n_micro % stages and chunks > 1:  # the last group is short: what it waits for may lie behind it
            ahead = len(forward)
        ahead = min(ahead, len(forward))
        steady = [task for pair in zip(forward[ahead:], backward, strict=False) for task in pair]
        found.append([*forward[:ahead], *steady, *backward[len(forward) - ahead :]])
    return found
