"""The search against an independent enumeration: plain loops, the rules written out once more."""

from __future__ import annotations

import itertools
import operator
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from carbonscaling.arrays import stacked as rows_as_one
from carbonscaling.carbon.hourly import Hours
from carbonscaling.carbon.profile import HourlyProfile
from carbonscaling.model.spec import Attention, Experts, FeedForward, ModelSpec
from carbonscaling.perf import training
from carbonscaling.perf.build import workload
from carbonscaling.perf.gathering import fetched_twice
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.memory import memory, with_margin
from carbonscaling.perf.numbers import Setting, Workload
from carbonscaling.perf.step import step_time
from carbonscaling.search import compiled
from carbonscaling.search.bounds import ROUNDING
from carbonscaling.search.engine import Question, search
from carbonscaling.search.objectives import OBJECTIVES, Outcome
from carbonscaling.search.space import Space
from carbonscaling.software.options import Software
from samples import machine_of
from stacks import STACKS, stacked

N_SPACES = 208
KEYS: dict[str, Callable[[Any, Outcome], tuple[Any, ...]]] = {
    "paper": lambda n, o: (n, o.duration_s),
    "time": lambda n, o: (o.duration_s, n),
    "carbon": lambda n, o: (o.carbon_kg, o.duration_s),
    "cost": lambda n, o: (o.cost_usd, o.duration_s),
    "energy": lambda n, o: (o.energy_j, o.duration_s),
}


def _model(rng: random.Random) -> ModelSpec:
    heads = rng.choice((4, 6, 8))
    d = heads * 64
    d_ff = rng.choice((2, 4)) * d
    layers = rng.choice((2, 3, 4, 6, 8, 12))
    moe = rng.random() < 0.45
    return ModelSpec(
        name="tiny",
        n_layers=layers,
        d_model=d,
        vocab_size=rng.choice((1000, 32000)),
        seq_len=1024,
        attention=Attention(n_heads=heads, n_kv_heads=rng.choice((1, heads)), head_dim=64),
        ffn=FeedForward(d_ff=d_ff, gated=True),
        experts=Experts(
            n_routed=rng.choice((2, 4, 6, 8)),
            top_k=rng.choice((1, 2)),
            d_ff=d_ff // 2,
            d_ff_shared=rng.choice((0, d)),
            n_dense_layers=rng.choice((0, 1)),
        )
        if moe
        else None,
    )


def _some(rng: random.Random, options: tuple[int, ...], most: int) -> tuple[int, ...]:
    return tuple(rng.sample(options, rng.randint(1, min(most, len(options)))))


def _space(rng: random.Random) -> Space:
    strict = rng.random() < 0.35
    return Space(
        tp=() if rng.random() < 0.3 else _some(rng, (1, 2, 3, 4, 8), 3),
        pp=_some(rng, (1, 2, 3, 4, 6), 3),
        dp=() if rng.random() < 0.3 else _some(rng, (1, 2, 3, 4, 8), 3),
        cp=() if strict and rng.random() < 0.3 else _some(rng, (1, 2), 2),
        ep=() if rng.random() < 0.4 else _some(rng, (1, 2, 4), 2),
        etp=_some(rng, (1, 2), 2) if rng.random() < 0.4 else (),
        vpp=_some(rng, (1, 2, 3), 2),
        zero=_some(rng, (0, 1, 2, 3), 3),
        micro_batch=_some(rng, (1, 2, 4), 2),
        recompute=_some(rng, (0, 1, 2, 3), 2),
        schedule=_some(rng, (0, 1, 2, 3), 3) if rng.random() < 0.4 else (0,),
        shard=_some(rng, (0, 2, 4), 2),
        recompute_percent=_some(rng, (25, 50, 100), 2) if rng.random() < 0.3 else (100,),
        sequence_parallel=rng.random() < 0.7,
        strict=strict,
    )


def _divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


