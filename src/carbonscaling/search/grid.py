"""Every setting of a space as a number: a layout's row, and one of the inner options that all layouts share."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carbonscaling.perf.numbers import Setting
from carbonscaling.record import dataclass
from carbonscaling.search.divisors import divides
from carbonscaling.search.lattice import Lattice

__all__ = ["Grid"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """Options as columns of numbers; any shard of the space is a set of layouts.

    Attributes
    ----------
    lattice : Lattice
        Layouts: tp, pp, dp, cp, batch.
    experts : array, shape (n, 2)
        ep, etp.
    pipes : array, shape (n, 2)
        vpp, schedule.
    states : array, shape (n, 2)
        zero, shard (0: the whole data-parallel group).
    micros : array, shape (n,)
    redos : array, shape (n, 2)
        recompute, percent of the layers.
    sequence_parallel, strict : bool
    """

    lattice: Lattice
    experts: Floats
    pipes: Floats
    states: Floats
    micros: Floats
    redos: Floats
    sequence_parallel: bool
    strict: bool

    @property
    def n_inner(self) -> int:
        """Settings of one layout."""
        return len(self.experts) * len(self.pipes) * len(self.states) * len(self.micros) * len(self.redos)

    @property
    def n_candidates(self) -> int:
        """Settings of the space."""
        return self.lattice.n_layouts * self.n_inner

    @property
    def whole_group(self) -> bool:
        """Whether the whole data-parallel group is an option; a group given by the same size is then no other one."""
        return bool((self.states[:, 1] == 0).any())

    @cached_property
    def even(self) -> NDArray[np.bool_]:
        """Whether a micro-batch divides the sequences of a replica, by micro-batch and replicas of the lattice."""
        return np.asarray(divides(self.micros[:, None], self.lattice.share))

    def settings(self, index: NDArray[np.int64]) -> Setting:
        """Decode settings from their numbers (the layout's, times `n_inner`, and the inner one), as floats."""
        shape = (*(len(x) for x in (self.experts, self.pipes, self.states, self.micros, self.redos)),)
        layout, inner = np.divmod(index, self.n_inner)
        e, p, z, m, r = np.unravel_index(inner, shape)
        tp, pp, dp, cp, batch = self.lattice.rows(layout).T.astype(float)
        (ep, etp), (vpp, schedule) = self.experts[e].T, self.pipes[p].T
        (zero, shard), micro, (recompute, percent) = self.states[z].T, self.micros[m], self.redos[r].T
        return Setting(
            tp, pp, dp, cp, ep, etp, vpp, zero, group_size(shard, dp * cp, self.whole_group), micro,
            n_micro(batch, dp, micro), recompute, schedule,
            sequence_shards(tp, self.sequence_parallel), percent,
        )  # fmt: skip

    def product(self, rows: Floats) -> Setting:
        """Return all settings of layouts (tp, pp, dp, cp, batch; one row each) as arrays that broadcast.

        Axes: layouts, experts, pipes, states, micros, redos; of length one where a degree does not depend on them.
        """
        tp, pp, dp, cp, batch = (column.reshape(-1, 1, 1, 1, 1, 1) for column in rows.T)
        ep, etp = (column.reshape(1, -1, 1, 1, 1, 1) for column in self.experts.T)
        vpp, schedule = (column.reshape(1, 1, -1, 1, 1, 1) for column in self.pipes.T)
        zero, shard = (column.reshape(1, 1, 1, -1, 1, 1) for column in self.states.T)
        micro = self.micros.reshape(1, 1, 1, 1, -1, 1)
        recompute, percent = (column.reshape(1, 1, 1, 1, 1, -1) for column in self.redos.T)
        return Setting(
            tp, pp, dp, cp, ep, etp, vpp, zero, group_size(shard, dp * cp, self.whole_group), micro,
            n_micro(batch, dp, micro), recompute, schedule,
            sequence_shards(tp, self.sequence_parallel), percent,
        )  # fmt: skip

    def contiguous(self) -> Grid:
        """Return the grid with its columns laid out as compiled code expects them."""
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        arrays: dict[str, Any] = {k: np.ascontiguousarray(v) for k, v in columns.items() if isinstance(v, np.ndarray)}
        return replace(self, **arrays)


def n_micro(batch: Any, dp: Any, micro_batch: Any) -> Any:
    """Micro-batches of a replica, 0 where the batch does not split evenly."""
    return np.where(divides(dp * micro_batch, batch), batch / (dp * micro_batch), 0.0)


def group_size(shard: Any, group: Any, whole_group: bool) -> Any:
    """Devices of a sharding group: the whole group for 0; one that no rule allows where it would be counted twice."""
    twice = whole_group & (shard == group)
    return np.where(shard > 0, np.where(twice, 2.0 * group, shard), group)


def sequence_shards(tp: Any, sequence_parallel: bool) -> Any:
    """1 where norms and residuals are sharded over the sequence."""
    return np.where(sequence_parallel & (tp > 1), 1.0, 0.0)
