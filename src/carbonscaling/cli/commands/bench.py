"""``carbonscaling bench``."""

from __future__ import annotations

import dataclasses
from typing import Annotated

from cyclopts import Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import OUTPUT, Json, PageFile, asked

__all__ = ["bench"]

QUESTIONS = {
    "--against": ("--json", "--output"),
    "--felt": ("--short", "--json", "--output"),
    "--peers": ("--json", "--output"),
    "--sweep": ("--json", "--output"),
    "a bench of the search": ("--large", "--json", "--output"),
}
"""What is measured, the first of these that is given, and the options that say more about it."""


def bench(
    *,
    large: Annotated[
        bool, Parameter(negative=(), help="Walk through a billion settings as well (a minute).", group=OUTPUT)
    ] = False,
    sweep: Annotated[
        bool, Parameter(negative=(), help="Measure studies instead, on one worker and on two.", group=OUTPUT)
    ] = False,
    felt: Annotated[
        bool,
        Parameter(negative=(), help="Measure what a user waits for instead, beside what is wanted.", group=OUTPUT),
    ] = False,
    short: Annotated[
        bool, Parameter(negative=(), help="With --felt: fewer repetitions, half a minute in all.", group=OUTPUT)
    ] = False,
    against: Annotated[
        str | None,
        Parameter(help="Folder of another version's source: ask the same of both, turn by turn.", group=OUTPUT),
    ] = None,
    peers: Annotated[
        str | None,
        Parameter(
            help="Measure full evaluations instead, beside Calculon's, of which this folder holds a copy.", group=OUTPUT
        ),
    ] = None,
    json: Json = False,
    output: PageFile = None,
) -> int:
    """Measure the search on this machine: settings decided per second, phases, growth, pruning, memory."""
    said = {
        "--against": against, "--felt": felt, "--peers": peers, "--sweep": sweep, "--large": large, "--short": short,
        "--json": json, "--output": output,
    }  # fmt: skip
    question = asked(said, QUESTIONS, "a bench of the search")
    if question == "--against":
        return _against(str(against), json, output)
    if question in ("--felt", "--peers"):
        return _felt(short, peers, json, output)
    if question == "--sweep":
        return _sweep(json, output)
    from carbonscaling.bench.search import bench as measure
    from carbonscaling.bench.search import summary
    from carbonscaling.reporting.bench import bench_page

    rows = []
    for row in measure(large=large):
        rows.append(row)
        out.remark(f"{row.name}: {row.seconds:.3g} s")
    data = {
        "summary": summary(rows),
        "rows": [{**dataclasses.asdict(row), "candidates_per_s": row.candidates_per_s} for row in rows],
    }
    return out.hand_out(data, bench_page(rows, summary(rows)), json=json, output=output)


def _felt(short: bool, folder: str | None, json: bool, output: str | None) -> int:
    from carbonscaling.bench.felt import SHORT, felt
    from carbonscaling.bench.peers import peers
    from carbonscaling.reporting.bench import bench_felt_page

    rows = []
    for row in peers(folder) if folder is not None else felt(SHORT if short else None):
        rows.append(row)
        out.remark(f"{row.what}: {row.value:.3g} {row.unit}")
    data = [{**dataclasses.asdict(row), "ratio": row.ratio} for row in rows]
    return out.hand_out({"rows": data}, bench_felt_page(rows), json=json, output=output)


def _against(source: str, json: bool, output: str | None) -> int:
    from pathlib import Path

    from carbonscaling import __version__
    from carbonscaling.bench.versions import against, version_in
    from carbonscaling.reporting.bench import bench_against_page

    before, rows = version_in(Path(source)), []
    for row in against(Path(source)):
        rows.append(row)
        out.remark(f"{row.what}: {row.before:.3g} s, now {row.now:.3g} s")
    data = [{**dataclasses.asdict(row), "ratio": row.ratio} for row in rows]
    page = bench_against_page(rows, before, __version__)
    return out.hand_out({"before": before, "now": __version__, "rows": data}, page, json=json, output=output)


def _sweep(json: bool, output: str | None) -> int:
    from carbonscaling.bench.sweep import bench_sweep, sweep_summary
    from carbonscaling.reporting.bench import bench_sweep_page

    rows = list(bench_sweep())
    data = {"summary": sweep_summary(rows), "rows": [dataclasses.asdict(row) for row in rows]}
    return out.hand_out(data, bench_sweep_page(rows, sweep_summary(rows)), json=json, output=output)
