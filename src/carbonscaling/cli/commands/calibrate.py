"""``carbonscaling calibrate``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import Json

__all__ = ["calibrate"]


def calibrate(
    *,
    runs: Annotated[
        list[str] | None,
        Parameter(help="Measured runs: a CSV with the columns of the shipped one, 'shipped', or a log (repeatable)."),
    ] = None,
    log: Annotated[
        list[str] | None,
        Parameter(help="Megatron-LM or torchtitan log of a run of yours (repeatable, with --scenario)."),
    ] = None,
    scenario: Annotated[
        list[str] | None, Parameter(help="Scenario file of each log, in order: model, device, devices, batch, layout.")
    ] = None,
    output: Annotated[str | None, Parameter(name=["--output", "-o"], help="Calibration file to write (TOML).")] = None,
    left_out: Annotated[str | None, Parameter(help="CSV of left-out predictions to write.")] = None,
    json: Json = False,
) -> None:
    """Fit the model's few physical constants to measured runs; intervals come from runs whose source was left out."""
    from carbonscaling import evidence
    from carbonscaling.calibration.profile import to_toml
    from carbonscaling.errors import InputError
    from carbonscaling.report.validation import left_out_data, left_out_page
    from carbonscaling.study.scenario import load_scenario
    from carbonscaling.validate.calibrate import calibrate as fit_all
    from carbonscaling.validate.calibrate import left_out_csv
    from carbonscaling.validate.logs import log_row
    from carbonscaling.validate.row import read_runs

    names = runs or ([] if log else ["shipped"])
    rows = [r for n in names for r in (evidence.rows("runs") if n == "shipped" else read_runs(Path(n)))]
    if len(log or []) != len(scenario or []):
        raise InputError(
            "every log needs its scenario",
            key="scenario",
            allowed="as many --scenario as --log",
            remedy="give --log train.log --scenario train.toml",
        )
    rows += [log_row(Path(a), load_scenario(Path(b))) for a, b in zip(log or [], scenario or [], strict=True)]
    names += log or []

    def progress(source: str, done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\rleaving out source {done + 1} of {total}: {source[:50]:<50}", end="", file=sys.stderr, flush=True)

    calibration, left = fit_all(rows, f"fitted to {', '.join(Path(n).name for n in names)}", progress)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    header = f"Fitted constants: carbonscaling calibrate --runs {' --runs '.join(names)}\nGenerated; do not edit."
    if output:
        out.write_file(output, to_toml(calibration, header))
    if left_out:
        out.write_file(left_out, left_out_csv(left))
    if json:
        data = left_out_data(left)
        out.show_json(
            {"constants": len(calibration.constants), "interval": dict(calibration.interval), "left_out": data}
        )
    else:
        out.show(left_out_page(left, detail=False))
