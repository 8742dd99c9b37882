"""How people settle what a run leaves open: the fastest way to split the devices, and in it the median of what people choose.

Batch and interleaving as their stacks choose them; speed and memory at device level, so that no fitted factor has a say in
what is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carbonscaling.arrays import Array, stacked
from carbonscaling.hints import NamedTuple
from carbonscaling.perf.memory import memory
from carbonscaling.perf.numbers import Recompute, Schedule, Setting, Workload
from carbonscaling.perf.step import step_time
from carbonscaling.record import dataclass
from carbonscaling.search.constraints import ENDS, combined_barred
from carbonscaling.software.stack import Stack
from carbonscaling.study.choosing import NOTHING_OPEN, Open, middle, odds, separates
from carbonscaling.study.scenario import Scenario
from carbonscaling.study.setup import Setup
from carbonscaling.study.ways import Way, ways
from carbonscaling.words import counted

__all__ = ["Settled", "Taken", "choice_of", "open_settings", "settle", "split_experts", "taken"]


BATCH_TOKENS = 4 * 2**20
"""Batch of a run that states none: GPT-3 trained with 3.2M tokens, LLaMA and its successors with 4M and more."""

SMALLER_BATCHES = tuple(BATCH_TOKENS / 2**k for k in range(8))
"""The same where no layout holds it: the largest half, quarter … that fits."""

FILL = 4.0
"""Micro-batches a stage that keep the bubble of a pipeline below a quarter; a batch that is not stated is at least that."""

LARGEST_MICRO_BATCH = 64
USUAL_STREAM = 2.0**24
"""Elements of the residual stream in a micro-batch of a pipeline: 4,096 tokens 4,096 wide; most state one or two sequences."""

QUARTERS = (25, 50, 75, 100)
"""Shares of a stage's layers that are recomputed in full where `partial` is stated without its share."""

PERCENTS = tuple(range(0, 101, 10))
"""Shares of the layers that a compiler's policy may recompute until a step fits."""


@dataclass(frozen=True)
class Settled:
    """A run with nothing left open.

    Attributes
    ----------
    setting : Setting
        As floats; the number of micro-batches is the mean one where the batch does not split evenly.
    batch : float
        Sequences of a step.
    fits : bool
        Whether a device can hold it.
    notes : tuple of str
        What was chosen.
    open : Open
        How far what others choose moves the step's time.
    """

    setting: Setting
    batch: float
    fits: bool
    notes: tuple[str, ...]
    open: Open


class _Choice(NamedTuple):
    """Recomputation: a code of `Recompute` and the percentage of layers."""

    code: float
    percent: float


def settle(u: Setup) -> Settled:
    """Return what people run who leave open what a scenario leaves open.

    Parameters
    ----------
    u : Setup

    Raises
    ------
    InputError
        No device count, or degrees that contradict it.
    """
    s = u.scenario
    key = (u.work, u.plain, s.layout, s.batch, s.devices, s.software)
    known = _known.get(key)
    if known is not None and known[0] == u.stack:
        return known[1]
    found = _settled(u)
    if len(_known) >= REMEMBERED:
        _known.clear()
    _known[key] = u.stack, found
    return found


_known: dict[Any, tuple[Stack, Settled]] = {}
REMEMBERED = 64
"""Runs that are remembered: where, when and how long they are changes nothing of what people choose."""


def _settled(u: Setup) -> Settled:
    s = u.scenario
    for tokens in (BATCH_TOKENS,) if s.batch else SMALLER_BATCHES:
        settings = open_settings(u, tokens)
        found = taken(u, settings)
        if not found.fits and s.layout.etp is None:
            split = split_experts(u.work, settings)
            again = taken(u, split) if split else found
            found = again if again.fits else found
        if found.fits:
            break
    searched = len({(x.tp, x.pp, x.dp, x.cp, x.ep) for x in settings}) > 1
    chosen, fits, left = found
    batch = s.batch or float(chosen.dp * chosen.micro_batch * chosen.n_micro)
    return Settled(chosen, batch, fits, (*_told(s, chosen, searched), *_spread(left)), left)


def open_settings(u: Setup, batch_tokens: float = BATCH_TOKENS) -> list[Setting]:
    """Return the settings that a scenario leaves open, experts whole unless it says otherwise; one where it says all.

    Parameters
    ----------
    u : Setup
    batch_tokens : float
        Tokens of a step where the scenario states no batch.
    """
    sharded = u.stack.fully_sharded.value > 0 or u.scenario.layout.zero == 3
    open_ways = ways(u.scenario, u.work, u.plain, sharded)
    return [setting for way in open_ways for setting in _settings(u, way, sharded, batch_tokens)]


