"""``carbonscaling calibrate``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import Json, TomlFile

__all__ = ["calibrate"]


def _tell(runs: int, sources: int) -> None:
    """Say on standard error what begins: it prints nothing else for minutes."""
    if runs:
        said = f"fitting to {runs:,} runs of {sources:,} sources, then again with each source left out"
        print(f"{said}; the shipped ones take some minutes", file=sys.stderr, flush=True)


def calibrate(
    *,
    runs: Annotated[
        list[str] | None,
        Parameter(
            negative=(),
            help="Measured runs: a CSV with the columns of the shipped one, 'shipped', or a meter's file, which teaches power: "
            "codecarbon's emissions.csv, sacct, DCGM, nvidia-smi (repeatable).",
        ),
    ] = None,
    log: Annotated[
        list[str] | None,
        Parameter(
            negative=(),
            help="Megatron-LM or torchtitan log of a run of yours, or its emissions.csv (repeatable, with --scenario).",
        ),
    ] = None,
    scenario: Annotated[
        list[str] | None,
        Parameter(negative=(), help="Scenario file of each log, in order: model, device, devices, batch, layout."),
    ] = None,
    device: Annotated[
        str | None, Parameter(help="Accelerator that the meter read, where its file does not name one that is known.")
    ] = None,
    output: TomlFile = None,
    left_out: Annotated[str | None, Parameter(help="CSV of left-out predictions to write.")] = None,
    json: Json = False,
) -> None:
    """Fit the model's few physical constants to measured runs; intervals come from runs whose source was left out."""
    from dataclasses import replace

    from rich.console import Group

    from carbonscaling import evidence
    from carbonscaling.calibration.meters import meter_kind
    from carbonscaling.calibration.own_power import measured_power
    from carbonscaling.calibration.profile import Calibration, shipped_calibration, to_toml
    from carbonscaling.errors import InputError
    from carbonscaling.evidence.left_out import LeftOut
    from carbonscaling.evidence.row import read_runs
    from carbonscaling.reporting.jsonable import jsonable
    from carbonscaling.reporting.own_power import power_page
    from carbonscaling.reporting.validation import fitted_page, left_out_data
    from carbonscaling.study.scenario import load_scenario
    from carbonscaling.validate.speed.calibrate import calibrate as fit_all
    from carbonscaling.validate.speed.calibrate import left_out_csv
    from carbonscaling.validate.speed.logs import OWN, log_run

    names = runs or ([] if log else ["shipped"])
    tracked = [name for name in names if name != "shipped" and meter_kind(name) is not None]
    power = measured_power([Path(name) for name in tracked], device) if tracked else None
    names = [name for name in names if name not in tracked]
    rows = [r for n in names for r in (evidence.rows("runs") if n == "shipped" else read_runs(Path(n)))]
    if len(log or []) != len(scenario or []):
        raise InputError(
            "every log needs its scenario",
            key="scenario",
            allowed="as many --scenario as --log",
            remedy="give --log train.log --scenario train.toml",
        )
    logs = [log_run(Path(a), load_scenario(Path(b))) for a, b in zip(log or [], scenario or [], strict=True)]
    names += log or []

    def progress(source: str, done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\rleaving out source {done + 1} of {total}: {source[:50]:<50}", end="", file=sys.stderr, flush=True)

    sources = {row.get("source") or "" for row in rows} | {OWN for _ in logs}
    _tell(len(rows) + len(logs), len(sources))
    calibration: Calibration = shipped_calibration()  # power alone: speeds as shipped
    left: list[LeftOut] = []
    if rows or logs:
        calibration, left = fit_all(rows, f"fitted to {', '.join(Path(n).name for n in names)}", progress, logs)
    if power is not None:
        calibration = replace(calibration, title=f"{calibration.title}; power by {power.files}", power=power)
    if (rows or logs) and sys.stderr.isatty():
        print(file=sys.stderr)
    told = " --runs ".join(names + tracked)
    header = f"Fitted constants: carbonscaling calibrate --runs {told}\nGenerated; do not edit."
    if output:
        out.write_file(output, to_toml(calibration, header))
    if left_out:
        out.write_file(left_out, left_out_csv(left))
    if json:
        found = {"constants": len(calibration.constants), "interval": dict(calibration.interval)}
        out.show_json(jsonable(found | {"left_out": left_out_data(left), "power": power}))
        return
    page = fitted_page(calibration, left, len(rows) + len(logs), len(sources)) if sources else Group()
    out.show(Group(power_page(power), page) if power else page)
