"""Ways to split a measured row's devices: the degrees it states, or those its stack would consider."""

from __future__ import annotations

from typing import NamedTuple

from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Workload
from carbonscaling.validate.row import RunRow, Unusable, count

__all__ = ["Way", "ways"]

IDLE = 0.05
"""Share of the devices that a layout may leave unused, as hot spares are."""


class Way(NamedTuple):
    """Degrees of parallelism."""

    tp: int
    pp: int
    dp: int
    cp: int
    ep: int
    etp: int = 1


def ways(row: RunRow, work: Workload, machine: Machine, sharded: bool, notes: list[str]) -> list[Way]:
    """Return the ways that a row leaves open; one where it states its degrees.

    Parameters
    ----------
    sharded : bool
        The stack is fully sharded data parallelism unless the row says otherwise.

    Raises
    ------
    Unusable
        No device count, or degrees that do not divide it.
    """
    tp, pp, cp = (count(v) or 1 for v in (row.tp, row.pp, row.cp))
    n = count(row.n_devices)
    if not n:
        if not row.dp:
            raise Unusable("no device count")
        n = tp * pp * cp * count(row.dp)
        notes.append("devices from the degrees")
    if n % (tp * pp * cp):
        raise Unusable(f"tp {tp} x pp {pp} x cp {cp} does not divide {n} devices")
    if not sharded and n > 1 and not (row.tp and row.pp):
        found = _searched(row, work, machine, n, cp)
        if found:
            return found
    dp = n // (tp * pp * cp)
    if sharded and row.cp is None:
        cp, dp = _sequence_split(row.global_batch_seqs, dp)
    given = count(row.ep)
    if given and (tp * cp * dp) % given:
        raise Unusable(f"ep {given} does not divide the {tp * cp * dp} devices of a stage")
    spread = count(work.n_experts) if sharded else 0
    if not given and spread > 1 and (tp * cp * dp) % spread == 0:
        return [Way(tp, pp, dp, cp, 1), Way(tp, pp, dp, cp, spread)]
    return [Way(tp, pp, dp, cp, given or 1)]


def _sequence_split(batch: float | None, dp: int) -> tuple[int, int]:
    """(cp, dp): fewer sequences than devices means that each is split over several."""
    if batch and batch < dp and dp % batch == 0:
        return dp // int(batch), int(batch)
    return 1, dp


def _searched(row: RunRow, work: Workload, machine: Machine, n: int, cp: int) -> list[Way]:
    """Tensor inside a host, any pipeline that deals out the layers, experts over a scale-up domain or all of them."""
    n_layers, n_experts, domain = int(work.n_layers), int(work.n_experts), int(machine.domain)
    host = min(domain, 8)
    stages = [p for p in range(1, min(n, n_layers) + 1) if n_layers % p == 0 or p & (p - 1) == 0]
    found = []
    for tp in [count(row.tp)] if row.tp else [t for t in (1, 2, 4, 8) if t <= host]:
        for pp in [count(row.pp)] if row.pp else stages:
            dp = n // (tp * pp * cp)
            if dp * tp * pp * cp < (1.0 - IDLE) * n or (row.global_batch_seqs or dp) < dp:
                continue
            if row.dp and dp != row.dp:
                continue
            group = tp * cp * dp
            spread = [d for d in range(1, n_experts + 1) if n_experts % d == 0 and group % d == 0] or [1]
            near = [d for d in spread if d <= domain]
            found += [Way(tp, pp, dp, cp, ep) for ep in ([count(row.ep)] if row.ep else near)]
    return found
