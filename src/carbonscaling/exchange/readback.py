"""What a file that was written says, read as anybody would read it: the plan, or what differs and why."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.exchange.answer import whole_run
from carbonscaling.exchange.launch import Launch
from carbonscaling.exchange.read import launch_of
from carbonscaling.exchange.release import release
from carbonscaling.perf.numbers import Recompute, Schedule
from carbonscaling.perf.pipeline import layers_on_stage
from carbonscaling.software.options import Software
from carbonscaling.study.answer import estimate
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.scenario import Layout
from carbonscaling.units import GB
from carbonscaling.words import duration

__all__ = ["READ", "read_back"]

READ = ("megatron", "megatron-bridge", "torchtitan", "deepspeed", "maxtext")
"""Formats that are read as well as written."""
SAME = 1e-9
"""Share within which two seconds or bytes are the same."""


def read_back(answer: Estimate, to: str, text: str) -> tuple[str, ...]:
    """Return what the head of a file has to say beside its plan; nothing where the file says the plan and no other.

    Parameters
    ----------
    answer : Estimate
    to : str
        The format, one of `READ`.
    text : str
        What was written.

    Raises
    ------
    InputError
        The file would start another run than was planned: another layout, batch or number format, other software than was
        stated, or one that does not fit on the software's own stack.
    """
    what = release(to)
    launch = launch_of(text, what.file, int(answer.setting.n_devices))
    found = estimate(whole_run(launch.scenario(_blank(answer))))
    if isinstance(found, Estimate):
        again, reason = found, ""
    elif found.would is not None:
        again, reason = found.would, f"does not fit: {found.reason}"
    else:
        raise InputError(
            f"{what.title} cannot run this plan: {found.reason}", key="emit", value=to,
            remedy=f"add --stack {what.stack}, which plans what it can",
        )  # fmt: skip
    _refuse_others(answer, again, what.title)
    if _same(answer, again):
        return ()
    why = _why(answer, again, launch, what.title)
    if reason:
        raise InputError(
            f"on software stack {again.resolved.stack.name} this plan {reason}", key="emit", value=to,
            remedy=f"add --stack {what.stack}, which plans for it",
        )  # fmt: skip
    return (
        f"As written: {again.step.total:.3g} s a step, {again.tokens_per_s_per_device:,.0f} tokens/s and device, "
        f"{float(again.memory.total) / GB:.3g} GB, {duration(again.duration_s)} (planned: {duration(answer.duration_s)})",
        *why,
    )


def _blank(answer: Estimate) -> Any:
    """Return the question of an answer without what a launch file says, for the same work on the same machines."""
    r = answer.resolved
    return dataclasses.replace(
        answer.scenario, model=answer.scenario.model or r.spec, law=None, d_model=None, target_loss=None, compute=None,
        tokens=r.tokens, devices=int(answer.setting.n_devices), batch=None, batch_law=None, seq_len=None, precision=None,
        offload=None, flash=None, layout=Layout(), software=Software(), stack=None, max_days=None, finish_by=None,
        start_date=None, budget_usd=None, budget_carbon=None, budget_energy=None,
    )  # fmt: skip


def _same(answer: Estimate, again: Estimate) -> bool:
    pairs = ((answer.step.total, again.step.total), (answer.memory.total, again.memory.total))
    return all(math.isclose(float(one), float(other), rel_tol=SAME) for one, other in pairs)


def _refuse_others(answer: Estimate, again: Estimate, title: str) -> None:
    """Refuse a file that would start another layout, batch or number format."""
    names = {"sp": "sequence_parallel"}
    for field, planned, read in zip(answer.setting._fields, answer.setting, again.setting, strict=True):
        if planned != read and (field != "recompute_percent" or _recomputed(answer) != _recomputed(again)):
            name = names.get(field, field)
            raise InputError(
                f"{title} has no setting for {name} {_said(field, planned)} in this plan: its file would say "
                f"{_said(field, read)}",
                key=f"layout.{name}", value=_said(field, planned),
                remedy=f"add --{name.replace('_', '-')} {_said(field, read)}, which is planned so",
            )  # fmt: skip
    for key, ours, theirs in (
        ("batch", answer.resolved.batch, again.resolved.batch),
        ("seq_len", answer.resolved.seq_len, again.resolved.seq_len),
        ("precision", answer.resolved.recipe.name, again.resolved.recipe.name),
    ):
        if ours != theirs:
            raise InputError(
                f"{title} has no setting for {key} {ours}: its file would say {theirs}", key=key, value=ours,
                remedy=f"add --{key.replace('_', '-')} {theirs}",
            )  # fmt: skip


def _recomputed(answer: Estimate) -> int:
    """Return how many layers of a stage are recomputed."""
    s = answer.setting
    return math.ceil(
        float(layers_on_stage(answer.resolved.spec.n_layers, s.pp, s.vpp)) * float(s.recompute_percent) / 100.0
    )


def _said(field: str, value: Any) -> str:
    if field == "recompute":
        return Recompute.NAMES[int(value)]
    if field == "schedule":
        return Schedule.NAMES[int(value)]
    if field == "sp":
        return "yes" if value else "no"
    return f"{float(value):g}"


def _open(answer: Estimate) -> dict[str, tuple[float, ...]]:
    """Return options that some runs of a stack have and others not, with the shares that a plan counts."""
    software, stack = answer.resolved.machine.software, answer.resolved.stack
    beside = float(software.update_beside), float(software.scatter_beside)
    return {"compile": (stack.fuses.value,), "dp_overlap": beside}


def _why(answer: Estimate, again: Estimate, launch: Launch, title: str) -> tuple[str, ...]:
    """Return why the same layout is not as fast as planned, in sentences.

    Raises
    ------
    InputError
        Software was stated that the file does not hold.
    """
    options, read = answer.scenario.software, launch.settings.get("software", {})
    lost = [
        field.name
        for field in dataclasses.fields(Software)
        if (value := getattr(options, field.name)) != field.default and read.get(field.name) != value
    ]
    stack, own = answer.resolved.stack, again.resolved.stack
    if stack.name != own.name:
        silent = f"It says nothing of {', '.join(lost)} as planned"
        return (
            f"It is read as software stack {own.name}, planned for {stack.name}; --stack {own.name} plans for it",
            *([silent] if lost else []),
        )
    if lost:
        raise InputError(
            f"{title} has no setting for {', '.join(lost)} as stated", key=f"software.{lost[0]}",
            value=getattr(options, lost[0]), remedy=f"leave {lost[0]} out",
        )  # fmt: skip
    found = [
        f"{name} is {'on' if read[name] else 'off'} here, where stack {stack.name} counts what its runs do on average; "
        f"--software {name}={'yes' if read[name] else 'no'} plans for it"
        for name, shares in _open(answer).items()
        if name in read and getattr(options, name) is None and any(share != float(read[name]) for share in shares)
    ]
    if not found:
        raise InputError(
            f"{title} would run this plan in {again.step.total:.4g} s a step and {float(again.memory.total) / GB:.4g} GB a "
            f"device, not in {answer.step.total:.4g} s and {float(answer.memory.total) / GB:.4g} GB as planned",
            key="emit", remedy="plan with the software options that its file states",
        )  # fmt: skip
    return tuple(found)
