"""The settings worth considering for a model on a machine, as arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carbonscaling.perf.numbers import Recompute, Schedule, Setting, Workload

__all__ = ["Space", "blocks", "divisors", "layouts"]

BLOCK = 1 << 16


def divisors(n: int) -> list[int]:
    """Return the divisors of `n`, ascending.

    >>> divisors(12)
    [1, 2, 3, 4, 6, 12]
    """
    small = [d for d in range(1, int(n**0.5) + 1) if n % d == 0]
    return sorted({*small, *(n // d for d in small)})


@dataclass(frozen=True)
class Space:
    """Options of each degree; an empty tuple means "everything the model and the machine allow".

    Attributes
    ----------
    tp, pp, dp, cp, ep, etp, vpp, zero, micro_batch, recompute, schedule, shard : tuple of int
        `recompute` and `schedule` are codes; `shard` is the sharding group size (0: the whole data-parallel group).
    sequence_parallel : bool
        Shard norms and residuals over the sequence wherever ``tp > 1``.
    strict : bool
        The papers' rules (ruling R10): EP equals the number of experts, PP divides the layers, DP·EP the batch; no
        context parallelism, no recomputation.
    max_tp, max_cp : int
        Bounds where `tp` or `cp` is open; tensor parallelism also stays inside a scale-up domain.
    min_context : int
        Fewest tokens of a sequence that context parallelism leaves a rank where `cp` is open: no public run splits finer.
    """

    tp: tuple[int, ...] = ()
    pp: tuple[int, ...] = ()
    dp: tuple[int, ...] = ()
    cp: tuple[int, ...] = ()
    ep: tuple[int, ...] = ()
    etp: tuple[int, ...] = (1,)
    vpp: tuple[int, ...] = ()
    zero: tuple[int, ...] = (0, 1, 2, 3)
    micro_batch: tuple[int, ...] = (1, 2, 4, 8)
    recompute: tuple[int, ...] = (Recompute.NONE, Recompute.SELECTIVE, Recompute.FULL)
    schedule: tuple[int, ...] = (Schedule.ONE_F_ONE_B,)
    shard: tuple[int, ...] = (0,)
    sequence_parallel: bool = True
    strict: bool = False
    max_tp: int = 64
    max_cp: int = 16
    min_context: int = 2048


def _powers(limit: float) -> list[int]:
    return [1 << k for k in range(max(0, int(np.log2(max(limit, 1)))) + 1)]


def _tensor_options(space: Space, work: Workload, domain: float) -> list[int]:
    if space.tp:
        return list(space.tp)
    limit = min(space.max_tp, domain)
    width = int(work.n_heads) if work.n_heads else int(work.d_ff_expert or work.d_ff)
    return [t for t in divisors(width) if t <= limit and domain % t == 0]  # groups do not straddle domains


def _pipeline_options(space: Space, work: Workload) -> list[int]:
    if space.pp:
        return list(space.pp)
    n_layers = int(work.n_layers)
    if space.strict:
        return divisors(n_layers)
    # Even splits of the layers, alone or with embedding and head counted as a layer each, and powers of two.
    return sorted(
        {p for n in (n_layers, n_layers + 1, n_layers + 2) for p in divisors(n) if p <= n_layers}
        | set(_powers(n_layers))
    )


def layouts(space: Space, work: Workload, batch: int, domain: float, counts: tuple[int, int]) -> NDArray[np.int64]:
    """Return every (tp, pp, dp, cp) whose product lies within `counts`, one row each, ordered by device count.

    Parameters
    ----------
    batch : int
        Sequences of a step; the data-parallel degree divides it.
    domain : float
        Devices of a scale-up domain, the bound of tensor parallelism.
    counts : tuple of int
        Fewest and most devices.
    """
    low, high = counts
    grid = np.array(
        np.meshgrid(
            _tensor_options(space, work, domain),
            _pipeline_options(space, work),
            list(space.dp) or divisors(batch),
            list(space.cp) or ([1] if space.strict else _powers(min(space.max_cp, work.seq_len / space.min_context))),
            indexing="ij",
        ),
        dtype=np.int64,
    ).reshape(4, -1)
    n = grid.prod(axis=0)
    rows = grid[:, (n >= low) & (n <= high)].T
    return rows[np.lexsort((*rows.T[::-1], rows.prod(axis=1)))]


def _inner_options(space: Space, work: Workload) -> NDArray[np.int64]:
    """Every combination of the choices that do not change the device count."""
    n_experts = int(work.n_experts)
    if n_experts == 0:
        ep = [1]
    elif space.ep:
        ep = list(space.ep)
    else:
        ep = [n_experts] if space.strict else divisors(n_experts)
    per_stage = int(work.n_layers)
    vpp = list(space.vpp) or [v for v in (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16) if v <= per_stage]
    recompute = [Recompute.NONE] if space.strict else list(space.recompute)
    etp = list(space.etp) if n_experts else [1]
    return np.array(
        np.meshgrid(
            ep, etp, vpp, list(space.zero), list(space.shard), list(space.micro_batch), recompute, list(space.schedule),
            indexing="ij",
        ),
        dtype=np.int64,
    ).reshape(8, -1)  # fmt: skip


def blocks(space: Space, work: Workload, batch: int, rows: NDArray[np.int64]) -> Iterator[Setting]:
    """Yield the settings of some layouts in blocks of about 64k, as arrays of integers.

    Parameters
    ----------
    rows : array, shape (n, 4)
        As returned by `layouts`.

    Notes
    -----
    `n_micro` is what the batch leaves to each replica, 0 where the micro-batch does not divide it; the constraints
    reject those.
    """
    inner = _inner_options(space, work)
    step = max(1, BLOCK // inner.shape[1])
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        tp, pp, dp, cp = (np.repeat(column, inner.shape[1]) for column in part.T)
        ep, etp, vpp, zero, shard, micro, recompute, schedule = np.tile(inner, len(part))
        per_replica = batch // dp
        n_micro = np.where((batch % dp == 0) & (per_replica % micro == 0), per_replica // micro, 0)
        sp = np.where(tp > 1, 1, 0) if space.sequence_parallel else np.zeros_like(tp)
        group = np.where(shard > 0, shard, dp * cp)
        yield Setting(tp, pp, dp, cp, ep, etp, vpp, zero, group, micro, n_micro, recompute, schedule, sp)