def split_experts(work: Workload, settings: Sequence[Setting]) -> list[Setting]:
    """Return the settings with every expert split over the tensor ranks."""
    if not work.n_experts > 0:
        return []
    return [s._replace(etp=s.tp) for s in settings if s.tp > 1 and s.tp * s.cp * s.dp % (s.ep * s.tp) == 0]


def _settings(u: Setup, way: Way, sharded: bool, batch_tokens: float) -> list[Setting]:
    """Return the settings of one way to split the devices: all combinations of what is open."""
    s, own = u.scenario, u.stack
    seq_len = float(u.seq_len)
    least = way.dp * (s.layout.micro_batch or 1.0) * (FILL * way.pp if way.pp > 1 else 1.0)
    batch = s.batch or np.ceil(max(batch_tokens / seq_len, least) / way.dp) * way.dp
    per_replica = max(1.0, batch / way.dp)
    zero = s.layout.zero if s.layout.zero is not None else 3.0 if sharded else 1.0
    asked = (s.layout.sequence_parallel, s.software.sequence_parallel, own.sequence_parallel.value > 0)
    sequence = next(said for said in asked if said is not None)
    names = Schedule.NAMES
    schedule = names.index(s.layout.schedule or own.schedule.value)
    if s.layout.schedule is None and schedule == Schedule.DUALPIPE and way.pp % 2:
        schedule = Schedule.ONE_F_ONE_B
    found = []
    for micro in _micro_batches(u, way, per_replica):
        n_micro = max(1.0, batch / (way.dp * micro))
        vpp = s.layout.vpp or _interleaving(u, way.pp, n_micro)
        degrees = (way.tp, way.pp, way.dp, way.cp, way.ep, way.etp, vpp, zero, _shard(u, way))
        for choice in _recomputations(u):
            rest = (micro, n_micro, choice.code, schedule, sequence and way.tp > 1, choice.percent)
            setting = Setting(*(float(v) for v in (*degrees, *rest)))
            found.append(_paired(u, setting))
    return found


def _paired(u: Setup, setting: Setting) -> Setting:
    """Return a setting with experts' traffic behind other passes, where that is stated and can be; most who say leave it."""
    asked = u.scenario.software.expert_overlap and u.scenario.software.dispatcher != "allgather"
    pairs = setting._replace(schedule=float(Schedule.COMBINED))
    can = setting.schedule == Schedule.ONE_F_ONE_B and not combined_barred(pairs, u.work)
    return pairs if asked and can else setting


