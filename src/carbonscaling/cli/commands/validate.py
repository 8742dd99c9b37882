"""``carbonscaling validate``."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.console import Group, RenderableType
from rich.text import Text

from carbonscaling.cli import output as out
from carbonscaling.cli.common import OUTPUT, Json, TableFile, asked

if TYPE_CHECKING:
    from carbonscaling.calibration.profile import Calibration
    from carbonscaling.validate.speed.runs import Replayed

__all__ = ["validate"]

SHIPPED = "shipped"

QUESTIONS = {
    "--page": (),
    "--where": ("--runs", "--calibration", "--scenarios", "--output", "--json"),
    "--ledger": ("--output", "--json"),
    "--trainings": ("--history", "--output", "--json"),
    "--inference": ("--output", "--json"),
    "--published": ("--output", "--json"),
    "--rows": ("--components", "--runs", "--output", "--json"),
    "--components": ("--baselines", "--runs", "--output", "--json"),
    "--baselines": ("--runs", "--output", "--json"),
    "--carbon-runs": ("--output", "--json"),
    "--runs": ("--calibration", "--scenarios", "--output", "--json"),
}
"""What is asked, the first of these that is given, and the options that say more about it."""


def _measured(file: str) -> list[dict[str, str]]:
    """Return the training configurations of a file, or the shipped ones."""
    from carbonscaling import evidence
    from carbonscaling.evidence.row import read_runs

    return evidence.rows("runs") if file == SHIPPED else read_runs(Path(file))


def _fit(calibration: str | None) -> Calibration:
    from carbonscaling.calibration.profile import load_calibration, shipped_calibration

    return load_calibration(Path(calibration)) if calibration else shipped_calibration()


def _write_scenarios(found: Replayed, folder: str, calibration: str | None) -> None:
    from carbonscaling.validate.speed.runs import write_scenarios

    n_written = write_scenarios(found, Path(folder), calibration or "shipped")
    sys.stderr.write(f"written: {n_written:,} scenarios in {folder}\n")


def _runs(file: str, calibration: str | None, output: str | None, scenarios: str | None, json: bool) -> None:
    """Replay measured configurations; write a prediction for every row, and its scenario."""
    from carbonscaling.evidence.left_out import shipped_left_out
    from carbonscaling.reporting import validation as pages
    from carbonscaling.validate.speed.runs import replay_file

    found = replay_file(_measured(file), _fit(calibration))
    if output is not None:
        _write_rows(output, found.csv())
    if scenarios is not None:
        _write_scenarios(found, scenarios, calibration)
    left = shipped_left_out() if file == SHIPPED and calibration is None else ()
    data = pages.replay_data(found.counts, found.reasons, found.aside, found.score) | {
        "left_out": pages.left_out_data(left)
    }
    page = pages.replay_page(file, found.counts, found.reasons, found.aside, found.score)
    out.hand_out(data, Group(page, Text(""), pages.left_out_page(left)) if left else page, json=json)


def _beside(
    file: str, calibration: str | None, where: list[str], output: str | None, scenarios: str | None, json: bool
) -> None:
    """Print measured and predicted speeds of the rows that meet conditions, row by row."""
    from carbonscaling.evidence.chosen import chosen
    from carbonscaling.reporting.jsonable import jsonable
    from carbonscaling.reporting.validation import beside_page
    from carbonscaling.validate.speed.beside import beside, scored
    from carbonscaling.validate.speed.runs import replay_file

    rows, fit = chosen(_measured(file), where), _fit(calibration)
    if scenarios is not None:
        _write_scenarios(replay_file(rows, fit), scenarios, calibration)
    found = beside(rows, fit)
    total = scored(found)
    data = {"rows": jsonable(found), "score": jsonable(total)}
    out.hand_out(data, beside_page(found, total), json=json, output=output)


def _parts(part: str | None, file: str, others: bool, json: bool, output: str | None) -> None:
    """Check parts of the model alone, or score the baselines on a file of runs."""
    from carbonscaling.baselines import compare
    from carbonscaling.evidence.left_out import shipped_left_out
    from carbonscaling.reporting import components as pages
    from carbonscaling.validate.parts.table import component_table
    from carbonscaling.validate.replay import completed_runs

    lines = component_table(part) if part is not None else ()
    # Ours on the shipped rows are predictions of fits that never saw the row's source.
    ours = {r.id: r.predicted for r in shipped_left_out() if r.fold == "source"} if file == SHIPPED else None
    table = compare(_measured(file) if others else (), ours, completed_runs() if others and file == SHIPPED else None)
    data = {"components": pages.components_data(lines), "baselines": pages.baselines_data(table)}
    page = [pages.components_page(lines), Text("")] if lines else []
    said = Group(*page, pages.baselines_page(table)) if others else Group(*page[:1])
    out.hand_out(data, said, json=json, output=output)


def _write_rows(output: str, text: str) -> None:
    """Write a table in CSV as the file's suffix says."""
    from carbonscaling.reporting.jsonable import to_json
    from carbonscaling.reporting.suffixes import TABLES, check_suffix, rows_as

    suffix = check_suffix(output, (*TABLES, ".json", ".md"))
    rows = list(csv.DictReader(io.StringIO(text)))
    out.write_file(output, text if suffix == ".csv" else to_json(rows) if suffix == ".json" else rows_as(suffix, rows))