def _allowed(s: Setting, work: Workload, batches: Sequence[int], strict: bool) -> bool:  # noqa: PLR0912
    """The rules of the specification (sections 3 and R9, R10), in plain words of Python."""
    d_ff = [(work.d_ff, s.tp), (work.d_ff_expert, s.etp)]
    group = s.dp * s.cp
    if s.n_micro * s.micro_batch * s.dp not in batches or s.n_micro < 1:
        return False
    if work.n_heads % s.tp or any(width % share for width, share in d_ff):
        return False
    if work.crossed and (s.pp > 1 or s.cp > 1):
        return False
    if s.pp * s.vpp > work.n_layers + (0 if strict else 2) or (strict and work.n_layers % s.pp):
        return False
    if s.vpp > 1 and (s.pp == 1 or s.schedule not in (0, 3) or s.n_micro % s.pp):
        return False
    if work.n_experts:
        if work.n_experts % s.ep or (s.tp * s.cp * s.dp) % (s.ep * s.etp):
            return False
        if strict and (s.dp % s.ep or s.etp != s.tp):  # the papers' DP is dp / ep, and their TP shards experts too
            return False
    elif s.ep > 1 or s.etp > 1:
        return False
    if strict and (4 * work.d_model**2) % s.tp:
        return False
    if group % s.shard or (s.zero == 0 and s.shard != group) or (s.zero > 0 and group == 1):
        return False
    if s.zero >= 2 and s.pp > 1:
        return False
    if s.cp > 1 and work.seq_len % (2 * s.cp):
        return False
    if s.cp > 1 and work.dealt and work.n_heads % (s.tp * s.cp):
        return False
    if s.schedule in (1, 2) and s.pp == 1:
        return False
    if s.schedule == 3 and (s.ep == 1 or s.n_micro < 2 or s.recompute >= 2 or (s.pp > 1 and s.vpp == 1)):
        return False
    if s.recompute == 0 and s.recompute_percent != 100:
        return False
    return not (s.schedule == 2 and (s.pp % 2 or s.n_micro < 2 * s.pp))


def _everything(space: Space, work: Workload, q: Question) -> Iterator[Setting]:
    """Every setting of the space within the counts."""
    experts = int(work.n_experts)
    # Left open, tensor parallelism splits the heads evenly and never straddles a scale-up domain.
    inside = [t for t in _divisors(int(q.machine.silicon.domain)) if t <= space.max_tp]
    tp = space.tp or [t for t in _divisors(int(work.n_heads)) if t in inside]
    shared = [
        (d, whole) for whole in q.batches for d in space.dp or _divisors(whole) if len(q.batches) == 1 or whole % d == 0
    ]
    ep = space.ep or ((max(1, experts),) if space.strict else _divisors(max(1, experts)))
    recompute = (0,) if space.strict and 0 in space.recompute else space.recompute
    etp = space.etp or (tp if space.strict else (1,))
    etp = (1,) if experts == 0 and (1 in etp or not space.etp) else etp
    percents = space.recompute_percent
    cp = space.cp or [2**k for k in range(20) if 2 * 2**k <= work.seq_len]  # the papers' DP divides tokens
    redos = [(r, k) for r in recompute for k in percents if r or k == 100 or 100 not in percents]
    combinations = itertools.product(
        tp, space.pp, shared, cp, ep, etp, space.vpp, space.zero, space.shard, space.micro_batch, redos,
        space.schedule,
    )  # fmt: skip
    for t, p, (d, batch), c, e, x, v, z, g, b, (r, percent), k in combinations:
        n = t * p * d * c
        if not q.counts[0] <= n <= q.counts[1] or (n > q.host_devices and n % q.host_devices):
            continue
        n_micro = batch // d // b if batch % d == 0 and batch // d % b == 0 else 0
        sp = int(t > 1 and space.sequence_parallel)
        # A group given by its size is not another one than the whole group, where that is an option itself.
        group = 2 * g if g == d * c and 0 in space.shard else g or d * c
        yield Setting(t, p, d, c, e, x, v, z, group, b, n_micro, r, k, sp, percent)


def _simplest(s: Setting) -> tuple[float, ...]:
    """Fewest kinds of parallelism, no split sequences, few stages, few chunks; then whatever else is more to set up."""
    kinds = (s.tp > 1) + (s.pp > 1) + (s.cp > 1) + (s.ep > 1)
    less = (s.recompute, s.recompute_percent < 100, s.shard < s.dp * s.cp, s.zero)
    return tuple(map(float, (kinds, s.cp, s.pp, s.vpp, s.schedule, s.etp, *less)))


def _outcome(settings: Any, step_s: Any) -> Outcome:
    """Run time, and carbon and money that pull in other directions."""
    n = settings.n_devices * 1.0
    duration = step_s * 16000.0 / settings.sequences * (1.0 + 0.01 * settings.sequences)
    return Outcome(
        duration, n * duration * 3e-4 + 2e-3 * n * n, 5e-4 * n * (duration + 40.0), n * (duration * 0.5 + 3.0)
    )


