"""An existing run, estimated as its launch file says, and beside it what would be faster."""

from __future__ import annotations

from dataclasses import replace

from carbonscaling.errors import InputError
from carbonscaling.exchange.launch import Launch
from carbonscaling.search.engine import Progress
from carbonscaling.study.answer import estimate
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.infeasible import Infeasible
from carbonscaling.study.scenario import Layout, Scenario
from carbonscaling.study.shown import setting_words
from carbonscaling.words import duration, mass

__all__ = ["estimate_launch", "whole_run"]

WORTH = 0.01
"""Gain in speed below which a faster layout is not told."""


def estimate_launch(
    launch: Launch, scenario: Scenario | None = None, *, progress: Progress | None = None
) -> Estimate | Infeasible:
    """Estimate a run as its launch file says; the answer's notes tell what was read and what would be faster.

    Parameters
    ----------
    launch : Launch
        What `read_launch` gave.
    scenario : Scenario, optional
        What the file says with what else is known of the run; the file alone if not given.
    progress : callable, optional
        As for `estimate`.

    Raises
    ------
    InputError
        The scenario names something unknown or contradicts itself.
    """
    question = launch.settled(launch.over() if scenario is None else scenario)
    if question.model is None and question.law is None:
        raise InputError(
            "nothing says which model is trained", where=launch.where, key="model", remedy="add --model NAME",
            allowed=next((note for note in launch.notes if "model" in note), None),
        )  # fmt: skip
    if question.devices is None and (why := launch.not_understood.get("devices")):
        raise InputError(
            f"its devices do not divide into its layout: {why.partition(': ')[0]}", where=launch.where, key="devices",
            remedy="add --devices N, such a multiple, or correct nodes or degrees in the file",
        )  # fmt: skip
    answer = estimate(whole_run(question), progress=progress)
    notes = [*launch.words, *_faster(answer)]
    if question.device == Scenario().device and "device" not in launch.settings:
        notes.insert(1, f"device {question.device}: the launch file names none; --device says which")
    return replace(answer, resolved=replace(answer.resolved, notes=(*answer.resolved.notes, *notes)))


def whole_run(s: Scenario) -> Scenario:
    """Return a run with its replicas, where they follow from its devices: a launch uses them all."""
    own = s.layout
    if s.devices is None or own.dp is not None or own.tp is None or own.pp is None or own.cp is None:
        return s
    replicas, left = divmod(s.devices, own.tp * own.pp * own.cp)
    return s if left or not replicas else replace(s, layout=replace(own, dp=replicas))


def _faster(answer: Estimate | Infeasible) -> list[str]:
    """Say which layout of the same devices, batch and software is faster, or fits at all, where one does."""
    s, batch = answer.scenario, int(answer.resolved.batch)
    devices = s.devices if answer.n_devices is None else answer.n_devices
    best = estimate(replace(s, layout=Layout(), devices=devices, batch=batch, objective="time", practice="best"))
    if not isinstance(best, Estimate):
        return ["no layout of these devices, batch and software fits"]
    words = f"{setting_words(best.setting)}, {duration(best.duration_s)} and {mass(best.footprint.total_tco2e)}"
    if not isinstance(answer, Estimate):
        return [f"fits the same devices, batch and software: {words}"]
    gain = answer.duration_s / best.duration_s - 1.0
    if gain < WORTH:
        return ["no layout of these devices, batch and software is faster by 1 % or more"]
    return [f"faster by {gain:.0%} on the same devices, batch and software: {words}"]
