"""``carbonscaling validate``."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import RenderableType

from carbonscaling.cli import output as out
from carbonscaling.cli.common import OUTPUT, Json, TableFile

__all__ = ["validate"]

SHIPPED = "shipped"


def _runs(file: str, calibration: str | None, output: str | None, scenarios: str | None, json: bool) -> None:
    """Replay measured configurations; write a prediction for every row, and its scenario."""
    from rich.console import Group
    from rich.text import Text

    from carbonscaling import evidence
    from carbonscaling.calibration.profile import load_calibration, shipped_calibration
    from carbonscaling.evidence.left_out import shipped_left_out
    from carbonscaling.evidence.row import read_runs
    from carbonscaling.reporting import validation as pages
    from carbonscaling.validate.speed import runs as replayed

    shipped = file == SHIPPED
    rows = evidence.rows("runs") if shipped else read_runs(Path(file))
    fitted = load_calibration(Path(calibration)) if calibration else shipped_calibration()
    found = replayed.replay_file(rows, fitted)
    if output is not None:
        _write_rows(output, found.csv())
    if scenarios is not None:
        n_written = replayed.write_scenarios(found, Path(scenarios), calibration or "shipped")
        sys.stderr.write(f"written: {n_written:,} scenarios in {scenarios}\n")
    left = shipped_left_out() if shipped and calibration is None else ()
    if json:
        out.show_json(
            pages.replay_data(found.counts, found.reasons, found.score) | {"left_out": pages.left_out_data(left)}
        )
        return
    page = pages.replay_page(file, found.counts, found.reasons, found.score)
    out.show(Group(page, Text(""), pages.left_out_page(left)) if left else page)


def _beside(file: str, calibration: str | None, where: list[str], output: str | None, json: bool) -> None:
    """Print measured and predicted speeds of the rows that meet conditions, row by row."""
    from carbonscaling import evidence
    from carbonscaling.calibration.profile import load_calibration, shipped_calibration
    from carbonscaling.evidence.chosen import chosen
    from carbonscaling.evidence.row import read_runs
    from carbonscaling.reporting import validation as pages
    from carbonscaling.reporting.jsonable import jsonable
    from carbonscaling.validate.speed.beside import beside, scored

    rows = evidence.rows("runs") if file == SHIPPED else read_runs(Path(file))
    found = beside(chosen(rows, where), load_calibration(Path(calibration)) if calibration else shipped_calibration())
    total = scored(found)
    data = {"rows": jsonable(found), "score": jsonable(total)}
    out.hand_out(data, pages.beside_page(found, total), json=json, output=output)


def _parts(part: str | None, file: str, others: bool, json: bool) -> None:
    """Check parts of the model alone, or score the baselines on a file of runs."""
    from rich.console import Group
    from rich.text import Text

    from carbonscaling import evidence
    from carbonscaling.baselines import compare
    from carbonscaling.evidence.row import read_runs
    from carbonscaling.reporting import components as pages
    from carbonscaling.validate.parts.table import component_table
    from carbonscaling.validate.replay import completed_runs

    lines = component_table(part) if part is not None else ()
    rows = () if not others else evidence.rows("runs") if file == SHIPPED else read_runs(Path(file))
    from carbonscaling.evidence.left_out import shipped_left_out

    # Ours on the shipped rows are predictions of fits that never saw the row's source.
    ours = {r.id: r.predicted for r in shipped_left_out() if r.fold == "source"} if file == SHIPPED else None
    table = compare(rows, ours, completed_runs() if others and file == SHIPPED else None)
    if json:
        out.show_json({"components": pages.components_data(lines), "baselines": pages.baselines_data(table)})
        return
    page = [pages.components_page(lines), Text("")] if lines else []
    out.show(Group(*page, pages.baselines_page(table)) if others else Group(*page[:1]))


def _write_rows(output: str, text: str) -> None:
    """Write a table in CSV as the file's suffix says."""
    from carbonscaling.reporting.jsonable import to_json
    from carbonscaling.reporting.suffixes import TABLES, check_suffix, rows_as

    suffix = check_suffix(output, (*TABLES, ".json", ".md"))
    rows = list(csv.DictReader(io.StringIO(text)))
    out.write_file(output, text if suffix == ".csv" else to_json(rows) if suffix == ".json" else rows_as(suffix, rows))


def _rows(part: str, file: str, runs: str | None, output: str | None, json: bool) -> None:
    """Check a part of the model on a file of rows, and write what it says of each."""
    from carbonscaling.evidence.row import read_runs
    from carbonscaling.reporting import components as pages
    from carbonscaling.validate.parts.table import component_rows

    known = None if runs in (None, SHIPPED) else read_runs(Path(str(runs)))
    found = component_rows(part, Path(file), known)
    if output is not None:
        _write_rows(output, found.csv())
    if json:
        out.show_json(pages.rows_data(found))
    else:
        out.show(pages.rows_page(found))


