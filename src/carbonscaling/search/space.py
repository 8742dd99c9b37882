"""The settings worth considering for a model on a machine, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from carbonscaling.arrays import Number
from carbonscaling.perf.numbers import Recompute, Schedule, Workload
from carbonscaling.record import dataclass
from carbonscaling.search.constraints import ENDS
from carbonscaling.search.divisors import divisors
from carbonscaling.search.grid import Grid
from carbonscaling.search.lattice import Lattice

__all__ = ["FULL_SPACE", "Space", "grid", "layouts"]


@dataclass(frozen=True)
class Space:
    """Options of each degree; an empty tuple means "everything the model and the machine allow".

    Tensor parallelism inside experts (`etp`) is left out where it is open, but for the strict rules.

    Attributes
    ----------
    tp, pp, dp, cp, ep, etp, vpp, zero, micro_batch, recompute, schedule, shard : tuple of int
        `recompute` and `schedule` are codes; `shard` is the sharding group size (0: the whole data-parallel group).
    recompute_percent : tuple of int
        Shares of the layers that recompute.
    selective_shares : bool
        Whether selective recomputation, too, may leave layers out; stacks take shares of whole layers.
    sequence_parallel : bool
        Shard norms and residuals over the sequence wherever ``tp > 1``.
    strict : bool
        The papers' rules (rulings R9, R10): EP equals the number of experts, PP divides the layers, DP·EP the batch, and
        as N = TP·DP·PP·EP leaves no other reading, TP shards experts like all else. DP divides the tokens of a batch, not
        only its sequences: where `cp` is open, ranks may share a sequence. No recomputation where that is open.
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
    etp: tuple[int, ...] = ()
    vpp: tuple[int, ...] = ()
    zero: tuple[int, ...] = (0, 1, 2, 3)
    micro_batch: tuple[int, ...] = (1, 2, 4, 8)
    recompute: tuple[int, ...] = (Recompute.NONE, Recompute.SELECTIVE, Recompute.FULL)
    schedule: tuple[int, ...] = (Schedule.ONE_F_ONE_B,)
    shard: tuple[int, ...] = (0,)
    recompute_percent: tuple[int, ...] = (100,)
    selective_shares: bool = True
    sequence_parallel: bool = True
    strict: bool = False
    max_tp: int = 64
    max_cp: int = 16
    min_context: int = 2048


FULL_SPACE = Space(
    etp=(1, 2, 4, 8),
    micro_batch=(1, 2, 3, 4, 6, 8, 12, 16),
    schedule=(Schedule.ONE_F_ONE_B, Schedule.ZERO_BUBBLE, Schedule.DUALPIPE),
    shard=(0, 8, 16, 32, 64, 128),
    recompute_percent=(25, 50, 75, 100),
)
"""Everything a modern framework can do, whether or not a measurement covers it."""


def _powers(limit: float) -> list[int]:
    return [1 << k for k in range(max(0, int(np.log2(max(limit, 1)))) + 1)]


def _tensor_options(space: Space, width: int, domain: float) -> list[int]:
    if space.tp:
        return sorted(space.tp)
    limit = min(space.max_tp, domain)
    return [t for t in divisors(width) if t <= limit and domain % t == 0]  # groups do not straddle domains


def _pipeline_options(space: Space, n_layers: int) -> list[int]:
    if space.pp:
        return sorted(space.pp)
    if space.strict:
        return divisors(n_layers)
    # Even splits of the layers, alone or with embedding and head counted as a layer each, and powers of two.
    return sorted(
        {p for n in range(n_layers, n_layers + int(ENDS) + 1) for p in divisors(n) if p <= n_layers}
        | set(_powers(n_layers))
    )


@lru_cache(maxsize=64)
def _shapes(space: Space, width: int, n_layers: int, seq_len: float, domain: float) -> NDArray[np.int64]:
    """Return every combination of tp, pp, cp; not to be written to."""
    most = seq_len / 2.0 if space.strict else min(space.max_cp, seq_len / space.min_context)
    cp = sorted(space.cp) or _powers(float(most))
    options = _tensor_options(space, width, domain), _pipeline_options(space, n_layers), cp
    found = np.array(list(product(*options)), dtype=np.int64).reshape(-1, 3)
    found.flags.writeable = False
    return found


