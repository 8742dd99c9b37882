"""Which of several settings is the simplest to launch, where what they take does not decide."""

from __future__ import annotations

from typing import Any

from carbonscaling.perf.numbers import Setting
from carbonscaling.search.objectives import Objective

__all__ = ["complexity", "rank"]


def complexity(s: Setting) -> tuple[Any, ...]:
    """Return what makes a setting less simple, most important first; numbers or arrays.

    Kinds of parallelism beside data parallelism, then context parallelism, pipeline stages, chunks a stage, a schedule other
    than 1F1B, tensor parallelism inside experts, recomputation, a sharding group smaller than the whole, ZeRO stage.

    >>> a = Setting(8, 4, 2, 1, 1, 1, 2, 1, 2, 1, 8, 0, 0, 1, 100)
    >>> complexity(a) < complexity(a._replace(cp=2, dp=1)), complexity(a) > complexity(a._replace(vpp=1))
    (True, True)
    """
    kinds = 1.0 * (s.tp > 1) + (s.pp > 1) + (s.cp > 1) + (s.ep > 1)
    in_part = 1.0 * (s.recompute_percent < 100), 1.0 * (s.shard < s.dp * s.cp)
    return kinds, s.cp, s.pp, s.vpp, s.schedule, s.etp, s.recompute, *in_part, s.zero


def rank(objective: Objective, candidate: Any) -> tuple[Any, ...]:
    """Return what settings that are found are ordered by: the objective, then the simplest, then the smallest degrees."""
    return (*objective.key(candidate), *complexity(candidate.setting), *candidate.setting)