def _rows(part: str, file: str, runs: str | None, output: str | None, json: bool) -> None:
    """Check a part of the model on a file of rows, and write what it says of each."""
    from carbonscaling.reporting.components import rows_data, rows_page
    from carbonscaling.validate.parts.table import component_rows

    found = component_rows(part, Path(file), None if runs in (None, SHIPPED) else _measured(str(runs)))
    if output is not None:
        _write_rows(output, found.csv())
    out.hand_out(rows_data(found), rows_page(found), json=json)


def _trainings(file: str, history: bool, output: str | None, json: bool) -> None:
    """Answer whole trainings before the fact, and score those whose hours were reported."""
    from carbonscaling.files import csv_text
    from carbonscaling.reporting.trainings import trainings_data, trainings_page
    from carbonscaling.validate.carbon import trainings

    checks = trainings.check_trainings(None if file == SHIPPED else Path(file), history=history)
    practice = trainings.fit_practice(checks if file == SHIPPED else trainings.check_trainings())
    if output is not None:
        _write_rows(output, csv_text(trainings.COLUMNS, map(vars, checks)))
    out.hand_out(trainings_data(checks, practice), trainings_page(checks, practice), json=json)


def _inference(file: str, output: str | None, json: bool) -> None:
    """Answer measured servings, and score what is said of them."""
    from carbonscaling.evidence.serving_row import read_servings
    from carbonscaling.reporting.servings import checked_data, checked_page
    from carbonscaling.validate.serving.check import check_servings, shipped_check

    found = shipped_check() if file == SHIPPED else check_servings(read_servings(Path(file)))
    if output is not None:
        out.write_file(output, found.csv())
    out.hand_out(checked_data(found), checked_page(found), json=json)


def _published() -> tuple[dict[str, Any], RenderableType]:
    """Return four whole runs: steady state, and device-hours with each run's published overhead."""
    from carbonscaling.baselines.peer_sets import peer_sets
    from carbonscaling.baselines.published import published_runs, score_methods
    from carbonscaling.reporting.published import published_data, published_page

    runs = published_runs()
    found = runs, score_methods(runs), peer_sets()
    return published_data(*found), published_page(*found)


def _ledger(json: bool, output: str | None) -> None:
    """Print first looks, each version on rows that it had never seen."""
    from carbonscaling.evidence.ledger import first_looks, ledger, ledger_of_servings, ledger_of_trainings
    from carbonscaling.reporting.ledger import ledger_data, ledger_page

    found = first_looks(), ledger(), ledger_of_servings(), ledger_of_trainings()
    out.hand_out(ledger_data(*found), ledger_page(*found), json=json, output=output)


