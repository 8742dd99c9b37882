"""The command tree; every command's module is imported when that command is run."""

from __future__ import annotations

from cyclopts import App

__all__ = ["COMMANDS", "build_app"]

COMMANDS: dict[tuple[str, ...], tuple[str, str]] = {
    ("plan",): ("plan:plan", "Find the best setting and device count that finish within the deadline."),
    ("estimate",): ("plan:estimate", "Say what a training run takes on a given number of devices."),
    ("inference",): ("inference:inference", "Say what serving a model takes, a request and a million tokens."),
    ("decide",): ("decide:decide", "Decide size and tokens together with what is served over the model's life."),
    ("scale",): ("scale:scale", "Show loss against carbon over model sizes."),
    ("batch",): ("batch:batch", "Show what a batch costs in tokens, and what published laws of it say."),
    ("explain",): ("explain:explain", "Show the arithmetic of an answer: formulas, numbers, sources."),
    ("cite",): ("cite:cite", "Print the BibTeX of an answer's methods and data, or of given keys."),
    ("accounts",): ("accounts:accounts", "Set published carbon accounts beside this project's figures."),
    ("sweep",): ("sweep:sweep", "Run a study of any size; what is done is kept and never done again."),
    ("query",): ("query:query", "Ask a study's results: SQL, or a canned view."),
    ("plot",): ("plot:plot", "Draw a study's results: curves, fronts, heat maps, tornados."),
    ("choose",): ("choose:choose", "Compare places, devices, counts, deadlines and start times by carbon and cost."),
    ("uncertainty",): ("uncertainty:uncertainty", "Show every figure's interval and what widens it most."),
    ("chances",): ("chances:chances", "Say by when a run is done, and under what it stays, with what probability."),
    ("report",): ("report:report", "Write a statement: model card, EU AI Act, SCI, ESRS, BoAmps, CSV, JSON."),
    ("serve",): ("serve:serve", "Open the planner for a browser, with the same answers by HTTP."),
    ("validate",): ("validate:validate", "Hold the models against published measurements."),
    ("reproduce",): ("reproduce:reproduce", "Reproduce both CarbonScaling papers, with a verdict for every claim."),
    ("calibrate",): ("calibrate:calibrate", "Fit the model's constants to measured runs."),
    ("robust",): (
        "robust:robust",
        "Show how firm an answer is: estimate and search again on constants from their ranges.",
    ),
    ("bench",): ("bench:bench", "Measure the speed of the search on this machine."),
    ("model", "show"): ("model:show", "Show a model: parameters and FLOPs by part."),
    ("model", "new"): ("model:new", "Write a model file to start your own from."),
    ("catalog", "list"): ("catalog:list_", "List what the catalogue holds."),
    ("catalog", "show"): ("catalog:show", "Show an entry: every number with unit, range, source and remark."),
    ("catalog", "check"): (
        "catalog:check",
        "Say which numbers of electricity, data centres and prices have grown old.",
    ),
    ("data", "list"): ("data:list_", "List the measurements that ship with the package."),
    ("data", "show"): ("data:show", "Show a data set: its columns and its sources."),
    ("completion",): ("completion:completion", "Print the script that completes commands and options in a shell."),
    ("schema",): ("schema:schema", "Print the JSON Schema of a scenario or of an answer."),
}
"""Where each command lives below ``carbonscaling.cli.commands``, and its line of help."""

GROUPS = {
    "model": "What a model is.",
    "catalog": "The numbers that ship, with their sources.",
    "data": "The measurements that ship, with their sources.",
}


def build_app() -> App:
    """Return the command tree."""
    from carbonscaling.cli.help_format import ColumnFormatter
    from carbonscaling.cli.pages import version

    app = App(
        name="carbonscaling",
        help="What it takes - devices, days, energy, carbon, money - to train a large language model.\n\n"
        "Exit codes: 0 done, 1 a bug, 2 unusable input, 3 nothing feasible, 4 sweep incomplete, 130 interrupted.",
        version=version,
        help_formatter=ColumnFormatter(),
        help_format="plaintext",
        result_action="return_value",
        print_error=False,
        exit_on_error=False,
        suppress_keyboard_interrupt=False,
    )
    groups = {name: App(name=name, help=text, sort_key=50) for name, text in GROUPS.items()}
    for place, (path, (target, text)) in enumerate(COMMANDS.items()):
        parent = groups[path[0]] if len(path) > 1 else app
        parent.command(f"carbonscaling.cli.commands.{target}", name=path[-1], help=text, sort_key=place)
    for group in groups.values():
        app.command(group)
    return app