def _question(rng: random.Random) -> tuple[Question, Space]:
    work = workload(_model(rng), rng.choice((512, 1024)))
    machine: Machine = machine_of(*rng.choice((("a100-80", "bf16"), ("v100-sxm2-32", "fp16"), ("tpu-v4", "bf16"))))
    machine = machine.changed(
        capacity=rng.choice((0.6e9, 1.5e9, 4e9, 40e9)), framework_bytes=1e8, domain=rng.choice((4.0, 8.0))
    )
    low = rng.choice((1, 1, 2, 8))
    question = Question(
        work=work,
        machine=machine,
        batches=rng.choice(((8,), (12,), (16,), (32,), (8, 12), (9, 12, 16))),
        outcome=_outcome,
        objective="time",
        counts=(low, rng.choice((low, 8, 16, 64))),
        deadline_s=rng.choice((float("inf"), 40.0, 120.0, 400.0)),
        host_devices=rng.choice((1, 4, 8)),
        margin=rng.choice((0.0, 0.1)),
    )
    return question, _space(rng)


def _n_allowed(q: Question, space: Space, strict: bool, most: int) -> int:
    """Count what is allowed of a space; where that is more than `most`, one more than it."""
    allowed = (s for s in _everything(space, q.work, q) if _allowed(s, q.work, q.batches, strict))
    return sum(1 for _ in itertools.islice(allowed, most + 1))


@cache
def _sampled(seed: int) -> tuple[Question, Space]:
    """The first space of this seed that is neither empty nor long to walk."""
    rng = random.Random(seed)
    while True:
        q, space = _question(rng)
        if 1 <= _n_allowed(q, space, space.strict, 80) <= 80:
            return q, space


WAYS = (1 << 62, *([0] if compiled.available() else []))
"""Both ways to decide settings: up to so many without machine code."""


@pytest.mark.parametrize("seed", [pytest.param(s, marks=[pytest.mark.slow] if s % 2 else []) for s in range(N_SPACES)])
def test_search_is_brute_force(seed: int) -> None:
    _check(*_sampled(seed))


@cache
def _with_experts(seed: int) -> tuple[Question, Space]:
    """The first space with experts over several devices in which passes that run in pairs fit, and others."""
    rng = random.Random(f"pairs {seed}")
    while True:
        q, space = _question(rng)
        space = replace(
            space, strict=False, schedule=(0, 3), ep=(1, 2), vpp=(1, 2), pp=(1, 2), tp=(1, 2), cp=(1,), etp=(1,),
            recompute=(0, 1, 2), zero=(0, 1), shard=(0,),
        )  # fmt: skip
        few = _n_allowed(q, space, False, 400) <= 400
        if few and {s.schedule for s, _ in _walked(q, space)[1] if s.pp == 2} == {0, 3}:
            return q, space


@pytest.mark.parametrize("seed", range(4))
def test_search_with_passes_in_pairs_is_brute_force(seed: int) -> None:
    _check(*_with_experts(seed))


TRAININGS: dict[str, Callable[[Workload], Workload]] = {
    "packed": lambda work: training.packed(work, 4),
    "frozen layers": lambda work: training.layers_frozen(work, 1, tied=False),
    "taught": lambda work: training.taught(work, 2e8, 3e7),
    "towered": lambda work: training.towered(work, 1e8, 2e7, 4096.0, trained=True),
    "heads dealt out": lambda work: work._replace(dealt=1.0),
    "uneven pieces": lambda work: work._replace(uneven=0.9),
    "encoder and decoder": lambda work: work._replace(
        crossed=0.5, unattended=-0.2, reduces=2.2, thin=0.15, keyed=1.4, n_logits=0.36, seq_len=313.0
    ),
}


@pytest.mark.parametrize("name", TRAININGS)
@pytest.mark.parametrize("seed", [2, 11, 14])
def test_search_of_other_trainings_is_brute_force(name: str, seed: int) -> None:
    q, space = _sampled(seed)
    _check(Question(**{**vars(q), "work": TRAININGS[name](q.work)}), space)


def _walked(q: Question, space: Space) -> tuple[int, list[tuple[Setting, float]], list[float]]:
    """How many settings there are, those that fit with their step times, and what each other one is short of."""
    candidates = list(_everything(space, q.work, q))
    allowed = [s for s in candidates if _allowed(s, q.work, q.batches, space.strict)]
    fits, excesses = [], []
    if allowed:
        every = rows_as_one(allowed)
        need = memory(q.work, with_margin(q.machine, q.margin), every)
        columns = np.broadcast_arrays(need.total, need.limit, step_time(q.work, q.machine, every).total)
        for s, (total, limit, step) in zip(allowed, np.array(columns).T.tolist(), strict=True):
            if total > limit:
                excesses.append(total - limit)
            else:
                fits.append((s, step))
    return len(candidates), fits, excesses


