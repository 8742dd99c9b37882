"""Ways to split the devices of a run: the degrees it states, or those that people consider who run its stack."""

from __future__ import annotations

from carbonscaling.errors import InputError
from carbonscaling.hints import NamedTuple
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Workload
from carbonscaling.study.scenario import Layout, Scenario

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


def _contradiction(problem: str, key: str, value: object) -> InputError:
    return InputError(problem, key=f"layout.{key}", value=value, remedy="change a degree or the device count")


def ways(s: Scenario, work: Workload, machine: Machine, sharded: bool) -> list[Way]:
    """Return the ways that a scenario leaves open; one where it states its degrees.

    Parameters
    ----------
    s : Scenario
    work, machine : the model and the machine as numbers.
    sharded : bool
        States are fully sharded, and nothing else splits the model unless the scenario says so.

    Raises
    ------
    InputError
        No device count, or degrees that do not divide it.
    """
    given = s.layout
    tp, pp, cp = given.tp or 1, given.pp or 1, given.cp or 1
    if work.crossed:
        _check_stacks(given)
    n = s.devices or (tp * pp * cp * given.dp if given.dp else None)
    if n is None:
        raise InputError("no device count", key="devices", remedy="give --devices, or tp, pp and dp")
    if n % (tp * pp * cp):
        raise _contradiction(f"tp {tp} x pp {pp} x cp {cp} does not divide {n} devices", "tp", tp)
    if not sharded and n > 1 and not (given.tp and given.pp):
        found = _searched(s, work, machine, n, cp)
        if found:
            return found
    dp = n // (tp * pp * cp)
    if sharded and given.cp is None and not work.crossed:
        cp, dp = _sequence_split(s.batch, dp)
    if work.crossed and s.batch and s.batch < dp:
        raise _contradiction("fewer sequences than replicas, and an encoder-decoder's are not split", "dp", dp)
    return _with_experts(given, Way(tp, pp, dp, cp, 1, given.etp or 1), work, sharded)


def _check_stacks(given: Layout) -> None:
    """Refuse what would cut an encoder-decoder across: its stacks are unequal in length, and one waits for the other."""
    for key, what in (("pp", "a pipeline"), ("cp", "context parallelism")):
        if (getattr(given, key) or 1) > 1:
            raise InputError(
                f"{what} through an encoder and a decoder is not modelled", key=f"layout.{key}", value=getattr(given, key),
                allowed="1", remedy="split tensors and states instead: tp and zero",
            )  # fmt: skip


def _with_experts(given: Layout, way: Way, work: Workload, sharded: bool) -> list[Way]:
    """Return a way with its experts: as given, or under full sharding whole as well as spread over the devices."""
    stage = way.tp * way.cp * way.dp
    if given.ep and stage % given.ep:
        raise _contradiction(f"ep {given.ep} does not divide the {stage} devices of a stage", "ep", given.ep)
    spread = int(work.n_experts) if sharded else 0
    if not given.ep and spread > 1 and stage % spread == 0:
        return [way, way._replace(ep=spread)]
    return [way._replace(ep=given.ep or 1)]


def _sequence_split(batch: float | None, dp: int) -> tuple[int, int]:
    """(cp, dp): fewer sequences than devices means that each is split over several."""
    if batch and batch < dp and dp % batch == 0:
        return dp // int(batch), int(batch)
    return 1, dp


def _searched(s: Scenario, work: Workload, machine: Machine, n: int, cp: int) -> list[Way]:
    """Tensor inside a host, any pipeline that deals out the layers, experts over a scale-up domain or all of them."""
    given = s.layout
    n_layers, n_experts, domain = int(work.n_layers), int(work.n_experts), int(machine.silicon.domain)
    host = min(domain, 8)
    most = 1 if work.crossed else min(n, n_layers)
    stages = [p for p in range(1, most + 1) if n_layers % p == 0 or p & (p - 1) == 0]
    found = []
    for tp in [given.tp] if given.tp else [t for t in (1, 2, 4, 8) if t <= host]:
        for pp in [given.pp] if given.pp else stages:
            dp = n // (tp * pp * cp)
            if dp * tp * pp * cp < (1.0 - IDLE) * n or (s.batch or dp) < dp:
                continue
            if given.dp and dp != given.dp:
                continue
            group = tp * cp * dp
            spread = [d for d in range(1, n_experts + 1) if n_experts % d == 0 and group % d == 0] or [1]
            near = [d for d in spread if d <= domain]
            found += [Way(tp, pp, dp, cp, ep, given.etp or 1) for ep in ([given.ep] if given.ep else near)]
    return found
