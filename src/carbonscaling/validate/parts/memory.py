"""Memory per device: against what monitors showed, and against what ran and what ran out of memory."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np

from carbonscaling import evidence
from carbonscaling.calibration.interval import conformal
from carbonscaling.calibration.profile import shipped_calibration
from carbonscaling.evidence.row import Cells, Row, number, parse_row
from carbonscaling.perf.memory import Memory, memory
from carbonscaling.units import GIB
from carbonscaling.validate.parts.part import Asked, Component, Outcome, judged, lines
from carbonscaling.validate.replay import Replay, complete_row, completed_runs

__all__ = ["check_memory", "check_oom", "memory_half_width", "memory_outcomes", "oom_outcomes"]

_SHAPE = (
    "n_layers", "d_model", "d_ff", "n_heads", "n_kv_heads", "head_dim", "vocab", "ffn_type", "n_experts", "top_k",
    "d_ff_expert", "n_shared_experts", "n_dense_layers", "tied_embeddings", "precision", "stack", "interconnect",
)  # fmt: skip
"""Columns that a row lacks and shares with the runs of its model by the same authors."""
_DENSE = re.compile(r"^(?!.*\dx\d|.*A\d+(?:\.\d+)?B).*?(\d+(?:\.\d+)?)B\b")
"""Size in the name of a model without experts (8x7B and 30B-A3B have them)."""
_OWN = ("aleph-alpha", "megatron")
"""Stacks of the authors of ``oom.csv``, whose runs say the shapes of its models."""


class _Runs:
    """Runs that rows of memory belong to: by id, and by model the first of the same authors."""

    def __init__(self, runs: Iterable[Mapping[str, str]]) -> None:
        self.by_id: dict[str, Mapping[str, str]] = {}
        self.by_model: dict[str, Mapping[str, str]] = {}
        for run in sorted(runs, key=lambda run: run.get("stack") not in _OWN):
            self.by_id[run["id"]] = run
            self.by_model.setdefault(run["model"], run)

    def complete(self, row: Row) -> Replay:
        """Return the configuration of a row: its run's where it names one, else with the shape of its model's runs.

        Raises
        ------
        Unusable
            As `complete_row`.
        """
        own = {name: value for name, value in row.items() if value}
        run = self.by_id.get(row["run_id"])
        if run is not None and run["model"] == row["model"]:
            return complete_row(parse_row({**run, **own}))
        like = self.by_model.get(row["model"], {})
        size = _DENSE.search(row["model"])
        shape = {name: like[name] for name in _SHAPE if like.get(name)} or {"params_b": size[1] if size else ""}
        return complete_row(parse_row({"precision": "bf16", **shape, **own, "id": row["run_id"] or "row"}))


@lru_cache(maxsize=1)
def _shipped() -> _Runs:
    return _Runs(evidence.rows("runs"))


def _need(replay: Replay) -> Memory:
    """Return the memory of a row's fullest device, as an estimate counts it."""
    return memory(replay.work, replay.setup.machine(shipped_calibration()), replay.setting)


def memory_outcomes(rows: Sequence[Row], runs: Iterable[Mapping[str, str]] | None = None) -> list[Outcome]:
    """Return the memory of every row in GiB as a monitor shows it, fragmentation with it; or why it has none.

    A row whose `scope` is "allocated" counts what tensors take at most, without context, workspaces and fragmentation.

    Parameters
    ----------
    rows : sequence of Row
        With the schema of ``memory.csv``; any column of ``runs.csv`` may stand beside.
    runs : iterable of mapping, optional
        Runs that `run_id` names; the shipped ones if not given.
    """
    known, half = _shipped() if runs is None else _Runs(runs), shipped_calibration().interval.get("memory", math.nan)

    def judge(row: Row) -> Outcome:
        replay = known.complete(row)
        need = _need(replay)
        shown = float(need.total) / (1.0 - replay.setup.stack.reserve.value)
        ours = (float(need.total - need.framework) if row["scope"] == "allocated" else shown) / GIB
        measured = number("memory_gib", row["memory_gib"]) or math.nan
        groups = ("all", f"{replay.row.stack}, {replay.row.device}") if measured > 0.0 else ()
        ends = ours * math.exp(-half), ours * math.exp(half)
        return Outcome(groups, ours, measured, *ends, fits=bool(need.total <= need.limit))

    return judged(rows, judge)


def memory_half_width() -> float:
    """Half the width of the 90 % interval of memory, on the logarithm, from the shipped rows."""
    rows = _rows("memory")
    pairs = zip(rows, memory_outcomes(rows), strict=True)
    found = [(abs(math.log(x.predicted / x.measured)), _shipped().by_id[row["run_id"]]["source"]) for row, x in pairs]
    errors, sources = zip(*found, strict=True)
    return conformal(np.array(errors), sources)


def oom_outcomes(rows: Sequence[Row], runs: Iterable[Mapping[str, str]] | None = None) -> list[Outcome]:
    """Return of every row whether it fits, and whether it rightly does: what ran out of memory should not, what ran should.

    Parameters
    ----------
    rows : sequence of Row
        With the schema of ``oom.csv``; any column of ``runs.csv`` may stand beside.
    runs : iterable of mapping, optional
        As in `memory_outcomes`.
    """
    known = _shipped() if runs is None else _Runs(runs)

    def judge(row: Row) -> Outcome:
        need = _need(known.complete(row))
        fits, ran = bool(need.total <= need.limit), row["status"].lower() == "ok"
        kind = "accepted, same grid" if ran else "rejected, out of memory"
        groups = (f"{kind}, all", f"{kind}, {row['model']}") if row["status"] else ()
        return Outcome(groups, float(need.total) / GIB, fits=fits, right=fits == ran)

    return judged(rows, judge)


def _ran() -> Iterator[Outcome]:
    """Yield the shipped runs, which should fit."""
    kind, runs = "accepted, runs that ran", evidence.rows("runs")
    for i, replay in zip(*completed_runs()[:2], strict=True):
        need = _need(replay)
        yield Outcome(
            (f"{kind}, all", f"{kind}, {runs[i]['stack'] or 'not stated'}"), right=bool(need.total <= need.limit)
        )


def _rows(name: str) -> list[Row]:
    return [Cells(row) for row in evidence.rows(name)]


def check_memory() -> tuple[Component, ...]:
    """Score the memory of measured configurations."""
    return lines("memory", memory_outcomes(_rows("memory")), {"all": Asked.most("median error", "median", 0.08)})


def check_oom() -> tuple[Component, ...]:
    """Count rejected configurations that ran out of memory, and accepted ones that ran."""
    least = {"rejected, out of memory, all": Asked.least(0.9), "accepted, runs that ran, all": Asked.least(0.97)}
    return lines("oom", [*oom_outcomes(_rows("oom")), *_ran()], least)