def _check(q: Question, space: Space) -> None:
    """Hold a search, decided in every way and by every objective, against all settings one by one."""
    n_candidates, settings, excesses = _walked(q, space)
    fits = [(s, step, _outcome(s, step)) for s, step in settings]
    assert set(KEYS) == set(OBJECTIVES)
    for few in WAYS:
        _held(q, space, few, n_candidates, fits, excesses)


def _held(
    q: Question, space: Space, few: int, n_candidates: int, fits: list[tuple[Setting, float, Outcome]],
    excesses: list[float],
) -> None:  # fmt: skip
    in_time = [f for f in fits if f[2].duration_s <= q.deadline_s]
    for name, key in KEYS.items():
        found = search(Question(**{**vars(q), "objective": name}), space, few=few)
        ranked = sorted(in_time, key=lambda f: (*key(f[0].n_devices, f[2]), *_simplest(f[0]), *f[0]))
        assert [(c.setting, c.step_s, c.duration_s, c.carbon_kg, c.cost_usd, c.energy_j) for c in found.top] == [
            (s, step, *o) for s, step, o in ranked[:10]
        ]
        assert found.best == (found.top[0] if found.top else None)
        pruned = search(Question(**{**vars(q), "objective": name}), space, prune=True, front=name == "time", few=few)
        assert (pruned.top, pruned.n_near, pruned.n_candidates) == (found.top, found.n_near, found.n_candidates)
        if name == "time":
            assert pruned.front == search(q, space, front=True, few=few).front
            assert [(c.duration_s, c.n_devices, c.carbon_kg, c.cost_usd) for c in pruned.front] == _front(in_time)

    assert found.n_candidates == n_candidates
    assert found.n_fit == len(fits)
    assert found.rejected.get("memory", 0) == len(excesses)
    assert found.rejected.get("deadline", 0) == len(fits) - len(in_time)
    assert sum(found.rejected.values()) - found.rejected["deadline"] == found.n_candidates - found.n_fit
    assert (found.nearest_memory.excess if found.nearest_memory else None) == (min(excesses) if excesses else None)
    if fits:
        assert found.fastest is not None
        assert found.fastest.duration_s == min(o.duration_s for _, _, o in fits)


VARIANTS: dict[str, tuple[dict[str, Any], str]] = {
    "as it ships": ({}, "nothing"),
    "parameter-wise ZeRO-3": (dict(zero3_gather="parameter"), "nothing"),
    "weights in the host": (dict(zero3_gather="parameter", optimizer="adamw-8bit"), "weights"),
    "states in the host": (dict(dp_overlap=False), "optimizer"),
    "activations in the host": (dict(attention_kernel="explicit-separate"), "activations"),
    "head on the last stage": (dict(head_placement="last", dispatcher="alltoall"), "nothing"),
}
"""What a run changes about its stack, and what its host keeps."""
ROOMY = 1000.0
"""Times more parameters and memory than a tiny model's: enough for matrices that ZeRO-3 must fetch twice."""


@cache
def _stacked(seed: int, name: str, variant: str) -> tuple[Question, Space]:
    """The first space, under a stack, of which some settings fit, and with a pipeline and ZeRO-3 among them where asked for."""
    options, offload = VARIANTS[variant]
    rng = random.Random(f"{seed} {name} {variant}")
    device, recipe = rng.choice(
        (("a100-80", "bf16"), ("v100-sxm2-32", "fp16"), ("h100-sxm", "fp8"), ("tpu-v4", "bf16"))
    )
    while True:
        q, space = _question(rng)
        m = stacked(name, device, recipe, Software(**options), offload)
        q = replace(
            q,
            machine=m.changed(
                capacity=q.machine.silicon.capacity, framework_bytes=1e8, domain=q.machine.silicon.domain
            ),
        )
        space = replace(space, strict=False, recompute=(0, 1, 2), tp=(1, 2), etp=(1, 2), cp=(1,))
        if variant in ("parameter-wise ZeRO-3", "weights in the host"):
            w = q.work._replace(p_attention=ROOMY * q.work.p_attention, p_dense=ROOMY * q.work.p_dense)
            q = replace(q, work=w, machine=q.machine.changed(capacity=ROOMY * q.machine.silicon.capacity))
            space = replace(space, zero=(1, 3), pp=(1, 2), dp=(2, 4), shard=(0, 2))
        if variant == "head on the last stage":
            space = replace(space, pp=(2, 4), vpp=(1, 2))
        if 10 <= _n_allowed(q, space, False, 60) <= 60:
            return q, space