def _shard(u: Setup, way: Way) -> int:
    """Devices that share one copy of the states: as stated, all replicas, or those of a host that the stack shards inside."""
    replicas, stated = way.dp * way.cp, u.scenario.layout.shard
    if stated is not None:
        return stated or replicas
    inside = max(1, int(u.plain.silicon.host_devices) // way.tp)
    return inside if u.stack.hybrid.value > 0 and replicas % inside == 0 else replicas


def _micro_batches(u: Setup, way: Way, per_replica: float) -> Sequence[float]:
    """Return the whole share of a replica in a compiled step; else what is given, or powers of two that divide the share.

    A compiled pipeline has as many micro-batches as stages unless told (MaxText's ``num_pipeline_microbatches``,
    configs/base.yml).

    Experts beside split tensors: single sequences, as in every measured layout of that kind that states its micro-batch.
    Tensors are split where memory is short, and routed copies of the tokens take `top_k` times what a dense layer's do.
    """
    stated = u.scenario.layout.micro_batch
    if u.stack.compiled.value > 0 and not (stated and way.pp > 1):
        return (max(1.0, per_replica // way.pp),)
    if stated:
        return (stated,)
    if u.work.n_experts > 0 and way.tp > 1:
        return (1.0,)
    usual = USUAL_STREAM / (u.work.seq_len * u.work.d_model) if way.pp > 1 else np.inf
    sizes = [2.0**k for k in range(int(np.log2(LARGEST_MICRO_BATCH)) + 1)]
    return [size for size in sizes if per_replica % size == 0 and size <= max(1.0, usual)] or (1.0,)


def _recomputations(u: Setup) -> Sequence[_Choice]:
    """Return what is stated; else none, selective and full; a compiler's policies mix freely."""
    layout, compiled = u.scenario.layout, u.stack.compiled.value > 0
    if layout.recompute == "partial":
        shares = (PERCENTS[1:] if compiled else QUARTERS)[:-1]
        return [
            _Choice(Recompute.FULL, p) for p in ((layout.recompute_percent,) if layout.recompute_percent else shares)
        ]
    if compiled and layout.recompute not in ("none", "full"):
        return [_Choice(Recompute.FULL if p else Recompute.NONE, p or 100) for p in PERCENTS]
    if layout.recompute is not None:
        return (_Choice(Recompute.NAMES.index(layout.recompute), layout.recompute_percent or 100),)
    if u.stack.whole_blocks.value > 0:
        return (_Choice(Recompute.NONE, 100), _Choice(Recompute.FULL, 100))
    return [_Choice(code, 100) for code in (Recompute.NONE, Recompute.SELECTIVE, Recompute.FULL)]


def _interleaving(u: Setup, pp: int, n_micro: float) -> int:
    """Chunks a stage: recipes that interleave do so down to two layers a chunk, or one, where that divides.

    The embedding and the head may count as a layer each. Stages with an odd number of expert layers are left whole.
    """
    if not u.stack.interleaves.value > 0 or pp == 1 or n_micro % pp:
        return 1
    for layers in (int(u.work.n_layers), int(u.work.n_layers + ENDS)):
        if layers % pp == 0:
            per_stage = layers // pp
            odd = 1 if u.work.n_experts > 0 else per_stage
            return per_stage // 2 if per_stage % 2 == 0 else odd
    return 1


class Taken(NamedTuple):
    """Which of several settings is taken, whether a device can hold it, and how far what others choose lies from it."""

    setting: Setting
    fits: bool
    open: Open


def taken(u: Setup, settings: Sequence[Setting]) -> Taken:
    """Return what is taken of settings: of the way that is fastest the median of what people choose that fits.

    A compiler takes its fastest policy that fits. Where nothing fits it is the smallest.
    """
    many: Setting = stacked(settings)
    total, fits = _held(u, many)
    if not fits.any():
        return Taken(settings[int(np.argmin(total))], False, NOTHING_OPEN)
    compiled = u.stack.compiled.value > 0
    if fits.sum() == 1 or (compiled and len({(*s[:9], s.micro_batch) for s in settings}) == 1):
        return Taken(
            settings[int(np.argmax(fits))], True, NOTHING_OPEN
        )  # of a compiler's policies the least comes first
    time = _device_time(u, many)
    first = int(np.argmin(np.where(fits, time, np.inf)))
    if compiled:
        return Taken(settings[first], True, NOTHING_OPEN)
    alike = np.flatnonzero(fits & [s[:6] == settings[first][:6] for s in settings])
    place, left = middle(time[alike], odds(separates(time, many, _writes_scores(u))[alike]))
    return Taken(settings[int(alike[place])], True, left)


def choice_of(u: Setup, settings: Sequence[Setting]) -> tuple[Setting, Array, NDArray[np.bool_]]:
    """Return settings as arrays, what separates them (`choosing.separates`), and which of them fit."""
    many: Setting = stacked(settings)
    return many, separates(_device_time(u, many), many, _writes_scores(u)), _held(u, many)[1]


def _writes_scores(u: Setup) -> bool:
    """Whether attention scores go through memory."""
    return not u.plain.software.flash > 0


def _held(u: Setup, many: Setting) -> tuple[Array, NDArray[np.bool_]]:
    """Return the bytes that each setting needs, and whether a device holds them."""
    need = memory(u.work, u.plain, many)
    total = np.broadcast_to(need.total, many.tp.shape)  # type: ignore[union-attr]
    return total, total <= need.limit


def _device_time(u: Setup, many: Setting) -> Array:
    """Return the device-seconds of a sequence by setting."""
    return np.asarray(step_time(u.work, u.plain, many).total / many.sequences * many.n_devices, dtype=float)


def _spread(left: Open) -> list[str]:
    """Say how far open choices move the speed."""
    slower, faster = 1.0 - np.exp(-left.slower), np.exp(left.faster) - 1.0
    return [f"what others choose moves the speed by -{slower:.0%} to +{faster:.0%}"] if left != NOTHING_OPEN else []


def _told(scenario: Scenario, s: Setting, searched: bool) -> list[str]:
    """Say what was chosen."""
    layout = scenario.layout
    said = [f"TP{s.tp:.0f} PP{s.pp:.0f} EP{s.ep:.0f}: fastest that fits"] if searched else []
    if layout.zero is None:
        said.append(f"ZeRO-{s.zero:.0f}")
    if layout.cp is None and s.cp > 1:
        said.append(f"sequences split {s.cp:.0f} ways")
    if scenario.batch is None:
        said.append(f"batch of {counted(float(s.sequences), 'sequence')}")
    if layout.micro_batch is None:
        said.append(f"micro-batch {s.micro_batch:g}")
    if not layout.vpp and s.vpp > 1:
        said.append(f"{s.vpp:.0f} chunks a stage")
    if s.recompute_percent < 100:
        said.append(f"{s.recompute_percent:.0f} % of the layers recomputed")
    elif layout.recompute is None:
        said.append(f"{Recompute.NAMES[int(s.recompute)]} recomputation")
    if layout.etp is None and s.etp > 1:
        said.append(f"experts split {s.etp:.0f} ways")
    return said