def _carbon(file: str, json: bool, output: str | None) -> None:
    """Hold energy and carbon of trainings against what was published; with the shipped ones, power as well."""
    from carbonscaling.evidence.carbon_run import load_carbon_runs
    from carbonscaling.reporting import carbon_checks as pages
    from carbonscaling.reporting.jsonable import jsonable
    from carbonscaling.reporting.power_checks import work_page
    from carbonscaling.reporting.trainings import answered_page
    from carbonscaling.validate.carbon.energy import check_carbon_runs
    from carbonscaling.validate.carbon.trainings import check_hours, training_scores
    from carbonscaling.validate.parts import power_curves, power_fit, systems

    trained = load_carbon_runs(None if file == SHIPPED else file)
    checks, hours = check_carbon_runs(trained), check_hours(trained)
    data = {
        "carbon_runs": pages.carbon_runs_data(checks),
        "device_hours": jsonable(hours),
        "device_hours_summary": jsonable(training_scores(hours)),
    }
    page = [pages.carbon_runs_page(checks), answered_page(hours)]
    if file == SHIPPED:
        scores, caps, read = power_curves.score_power(), power_curves.score_caps(), systems.check_systems()
        by_work = power_fit.score_work()
        page += [pages.power_page(scores, caps), work_page(by_work), pages.systems_page(read)]
        data["power"] = pages.power_data(scores, caps, read) | {"by_work": jsonable(by_work)}
    out.hand_out(data, Group(*(part for one in page for part in (one, Text("")))), json=json, output=output)


def _page(folder: Path) -> None:
    """Write ``validation.md`` with every figure, and the scatter plot of left-out predictions."""
    from carbonscaling.baselines import compare
    from carbonscaling.evidence.left_out import shipped_left_out
    from carbonscaling.files import make_folder
    from carbonscaling.reporting import components, validation, validation_plot
    from carbonscaling.reporting.suffixes import as_text
    from carbonscaling.reporting.trainings import trainings_page
    from carbonscaling.validate.carbon.trainings import check_trainings, fit_practice
    from carbonscaling.validate.parts.table import component_table
    from carbonscaling.validate.replay import completed_runs

    held = [r for r in shipped_left_out() if r.fold == "source"]
    make_folder(folder)
    points = [validation_plot.PlotRow(r.device, r.measured, r.predicted, r.low, r.high) for r in held]
    figures = validation_plot.scatter(points, folder / "validation", "Each row predicted without its source")
    table = compare(_measured(SHIPPED), {r.id: r.predicted for r in held}, completed_runs())
    checks = check_trainings()
    parts = {
        "Speed of training runs": validation.left_out_page(shipped_left_out()),
        "Other methods on the same rows": components.baselines_page(table),
        "Four whole runs": _published()[1],
        "Whole trainings before the fact": trainings_page(checks, fit_practice(checks)),
        "Parts of the model alone": components.components_page(component_table("all")),
    }
    text = "# How right it is\n\nGenerated by `carbonscaling validate --page docs`; the fit is `carbonscaling calibrate`.\n"
    text += "\n![predicted against measured](validation.png)\n"
    for title, part in parts.items():
        text += f"\n## {title}\n\n```text\n{as_text(part).rstrip()}\n```\n"
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
    """Hold the models against published measurements; without a file, against the shipped ones.

    Raises
    ------
    InputError
        Options that say nothing about what the others ask.
    """
    said = {
        "--page": folder, "--where": where, "--ledger": ledger, "--trainings": trainings, "--inference": inference,
        "--published": published, "--rows": rows, "--components": components, "--baselines": baselines,
        "--carbon-runs": carbon_runs, "--runs": runs, "--calibration": calibration, "--history": history,
        "--scenarios": scenarios, "--output": output, "--json": json,
    }  # fmt: skip
    question = asked(said, QUESTIONS, "--runs")
    if question == "--page":
        _page(Path(str(folder)))
    elif question == "--where":
        _beside(runs or SHIPPED, calibration, where or [], output, scenarios, json)
    elif question == "--ledger":
        _ledger(json, output)
    elif question == "--trainings":
        _trainings(str(trainings), history, output, json)
    elif question == "--inference":
        _inference(str(inference), output, json)
    elif question == "--published":
        out.hand_out(*_published(), json=json, output=output)
    elif question == "--rows":
        _rows(components or "", str(rows), runs, output, json)
    elif question in ("--components", "--baselines"):
        _parts(components, runs or SHIPPED, baselines, json, output)
    elif question == "--carbon-runs":
        _carbon(str(carbon_runs), json, output)
    else:
        _runs(runs or SHIPPED, calibration, output, scenarios, json)
