"""How right an answer is: the 90 % interval of its speed and memory, from what measured runs like it taught."""

from __future__ import annotations

import math

from carbonscaling.calibration.profile import Calibration, family, shipped_calibration
from carbonscaling.catalog import factors
from carbonscaling.sources import Datum
from carbonscaling.study.choosing import NOTHING_OPEN, Open
from carbonscaling.study.setup import Setup

__all__ = ["features", "memory_error", "speed_accuracy", "step_error"]

LONG = 32768
"""Tokens from which a sequence is long: attention is most of the work, and sequences are split."""

SCARCE = 3
"""Sources below which an architecture is hardly known."""

NOTHING_ELSE = 0.2
"""About how far (in the logarithm) an end of the interval lies where nothing is open."""

GENERIC = "community"
"""Family of stacks that share their factors with all others without any of their own."""


def features(u: Setup, seen: Calibration, left: Open = NOTHING_OPEN) -> dict[str, float]:
    """Return what the ends of an interval depend on, 1 where it holds and 0 where not.

    A whole run; a layout that had to be inferred; kernels, recomputation, a ZeRO stage or a batch that nobody names; experts;
    8 or 4 bit; a stack that nobody names, that `seen` was not fitted on, or without factors of its own; fully sharded states;
    long sequences; an architecture that few sources measured, or none, of the device or of a model whose scans nobody timed or
    that has an encoder.
    What a compiler or a search chooses is not left open.

    What others choose of micro-batch and recomputation (`left`) adds as errors do that know nothing of each other: by the
    logarithm of the root of the sum of squares, over what a run lies off with nothing open.
    """
    s, architecture = u.scenario, family(u.cluster.device)
    open_to_people = s.practice == "typical" and not u.stack.compiled.value > 0
    # Whoever searches may fix what was found: that says nothing new of the run.
    stated = s.practice == "typical" and s.layout.zero is not None
    return {
        "whole_run": s.pace == "calendar",
        "inferred_layout": u.untold,
        "kernels_untold": s.software.attention_kernel is None and not u.stack.compiled.value > 0,
        "recompute_untold": s.practice == "typical" and s.layout.recompute is None,
        "zero_untold": open_to_people and s.layout.zero is None,
        "batch_untold": s.practice == "typical" and s.batch is None,
        "slower_choices": math.log(math.hypot(1.0, left.slower / NOTHING_ELSE)),
        "faster_choices": math.log(math.hypot(1.0, left.faster / NOTHING_ELSE)),
        "experts": bool(u.work.n_experts > 0),
        "low_precision": bool(u.plain.formats.peak > 1.5 * u.plain.formats.peak_attention),
        "shared_stack": s.stack is None or u.stack.family in ("", GENERIC) or not seen.seen(u.stack.family),
        "sharded": s.layout.zero == 3 if stated else u.stack.fully_sharded.value > 0,
        "long": (s.sample_len or u.seq_len) >= LONG,
        "scarce": seen.sources(architecture) < SCARCE,
        "new_architecture": not seen.seen(architecture) or bool(u.work.mixed > 0) or bool(u.work.crossed > 0),
    }


def step_error(u: Setup, calibration: Calibration, left: Open = NOTHING_OPEN) -> Datum:
    """Return actual over estimated step time with its 90 % interval; `left` is how far choices left open move it."""
    ends = calibration.ends(features(u, calibration, left))
    if ends is None:
        return factors.factor("time.step.default")
    remark = "90 % interval of rows whose whole source was left out: carbonscaling validate"
    return Datum(
        1.0, "1", "carbonscaling_validation", math.exp(-ends[0]), math.exp(ends[1]), basis="validation", remark=remark
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
        ends = shipped_calibration().ends({"kernels_untold": True, **told}) or (0.0, 0.0)
        return f"{math.exp(max(ends)):.2f}"

    return (
        f"The 90 % interval of a speed is a factor of {factor(shared_stack=True)} either way, "
        f"{factor(shared_stack=True, experts=True)} with experts; {factor()} and {factor(experts=True)} where a run names a "
        "software stack that was measured."
    )
