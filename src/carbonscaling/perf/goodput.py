"""From a steady step to a real run: stragglers within a step, and time a run spends on anything but training."""

from __future__ import annotations

import numpy as np

from carbonscaling.formula import formula
from carbonscaling.perf.numbers import Number

__all__ = ["run_time", "straggler_share"]


@formula("coefficient·x/(x+1)·√x, x = log2(nodes)", unit="1", source="simumax", place="straggler model")
def straggler_share(nodes: Number, coefficient: Number) -> Number:
    """Share by which the slowest of `nodes` hosts lengthens a synchronous step."""
    x = np.log2(np.maximum(nodes, 1.0))
    return coefficient * x / (x + 1.0) * np.sqrt(x)


@formula("n_steps·step_time·overhead", unit="s", source="llama3", place="section 3.3.4: effective training time")
def run_time(n_steps: Number, step_time: Number, overhead: Number) -> Number:
    """Wall time of a whole run.

    Parameters
    ----------
    overhead : run time over its own steady state: failures, restarts, checkpoints, batch ramp-up, evaluation (1 or more).
    """
    return n_steps * step_time * overhead
