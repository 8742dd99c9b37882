"""How right an answer is: the 90 % interval of its speed and memory, from what measured runs like it taught."""

from __future__ import annotations

import math

from carbonscaling.calibration.profile import Calibration, family, shipped_calibration
from carbonscaling.catalog import factors
from carbonscaling.sources import Datum
from carbonscaling.study.setup import Setup

__all__ = ["LARGE", "features", "memory_error", "speed_accuracy", "step_error"]

LARGE = 1024
"""Devices beyond which runs are large: networks of several layers, failures, stragglers."""


def features(u: Setup, n_devices: float, seen: Calibration) -> dict[str, bool]:
    """Return what the width of an interval depends on.

    A whole run; a layout that had to be inferred; kernels that nobody names; experts; 8 or 4 bit; a stack that nobody names or
    that `seen` was not fitted on, an architecture likewise, of the device or of a model whose scans nobody timed; many
    devices.
    """
    s = u.scenario
    return {
        "whole_run": s.pace == "calendar",
        "inferred_layout": u.untold,
        "kernels_untold": s.software.attention_kernel is None,
        "experts": bool(u.work.n_experts > 0),
        "low_precision": bool(u.plain.formats.peak > 1.5 * u.plain.formats.peak_attention),
        "new_stack": s.stack is None or not seen.seen(u.stack.family),
        "new_architecture": not seen.seen(family(u.cluster.device)) or bool(u.work.mixed > 0),
        "large": n_devices > LARGE,
    }


def step_error(u: Setup, n_devices: float, calibration: Calibration) -> Datum:
    """Return actual over estimated step time with its 90 % interval."""
    half = calibration.half_width(features(u, n_devices, calibration))
    if half is None:
        return factors.factor("time.step.default")
    remark = "90 % interval of rows whose whole source was left out: carbonscaling validate"
    return Datum(
        1.0, "1", "carbonscaling_validation", math.exp(-half), math.exp(half), basis="validation", remark=remark
    )


def memory_error(calibration: Calibration) -> Datum | None:
    """Return actual over estimated memory with its 90 % interval; None where none was learnt."""
    half = calibration.interval.get("memory")
    if half is None:
        return None
    return Datum(
        1.0, "1", "carbonscaling_validation", math.exp(-half), math.exp(half), basis="validation",
        remark="carbonscaling validate --components memory",
    )  # fmt: skip


def speed_accuracy() -> str:
    """Return the 90 % interval of a plan's speed on a device that was measured, in one sentence.

    First where no software stack is named, as in a plan that names none, then on one that was measured; dense and with experts.
    """

    def factor(**told: bool) -> str:
        half = shipped_calibration().half_width({"kernels_untold": True, **told})
        return f"{math.exp(half or 0.0):.2f}"

    return (
        f"The 90 % interval of a speed is a factor of {factor(new_stack=True)} either way, "
        f"{factor(new_stack=True, experts=True)} with experts; {factor()} and {factor(experts=True)} where a run names a "
        "software stack that was measured."
    )
