"""A plan as a file that its training software reads."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from carbonscaling.errors import InputError, nearest
from carbonscaling.study.estimate import Estimate, Infeasible

__all__ = ["FORMATS", "emit"]

FORMATS: dict[str, str] = {
    "megatron": "megatron.script:megatron_script",
    "megatron-bridge": "bridge:bridge_overrides",
    "torchtitan": "torchtitan.plan:torchtitan_config",
    "deepspeed": "deepspeed.plan:deepspeed_config",
    "maxtext": "maxtext.plan:maxtext_config",
}
"""Formats by name, and the function below this package that writes each."""


def emit(answer: Estimate | Infeasible, to: str) -> str:
    """Return a plan as the text of a file for other software.

    Parameters
    ----------
    answer : Estimate
        What `plan` or `estimate` gave.
    to : str
        A key of `FORMATS`.

    Raises
    ------
    InputError
        No such format, nothing is feasible, or the software has no setting for something in the plan.
    """
    if to not in FORMATS:
        raise InputError(
            "unknown format of a launch file", key="emit", value=to, allowed=", ".join(FORMATS),
            suggestion=nearest(to, FORMATS), remedy="choose one of these",
        )  # fmt: skip
    if isinstance(answer, Infeasible):
        raise InputError(
            f"there is no plan to write: {answer.reason}", key="emit", value=to,
            remedy=answer.remedies[0] if answer.remedies else "ask for something that fits",
        )  # fmt: skip
    module, _, name = FORMATS[to].partition(":")
    write: Callable[[Estimate], str] = getattr(import_module(f"carbonscaling.exchange.{module}"), name)
    return write(answer)