def _trainings(file: str, history: bool, output: str | None, json: bool) -> None:
    """Answer whole trainings before the fact, and score those whose hours were reported."""
    from carbonscaling.files import csv_text
    from carbonscaling.reporting.trainings import trainings_data, trainings_page
    from carbonscaling.validate.carbon import trainings

    checks = trainings.check_trainings(None if file == SHIPPED else Path(file), history=history)
    practice = trainings.fit_practice(checks if file == SHIPPED else trainings.check_trainings())
    if output is not None:
        _write_rows(output, csv_text(trainings.COLUMNS, map(vars, checks)))
    if json:
        out.show_json(trainings_data(checks, practice))
    else:
        out.show(trainings_page(checks, practice))


def _inference(file: str, output: str | None, json: bool) -> None:
    """Answer measured servings, and score what is said of them."""
    from carbonscaling.evidence.serving_row import read_servings
    from carbonscaling.reporting.servings import checked_data, checked_page
    from carbonscaling.validate.serving.check import check_servings, shipped_check

    found = shipped_check() if file == SHIPPED else check_servings(read_servings(Path(file)))
    if output is not None:
        out.write_file(output, found.csv())
    if json:
        out.show_json(checked_data(found))
    else:
        out.show(checked_page(found))


def _published_page() -> RenderableType:
    from carbonscaling.baselines.peer_sets import peer_sets
    from carbonscaling.baselines.published import published_runs, score_methods
    from carbonscaling.reporting.published import published_page

    runs = published_runs()
    return published_page(runs, score_methods(runs), peer_sets())


def _published(json: bool) -> None:
    """Four whole runs: steady state, and device-hours with each run's published overhead."""
    if not json:
        out.show(_published_page())
        return
    from carbonscaling.baselines.peer_sets import peer_sets
    from carbonscaling.baselines.published import published_runs, score_methods
    from carbonscaling.reporting.published import published_data

    runs = published_runs()
    out.show_json(published_data(runs, score_methods(runs), peer_sets()))


def _page(folder: Path) -> None:
    """Write ``validation.md`` with every figure, and the scatter plot of left-out predictions."""
    from carbonscaling import evidence
    from carbonscaling.baselines import compare
    from carbonscaling.evidence.left_out import shipped_left_out
    from carbonscaling.files import make_folder
    from carbonscaling.reporting import components, validation, validation_plot
    from carbonscaling.reporting.trainings import trainings_page
    from carbonscaling.validate.carbon.trainings import check_trainings, fit_practice
    from carbonscaling.validate.parts.table import component_table
    from carbonscaling.validate.replay import completed_runs

    held = [r for r in shipped_left_out() if r.fold == "source"]
    make_folder(folder)
    points = [validation_plot.PlotRow(r.device, r.measured, r.predicted, r.low, r.high) for r in held]
    figures = validation_plot.scatter(points, folder / "validation", "Each row predicted without its source")
    table = compare(evidence.rows("runs"), {r.id: r.predicted for r in held}, completed_runs())
    checks = check_trainings()
    parts = {
        "Speed of training runs": validation.left_out_page(shipped_left_out()),
        "Other methods on the same rows": components.baselines_page(table),
        "Four whole runs": _published_page(),
        "Whole trainings before the fact": trainings_page(checks, fit_practice(checks)),
        "Parts of the model alone": components.components_page(component_table("all")),
    }
    text = "# How right it is\n\nGenerated by `carbonscaling validate --page docs`; the fit is `carbonscaling calibrate`.\n"
    text += "\n![predicted against measured](validation.png)\n"
    for title, part in parts.items():
        text += f"\n## {title}\n\n```text\n{validation.as_text(part)}\n```\n"
    out.write_file(str(folder / "validation.md"), text)
    for figure in figures:
        out.tell_written(str(figure))


