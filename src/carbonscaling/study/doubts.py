"""Where no measurement covers an answer: settings that nobody ran, and speeds above every published one."""

from __future__ import annotations

from carbonscaling.evidence.best_run import BestRun
from carbonscaling.perf.numbers import Recompute, Schedule, Setting
from carbonscaling.study.resolve import Resolved

__all__ = ["too_good", "unmeasured"]

MOST_DEVICES = 16_384
"""Devices of the largest public training run with a measured speed."""


def unmeasured(s: Setting) -> tuple[str, ...]:
    """Return the features of a setting that no measured training run covers.

    >>> unmeasured(Setting(8, 16, 64, 1, 1, 1, 1, 1, 64, 1, 32, 2, 1, 1, 50))
    ('zero-bubble schedule', 'recomputation of a share of the layers')
    """
    checks = (
        (s.schedule == Schedule.ZERO_BUBBLE, "zero-bubble schedule"),
        (s.recompute != Recompute.NONE and s.recompute_percent < 100, "recomputation of a share of the layers"),
        (s.zero >= 1 and s.shard < s.dp * s.cp, "sharding group smaller than the data-parallel group"),
        (s.etp > 1, "tensor parallelism inside experts"),
        (s.cp > 32, "context parallelism beyond 32"),
        (s.vpp > 24, "more than 24 chunks a stage"),
        (s.n_devices > MOST_DEVICES, f"more than {MOST_DEVICES:,} devices"),
    )
    return tuple(name for holds, name in checks if holds)


def too_good(r: Resolved, mfu: float, best: BestRun | None) -> list[str]:
    """Warn where a utilisation lies above every published one: of this device and size if there is any, else of the device."""
    if best is None:
        most = r.carbon.numbers.best_utilisation
        known = f"published for this device ({most:.0%}; no run of this size is)"
    else:
        most = best.model_flops / float(r.machine.formats.peak_mfu)
        known = f"published for this device and size ({most:.0%}, {best.model} on {best.n_devices:,}, {best.source})"
    if mfu <= most:
        return []
    by = "by more than its interval" if mfu / r.time().si_range[1] > most else "though within its interval"
    return [f"MFU {mfu:.0%} is above the best {known}, {by}: no measurement covers this setting"]