@lru_cache(maxsize=64)
def _of_batch(space: Space, batch: int, *model: float) -> Lattice:
    """Return the layouts of one batch, none of them within a range of devices yet; `model` as in `_shapes`."""
    dp = np.array(sorted(space.dp) or divisors(batch), dtype=np.int64)
    width, n_layers, seq_len, domain = model
    shapes = _shapes(space, int(width), int(n_layers), seq_len, domain)
    return Lattice.within(shapes, dp, np.full(len(dp), batch, dtype=np.int64), (0, 0))


def layouts(
    space: Space, work: Workload, batches: Sequence[int], domain: Number, counts: tuple[int, int], host_devices: int = 1
) -> Lattice:
    """Return every (tp, pp, dp, cp) whose product lies within `counts`, with every batch that the replicas divide.

    Parameters
    ----------
    batches : sequence of int
        Sequences of a step that may be; a single one, where it is given.
    domain : float
        Devices of a scale-up domain, the bound of tensor parallelism.
    counts : tuple of int
        Fewest and most devices.
    host_devices : int
        Counts beyond one host are whole hosts.
    """
    width = int(work.n_heads or work.d_ff_expert or work.d_ff or work.d_mix)
    model = width, int(work.n_layers), float(work.seq_len), float(domain)
    if len(batches) == 1:
        return _of_batch(space, batches[0], *model).among(counts, host_devices)
    return Lattice.within(_shapes(space, *model), *_replicas(space, batches, counts[1]), counts, host_devices)


def _replicas(space: Space, batches: Sequence[int], most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return replicas and the batches that they share: all pairs that divide."""
    is_one = np.zeros(max(batches) + 1, dtype=bool)
    is_one[list(batches)] = True
    every = np.array(sorted(space.dp), dtype=np.int64) if space.dp else np.arange(1, min(most, max(batches)) + 1)
    found = [_shared(every[begin : 2 * begin + 1], is_one) for begin in _DOUBLING if begin < len(every)]
    dp, batch = (np.concatenate(column) for column in zip(*found, strict=True))
    return dp, batch


_DOUBLING = (0, *(2**k - 1 for k in range(1, 64)))
"""Where to cut ascending replicas so that a piece has about as many multiples as there may be sequences."""


def _shared(dp: NDArray[np.int64], is_one: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return these replicas, each with its multiples that are batches."""
    times = (len(is_one) - 1) // dp
    nth = 1 + np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    dp = np.repeat(dp, times)
    keep = is_one[dp * nth]
    return dp[keep], (dp * nth)[keep]


def _product(*options: Sequence[float]) -> NDArray[np.float64]:
    return np.array(list(product(*options)), dtype=float).reshape(-1, len(options))


def _expert_options(space: Space, n_experts: int) -> Sequence[int]:
    n_experts = max(1, n_experts)
    return space.ep or ((n_experts,) if space.strict else divisors(n_experts))


def grid(space: Space, work: Workload, lattice: Lattice) -> Grid:
    """Return the settings of some layouts."""
    tensor = tuple(sorted({int(tp) for tp in lattice.shapes[:, 0]})) if space.strict and not space.etp else (1,)
    experts, pipes, states, micros, redos = _columns(space, int(work.n_layers), int(work.n_experts), tensor)
    return Grid(lattice, experts, pipes, states, micros, redos, space.sequence_parallel, space.strict)


@lru_cache(maxsize=64)
def _columns(space: Space, n_layers: int, n_experts: int, tensor: tuple[int, ...]) -> tuple[NDArray[np.float64], ...]:
    """Return experts, pipes, states, micros and redos of a `Grid`, not to be written to; `tensor` are an open ETP's degrees."""
    vpp = space.vpp or tuple(v for v in (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16) if v <= n_layers)
    recompute = (Recompute.NONE,) if space.strict and Recompute.NONE in space.recompute else space.recompute
    etp = space.etp or tensor
    etp = (1,) if n_experts == 0 and (1 in etp or not space.etp) else etp
    whole = {Recompute.NONE} if 100 in space.recompute_percent else set()
    if not space.selective_shares and len(recompute) > 1:  # stated with its share it is taken
        whole.add(Recompute.SELECTIVE)
    redos = [
        (code, percent)
        for code, percent in product(recompute, space.recompute_percent)
        if percent == 100 or code not in whole
    ]
    found = (
        _product(_expert_options(space, n_experts), etp), _product(vpp, space.schedule), _product(space.zero, space.shard),
        np.array(space.micro_batch, dtype=float), np.array(redos, dtype=float),
    )  # fmt: skip
    for column in found:
        column.flags.writeable = False
    return found
