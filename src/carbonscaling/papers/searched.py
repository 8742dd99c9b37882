"""Algorithm 1 under every engine: the fewest devices in time, and the median of the settings on as many."""

from __future__ import annotations

from functools import lru_cache
from statistics import median

from carbonscaling.papers import kernels
from carbonscaling.papers.engine import best_steps, fewest_devices
from carbonscaling.papers.task import Found, Task, chip_of, training_of
from carbonscaling.papers.variants import variant
from carbonscaling.units import DAY

__all__ = ["find", "median_run"]

MOST_DEVICES = 2.0**50
"""End of the loop of algorithm 1, in multiples of the experts."""


@lru_cache(maxsize=4096)
def find(task: Task) -> Found | None:
    """Return the fewest devices that finish in time, at their shortest time; None where no count does."""
    if task.engine == "physical":
        return kernels.find(task)
    chip, run, deadline_s = chip_of(task), training_of(task), task.inputs.deadline * DAY
    best = fewest_devices(variant(task.engine), chip, run, deadline_s, MOST_DEVICES * run.n_experts)
    if best is None:
        return None
    utilisation = run.step_flops / (best.step_s * best.n_devices * chip.peak)
    return Found(best.layout, best.n_devices, run.n_tokens / run.batch_tokens * best.step_s, utilisation)


@lru_cache(maxsize=1024)
def median_run(task: Task, found: Found) -> tuple[float, float]:
    """Return duration (s) and utilisation of the setting with the median step time on the devices of the optimum.

    Algorithm 1 loops over (N_TP, N_DP, N_PP) and arranges the rest inside, so each of these counts once, at its best; in
    physical mode every setting counts.
    """
    if task.engine != "physical":
        run = training_of(task)
        steps = best_steps(variant(task.engine), chip_of(task), run, float(found.n_devices))
        duration = median(steps) * run.n_tokens / run.batch_tokens
    else:
        duration = kernels.median_duration(task, found.n_devices)
    return duration, found.utilisation * found.duration_s / duration
