"""The whole calibration: fit, leave out, fit the intervals; and the left-out predictions that `validate` scores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace

import numpy as np

from carbonscaling.calibration.interval import SIDES, bounds, fit_interval, widen_for_new_architectures
from carbonscaling.calibration.profile import Calibration, shipped_calibration
from carbonscaling.errors import InputError
from carbonscaling.evidence.left_out import NUMBERS, LeftOut, shipped_left_out
from carbonscaling.files import csv_text
from carbonscaling.validate.parts.memory import memory_half_width
from carbonscaling.validate.replay import Replay
from carbonscaling.validate.score import spreads
from carbonscaling.validate.speed.blanked import as_first_read, blanked
from carbonscaling.validate.speed.crossval import GENERATIONS, generation, leave_generation_out, leave_sources_out
from carbonscaling.validate.speed.fit import Prior, Sample, fit, sample, spread_of_speed
from carbonscaling.validate.speed.runs import scored_sample

__all__ = ["calibrate", "left_out_csv"]


ENOUGH_SOURCES = 10
"""Sources below which none can be left out to learn a 90 % interval from: they update the shipped fit and its interval."""


def calibrate(
    rows: Sequence[Mapping[str, str]],
    title: str,
    progress: Callable[[str, int, int], None] | None = None,
    logs: Sequence[tuple[Replay, float]] = (),
) -> tuple[Calibration, list[LeftOut]]:
    """Fit the knobs to measured rows, and learn the intervals from rows whose source was left out.

    Rows of fewer than `ENOUGH_SOURCES` sources update the shipped fit instead, as far as they can be trusted.

    Parameters
    ----------
    rows : sequence of Mapping
        Rows with the schema of ``runs.csv``, measured columns included.
    title : str
    progress : callable, optional
        Told (source left out, how many are done, how many there are).
    logs : sequence of (Replay, tokens/s/device), optional
        Runs of the user's own, as `log_run` reads them.

    Raises
    ------
    InputError
        No usable row.
    """
    s, where = scored_sample(rows)
    measured = s
    if logs:
        replays, speeds = zip(*logs, strict=True)
        s = sample([*(s.replays if s else ()), *replays], [*(s.measured if s else ()), *speeds])
    if s is None:
        raise InputError(
            "no usable measurement to calibrate on", allowed="rows with inputs and a measured speed",
            remedy="carbonscaling validate --runs FILE -o OUT.csv says why each row is unusable",
        )  # fmt: skip
    if len(set(s.sources)) < ENOUGH_SOURCES:
        return _updated(s, title), []
    copies = blanked(rows, measured or s, where)
    first, places = as_first_read(rows, measured or s, where)
    full = fit(s, title)
    (speed, x), (blank_speed, blank_x), *rest = leave_sources_out(
        s, (copies, *(() if first is None else (first,))), full, progress
    )
    first_speed, first_x = speed.copy(), x.copy()
    for then_speed, then_x in rest:
        first_speed[places], first_x[places] = then_speed, then_x
    interval = fit_interval(
        np.concatenate([first_x, blank_x]),
        np.log(np.concatenate([first_speed / s.measured, blank_speed / copies.measured])),
        (*s.sources, *copies.sources),
        np.repeat([False, True], [len(speed), len(blank_speed)]),
    )
    generations = [
        (name, *leave_generation_out(s, name)) for name in GENERATIONS if 0 < generation(s, name).sum() < len(speed)
    ]
    if generations:
        held = np.concatenate([np.flatnonzero(rows) for _, rows, _, _ in generations])
        residuals = np.log(np.concatenate([speed for _, _, speed, _ in generations]) / s.measured[held])
        seen = np.concatenate([known for *_, known in generations])
        interval = widen_for_new_architectures(interval, seen, residuals, [s.sources[i] for i in held])
    calibration = replace(full, interval={**interval, "memory": round(memory_half_width(), 6)})
    everything = np.ones(len(s.measured), dtype=bool)
    folds = [("source", everything, speed, x), *generations]
    left: list[LeftOut] = []
    for name, held, predicted, seen in folds:
        low, high = bounds(predicted, seen, interval)
        for k, i in enumerate(np.flatnonzero(held)):
            r = s.replays[i]
            left.append(
                LeftOut(
                    id=r.row.id,
                    fold=name,
                    source=r.row.source or r.row.id,
                    device=s.devices[i],
                    stack=r.setup.stack.family or "not stated",
                    precision=r.setup.recipe.name,
                    experts="experts" if r.work.n_experts else "dense",
                    params_b=float(r.row.params_b or 0.0),
                    kind=r.row.kind,
                    measured=float(s.measured[i]),
                    predicted=float(predicted[k]),
                    low=float(low[k]),
                    high=float(high[k]),
                )
            )
    return calibration, left


def _updated(s: Sample, title: str) -> Calibration:
    """Return the shipped calibration, moved by a few rows as far as they can be trusted.

    Shipped sources differ from each other by one spread, and the runs of one source by another: the rows are one machine's,
    whose speeds lie around the shipped fit by the first, and scatter by the second (random effects). They settle a share of
    what machines differ by and nothing of what runs differ by, so the interval narrows by that share alone. An architecture
    or a stack that only these rows know stays as uncertain as one that nobody measured: they are one source.
    """
    shipped = shipped_calibration()
    groups: dict[str, list[float]] = defaultdict(list)
    for row in shipped_left_out():
        if row.fold == "source":
            groups[row.source].append(float(np.log(row.predicted / row.measured)))
    _, between, within = spreads(list(groups.values()))
    prior = Prior(shipped, between / spread_of_speed(s, shipped), within)
    own = fit(s, title, start=shipped, prior=prior)
    left = spread_of_speed(s, own, prior)
    share = 1.0 - (left / between) ** 2
    families = [name.partition("/")[0] for name in s.stacks]
    new = {"shared_stack": families, "new_architecture": s.architectures}
    unseen = [
        name for name, scopes in new.items() if any(own.seen(x) and not shipped.seen(x) for x in set(scopes) - {""})
    ]
    narrower = 0.5 * float(np.log((left**2 + within**2) / (between**2 + within**2)))
    scale = {
        f"{side}_base": shipped.interval[f"{side}_base"]
        + sum(shipped.interval[f"{side}_{name}"] for name in unseen)
        + narrower
        for side in SIDES
    } | {"trust": share}
    constants = {(c.knob, c.scope): c for c in shipped.constants}
    for c in own.constants:
        known = constants.get((c.knob, c.scope))
        rows, sources = (known.n_rows, known.n_sources) if known else (0, 0)
        constants[c.knob, c.scope] = replace(c, n_rows=c.n_rows + rows, n_sources=c.n_sources + sources)
    interval = {**shipped.interval, **{name: round(value, 6) for name, value in scale.items()}}
    return replace(own, constants=tuple(constants.values()), interval=interval)


def left_out_csv(rows: Sequence[LeftOut]) -> str:
    """Return left-out predictions as CSV text, numbers to six digits."""
    six = [vars(r) | {name: f"{getattr(r, name):.6g}" for name in NUMBERS} for r in rows]
    return csv_text([f.name for f in fields(LeftOut)], six)