PAIRS = [
    (name, list(VARIANTS)[k])
    for i, name in enumerate(STACKS)
    for k in (0, 1 + i % (len(VARIANTS) - 1), 1 + (i + 2) % (len(VARIANTS) - 1))
]
"""Every stack as it ships and with two changes; every change under many stacks."""


@pytest.mark.parametrize(
    ("name", "variant"), [pytest.param(*x, marks=[pytest.mark.slow] if i % 2 else []) for i, x in enumerate(PAIRS)]
)
def test_search_under_every_stack_is_brute_force(name: str, variant: str) -> None:
    _check(*_stacked(0, name, variant))


def test_the_sample_under_stacks_is_varied() -> None:
    """Every stack meets settings that fit and such as do not, ZeRO-3 that fetches again, and the head beside other layers."""
    for variant in VARIANTS:
        drawn = [_stacked(0, name, variant) for name in STACKS]
        assert sum(q.work.n_experts > 0 for q, _ in drawn) >= 2
        assert len({q.machine for q, _ in drawn}) >= len(STACKS) - 2
    waits = [_stacked(0, name, "parameter-wise ZeRO-3")[0] for name in STACKS]
    assert all(q.machine.software.parameter_wise for q in waits)
    assert sum(float(fetched_twice(q.work, 1.0)) > 0 for q in waits) >= 5
    assert all(_stacked(0, name, "head on the last stage")[0].machine.software.head_last for name in STACKS)


def _by_the_hour(seed: int) -> tuple[Any, Any]:
    """Run time and energy as before, carbon by hours of which some emit next to nothing: a slower run may emit less."""
    rng = random.Random(seed)
    day = (*(rng.choice((0.0, 5.0, 400.0, 900.0)) for _ in range(rng.choice((3, 24, 100)))), 300.0)
    hours = Hours(HourlyProfile("2025-01-01T00:00", day), rng.choice((0.0, 2.5)))

    def at(intensity: Any) -> Any:
        def outcome(settings: Any, step_s: Any) -> Outcome:
            plain = _outcome(settings, step_s)
            carbon = plain.energy_j * intensity(plain.duration_s / 6.0) + 1e-2 * settings.n_devices * plain.duration_s
            return plain._replace(carbon_kg=carbon)

        return outcome

    return at(hours.mean), at(lambda h: ROUNDING * hours.least_mean(h))


@pytest.mark.parametrize("seed", range(0, N_SPACES, 4))
def test_search_by_the_hour_is_brute_force(seed: int) -> None:
    q, space = _sampled(seed)
    outcome, least = _by_the_hour(seed)
    _, settings, _ = _walked(q, space)
    fits = [(s, step, outcome(s, step)) for s, step in settings]
    in_time = [f for f in fits if f[2].duration_s <= q.deadline_s]
    for few, (name, key) in itertools.product(WAYS, KEYS.items()):
        asked = replace(q, objective=name, outcome=outcome, least=least)
        found = search(asked, space, prune=True, front=name in ("time", "carbon"), few=few)
        ranked = sorted(in_time, key=lambda f: (*key(f[0].n_devices, f[2]), *_simplest(f[0]), *f[0]))
        assert [(c.setting, c.carbon_kg) for c in found.top] == [(s, o.carbon_kg) for s, _, o in ranked[:10]]
        if name in ("time", "carbon"):
            assert [(c.duration_s, c.n_devices, c.carbon_kg, c.cost_usd) for c in found.front] == _front(in_time)


def _front(fits: list[tuple[Setting, float, Outcome]]) -> list[tuple[float, ...]]:
    """What nothing else beats in run time, devices, carbon and money."""
    points: set[tuple[Any, ...]] = {(o.duration_s, s.n_devices, o.carbon_kg, o.cost_usd) for s, _, o in fits}
    front = [p for p in points if not any(q != p and all(map(operator.le, q, p)) for q in points)]
    return sorted(front, key=lambda p: (p[1], p[0]))


def test_the_sample_of_spaces_is_varied() -> None:
    """Mixtures of experts, the papers' rules, tight memory and deadlines all occur."""
    drawn = [_sampled(seed) for seed in range(0, N_SPACES, 4)]
    assert sum(q.work.n_experts > 0 for q, _ in drawn) >= 10
    assert sum(space.strict for _, space in drawn) >= 4
    assert sum(space.strict and q.work.n_experts > 0 for q, space in drawn) >= 1
    assert sum(q.deadline_s < 1e9 for q, _ in drawn) >= 20
    assert {q.counts[1] for q, _ in drawn} >= {8, 16, 64}