def validate(
    *,
    runs: Annotated[
        str | None,
        Parameter(
            help="Training configurations: a CSV file with the columns of the shipped one, or 'shipped' (default)."
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        Parameter(
            help="Only runs that meet this, row by row: COLUMN=VALUE, COLUMN>=NUMBER or COLUMN<=NUMBER of the shipped file, for"
            " instance mode=lora; as often as needed, all must hold.",
            negative=(),
        ),
    ] = None,
    calibration: Annotated[
        str | None, Parameter(help="Calibration file to predict with (default: the shipped one).")
    ] = None,
    carbon_runs: Annotated[
        str | None,
        Parameter(
            help="Trainings with energy and carbon: a CSV file with the columns of the shipped one, or 'shipped'."
        ),
    ] = None,
    trainings: Annotated[
        str | None,
        Parameter(
            help="Whole trainings to predict before the fact: a CSV file with the columns of the shipped one, or 'shipped'."
        ),
    ] = None,
    history: Annotated[
        bool, Parameter(negative=(), help="With --trainings: a maker's own earlier trainings narrow what it needs.")
    ] = False,
    inference: Annotated[
        str | None,
        Parameter(
            help="Servings with tokens a second, watts or J: a CSV file with the columns of the shipped one, or 'shipped'."
        ),
    ] = None,
    components: Annotated[
        str | None,
        Parameter(
            help="Check one part of the model alone: gemm, collectives, memory, oom, power, pipeline, megatron, or all."
        ),
    ] = None,
    rows: Annotated[
        str | None,
        Parameter(
            help="With --components gemm, collectives, memory, oom or power: a CSV file of your own rows, columns as in the"
            " shipped file; --runs names the runs that rows of memory refer to."
        ),
    ] = None,
    scenarios: Annotated[
        str | None,
        Parameter(
            help="Folder to write the scenario of every usable row to, as ID.toml: carbonscaling estimate answers it with the"
            " same speed and memory.",
            group=OUTPUT,
        ),
    ] = None,
    ledger: Annotated[
        bool, Parameter(negative=(), help="First looks: each version on rows that it had never seen, by source.")
    ] = False,
    published: Annotated[
        bool, Parameter(negative=(), help="Four whole runs with published overhead: speed and device-hours.")
    ] = False,
    baselines: Annotated[bool, Parameter(negative=(), help="Score what others predict for the same runs.")] = False,
    folder: Annotated[
        str | None,
        Parameter(name="--page", help="Folder to write the validation page and its figure to, from the shipped rows."),
    ] = None,
    json: Json = False,
    output: TableFile = None,
) -> None:
    """Hold the models against published measurements; without a file, against the shipped ones."""
    if folder is not None:
        _page(Path(folder))
        return
    if where:
        _beside(runs or SHIPPED, calibration, where, output, json)
        return
    if ledger:
        from carbonscaling.evidence.ledger import first_looks, ledger_of_servings
        from carbonscaling.evidence.ledger import ledger as entries
        from carbonscaling.reporting.ledger import ledger_data, ledger_page

        all_of_it = first_looks(), entries(), ledger_of_servings()
        out.hand_out(ledger_data(*all_of_it), ledger_page(*all_of_it), json=json, output=output)
        return
    if trainings is not None:
        _trainings(trainings, history, output, json)
        return
    if inference is not None:
        _inference(inference, output, json)
        return
    if published:
        _published(json)
        return
    if rows is not None:
        _rows(components or "", rows, runs, output, json)
        return
    if components is not None or baselines:
        _parts(components, runs or SHIPPED, baselines, json)
        return
    if carbon_runs is None:
        _runs(runs or SHIPPED, calibration, output, scenarios, json)
        return
    from rich.console import Group
    from rich.text import Text

    from carbonscaling.evidence.carbon_run import load_carbon_runs
    from carbonscaling.reporting import carbon_checks as pages
    from carbonscaling.reporting.jsonable import jsonable
    from carbonscaling.reporting.power_checks import work_page
    from carbonscaling.reporting.trainings import answered_page
    from carbonscaling.validate.carbon.energy import check_carbon_runs
    from carbonscaling.validate.carbon.trainings import check_hours, training_scores
    from carbonscaling.validate.parts import power_curves, power_fit, systems

    own = carbon_runs not in (None, SHIPPED)
    trained = load_carbon_runs(carbon_runs if own else None)
    checks, hours = check_carbon_runs(trained), check_hours(trained)
    data = {
        "carbon_runs": pages.carbon_runs_data(checks),
        "device_hours": jsonable(hours),
        "device_hours_summary": jsonable(training_scores(hours)),
    }
    page = [pages.carbon_runs_page(checks), answered_page(hours)]
    if not own:
        scores, caps, read = power_curves.score_power(), power_curves.score_caps(), systems.check_systems()
        by_work = power_fit.score_work()
        page += [pages.power_page(scores, caps), work_page(by_work)]
        page += [pages.systems_page(read)]
        data |= {
            "power": pages.power_data(scores, caps, read) | {"by_work": jsonable(by_work)},
        }
    out.hand_out(data, Group(*(part for one in page for part in (one, Text("")))), json=json, output=output)
