"""A setting of a launch file with where its value comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from carbonscaling.arrays import Truth
from carbonscaling.errors import InputError
from carbonscaling.hints import NamedTuple
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.scenario import Layout
from carbonscaling.words import counted

__all__ = [
    "Line",
    "cannot_say",
    "header",
    "of_batch",
    "of_layout",
    "of_model",
    "of_tokens",
    "refuse",
    "whole_or_refused",
]


class Line(NamedTuple):
    """A setting that is written.

    Attributes
    ----------
    name : str
        As the software calls it.
    value : object
        True for a switch.
    why : str
        Where the value comes from.
    """

    name: str
    value: Any
    why: str


def of_layout(answer: Estimate, field: str) -> str:
    """Return where a part of the layout comes from: stated, searched or settled by practice."""
    if getattr(answer.scenario.layout, field) is not None:
        return "as stated, or as the device count implies"
    if answer.search is None:
        return "as people settle it who run such software"
    return f"searched: best by '{answer.search.objective}' of {counted(answer.search.n_candidates, 'setting')}"


def of_batch(answer: Estimate) -> str:
    """Return where the batch comes from."""
    if answer.scenario.batch is not None:
        return "the batch as stated"
    return next((note for note in answer.resolved.notes if "batch" in note), "the batch of the answer")


def of_tokens(answer: Estimate) -> str:
    """Return where the number of steps comes from."""
    r = answer.resolved
    return f"{r.tokens:.6g} tokens over {counted(r.batch, 'sequence')} of {r.seq_len:,}"


def of_model(answer: Estimate) -> str:
    """Return where the architecture comes from."""
    spec = answer.resolved.spec
    return f"model {spec.name}" + (f" [{spec.source}]" if spec.source else "")


def header(answer: Estimate, title: str, more: Sequence[str]) -> list[str]:
    """Return the lines that open a launch file: what it is for, what was predicted, and `more` that it has to say."""
    r = answer.resolved
    return [
        f"{r.spec.name} on {answer.n_devices:,} x {r.cluster.device.name}, written for {title}",
        f"Predicted: {answer.step.total:.3g} s a step, {answer.tokens_per_s_per_device:,.0f} tokens/s and device, "
        f"{float(answer.memory.total) / 1e9:.3g} GB of {float(answer.memory.limit) / 1e9:.3g} GB a device, "
        f"software stack {r.stack.name}",
        *more,
    ]


def cannot_say(title: str, what: str, fields: Sequence[str], remedy: str) -> InputError:
    """Return the refusal of a plan that a release has no setting for."""
    layout = all(hasattr(Layout(), field) for field in fields)
    return InputError(
        f"{title} has no setting for {what}", key=f"layout.{fields[0]}" if layout else fields[0], remedy=remedy
    )


def refuse(title: str, *cases: tuple[Truth, str, str, str]) -> None:
    """Refuse a plan in the first of these cases that holds.

    Parameters
    ----------
    title : str
        The release.
    cases : tuples
        Whether it holds, what the release has no setting for, the field of the plan, the remedy.

    Raises
    ------
    InputError
        One holds.
    """
    for holds, what, field, remedy in cases:
        if holds:
            raise cannot_say(title, what, [field], remedy)


def whole_or_refused(answer: Estimate, title: str) -> None:
    """Refuse selective recomputation in a part of the layers.

    Raises
    ------
    InputError
        The plan recomputes so.
    """
    if answer.setting.recompute_percent < 100:
        raise cannot_say(
            title,
            "selective recomputation in a part of the layers",
            ["recompute_percent"],
            "add --recompute-percent 100",
        )
