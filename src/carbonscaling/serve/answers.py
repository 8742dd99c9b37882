"""Answers to the questions beside plan and estimate, as plain data: what the commands print with ``--json``."""

from __future__ import annotations

import dataclasses
import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from carbonscaling.serve.others import Other
from carbonscaling.serve.uploads import run_of

__all__ = ["answer_of"]


def answer_of(asked: Other, folder: Path) -> dict[str, Any]:
    """Return the answer, or why there is none, as plain data.

    Parameters
    ----------
    asked : Other
    folder : Path
        An empty folder of this process's own, for the files of the request.

    Raises
    ------
    InputError
        As the commands.
    """
    with _placed(asked, folder) as (own, at):
        return ANSWERS[asked.kind](asked, own, at, folder)


At = Callable[[str], str]


@contextmanager
def _placed(asked: Other, folder: Path) -> Iterator[tuple[Any, At]]:
    """Write the request's files; yield the question with their paths, and the path of a name, a column behind it or not."""
    home = folder / "files"
    home.mkdir()
    try:
        for name, text in asked.files.items():
            (home / name).write_text(text, encoding="utf-8")

        def at(name: str) -> str:
            return str(home / name)

        names = {f.name for f in dataclasses.fields(asked.own)} & {"hourly", "prices", "forecast", "readings"}
        paths = {name: at(value) for name in names if (value := getattr(asked.own, name)) is not None}
        yield dataclasses.replace(asked.own, **paths), at
    finally:
        shutil.rmtree(home)


@contextmanager
def _run(asked: Other, at: At, folder: Path) -> Iterator[Any]:
    assert asked.run is not None
    with run_of(asked.run, folder) as scenario:
        yield scenario if asked.hourly is None else dataclasses.replace(scenario, hourly=at(asked.hourly))


def _inference(_asked: Other, own: Any, _at: At, _folder: Path) -> dict[str, Any]:
    from carbonscaling.serving.answer import inference

    return inference(own).to_dict()


def _schedule(asked: Other, own: Any, at: At, folder: Path) -> dict[str, Any]:
    from carbonscaling.reporting.scheduled import schedule_data
    from carbonscaling.study.infeasible import Infeasible
    from carbonscaling.study.scheduling.answer import schedule

    with _run(asked, at, folder) as scenario:
        found = schedule(scenario, own)
    return found.to_dict() if isinstance(found, Infeasible) else schedule_data(found)


def _chances(asked: Other, own: Any, at: At, folder: Path) -> dict[str, Any]:
    from carbonscaling.study.answer import answered
    from carbonscaling.study.assured import assured
    from carbonscaling.study.chances import Chances, as_needed
    from carbonscaling.study.infeasible import Infeasible

    with _run(asked, at, folder) as scenario:
        if own.target is not None:
            return assured(scenario, own.target, **vars(own.failures)).to_dict()
        run = answered(scenario)
    if isinstance(run, Infeasible):
        return run.to_dict()
    found: Chances = own.failures.of(run)
    most = math.inf if own.within_days is None else own.within_days, *own.limits
    return found.summary() | {"within": found.within(*most), "as_needed": as_needed(run, *most)}


def _decide(_asked: Other, own: Any, _at: At, _folder: Path) -> dict[str, Any]:
    from carbonscaling.study.together.decided import decide

    return decide(own).to_dict()


def _project(asked: Other, own: Any, _at: At, _folder: Path) -> dict[str, Any]:
    from carbonscaling.study.project.answer import project

    assert asked.project is not None
    return project(asked.project, **vars(own)).to_dict()


def _attribute(_asked: Other, own: Any, at: At, _folder: Path) -> dict[str, Any]:
    from carbonscaling.reporting.attributed import attribution_data
    from carbonscaling.study.attributed import attribute

    found = attribute(
        own.readings, [at(name) for name in own.jobs], device=own.device, devices=own.devices, scope=own.energy_scope,
        region=own.region, pue=own.pue, loads_kw=own.load, outside_kw=own.outside,
    )  # fmt: skip
    return attribution_data(found)


ANSWERS: dict[str, Callable[[Other, Any, At, Path], dict[str, Any]]] = {
    "inference": _inference, "schedule": _schedule, "chances": _chances, "decide": _decide, "project": _project,
    "attribute": _attribute,
}  # fmt: skip
