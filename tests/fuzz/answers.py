"""Random questions that make sense, and what must hold of every answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Literal

import carbonscaling as cs
from carbonscaling.catalog import hardware, models, regions
from carbonscaling.catalog.stacks import stack_names
from carbonscaling.errors import InputError
from carbonscaling.model.params import total_params
from carbonscaling.perf.memory import memory
from carbonscaling.perf.numbers import RecomputeName, Setting
from carbonscaling.perf.step import step_time
from carbonscaling.software.options import Software
from carbonscaling.units import KWH, TONNE

__all__ = ["check", "question", "sensible"]

BETTER = ("bandwidth", "link", "nic")
"""Of which more never makes a setting slower."""


@cache
def _names() -> tuple[Sequence[str], ...]:
    return hardware.device_names(), models.model_names(), list(regions.region_names())


def _maybe(rng: Random, *values: Any, often: float = 0.25) -> Any:
    """One of the values, or nothing said."""
    return rng.choice(values) if rng.random() < often else None


def _software(rng: Random) -> Software:
    """Changes to a stack, mostly none."""
    gather: Literal["layer", "parameter"] | None = _maybe(rng, "layer", "parameter")
    head: Literal["balanced", "last"] | None = _maybe(rng, "balanced", "last")
    optimizer: Literal["adamw-bf16", "adamw-8bit", "muon"] | None = _maybe(rng, "adamw-bf16", "adamw-8bit", "muon")
    return Software(
        zero3_gather=gather, head_placement=head, optimizer=optimizer, expert_overlap=_maybe(rng, True, False),
        dp_overlap=_maybe(rng, True, False), compile=_maybe(rng, True, False),
    )  # fmt: skip


def question(rng: Random) -> cs.Scenario:
    """Return a question: any device, model and region, a layout that is partly fixed."""
    devices, names, places = _names()
    model, device = rng.choice(names), rng.choice(devices)
    # About as many devices as hold the states of the model, or up to 64 times as many.
    least = 16 * float(total_params(models.model(model))) / hardware.device(device).memory_capacity.si
    n = 2 ** rng.randrange(max(0, math.ceil(math.log2(least))), max(0, math.ceil(math.log2(least))) + 7)
    tp, pp, cp = (rng.choice([d for d in (1, 1, 2, 4, 8) if n % d == 0]) for _ in range(3))
    recompute: RecomputeName | None = _maybe(rng, "none", "selective", "full", "feed-forward")
    layout = cs.Layout(
        tp=_maybe(rng, tp, often=0.6), pp=_maybe(rng, pp, often=0.6), cp=_maybe(rng, cp), zero=_maybe(rng, 0, 1, 3),
        micro_batch=_maybe(rng, 1, 2), recompute=recompute, ep=_maybe(rng, 1, 2, 4),
        sequence_parallel=_maybe(rng, True, False), vpp=_maybe(rng, 1, 2),
        schedule=_maybe(rng, "1f1b", "zb1p", "dualpipe", "combined-1f1b"),
    )  # fmt: skip
    return cs.Scenario(
        model=model, device=device, region=rng.choice(places), devices=n, layout=layout,
        tokens=10 ** rng.uniform(6, 14), batch=rng.choice((None, 64, 512, 1536, 4096)), seq_len=_maybe(rng, 512, 1024, 2048),
        precision=_maybe(rng, "bf16", "fp16", "fp8"), carbon_mode=rng.choice(("physical", "paper")),
        amortisation=rng.choice(("calendar", "busy_hours")), years_ahead=rng.choice((0.0, 0.0, 4.5)),
        space="full" if rng.random() < 0.05 else rng.choice(("default", "paper")), pue=_maybe(rng, 1.0, 1.5),
        objective=rng.choice(("time", "carbon", "energy")), shared_hosts=rng.random() < 0.2,
        stack=_maybe(rng, *stack_names()), offload=_maybe(rng, "none", "optimizer", "activations", "weights"),
        software=_software(rng), calibration=rng.choice(("shipped", "none")), flash=_maybe(rng, True, False),
    )  # fmt: skip


def _equal(a: Any, b: Any, what: str) -> None:
    assert math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12), f"{what}: {a} against {b}"


def _sane(table: dict[str, Any], where: str) -> None:
    for name, value in table.items():
        if isinstance(value, dict):
            _sane(value, f"{where}.{name}")
        elif isinstance(value, int | float):
            assert math.isfinite(value), f"{where}.{name} is {value}"
            assert value >= 0.0, f"{where}.{name} is {value}"


def check(e: cs.Estimate) -> None:
    """Check an answer against physics: finite, in bounds, totals that are their parts, better hardware never slower."""
    r, f = e.resolved, e.footprint
    data = e.to_dict()
    for part in ("summary", "step_time_s", "memory_bytes", "carbon"):
        _sane(data[part], part)
    assert 0.0 < e.mfu <= 1.0, f"MFU {e.mfu}"
    _equal(math.fsum(e.step), e.step.total, "step")
    _equal(math.fsum(e.memory[:-1]), e.memory.total, "memory")
    assert 0.0 < e.memory.total <= e.memory.limit
    _equal(f.operational_tco2e + f.embodied_tco2e + f.boundary_tco2e, f.total_tco2e, "carbon")
    _equal(math.fsum(f.parts[:4]), f.parts.energy_j, "energy")
    _equal(math.fsum(f.parts[5:10]), f.parts.total_kg, "carbon's parts")
    _equal(f.energy_kwh * KWH * f.carbon_intensity_g_per_kwh / 1000 / KWH / TONNE, f.operational_tco2e, "operation")
    for name, (low, high) in f.intervals.items():
        central = getattr(f, name)
        assert low <= central * (1 + 1e-12), f"{name}: {low} above {central}"
        assert high >= central * (1 - 1e-12), f"{name}: {high} below {central}"
    assert e.setting.n_devices <= e.n_devices == (r.scenario.devices or e.n_devices)  # the others are idle
    assert e.setting.dp * e.setting.micro_batch * e.setting.n_micro == r.batch
    _equal(e.duration_s, r.n_steps * e.step.total * r.run_overhead.si, "duration")
    _better(e)


def _better(e: cs.Estimate) -> None:
    """The same setting on a machine with more of one thing is no slower, and fits where it fitted."""
    work, q, s = e.resolved.work, e.resolved.machine, Setting(*(float(v) for v in e.setting))
    before = float(step_time(work, q, s).total)
    _equal(before, e.step.total, "the step again")
    # Layers are dealt out around the head as if it filled whole layers, so that quicker layers may add one to the fullest
    # stage: see test_quicker_layers_around_the_head. Until that is exact, a pipeline has that much room here.
    room = 1.0 + (s.pp * s.vpp / work.n_layers if s.pp > 1 else 0.0) + 1e-9
    instant = q.changed(layer_launch=0.0, moe_launch=0.0)
    for name in BETTER:
        after = float(step_time(work, q.changed(**{name: 2.0 * q.numbers()[name]}), s).total)
        assert after <= before * room, f"twice the {name}: {after} s against {before} s"
    # Where a layer waits for its host, the share of weight gradients is a guess; without waiting, more FLOP/s never hurt.
    twice = instant.changed(peak=2.0 * q.formats.peak, peak_attention=2.0 * q.formats.peak_attention)
    waiting, quick = step_time(work, instant, s), step_time(work, twice, s)
    assert float(quick.total) <= float(waiting.total) * room, f"twice the FLOP/s: {quick.total} against {waiting.total}"
    assert float(memory(work, q, s).total) == e.memory.total


def sensible(rng: Random, _folder: Path) -> object:
    """Answer a random question and check the answer; a question may be refused."""
    asked = question(rng)
    if asked.seq_len is None:
        assert isinstance(asked.model, str)
        spec = models.model(asked.model)
        asked = replace(asked, seq_len=min(spec.seq_len, 4096))
    answer = cs.estimate(asked)
    if isinstance(answer, cs.Estimate):
        check(answer)
    else:
        assert answer.reason
        assert answer.remedies
        raise InputError(answer.reason)
    return answer
