"""Published measurements that ship with the package: facts, each row with its source.

Files are CSV as collected from public repositories and papers; blank means unknown. Column meanings, conventions and
known weaknesses are in ``docs/evidence.md``.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

from carbonscaling.errors import InputError, nearest

__all__ = ["FILES", "family", "path", "rows", "sources"]

FILES: dict[str, str] = {
    "runs": "training configurations and whole runs: architecture, device, parallelism, batch, precision, throughput",
    "gemm": "matrix multiplications by device and shape",
    "collectives": "all-reduce, all-gather, all-to-all, send/receive: bytes, bandwidth, time",
    "power": "watts by device and workload, per accelerator or per node",
    "power_work": "rows of `power` from inference with the throughput, sequences in flight and steps that their source prints",
    "power_limits": "trainings on an A40 under power limits: time per epoch and watts",
    "memory": "memory per device of configurations in `runs`",
    "oom": "configurations that ran out of memory or were otherwise infeasible",
    "published": "speeds of `runs` as model FLOP/s of a device; written by `python -m carbonscaling.evidence.published`",
    "covered": "how far `runs` go in each degree of parallelism; written by `python -m carbonscaling.evidence.covered`",
    "choices": "what `runs` choose where they state it, by kind of run; written by `python -m carbonscaling.evidence.choices`",
    "choosing": "what weighs with people who choose a micro-batch and recomputation, learnt from `runs`; written by"
    " `python -m carbonscaling.validate.speed.choosing`",
    "first_look": "the ledger: each version's error on rows that it had never seen, by source",
    "first_look_servings": "the same of servings: tokens a second and watts of those that no version had seen, by source",
    "first_look_trainings": "the same of whole trainings: device-hours before the fact, by what was reported of them",
    "trainings": "published trainings by maker: size, tokens, batch, devices, device-hours",
    "inference": "servings: model, device, layout, formats, engine, tokens, requests in flight; throughput, latencies, watts",
    "inference_left_out": "rows of `inference` as predicted without their source, model or device; written by"
    " `python -m carbonscaling.validate.serving`",
    "carbon_runs": "whole trainings with device-hours, energy, power, PUE, intensity, carbon",
}
"""Shipped files by name, and what each holds."""


def path(name: str) -> Path:
    """Return the file of a shipped data set.

    Raises
    ------
    InputError
        No such data set.
    """
    if name not in FILES:
        raise InputError(
            "unknown data set",
            value=name,
            allowed=", ".join(FILES),
            suggestion=nearest(name, FILES),
            remedy="carbonscaling data list",
        )
    return Path(__file__).with_name(f"{name}.csv")


@cache
def _read(name: str) -> tuple[dict[str, str], ...]:
    with path(name).open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def rows(name: str) -> list[dict[str, str]]:
    """Return every row of a shipped data set, as text by column.

    Raises
    ------
    InputError
        No such data set.

    >>> len(rows("memory"))
    142
    """
    return [dict(row) for row in _read(name)]


def sources(name: str) -> list[str]:
    """Return where each row of a shipped data set comes from: a repository or paper, without the place in it.

    Raises
    ------
    InputError
        No such data set.
    """
    return [_origin(row["source"]) for row in _read(name)]


def family(source: str) -> str:
    """Return what a row's source belongs to: a repository or a paper, all its tables and trials as one.

    >>> family("bigscience-workshop/bigscience (BLOOM prequel)")
    'bigscience-workshop/bigscience'
    >>> family("Touvron et al. 2023 LLaMA (arXiv 2302.13971) Table 15; facts")
    'Touvron et al. 2023 LLaMA'
    """
    return _origin(source).split(" (")[0]


def _origin(source: str) -> str:
    repository = re.match(r"[\w.-]+/[\w.-]+(?=\s|$)", source)
    return repository[0] if repository else re.split(r" @ |; ", source)[0].strip()
