"""A study: one scenario, what varies about it, and what to keep of every answer."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import field
from functools import cached_property
from pathlib import Path
from typing import Any

from carbonscaling.catalog import regions
from carbonscaling.catalog.read import build, keys_of_tables, read_toml
from carbonscaling.errors import InputError
from carbonscaling.meaning import key_meant
from carbonscaling.record import dataclass
from carbonscaling.study.hours import file_and_column
from carbonscaling.study.scenario import Scenario
from carbonscaling.study.sweep.axes import Axis, Block, axis_block
from carbonscaling.study.sweep.kinds import KINDS, OWN_PATHS, Answer, Kind, check_kind, check_table, field_names
from carbonscaling.study.sweep.sample import Samples, sample_block
from carbonscaling.study.versions import stamped

__all__ = ["PLACE_FIELDS", "Keep", "Study", "StudyFile", "load_study", "one_basis", "study_schema"]

PLACE_FIELDS = (
    "region", "basis", "scope2", "carbon_intensity_g_per_kwh", "hourly", "start_hour", "pue", "lifetime_years",
    "paper_version", "amortisation", "shared_hosts", "factors", "boundary", "price_usd_per_device_hour", "price_basis",
)  # fmt: skip
"""Fields that change carbon and cost of a run, and neither its settings nor its time."""

TABLES = ("layout", "boundary", "software", "contracts")

PATHS = ("model", "device", "host", "profile", "factors", "hourly", "calibration", "stack", "file")


@dataclass(frozen=True)
class Keep:
    """What to keep of a case beside its optimum.

    Attributes
    ----------
    top : int
        How many of the best settings, a row each.
    front : bool
        The Pareto front of time, devices, carbon and money as well, a row each.
    quantiles : list of float
        Shares (0 to 1) of the feasible settings below whose carbon to report; searches without pruning.
    interval : bool
        5th and 95th percentile of carbon (some milliseconds a case).
    rejected : bool
        Settings refused, by reason.
    """

    top: int = 1
    front: bool = False
    quantiles: tuple[float, ...] = ()
    interval: bool = False
    rejected: bool = False


@dataclass(frozen=True)
class StudyFile:
    """A study file.

    Attributes
    ----------
    name : str
        What the study is called.
    answer : {"plan", "estimate", "inference", "schedule", "decide", "chances", "project"}
        Search device counts within the deadline, or take the number of devices as given; or ask what the command of that name
        asks.
    scenario : table
        What all cases share: the fields of a scenario file.
    serving : table
        Of "inference", in place of the scenario: the fields of a serving's file.
    timetable : table
        Of "schedule", beside the scenario: options of that command, by their names in Python.
    decision : table
        Of "decide", in place of the scenario: options of that command.
    chances : table
        Of "chances", beside the scenario: options of that command.
    project : table
        Of "project", in place of the scenario: its ``file``, and options of that command.
    axis : list of Axis
        What varies; axes are crossed unless they are zipped.
    samples : Samples, optional
        Points over uncertain factors, crossed with the axes.
    keep : Keep
    shard_cases : int
        Cases of a shard, the unit of work that is written at once.
    """

    name: str = "study"
    answer: Answer = "estimate"
    scenario: dict[str, Any] = field(default_factory=dict)
    serving: dict[str, Any] = field(default_factory=dict)
    timetable: dict[str, Any] = field(default_factory=dict)
    decision: dict[str, Any] = field(default_factory=dict)
    chances: dict[str, Any] = field(default_factory=dict)
    project: dict[str, Any] = field(default_factory=dict)
    axis: tuple[Axis, ...] = ()
    samples: Samples | None = None
    keep: Keep = field(default_factory=Keep)
    shard_cases: int = 1000


@dataclass(frozen=True)
class Study:
    """A study with every axis spelt out.

    Attributes
    ----------
    name, answer, keep, shard_cases : as in `StudyFile`
    base : dict
        What all cases share, as plain data: the scenario, with another question's table in it; or that table alone.
    blocks : tuple of Block
        Crossed; the last varies fastest.
    settled : tuple of str
        Fields of `base` that the file leaves open.
    """

    name: str
    answer: Answer
    base: dict[str, Any]
    blocks: tuple[Block, ...]
    keep: Keep
    shard_cases: int
    settled: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Fields that vary."""
        return tuple(key for block in self.blocks for key in block.columns)

    @cached_property
    def n_cases(self) -> int:
        """Cases."""
        return math.prod(len(block) for block in self.blocks)

    @property
    def n_shards(self) -> int:
        """Shards."""
        return -(-self.n_cases // self.shard_cases)

    def span(self, shard: int) -> tuple[int, int]:
        """Return the first case of a shard and the one after its last."""
        return shard * self.shard_cases, min((shard + 1) * self.shard_cases, self.n_cases)

    def rows(self, case: Any) -> list[Any]:
        """Return the row of every block that a case takes its values from; of an array of cases, arrays."""
        rows = []
        for block in reversed(self.blocks):
            case, row = divmod(case, len(block))
            rows.append(row)
        return rows[::-1]

    def varied(self, case: int) -> dict[str, Any]:
        """Return the values of a case's fields that vary."""
        taken = zip(self.blocks, self.rows(case), strict=True)
        return {key: column[row] for block, row in taken for key, column in block.columns.items()}


def _check_key(key: str, where: str, kind: Kind | None) -> None:
    own = set() if kind is None else field_names(kind)
    if key in own:
        return
    if kind is not None and not kind.of_scenario:
        raise InputError(
            f"not a field of [{kind.table}]", where=where, key=key, suggestion=key_meant(key, own),
            allowed=", ".join(sorted(own)), remedy="name one of these",
        )  # fmt: skip
    nested = tuple(path for path in keys_of_tables(Scenario) if not path.startswith("contracts."))
    scenario = [f.name for f in dataclasses.fields(Scenario) if f.name not in TABLES]
    if key not in (*scenario, *nested):
        raise InputError(
            "not a field of a scenario", where=where, key=key,
            suggestion=key_meant(key.rpartition(".")[2], scenario, (*nested, *sorted(own))),
            remedy="carbonscaling schema scenario lists the fields",
        )  # fmt: skip


def _zipped(blocks: list[tuple[str | None, Block]], where: str) -> list[Block]:
    done: dict[object, Block] = {}
    for place, (name, block) in enumerate(blocks):
        key = place if name is None else name
        before = done.get(key)
        if before is not None and len(before) != len(block):
            raise InputError(
                f"zipped axes of different length: {len(before)} and {len(block)}", where=where, key=f"zip = {name}",
                remedy="give them as many values, or leave zip out to cross them",
            )  # fmt: skip
        done[key] = Block({**before.columns, **block.columns}) if before else block
    return list(done.values())


def _beside(folder: Path, key: str, value: Any) -> Any:
    if key not in (*PATHS, *OWN_PATHS) or not isinstance(value, str):
        return value
    if os.path.isfile(folder / value):
        return str((folder / value).resolve())
    path, column = file_and_column(str(folder / value))
    return value if column is None else f"{Path(path).resolve()}:{column}"


def load_study(path: Path) -> Study:
    """Read a study file; file names in it are relative to the file's own folder.

    Raises
    ------
    InputError
        The file or a table is unusable, a key is unknown or given twice, or a range is empty.
    """
    where, folder = str(path), path.parent
    spec = build(StudyFile, read_toml(path), where)
    _check_counts(spec, where)
    tables = {
        name: getattr(spec, name)
        for name in ("serving", "timetable", "decision", "chances", "project")
        if getattr(spec, name)
    }
    check_kind(spec.answer, tables, bool(spec.scenario), where)
    kind = KINDS.get(spec.answer)
    named = [(axis.zip, axis_block(axis, folder, where)) for axis in spec.axis]
    if spec.samples is not None:
        named.append((None, sample_block(spec.samples, where)))
    keys = [key for _, block in named for key in block.columns]
    for key in keys:
        _check_key(key, where, kind)
        if keys.count(key) > 1:
            raise InputError("two axes of one field", where=where, key=key, remedy="keep one of them")
    blocks = [
        Block({k: tuple(_beside(folder, k, v) for v in column) for k, column in block.columns.items()})
        for block in _zipped(named, where)
    ]
    blocks.sort(key=lambda block: all(key.partition(".")[0] in PLACE_FIELDS for key in block.columns))
    base = {k: _beside(folder, k, v) for k, v in spec.scenario.items()}
    if kind is not None:
        own = getattr(spec, kind.table)
        prefix = f"{kind.table}." if kind.of_scenario else ""
        own = {k: _beside(folder, prefix + k, v) for k, v in own.items()}
        check_table(kind, own, keys, f"{where}, [{kind.table}]")
        base = base | {kind.table: own} if kind.of_scenario else own
    if kind is None or kind.of_scenario:
        build(Scenario, {k: v for k, v in base.items() if kind is None or k != kind.table}, f"{where}, [scenario]")
    if "contracts" in base:
        raise InputError("a contract covers one run, and no study", where=where, key="scenario.contracts",
                         remedy="leave it out; estimate and choose take contracts")  # fmt: skip
    settled = one_basis(base, blocks, where, spec.answer)
    return Study(spec.name, spec.answer, base | settled, tuple(blocks), spec.keep, spec.shard_cases, tuple(settled))


def one_basis(base: dict[str, Any], blocks: Sequence[Block], where: str, answer: str = "estimate") -> dict[str, str]:
    """Return the one basis of carbon intensity that the regions of a study are compared on; nothing where it is given.

    Raises
    ------
    InputError
        The regions have none in common.
    """
    columns = {key: column for block in blocks for key, column in block.columns.items()}
    given = {"basis", "carbon_intensity_g_per_kwh", "hourly"} & (set(base) | set(columns))
    if given or "region" not in columns or (answer in KINDS and not KINDS[answer].of_scenario):
        return {}
    known = []
    for name in dict.fromkeys(columns["region"]):
        with suppress(InputError):  # an unknown region is its case's own error
            known.append(regions.place(str(name)))
    try:
        return {"basis": regions.common_basis(known)} if known else {}
    except InputError as error:
        error.where, error.key = where, "scenario.basis"
        raise


def _check_counts(spec: StudyFile, where: str) -> None:
    for key, value, low, high in (
        ("shard_cases", spec.shard_cases, 1, 1_000_000),
        ("keep.top", spec.keep.top, 1, 1000),
        *(("keep.quantiles", share, 0.0, 1.0) for share in spec.keep.quantiles),
    ):
        if not low <= value <= high:
            raise InputError(
                "out of range", where=where, key=key, value=value, allowed=f"{low} to {high}", remedy="correct it"
            )


def study_schema() -> dict[str, Any]:
    """Return the JSON Schema of a study file."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(StudyFile).json_schema()
    for part in (schema, *schema.get("$defs", {}).values()):
        part["additionalProperties"] = False
    return stamped("study", schema)
